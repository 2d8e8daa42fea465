/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Into the fuzzer's sandbox, and out of it by whatever event comes first
 *
 * This text is mapped at the same address in Linux's and in the sandbox's page
 * table, and so is fuzz_sandbox. Nothing else of Linux is there. All of it is
 * in pages of its own.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>

#include "fuzz_sandbox.h"

#define CTX(field)	fuzz_sandbox + CTX_##field(%rip)
#define GPR_IN(number)	fuzz_sandbox + CTX_TRIAL_GPR + 8 * number(%rip)
#define GPR_OUT(number)	fuzz_sandbox + CTX_OUT_GPR + 8 * number(%rip)

	.text
	.balign	4096
SYM_FUNC_START_NOALIGN(fuzz_text)

/* An entry for each vector. They differ in how much the CPU has pushed. */
	.balign	SANDBOX_STUB_SIZE
SYM_INNER_LABEL(fuzz_stubs, SYM_L_GLOBAL)
vector = 0
	.rept	256
	.balign	SANDBOX_STUB_SIZE
	endbr64
	push	$vector
	.byte	0xe9			/* a JMP of constant size */
	.long	came_out - . - 4
vector = vector + 1
	.endr

/* SYSCALL leaves RSP alone, and SYSENTER loads one that is as good as ours. */
	.balign	SANDBOX_STUB_SIZE
SYM_INNER_LABEL(fuzz_syscall, SYM_L_GLOBAL)
	endbr64
	mov	%rsp, CTX(LANDING_RSP)
	lea	fuzz_sandbox + SANDBOX_STACK_TOP(%rip), %rsp
	push	%rax			/* SS: not looked at */
	push	CTX(LANDING_RSP)
	pushfq
	push	$SANDBOX_KERNEL_CS
	push	$0
	push	$SANDBOX_SYSCALL
	jmp	came_out

	.balign	SANDBOX_STUB_SIZE
SYM_INNER_LABEL(fuzz_sysenter, SYM_L_GLOBAL)
	endbr64
	mov	%rsp, CTX(LANDING_RSP)
	lea	fuzz_sandbox + SANDBOX_STACK_TOP(%rip), %rsp
	push	%rax
	push	CTX(LANDING_RSP)
	pushfq
	push	$SANDBOX_KERNEL_CS
	push	$0
	push	$SANDBOX_SYSENTER
	jmp	came_out

/*
 * Not from the sandbox, but from Linux's code that looks after it: an NMI, which
 * is counted and handed on later; an exception that is expected; or a bug, for
 * Linux's own handlers to report.
 */
.Lnot_active:
	cmpq	$2, (%rsp)
	jne	1f
	incq	CTX(NMIS)
	add	$8, %rsp
	iretq
1:	push	%rax
	lea	fuzz_sandbox + SANDBOX_STACK_TOP - 56(%rip), %rax
	add	$8, %rsp
	cmp	%rsp, %rax
	mov	-8(%rsp), %rax
	jne	2f
	add	$8, %rsp		/* an error code */
2:	add	$8, %rsp		/* the vector */
	cmpq	$0, CTX(FIXUP)
	je	3f
	push	%rax
	mov	CTX(FIXUP), %rax
	movq	$0, CTX(FIXUP)
	mov	%rax, 8(%rsp)
	pop	%rax
	iretq
3:	lidt	CTX(KERNEL_IDTR)
	iretq

came_out:
	cmpq	$0, CTX(ACTIVE)
	je	.Lnot_active
	mov	%rax, GPR_OUT(0)
	mov	%rcx, GPR_OUT(1)
	mov	%rdx, GPR_OUT(2)
	mov	%rbx, GPR_OUT(3)
	mov	%rbp, GPR_OUT(5)
	mov	%rsi, GPR_OUT(6)
	mov	%rdi, GPR_OUT(7)
	mov	%r8, GPR_OUT(8)
	mov	%r9, GPR_OUT(9)
	mov	%r10, GPR_OUT(10)
	mov	%r11, GPR_OUT(11)
	mov	%r12, GPR_OUT(12)
	mov	%r13, GPR_OUT(13)
	mov	%r14, GPR_OUT(14)
	mov	%r15, GPR_OUT(15)
	mov	%rsp, CTX(OUT_FRAME)
	cld

	/* Breakpoints first, lest one hits here. */
	mov	%dr6, %rax
	mov	%rax, CTX(OUT_DR6)
	mov	%dr7, %rax
	mov	%rax, CTX(OUT_DR7)
	cmp	$DR7_FIXED, %rax
	je	1f
	mov	$DR7_FIXED, %eax
	mov	%rax, %dr7
1:
	/* PCIDE can only be set again while CR3 has no PCID. */
	mov	%cr2, %rax
	mov	%rax, CTX(OUT_CR2)
	mov	%cr3, %rax
	mov	%rax, CTX(OUT_CR3)
	mov	CTX(CR3), %rcx
	cmp	%rax, %rcx
	je	1f
	mov	%rcx, %cr3
