/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the general registers but RSP, in the order of struct guest_regs
 */
#ifndef CARAPACE_VMX_GUEST_REGS_H
#define CARAPACE_VMX_GUEST_REGS_H

#ifdef __ASSEMBLER__

.macro PUSH_REGS
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro POP_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
.endm

#else

#include "types.h"

struct guest_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
};

#endif

#endif /* CARAPACE_VMX_GUEST_REGS_H */
