/* SPDX-License-Identifier: GPL-2.0 */
/*
 * u64 attack_call(u64 function, u64 a, u64 b, u64 c, u64 d)
 *
 * Linux takes the ENDBR out of functions that nobody calls by pointer. An
 * attacker has them run by a return, which IBT does not look at.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "../../../module/compat.h"

	.text

SYM_FUNC_START(attack_call)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %rcx
	pushq	%rax
	UNWIND_HINT_FUNC
	ANNOTATE_UNRET_SAFE
	ret
	int3
SYM_FUNC_END(attack_call)

	.bss
	.balign	8
SYM_DATA(attack_stack, .skip 8)

	.text

/* IRET, for IBT does not look at it */
SYM_FUNC_START_LOCAL(enter)
	movq	%rsp, attack_stack(%rip)
	movq	%rcx, %r8
	movq	%rdx, %rcx
	xorl	%eax, %eax
	pushq	$__KERNEL_DS
	pushq	%rsi
	pushfq
	pushq	%r8
	pushq	%rdi
	iretq
	/* Never reached; it tells objtool that what is called here returns. */
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(enter)

SYM_FUNC_START(attack_left)
	ANNOTATE_NOENDBR
	RET
SYM_FUNC_END(attack_left)

SYM_FUNC_START(attack_enter)
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
SYM_FUNC_END(attack_enter)

/* u32 attack_canary(void): returns ATTACK_CANARY, from a page of its own */
	.balign	4096, 0xcc
SYM_TYPED_FUNC_START(attack_canary)
	movl	$0x5ca1ab1e, %eax
	RET
SYM_FUNC_END(attack_canary)

/* The same in the next one, with ATTACK_FORGED, and an instruction to be left out */
	.balign	4096, 0xcc
SYM_TYPED_FUNC_START(attack_other_canary)
	nop
	movl	$0x0defaced, %eax
	RET
SYM_FUNC_END(attack_other_canary)
	.balign	4096, 0xcc

	.section .note.GNU-stack, "", @progbits
