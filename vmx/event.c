// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: which event the next VM entry delivers
 */
#include "event.h"
#include "vmcs.h"
#include "x86.h"

#define DEBUGCTL_LBR	(1ULL << 0)
#define DEBUGCTL_BTF	(1ULL << 1)
#define DR6_BREAKPOINTS	0xfULL
#define DR6_BS		(1ULL << 14)
#define DR6_RTM		(1ULL << 16)	/* clear where it was in one */
#define DR7_GD		(1ULL << 13)

static u32 intr_info(enum intr_type type, u8 vector)
{
	return INTR_INFO_VALID | (u32)type << INTR_INFO_TYPE_SHIFT | vector;
}

static enum intr_type intr_type(u32 info)
{
	return (info & INTR_INFO_TYPE_MASK) >> INTR_INFO_TYPE_SHIFT;
}

/* SDM 3A, 6.15, "Interrupt 8": contributory exceptions, #CP among them */
static bool contributory(u8 vector)
{
	switch (vector) {
	case VECTOR_DE:
	case VECTOR_TS:
	case VECTOR_NP:
	case VECTOR_SS:
	case VECTOR_GP:
	case VECTOR_CP:
		return true;
	default:
		return false;
	}
}

/* A fault pushes RFLAGS with RF set (SDM 3A, 6.8.3); #DF is an abort. */
static bool pushes_rf(u8 vector)
{
	return vector != VECTOR_DB && vector != VECTOR_DF &&
	       vector != VECTOR_MC;
}

static void plan_exception(struct event_plan *out, u8 vector, bool has_error,
			   u32 error)
{
	out->intr_info = intr_info(INTR_TYPE_HARD_EXCEPTION, vector);
	if (has_error) {
		out->intr_info |= INTR_INFO_DELIVER_ERROR_CODE;
		out->error_code = error;
	}
	out->set_rf = pushes_rf(vector);
}

/* The event whose delivery the exit cut short goes again. */
static void plan_again(const struct event_input *in, struct event_plan *out)
{
	u32 info = in->vectoring_info;

	/*
	 * An event under delivery ended any blocking by STI and MOV SS, and
	 * entry refuses NMIs and interrupts under them.
	 */
	out->interruptibility &= ~(INTERRUPTIBILITY_STI |
				   INTERRUPTIBILITY_MOV_SS);
	/* Bit 12 is undefined here and must be 0 on entry. */
	out->intr_info = info & ~INTR_INFO_NMI_UNBLOCKING;

	if (info & INTR_INFO_DELIVER_ERROR_CODE)
		out->error_code = in->vectoring_error;

	switch (intr_type(info)) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
	case INTR_TYPE_SOFT_EXCEPTION:
		/* Entry adds the length to the RIP that it pushes. */
		out->instruction_len = in->instruction_len;
		break;
	case INTR_TYPE_NMI:
		/*
		 * The delivery had begun, so virtual NMIs are blocked; entry
		 * demands that they are not, and blocks them anew.
		 */
		out->interruptibility &= ~INTERRUPTIBILITY_NMI;
		break;
	default:
		break;
	}
}

/*
 * The handler's exception met an event under delivery (SDM 3A, table 6-5).
 * After a benign event the exception is delivered alone, as on a bare CPU; but
 * an NMI is not lost that way, it goes back to those that wait.
 */
static void plan_collision(const struct event_input *in, struct event_plan *out)
{
	const struct event_exception *e = &in->exception;
	u8 first = in->vectoring_info & INTR_INFO_VECTOR_MASK;
	enum intr_type type = intr_type(in->vectoring_info);

	if (type == INTR_TYPE_HARD_EXCEPTION && first == VECTOR_DF) {
		out->triple_fault = true;
		return;
	}
	if (type == INTR_TYPE_HARD_EXCEPTION &&
	    ((contributory(first) && contributory(e->vector)) ||
	     (first == VECTOR_PF &&
	      (contributory(e->vector) || e->vector == VECTOR_PF)))) {
		plan_exception(out, VECTOR_DF, true, 0);
		return;
	}
	if (type == INTR_TYPE_NMI)
		out->interruptibility &= ~INTERRUPTIBILITY_NMI;
	plan_exception(out, e->vector, e->has_error_code, e->error_code);
}

/* What a bare CPU would do with so many NMIs: run one, latch one. */
static u32 nmi_limit(u32 interruptibility)
{
	return interruptibility & INTERRUPTIBILITY_NMI ? 1 : 2;
}

/**
 * event_plan() - choose the event for the next VM entry
 * @in: what the exit left behind
 * @out: what to write to the VMCS
 *
 * Order: what the exit interrupted, or the exception its handler wants; then
 * a #DB that is due; then a machine check; then an NMI.  NMIs that cannot go
 * now keep the NMI window open.
 *
 * Context: pure.
 */
