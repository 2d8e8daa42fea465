/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: exceptions and NMIs in root mode
 *
 * Every gate has an IST stack, all within the CPU's stride. Root expects two
 * things here: NMIs and machine checks, at any instruction, and #GP at the few
 * instructions that the fault table lists. All else is root's own fault.
 */
#include "guest_regs.S"
#include "layout.h"

	.section .text, "ax"

	.balign 16
	.globl exception_entries
	.hidden exception_entries
exception_entries:
	vector = 0
	.rept 32
	.balign 16
	/* 8, 10 to 14, 17 and 21 push an error code (SDM 3A, table 6-1) */
	.if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21))
	push	$0
	.endif
	push	$vector
	jmp	exception_common
	vector = vector + 1
	.endr

	.balign 16
exception_common:
	PUSH_REGS
	mov	%rsp, %rdi
	/* The CPU aligned the stack, then 5 + 2 + 15 words were pushed */
	cld
	call	root_exception
	POP_REGS
	add	$16, %rsp		/* vector, error code */
	iretq

	.section .note.GNU-stack, "", @progbits
