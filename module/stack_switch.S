/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: on the way from one task to another
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>

#include "hypercall.h"

	.text

/**
 * stack_switch - where the jump at the end of __switch_to_asm() leads
 *
 * RDI is the task that this CPU leaves and RSI the one that it goes on with, whose
 * stack it is on already; its return address is at the stack pointer. RAX is
 * free. A CPU without the shell goes on by itself.
 */
SYM_FUNC_START(stack_switch_function)
SYM_INNER_LABEL(stack_switch, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	mov	$HYPERCALL_SWITCH, %rax
1:	vmcall
2:	jmp	__SCT__carapace___switch_to
	_ASM_EXTABLE(1b, 2b)
SYM_FUNC_END(stack_switch_function)

	.section .note.GNU-stack, "", @progbits
