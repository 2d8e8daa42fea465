/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: what runs at a guarded function's entry and return
 *
 * In this module's own text, with unwind data like any other function: a stack
 * trace that begins here is complete, and livepatch's checks pass.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/pgtable_types.h>
#include <asm/unwind_hints.h>

#include "compat.h"
#include "hypercall.h"
#include "layout.h"
#include "opcodes.h"
#include "returns.h"

/* Opcodes of calls that a return address can follow, besides OPCODE_CALL */
#define GROUP5		0xff
#define CALL_RAX	0xd0	/* second byte of "call *%rax" */
#define CALL_RDI	0xd7

/* What function_half() takes off, for a module's function, and one of the core kernel's */
#define FUNCTION_BASE		(MODULES_VADDR - FUNCTION_MARGIN)
#define CORE_FUNCTION_BASE	((FUNCTION_BASE + CODE_MASK + 1) & 0xffffffff)

/* The words (vmx/stub_words.c) */
#define returns_stacks		.Lwords + STUB_STACKS
#define returns_window		.Lwords + STUB_WINDOW
#define returns_reach		.Lwords + STUB_REACH
#define returns_freezing	.Lwords + STUB_FREEZING
#define returns_callers		.Lwords + STUB_CALLERS

/*
 * A page for the part that the shadow view lets run: what runs in that view can write
 * to the shadow. It ends each time behind the VMFUNC back, for who jumps right to that
 * one can have it lead to the shadow view again: what is fetched next has to be in
 * another page. Where most come by, the next page is what comes next.
 */
	.section .text, "ax"
	.balign	4096, 0xcc
.Lpage:
	/*
	 * For who comes from another page, with a VMFUNC at its end, be it this one's: an
	 * exit, in 16, 32 and 64-bit code. An exception would be pushed to where his stack
	 * pointer leads, and that can be the shadow. No address is run.
	 */
	UNWIND_HINT_FUNC
.Lother_page:
	vmcall
	jmp	.Lother_page
	.skip	64 - (. - .Lother_page), 0xcc
SYM_DATA_START(returns_words)
.Lwords:
	ANNOTATE_NOENDBR
	.fill	STUB_CALLERS, 1, 0xcc
	ANNOTATE_NOENDBR
	.fill	STUB_WORDS_SIZE - STUB_CALLERS, 1, 0xcc
SYM_DATA_END(returns_words)

/**
 * returns_entry - store the return address of the function that begins here
 *
 * The call in the function's fentry slot, by way of ftrace's direct calls or
 * through a tracer's trampoline:
 *
 *	 (%rsp)	where the function goes on
 *	8(%rsp)	its return address
 *
 * RAX and RCX are live (number of vector registers, fourth argument), R10 and R11
 * are not. Between the two VMFUNCs nothing is believed that is in a register:
 * whoever jumps there stores what his stack pointer leads to, as at the beginning.
 * Whatever interrupts it there is an exit, and root does what is left of it
 * (vmx/return_guard.c).
 *
 * Another CPU that rewrites the return address before it is stored here has it
 * stored; that is the time of a call and these instructions.
 */

/*
 * The first instruction in the view. ECX is VIEW_SHADOW, or the CPU would not be there.
 * Kernel mode can be compatibility mode, too, where the same bytes are other
 * instructions: what is relative to RIP is in memory of whoever runs them, and what he
 * stores, and where to, is his choice. This one is "dec %ecx; jecxz" there.
 */
.macro LEAVE_IF_32_BITS to:req
	.byte	0x49
	jrcxz	\to
.endm

/* Its operands are in registers of the caller's. A bare CPU knows no VMFUNC. */
.macro TO_SHADOW_VIEW
	mov	%rax, %r10
	mov	%rcx, %r11
	mov	$0, %eax
	mov	$VIEW_SHADOW, %ecx
9:	vmfunc
	_ASM_EXTABLE(9b, .Lbare)
.endm

/* Where the word's shadow is, in RAX */
.macro FIND_SHADOW ask:req
	mov	%rsp, %rax
	sub	returns_stacks(%rip), %rax
	cmp	returns_reach(%rip), %rax
	jae	\ask
	add	returns_window(%rip), %rax
.endm

/* Where root has given the CPU back meanwhile, what was stored has been. */
.macro TO_GUARD_VIEW
	mov	$0, %eax
	mov	$VIEW_GUARD, %ecx
9:	vmfunc
	_ASM_EXTABLE(9b, returns_stored)
.endm

/*
 * returns_entry_choke - the same for a function that exploits' chains of returns
 * have to pass: a call of it, by name, has to be what came before
 */
SYM_FUNC_START(returns_ask_choke)
	ANNOTATE_NOENDBR
	/* Root knows more stacks. It goes on at returns_stored. */
.Lask_choke:
	vmcall
	jmp	returns_stored

SYM_INNER_LABEL_ALIGN(returns_entry_choke, SYM_L_GLOBAL)
	UNWIND_HINT_FUNC
	ENDBR
	TO_SHADOW_VIEW
