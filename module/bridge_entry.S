/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: onto the bridge and back, and hypercalls
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/errno.h>
#include <asm/nospec-branch.h>

#include "hypercall.h"

#define CR4_PGE		(1 << 7)

/**
 * bridge_call_asm - call the island
 * @rdi: the bridge, for CR3
 * @rsi: function
 * @rdx: its argument
 *
 * vcpu_enter() returns here in VMX non-root mode. The stack, and with it the
 * CR3 to go back to, is the same before and after.
 */
SYM_FUNC_START(bridge_call_asm)
	push	%rbx
	mov	%cr3, %rbx
	mov	%rdi, %cr3
	mov	%rdx, %rdi
	mov	%rsi, %rax
	CALL_NOSPEC rax
	mov	%rbx, %cr3
	pop	%rbx
	RET
SYM_FUNC_END(bridge_call_asm)

/**
 * bridge_hypercall_asm - a hypercall, on the bridge
 * @rdi: the bridge, for CR3
 * @rsi: enum hypercall
 */
SYM_FUNC_START(bridge_hypercall_asm)
	push	%rbx
	mov	%cr3, %rbx
	mov	%rdi, %cr3
	mov	%rsi, %rdi
	mov	$HYPERCALL_MAGIC, %rax
1:	vmcall
	cmp	$-KVM_ENOSYS, %rax
	je	3f
2:	mov	%rbx, %cr3
	pop	%rbx
	RET
3:	mov	$-ENXIO, %rax
	jmp	2b
	_ASM_EXTABLE(1b, 3b)
SYM_FUNC_END(bridge_hypercall_asm)

/**
 * hypercall - a hypercall after which VMX is still on
 * @rdi: enum hypercall
 * @rsi: its first argument
 * @rdx: its second argument
 *
 * Returns its result, or -ENXIO where nobody answered.
 */
SYM_FUNC_START(hypercall)
	mov	$HYPERCALL_MAGIC, %rax
1:	vmcall
	cmp	$-KVM_ENOSYS, %rax
	je	3f
2:	RET
3:	mov	$-ENXIO, %rax
	jmp	2b
	_ASM_EXTABLE(1b, 3b)
SYM_FUNC_END(hypercall)

/**
 * flush_all_translations - global ones and those of all PCIDs
 *
 * By raw MOV: the value is the CPU's own, VMXE and all, and is the same
 * afterwards. Interrupts are off.
 */
SYM_FUNC_START(flush_all_translations)
	mov	%cr4, %rax
	mov	%rax, %rcx
	xor	$CR4_PGE, %rcx
	mov	%rcx, %cr4
	mov	%rax, %cr4
	RET
SYM_FUNC_END(flush_all_translations)

	.section .note.GNU-stack, "", @progbits