1:	mov	%cr0, %rax
	mov	%rax, CTX(OUT_CR0)
	mov	CTX(BASE_CR0), %rcx
	cmp	%rax, %rcx
	je	1f
	mov	%rcx, %cr0
1:	mov	%cr4, %rax
	mov	%rax, CTX(OUT_CR4)
	mov	CTX(BASE_CR4), %rcx
	cmp	%rax, %rcx
	je	1f
	mov	%rcx, %cr4
1:	mov	%cr8, %rax
	mov	%rax, CTX(OUT_CR8)

	mov	%ds, %eax
	mov	%rax, CTX(OUT_DS)
	mov	%es, %eax
	mov	%rax, CTX(OUT_ES)
	mov	%fs, %eax
	mov	%rax, CTX(OUT_FS)
	mov	%gs, %eax
	mov	%rax, CTX(OUT_GS)
	xor	%eax, %eax
	sldt	%ax
	mov	%rax, CTX(OUT_LDTR)
	str	%ax
	mov	%rax, CTX(OUT_TR)
	rdfsbase %rax
	mov	%rax, CTX(OUT_FS_BASE)
	rdgsbase %rax
	mov	%rax, CTX(OUT_GS_BASE)
	sgdt	CTX(OUT_GDTR)
	sidt	CTX(OUT_IDTR)

	/* Each of these exits under the register guard: only if need be. */
	mov	CTX(GDTR), %rax
	cmp	%rax, CTX(OUT_GDTR)
	jne	1f
	mov	8 + CTX(GDTR), %ax
	cmp	%ax, 8 + CTX(OUT_GDTR)
	je	2f
1:	lgdt	CTX(GDTR)
2:	mov	CTX(IDTR), %rax
	cmp	%rax, CTX(OUT_IDTR)
	jne	1f
	mov	8 + CTX(IDTR), %ax
	cmp	%ax, 8 + CTX(OUT_IDTR)
	je	2f
1:	lidt	CTX(IDTR)
2:

	/* Without NXE, Linux's page table would be full of reserved bits. */
	mov	$MSR_EFER, %ecx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, CTX(OUT_EFER)
	cmp	%rax, CTX(BASE_EFER)
	je	1f
	mov	CTX(BASE_EFER), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
1:
	/* Back to Linux, as fuzz_enter()'s caller knows it */
	mov	CTX(KERNEL_CR3), %rax
	mov	%rax, %cr3
	mov	$SANDBOX_KERNEL_DS, %eax
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	CTX(KERNEL_FS_BASE), %rax
	wrfsbase %rax
	mov	CTX(KERNEL_GS_BASE), %rax
	wrgsbase %rax
	mov	CTX(SAVED_RSP), %rsp
	movq	$0, CTX(ACTIVE)
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	RET
SYM_FUNC_END(fuzz_text)
STACK_FRAME_NON_STANDARD fuzz_text

/**
 * fuzz_enter - run the trial in fuzz_sandbox.context until an event ends it
 *
 * Interrupts are off, and the sandbox's GDT, IDT, LDT and TSS are loaded.
 */
SYM_FUNC_START(fuzz_enter)
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	mov	%rsp, CTX(SAVED_RSP)
	movq	$1, CTX(ACTIVE)
	mov	CTX(CR3), %rax
	mov	%rax, %cr3
	lea	fuzz_sandbox + CTX_TRIAL_FRAME(%rip), %rsp

	mov	$SANDBOX_USER_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	CTX(TRIAL_FS_BASE), %rax
	wrfsbase %rax
	mov	CTX(TRIAL_GS_BASE), %rax
	wrgsbase %rax
	xor	%eax, %eax
	mov	%rax, %cr2

	mov	CTX(TRIAL_CR4), %rax
	cmp	%rax, CTX(BASE_CR4)
	je	1f
	mov	%rax, %cr4
1:	mov	CTX(TRIAL_CR0), %rax
	cmp	%rax, CTX(BASE_CR0)
	je	1f
	mov	%rax, %cr0
1:	mov	CTX(TRIAL_DR7), %rax
	cmp	$DR7_FIXED, %rax
	je	1f
	mov	%rax, %dr7
1:
	mov	GPR_IN(0), %rax
	mov	GPR_IN(1), %rcx
	mov	GPR_IN(2), %rdx
	mov	GPR_IN(3), %rbx
	mov	GPR_IN(5), %rbp
	mov	GPR_IN(6), %rsi
	mov	GPR_IN(7), %rdi
	mov	GPR_IN(8), %r8
	mov	GPR_IN(9), %r9
	mov	GPR_IN(10), %r10
	mov	GPR_IN(11), %r11
	mov	GPR_IN(12), %r12
	mov	GPR_IN(13), %r13
	mov	GPR_IN(14), %r14
	mov	GPR_IN(15), %r15
	iretq
	RET			/* not reached: for objtool, who wants one */
SYM_FUNC_END(fuzz_enter)
STACK_FRAME_NON_STANDARD fuzz_enter

	.balign	4096, 0xcc
SYM_INNER_LABEL(fuzz_text_end, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	int3			/* what the annotation is about */

	.section .note.GNU-stack, "", @progbits
