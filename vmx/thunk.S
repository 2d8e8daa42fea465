/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: indirect branches in root
 *
 * The guest trains the branch predictors. Root branches through these, which
 * no predictor but the return stack steers (retpolines); the kernel's own lie
 * in memory that is the guest's.
 */
	.section .text, "ax"

.macro THUNK reg
	.balign 16
	.globl __x86_indirect_thunk_\reg
	.hidden __x86_indirect_thunk_\reg
__x86_indirect_thunk_\reg:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	mov	%\reg, (%rsp)
	ret
	int3
.endm

	.irp reg, rax, rcx, rdx, rbx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	THUNK \reg
	.endr

	.section .note.GNU-stack, "", @progbits
