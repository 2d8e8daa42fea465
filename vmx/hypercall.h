/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: hypercalls
 *
 * VMCALL with RAX = HYPERCALL_MAGIC, RDI = the number, and arguments in RSI and
 * RDX; the result comes back in RAX, an error as a negative errno.  Anything else
 * (ring 3, another RAX, an unknown number) gets the #UD that VMCALL raises on a
 * machine without VMX; but where KVM is underneath, another RAX of ring 0's is for KVM
 * (emulate_hypercall()), which on a CPU that is bare answers them all.
 */
#ifndef CARAPACE_VMX_HYPERCALL_H
#define CARAPACE_VMX_HYPERCALL_H

#define HYPERCALL_MAGIC		0x6563617061726163	/* "carapace" */

#ifndef __ASSEMBLER__
enum hypercall {
	HYPERCALL_PING		= 1,	/* RAX = HYPERCALL_PONG */
	HYPERCALL_DETACH	= 2,	/* this CPU leaves VMX; RAX = 0 */
	HYPERCALL_TEST_FAULT	= 3,	/* testing builds: root faults */
	HYPERCALL_POLICY	= 4,	/* RSI = enum policy_key, RDX = value */
	HYPERCALL_TEST_NMI	= 5,	/* testing builds: an NMI comes in root */
	HYPERCALL_SEAL		= 6,	/* RSI = address of a struct seal_request */
	HYPERCALL_RELEASE	= 7,	/* RSI = physical address of a page */
	HYPERCALL_WRITE_CODE	= 8,	/* RSI = address of a struct code_write */
	HYPERCALL_HELPER_VET	= 9,	/* RSI = address of a struct helper_write */
	HYPERCALL_HELPER_CHECK	= 10,	/* RSI = address of a struct helper_request */
	HYPERCALL_NOTE_PROBE	= 11,	/* RSI = address, RDX = bytes under a probe */
	HYPERCALL_SHADOW_GIVE	= 12,	/* RSI = physical address of 2 MiB */
	HYPERCALL_SHADOW_TAKE	= 13,	/* RSI = address for one's, or for 0 */
	HYPERCALL_RETURNS_FILL	= 14,	/* RSI = address of a struct shadow_fill */
	HYPERCALL_RETURNS_PATCH	= 15,	/* RSI = address of a struct return_patch */
	HYPERCALL_STACKS_ARM	= 16,	/* RSI = 1, or 0 for the opposite */
	HYPERCALL_STACKS_NOTE	= 17,	/* RSI = address of a task that sleeps */
	HYPERCALL_STACKS_SETTLE	= 18,	/* RSI = 1 when all are noted, 0 before that */
	HYPERCALL_UNWIND	= 19,	/* RSI = address of a struct unwind_request */
	HYPERCALL_TRANSIENT	= 20,	/* RSI = sealed address, RDX = freed soon? */
	HYPERCALL_TEST_TABLES	= 21,	/* testing builds: none are left for EPT */
};
#endif

/*
 * What the stubs say instead of HYPERCALL_MAGIC, for at a function's entry and
 * at its return other registers are in use. The stack pointer tells the rest.
 *
 * ENTER: store the return address that lies above the one at the stack pointer.
 * ENTER_CHOKE: the same, if it follows a call of this function.
 * CHECK: compare the one at the stack pointer. RAX = 1: it may be used. RAX = 0:
 *	look again.
 * CHECK_JUMP: the same with the one above that, for a function that ends by jumping
 *	to another.
 */
#define HYPERCALL_ENTER		0x7265746e65706163	/* "capenter" */
#define HYPERCALL_ENTER_CHOKE	0x656b6f6863706163	/* "capchoke" */
#define HYPERCALL_CHECK		0x6b63656863706163	/* "capcheck" */
#define HYPERCALL_CHECK_JUMP	0x706d756a63706163	/* "capcjump" */

/*
 * FREEZE: note by which words the callers of the function go on that was entered.
 * THAW: compare them, as it returns. R10 is where to; R11 is what RAX was.
 * THAW_JUMP: the same, as it ends by jumping to another.
 */
#define HYPERCALL_FREEZE	0x657a657266706163	/* "capfreze" */
#define HYPERCALL_THAW		0x7374776168706163	/* "caphawts" */
#define HYPERCALL_THAW_JUMP	0x706d756a68706163	/* "caphjump" */

/*
 * SWITCH: this CPU is changing from the task in RDI to the one in RSI, and is on
 * its stack already.
 */
#define HYPERCALL_SWITCH	0x6863747773706163	/* "capswtch" */

#define HYPERCALL_PONG		0x676e6f70ULL		/* "pong" */

/*
 * What KVM, where it is underneath, says of a hypercall that it does not have,
 * negative: of any that is not its own, through root, and of all of these on a CPU
 * that is bare. No result of root's is the same.
 */
#define KVM_ENOSYS		1000

#endif /* CARAPACE_VMX_HYPERCALL_H */
