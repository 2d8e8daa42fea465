/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What C cannot say: any registers, and two places to return to
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

/* struct vuln_jump */
#define JUMP_RIP	0
#define JUMP_RSP	8
#define JUMP_RAX	16
#define JUMP_RCX	24
#define JUMP_RDX	32
#define JUMP_RSI	40
#define JUMP_RDI	48
#define JUMP_R8		56
#define JUMP_R9		64
#define JUMP_R10	72
#define JUMP_R11	80

/* As in vuln_module.h */
#define VULN_RACE_RESULT	0x7e57

	.bss
	.balign	8
/* Where enter() returns to vuln_enter(); one at a time */
SYM_DATA_LOCAL(enter_stack, .skip 8)

	.text

/*
 * By IRET: IBT does not look at it, and nothing is written to the new stack.
 * Without a stack of its own, the code returns to vuln_enter().
 */
SYM_FUNC_START_LOCAL(enter)
	movq	%rsp, enter_stack(%rip)
	movq	%rsp, %rcx
	movq	JUMP_RSP(%rdi), %rax
	testq	%rax, %rax
	cmovzq	%rcx, %rax
	pushq	$__KERNEL_DS
	pushq	%rax
	pushfq
	pushq	$__KERNEL_CS
	pushq	JUMP_RIP(%rdi)
	movq	JUMP_RAX(%rdi), %rax
	movq	JUMP_RCX(%rdi), %rcx
	movq	JUMP_RDX(%rdi), %rdx
	movq	JUMP_RSI(%rdi), %rsi
	movq	JUMP_R8(%rdi), %r8
	movq	JUMP_R9(%rdi), %r9
	movq	JUMP_R10(%rdi), %r10
	movq	JUMP_R11(%rdi), %r11
	movq	JUMP_RDI(%rdi), %rdi
	iretq
	/* Never reached; it tells objtool that what is called here returns. */
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(enter)

/* u64 vuln_enter(const struct vuln_jump *): what is in RAX in the end */
SYM_FUNC_START(vuln_enter)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	call	enter
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	RET
SYM_FUNC_END(vuln_enter)

/* Where a chain of returns on another stack may end: vuln_enter() returns. */
SYM_FUNC_START(vuln_leave)
	movq	enter_stack(%rip), %rsp
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(vuln_leave)

/*
 * VMFUNC, to be jumped to; what it does is in RAX and RCX. Then RSI is written to
 * where RDI points. RAX: -1 if not
 */
SYM_FUNC_START(vuln_vmfunc)
1:	vmfunc
	movq	%rsi, (%rdi)
	xorl	%eax, %eax
	RET
2:	movq	$-1, %rax
	RET
	_ASM_EXTABLE(1b, 2b)
SYM_FUNC_END(vuln_vmfunc)

/* A chain of returns may write CR4: MOV, RET, as older kernels had it. */
SYM_FUNC_START(vuln_set_cr4)
	movq	%rdi, %cr4
	RET
SYM_FUNC_END(vuln_set_cr4)

/*
 * void vuln_race_rounds(struct vuln_file *file, struct vuln_race *r)
 *
 * Rounds are left in R13 as long as it goes on; that they are not only tells
 * objtool that there is a way to vuln_race_strayed.
 */
SYM_FUNC_START(vuln_race_rounds)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rdi, %rbx
	movq	%rsi, %r12
	movq	(%rsi), %r13
	xorl	%ebp, %ebp
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	testq	%r13, %r13
	jz	3f
1:	movq	%rbx, %rdi
	movq	%r12, %rsi
	call	vuln_race_function
SYM_INNER_LABEL(vuln_race_returned, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	testq	%r13, %r13
	jz	vuln_race_strayed
	incq	%r14
	cmpq	$VULN_RACE_RESULT, %rax
	je	2f
	incq	%rbp
	jmp	2f
SYM_INNER_LABEL(vuln_race_strayed, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	incq	vuln_race_strays(%rip)
	incq	%r15
2:	decq	%r13
	jnz	1b
3:	movq	%r14, 16(%r12)
	movq	%r15, 24(%r12)
	movq	%rbp, 32(%r12)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	RET
SYM_FUNC_END(vuln_race_rounds)

/*
 * u64 vuln_detour(void): whether the function returned to where it should not. It
 * never returns 0; the way from there is objtool's.
 */
SYM_FUNC_START(vuln_detour)
	subq	$8, %rsp
	call	vuln_detour_function
	testq	%rax, %rax
	jz	vuln_detour_strayed
	xorl	%eax, %eax
	jmp	1f
SYM_INNER_LABEL(vuln_detour_strayed, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	movl	$1, %eax
1:	addq	$8, %rsp
	RET
SYM_FUNC_END(vuln_detour)

/*
 * void vuln_nest_search(struct vuln_nest *n): bsearch() in itself, which never returns
 * anything else
 */
SYM_FUNC_START(vuln_nest_search)
	pushq	%rbx
	movq	%rdi, %rbx
	movq	%rdi, %rsi
	movl	$1, %edx
	movl	$8, %ecx
	leaq	vuln_nest_compare(%rip), %r8
	call	bsearch
SYM_INNER_LABEL(vuln_nest_returned, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	cmpq	%rbx, %rax
	je	1f
SYM_INNER_LABEL(vuln_nest_strayed, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	movq	$1, 8(%rbx)
1:	popq	%rbx
	RET
SYM_FUNC_END(vuln_nest_search)

	.section .note.GNU-stack, "", @progbits