SYM_INNER_LABEL(returns_shadow_choke, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	LEAVE_IF_32_BITS .Lask_choke
	/* Has to be a call of this very function that root has seen. */
	mov	8(%rsp), %rcx
	xor	(%rsp), %rcx
	and	$(STUB_NR_CALLERS - 1), %ecx
	lea	returns_callers(%rip), %rax
	mov	(%rax, %rcx, 8), %rax
	movslq	%eax, %rcx
	cmp	%rcx, 8(%rsp)
	jne	.Lask_choke
	sar	$32, %rax
	cmp	%rax, (%rsp)
	jne	.Lask_choke
	FIND_SHADOW .Lask_choke
	mov	%ecx, 8(%rax)
	mov	(%rsp), %ecx
	sub	$CORE_FUNCTION_BASE, %ecx
	mov	%ecx, 12(%rax)
	TO_GUARD_VIEW
	jmp	returns_stored

	_ASM_EXTABLE(.Lask_choke, .Lbare)

	/* So far that the last of its bytes are the page's last */
	.skip	4096 - (. - .Lpage) - (returns_stored - .Lask), 0xcc

	/* Root knows more calls, and more stacks. It goes on at returns_stored. */
SYM_INNER_LABEL(returns_ask, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
.Lask:
	vmcall
	jmp	returns_stored

.Lindirect:
	cmpb	$GROUP5, -2(%rcx)
	jne	.Lask
	cmpb	$CALL_RAX, -1(%rcx)
	jb	.Lask
	cmpb	$CALL_RDI, -1(%rcx)
	jbe	.Lstore
	jmp	.Lask

	/*
	 * Nothing aligns it, for where it is follows from the page's end: some instructions
	 * are as long as it takes to have it at a multiple of 16, or without an ENDBR four
	 * bytes behind. ftrace takes an odd address for one to be jumped to (since 6.19), so
	 * this file's end has the assembler refuse that.
	 */
SYM_INNER_LABEL(returns_entry, SYM_L_GLOBAL)
	UNWIND_HINT_FUNC
	ENDBR
	TO_SHADOW_VIEW
	_ASM_EXTABLE(.Lask, .Lbare)
SYM_INNER_LABEL(returns_shadow_begin, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	LEAVE_IF_32_BITS .Lask
	FIND_SHADOW .Lask
	/*
	 * A choke point's slot does not lead here. Who comes with one's address would
	 * have what he returns to stored for it, whatever that is.
	 */
	{disp8} mov (%rsp), %rcx
	sub	$FUNCTION_BASE, %rcx
	jbe	.Lask
	mov	%ecx, 12(%rax)
	/* What is looked at is what the half that is stored stands for. */
	movslq	8(%rsp), %rcx
	cmpb	$OPCODE_CALL, -5(%rcx)
	jne	.Lindirect
.Lstore:
	mov	%ecx, 8(%rax)
	TO_GUARD_VIEW
	/* The other page */
SYM_INNER_LABEL(returns_stored, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	cmpb	$0, returns_freezing(%rip)
	jne	.Lfreeze
.Lgo_on:
	mov	%r10, %rax
	mov	%r11, %rcx
	RET

	/* Called by core kernel code: root notes its callers' frames. */
.Lfreeze:
	cmpq	$MODULES_VADDR, 8(%rsp)
	jae	.Lgo_on
	mov	$HYPERCALL_FREEZE, %rax
3:	vmcall
	jmp	.Lgo_on
	_ASM_EXTABLE(3b, .Lgo_on)

/*
 * A CPU without the shell raised #UD. There, the shadow is ordinary memory. Where there
 * is none yet, there is no making one.
 */
.Lbare:
	mov	%rsp, %rax
	sub	returns_stacks(%rip), %rax
	cmp	returns_reach(%rip), %rax
	jae	1f
	add	returns_window(%rip), %rax
	mov	8(%rsp), %rcx
2:	mov	%ecx, 8(%rax)
	mov	(%rsp), %ecx
	sub	$(FUNCTION_BASE & 0xffffffff), %ecx
	and	$CODE_MASK, %ecx
3:	mov	%ecx, 12(%rax)
1:	jmp	returns_stored
	_ASM_EXTABLE(2b, 1b)
	_ASM_EXTABLE(3b, 1b)

/*
 * returns_entry_ask, returns_entry_choke_ask - where there is no VMFUNC
 *
 * Root leaves RAX as it is.
 */
SYM_INNER_LABEL_ALIGN(returns_entry_ask, SYM_L_GLOBAL)
	UNWIND_HINT_FUNC
	ENDBR
	mov	%rax, %r10
	mov	%rcx, %r11
	mov	$HYPERCALL_ENTER, %rax
4:	vmcall
	cmp	$-KVM_ENOSYS, %rax
	je	.Lbare
	jmp	returns_stored
	_ASM_EXTABLE(4b, .Lbare)
SYM_INNER_LABEL_ALIGN(returns_entry_choke_ask, SYM_L_GLOBAL)
	UNWIND_HINT_FUNC
	ENDBR
	mov	%rax, %r10
	mov	%rcx, %r11
	mov	$HYPERCALL_ENTER_CHOKE, %rax
6:	vmcall
	cmp	$-KVM_ENOSYS, %rax
	je	.Lbare
	jmp	returns_stored
	_ASM_EXTABLE(6b, .Lbare)
SYM_FUNC_END(returns_ask_choke)

/*
 * Compare the return address at \slot(%rsp) with its shadow, and RET. The other two
 * are the hypercalls for what root has to look at. Where it is the address that RET
 * uses, the one from the shadow is put there.
 */
.macro VERIFY_RETURN_ADDRESS slot:req check:req thaw:req
1:
.if \slot
	lea	\slot(%rsp), %r11
.else
	mov	%rsp, %r11
.endif
	sub	returns_stacks(%rip), %r11
	cmp	returns_reach(%rip), %r11
	jae	3f
	add	returns_window(%rip), %r11
2:	movslq	(%r11), %r10
	cmp	%r10, \slot(%rsp)
	jne	3f
	cmpb	$0, returns_freezing(%rip)
	jne	7f
6:
.if !\slot
	mov	%r10, (%rsp)
.endif
	RET

	/* Core kernel code called it: root compares its callers' frames. */
7:	cmp	$MODULES_VADDR, %r10
	jae	6b
	mov	%rax, %r11
	mov	$\thaw, %rax
8:	vmcall
9:	mov	%r11, %rax
	jmp	6b
	_ASM_EXTABLE(8b, 9b)

3:	mov	%rax, %r10
	mov	$\check, %rax
4:	vmcall
	test	%eax, %eax
	mov	%r10, %rax
	jz	1b
	RET

	/* A CPU without the shell verifies nothing. */
5:	mov	%r10, %rax
	RET
	_ASM_EXTABLE(2b, 3b)
	_ASM_EXTABLE(4b, 5b)
.endm

/**
 * returns_check - return, if that leads to where the function was called from
 *
 * What a patched return site jumps to, behind the ENDBR64, with the stack as at
 * a return: its address is at the stack pointer. R10 and R11 are free; RAX and
 * RDX hold what the function returns.
 *
 * The address that is used is the one from the shadow, put where it belongs right
 * before: another CPU that writes there, too, has two instructions' time for it.
 */
SYM_FUNC_START(returns_check_function)
SYM_INNER_LABEL(returns_check, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	VERIFY_RETURN_ADDRESS slot=0 check=HYPERCALL_CHECK thaw=HYPERCALL_THAW
SYM_FUNC_END(returns_check_function)

/**
 * returns_check_jump - the same, where a function ends by jumping to another
 *
 * Called by what such a jump has been led to, with the function's return address
 * above. The registers hold what the other function is given; of those that it may
 * use as it likes, R10 and R11 are none. That it goes on by what the call has put on
 * the stack is as at a function's entry.
 */
SYM_FUNC_START(returns_check_jump_function)
SYM_INNER_LABEL(returns_check_jump, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	VERIFY_RETURN_ADDRESS slot=8 check=HYPERCALL_CHECK_JUMP thaw=HYPERCALL_THAW_JUMP
SYM_FUNC_END(returns_check_jump_function)

/**
 * returns_jumps - what such jumps are led to: RETURN_JUMPS times RETURN_JUMP_ROOM
 *
 * Written by root. The stack is everywhere as when a function begins, which the
 * unwind data says of all of it.
 */
	.balign	RETURN_JUMP_ROOM, 0xcc
SYM_FUNC_START(returns_jumps_function)
SYM_INNER_LABEL(returns_jumps, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	.rept	RETURN_JUMPS_SIZE
	nop
	.endr
	RET
SYM_FUNC_END(returns_jumps_function)

/**
 * returns_blocked - where root sends a CPU instead of a blocked return
 *
 * With the stack as at the return, or on a stack that is the task's own again.
 * R10 is where the function was called from, 0 where that is not known.
 */
SYM_TYPED_FUNC_START(returns_blocked)
	push	%rax
	push	%rdx
	push	%r10
	mov	%r10, %rdi
	call	return_was_blocked
	pop	%r10
	pop	%rdx
	pop	%rax
	mov	%r10, (%rsp)
	RET
SYM_FUNC_END(returns_blocked)

/**
 * returns_blocked_jump - the same, instead of such a jump
 *
 * Who goes on does so with it: root has put the return address right.
 */
SYM_TYPED_FUNC_START(returns_blocked_jump)
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%r8
	push	%r9
	mov	%r10, %rdi
	call	return_was_blocked
	pop	%r9
	pop	%r8
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	pop	%rax
	RET
SYM_FUNC_END(returns_blocked_jump)

	/* Backwards, which is an error, where returns_entry is at an odd address. */
	.org	. - ((returns_entry - .Lpage) & 1)

	.section .note.GNU-stack, "", @progbits
