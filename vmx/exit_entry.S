/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the way into the guest, out of it, and away from it
 */
#include "guest_regs.S"
#include "layout.h"

	.section .text, "ax"

/* ENDBR64 where Linux jumps or returns to by pointer: it may have IBT on */
.macro ENTRY_POINT name
	.balign 16
	.globl \name
	.hidden \name
\name:
	endbr64
.endm

/**
 * vmx_exit_entry - HOST_RIP
 *
 * HOST_RSP is the end of the vCPU's guest_regs, so pushing fills them, and
 * what is below is the vCPU itself. No register of the guest's reaches C code
 * but through there.
 */
	.balign 16
	.globl vmx_exit_entry
	.hidden vmx_exit_entry
vmx_exit_entry:
	PUSH_REGS
	mov	%rsp, %rdi
	lea	VCPU_STACK_TOP(%rsp), %rsp

	/*
	 * The guest filled the registers; a mispredicted branch in root should
	 * not find its values there.
	 */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	call	vmx_handle_exit

/*
 * vmx_resume - back into the guest
 *
 * An NMI or a machine check can come at any of these instructions and must not
 * wait for the next exit, which may be seconds away. Its handler sets "work",
 * and where it finds the CPU between the look at "work" and VMRESUME, it sends
 * it to vmx_resume_again. That is possible at each of them because the guest's
 * registers stay in memory until the guest itself changes them.
 *
 * VERW clears the CPU's buffers where they leak (MDS, TAA, RFDS, stale MMIO
 * data): they may hold what Linux had in registers at an earlier exit, and ring
 * 3 may be next, without passing the VERW that Linux has on its own way there.
 */
vmx_resume_again:
	/* RSP is anywhere in the vCPU's first page or on its stack */
	and	$-VCPU_STRIDE, %rsp
	mov	%rsp, %rdi
	lea	VCPU_STACK_TOP(%rsp), %rsp
	movl	$0, VCPU_WORK(%rdi)
	call	vmx_prepare_entry	/* vcpu */
	and	$-VCPU_STRIDE, %rsp
	.globl vmx_resume_window
	.hidden vmx_resume_window
vmx_resume_window:
	cmpl	$0, VCPU_WORK(%rsp)
	jne	vmx_resume_again
	POP_REGS
	verw	verw_selector(%rip)
	vmresume
	.globl vmx_resume_window_end
	.hidden vmx_resume_window_end
vmx_resume_window_end:
	and	$-VCPU_STRIDE, %rsp
	mov	%rsp, %rdi
	lea	VCPU_STACK_TOP(%rsp), %rsp
	call	vmx_resume_failed	/* does not return */
	ud2

	.globl vmx_resume_again
	.hidden vmx_resume_again

/**
 * vcpu_enter - put the calling CPU into VMX non-root mode
 * @rdi: struct vcpu *
 *
 * Called by the guest half with interrupts off, on Linux's stack and a bridge
 * page table. The CPU returns from it twice removed: VMLAUNCH starts the guest
 * at the return address, with the stack as RET would leave it.
 *
 * Returns 0 in the guest; a negative errno, not in VMX operation, on failure.
 */
ENTRY_POINT vcpu_enter
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rsi		/* struct enter_frame */
	sub	$8, %rsp
	call	vcpu_do_enter
	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	int3

/**
 * vmx_launch - VMLAUNCH
 * @rdi: struct enter_frame *
 *
 * Returns -1 when it failed without a VM exit.
 */
	.balign 16
	.globl vmx_launch
	.hidden vmx_launch
vmx_launch:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	0(%rdi), %r15
	mov	8(%rdi), %r14
	mov	16(%rdi), %r13
	mov	24(%rdi), %r12
	mov	32(%rdi), %rbp
	mov	40(%rdi), %rbx
	xor	%eax, %eax
	vmlaunch
	mov	$-1, %eax
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	int3

/**
 * vmx_leave_to - the last instructions of root on this CPU
 * @rdi: struct vcpu *
 *
 * VMX is off and everything but the general registers is Linux's. What is
 * read here lies in the island's slot, which Linux's page table has until the
 * guest half takes it out.
 */
	.balign 16
	.globl vmx_leave_to
	.hidden vmx_leave_to
vmx_leave_to:
	mov	%rdi, %rsp
	POP_REGS
	lea	VCPU_LEAVE_FRAME - VCPU_REGS_SIZE(%rsp), %rsp
	iretq

	.section .rodata, "a"

/* Only the form with an operand in memory clears anything. */
	.balign 2
verw_selector:
	.word	HOST_DS

	.section .note.GNU-stack, "", @progbits