void event_plan(const struct event_input *in, struct event_plan *out)
{
	u32 nmis = in->nmi_pending;
	u32 limit;

	*out = (struct event_plan){ .interruptibility = in->interruptibility };

	if (in->vectoring_info & INTR_INFO_VALID) {
		if (in->exception.wanted) {
			plan_collision(in, out);
			if (intr_type(in->vectoring_info) == INTR_TYPE_NMI)
				nmis++;
		} else {
			plan_again(in, out);
		}
	} else {
		/*
		 * IRET ended NMI blocking, then the exit made it start over:
		 * when it runs again, NMIs must be blocked as they were before.
		 * With an event under delivery the bit means nothing.
		 */
		if (in->nmi_unblocked_by_iret)
			out->interruptibility |= INTERRUPTIBILITY_NMI;
		if (in->exception.wanted)
			plan_exception(out, in->exception.vector,
				       in->exception.has_error_code,
				       in->exception.error_code);
	}

	if (out->triple_fault)
		return;

	/*
	 * Entry refuses an NMI under MOV SS blocking, and some CPUs refuse it
	 * under STI blocking.  An NMI window that opens under STI blocking is
	 * the CPU's word that it would deliver one: the blocking ends there, as
	 * it does when a bare CPU takes an NMI after STI.
	 */
	if (in->nmi_window)
		out->interruptibility &= ~INTERRUPTIBILITY_STI;

	/*
	 * Entry with an NMI or an exception loses a #DB that is due (SDM 3C,
	 * 27.7.3). It goes first, as on a bare CPU, and they wait for a window.
	 */
	if (in->debug_pending && (nmis || in->mc_pending) && !out->intr_info &&
	    !(out->interruptibility & (INTERRUPTIBILITY_STI |
				       INTERRUPTIBILITY_MOV_SS))) {
		plan_exception(out, VECTOR_DB, false, 0);
		out->debug_injected = true;
	}

	if (in->mc_pending && !out->intr_info) {
		plan_exception(out, VECTOR_MC, false, 0);
		out->mc_injected = true;
	}

	limit = nmi_limit(out->interruptibility);
	if (nmis > limit)
		nmis = limit;

	if (nmis && !out->intr_info &&
	    !(out->interruptibility & (INTERRUPTIBILITY_NMI |
				       INTERRUPTIBILITY_MOV_SS |
				       INTERRUPTIBILITY_STI))) {
		out->intr_info = intr_info(INTR_TYPE_NMI, VECTOR_NMI);
		out->nmi_injected = true;
		nmis--;
	}
	/* A machine check that could not go now asks for an early exit, too. */
	out->nmi_window = nmis != 0 || (in->mc_pending && !out->mc_injected);
	out->nmi_delta = (s32)nmis - (s32)in->nmi_pending;
}

/**
 * event_deliver_debug() - what VM entry leaves out when it delivers a #DB
 * @state: changed as the CPU changes it itself when nobody injects (SDM 3C,
 *	27.6.1.1)
 * @pending: guest pending debug exceptions, why there is a #DB
 *
 * Context: pure.
 */
void event_deliver_debug(struct debug_state *state, u64 pending)
{
	state->dr6 &= ~DR6_BREAKPOINTS;
	state->dr6 |= DR6_RTM;
	if (pending & PENDING_DBG_ENABLED_BREAKPOINT)
		state->dr6 |= pending & PENDING_DBG_BREAKPOINTS;
	if (pending & PENDING_DBG_BS)
		state->dr6 |= DR6_BS;
	if (pending & PENDING_DBG_RTM)
		state->dr6 &= ~DR6_RTM;
	state->dr7 &= ~DR7_GD;
	state->debugctl &= ~(DEBUGCTL_LBR | DEBUGCTL_BTF);
}

/**
 * event_skip_instruction() - step over an instruction that root emulated
 * @state: guest state, changed as the CPU changes it after the instruction
 * @length: VM-exit instruction length
 * @code64: the guest's CS.L
 *
 * The instruction has completed: blocking by STI and MOV SS ends, RF is
 * cleared, and with TF set a single-step trap is due.  VM entry checks the
 * last (SDM 3C, 27.3.1.5: BS must be set when TF is, BTF is not and blocking
 * is left), and delivers it.  With BTF set only branches trap, and no emulated
 * instruction is one.
 *
 * Context: pure.
 */
void event_skip_instruction(struct skip_state *state, u32 length, bool code64)
{
	state->rip += length;
	if (!code64)
		state->rip &= 0xffffffffULL;
	state->interruptibility &= ~(INTERRUPTIBILITY_STI |
				     INTERRUPTIBILITY_MOV_SS);
	if ((state->rflags & RFLAGS_TF) && !(state->debugctl & DEBUGCTL_BTF))
		state->pending_dbg |= PENDING_DBG_BS;
	state->rflags &= ~RFLAGS_RF;
}
