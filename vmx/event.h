/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: which event the next VM entry delivers
 *
 * Pure: values in, values out.  An exit can interrupt the delivery of an
 * event, can itself ask for an exception, and NMIs and machine checks may
 * have come while root ran.  One entry delivers one event; this decides which,
 * and what becomes of the others.
 */
#ifndef CARAPACE_VMX_EVENT_H
#define CARAPACE_VMX_EVENT_H

#include "types.h"

/* An exception that an exit's handler wants the guest to see */
struct event_exception {
	bool wanted;
	bool has_error_code;
	u8 vector;
	u32 error_code;
};

/**
 * struct event_input - all that bears on the choice
 * @vectoring_info: IDT-vectoring information, or 0
 * @vectoring_error: IDT-vectoring error code
 * @instruction_len: VM-exit instruction length
 * @interruptibility: guest interruptibility state
 * @nmi_unblocked_by_iret: the exit interrupted an IRET after it had ended NMI
 *	blocking (SDM 3C, 28.2.3, "NMI unblocking due to IRET")
 * @nmi_window: the exit was an NMI window
 * @debug_pending: guest pending debug exceptions, 0 where no #DB is due
 * @nmi_pending: NMIs that came and were not handed on
 * @mc_pending: a machine check came and was not handed on
 * @exception: what the exit's handler wants
 */
struct event_input {
	u32 vectoring_info;
	u32 vectoring_error;
	u32 instruction_len;
	u32 interruptibility;
	bool nmi_unblocked_by_iret;
	bool nmi_window;
	u64 debug_pending;
	u32 nmi_pending;
	bool mc_pending;
	struct event_exception exception;
};

/**
 * struct event_plan - what to do
 * @intr_info: VM-entry interruption information, or 0
 * @error_code: VM-entry exception error code
 * @instruction_len: VM-entry instruction length, for software events
 * @interruptibility: guest interruptibility state to enter with
 * @nmi_window: exit again as soon as an NMI can be delivered
 * @nmi_injected: @intr_info is one of the pending NMIs
 * @nmi_delta: what to add to the count of pending NMIs: those handed on and
 *	those that a bare CPU would have lost, too, go; one whose delivery gave
 *	way to an exception comes back
 * @mc_injected: @intr_info is the pending machine check
 * @debug_injected: @intr_info is the #DB that was due; entry leaves it to
 *	event_deliver_debug() to say why
 * @set_rf: set RFLAGS.RF, as the CPU does in the image that a fault pushes
 * @triple_fault: an exception met the delivery of a double fault
 */
struct event_plan {
	u32 intr_info;
	u32 error_code;
	u32 instruction_len;
	u32 interruptibility;
	bool nmi_window;
	bool nmi_injected;
	s32 nmi_delta;
	bool mc_injected;
	bool debug_injected;
	bool set_rf;
	bool triple_fault;
};

void event_plan(const struct event_input *in, struct event_plan *out);

/**
 * struct skip_state - what stepping over an emulated instruction touches
 * @rip: guest RIP
 * @rflags: guest RFLAGS
 * @interruptibility: guest interruptibility state
 * @pending_dbg: guest pending debug exceptions
 * @debugctl: guest IA32_DEBUGCTL
 */
struct skip_state {
	u64 rip;
	u64 rflags;
	u32 interruptibility;
	u64 pending_dbg;
	u64 debugctl;
};

/**
 * struct debug_state - what the delivery of a #DB changes
 * @dr6: debug status
 * @dr7: guest debug control
 * @debugctl: guest IA32_DEBUGCTL
 */
struct debug_state {
	u64 dr6;
	u64 dr7;
	u64 debugctl;
};

void event_deliver_debug(struct debug_state *state, u64 pending);
void event_skip_instruction(struct skip_state *state, u32 length, bool code64);

#endif /* CARAPACE_VMX_EVENT_H */
