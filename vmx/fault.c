// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: NMIs, machine checks and faults while root runs
 */
#include "exit.h"
#include "leave.h"
#include "vcpu.h"
#include "x86.h"

/* What exception_entry.S leaves on the stack */
struct exception_frame {
	struct guest_regs regs;
	u64 vector;
	u64 error_code;
	u64 rip, cs, rflags, rsp, ss;
};

struct fault_entry {
	u64 from;
	u64 to;
};

/* island.lds.S */
extern const struct fault_entry fault_table[], fault_table_end[];

/* exit_entry.S */
extern const char vmx_resume_window[], vmx_resume_window_end[];
extern const char vmx_resume_again[];

void root_exception(struct exception_frame *frame);

/*
 * Between the last look at vcpu->work and VMRESUME nobody would see what is set
 * now, and the guest might run for long: back to where root looks again. The
 * guest's registers are still in memory, all of them.
 */
static void look_again(struct vcpu *vcpu, struct exception_frame *frame)
{
	vcpu->work = 1;
	if (frame->rip >= (u64)vmx_resume_window &&
	    frame->rip < (u64)vmx_resume_window_end)
		frame->rip = (u64)vmx_resume_again;
}

static bool fix_up(struct exception_frame *frame)
{
	const struct fault_entry *entry;

	for (entry = fault_table; entry < fault_table_end; entry++) {
		if (entry->from == frame->rip) {
			frame->rip = entry->to;
			return true;
		}
	}
	return false;
}

/*
 * A fault of root's own. Out of the fault stack first: leaving may take faults
 * that it expects, and they would land there. A fault without fix-up while
 * leaving has no way out but the one that a bare CPU takes.
 */
static void give_up(struct vcpu *vcpu, struct exception_frame *frame)
{
	struct vcpu_public *public = vcpu->config.public;

	public->leave_vector = frame->vector;
	public->leave_rip = frame->rip;
	public->leave_info = frame->error_code;

	frame->regs.rdi = (u64)vcpu;
	frame->regs.rsi = LEAVE_ROOT_FAULT;
	frame->rip = vcpu->leaving ? (u64)vmx_shut_down : (u64)vmx_leave;
	/* As after a CALL: the ABI wants RSP + 8 to be a multiple of 16. */
	frame->rsp = vcpu_address(vcpu, VCPU_STACK_TOP) - 8;
}

/**
 * root_exception() - an exception or NMI in root mode
 * @frame: the interrupted state, changed to where root shall go on
 *
 * The interrupted stack pointer leads to the CPU: this may run on an IST stack
 * of Linux's, while leaving.
 *
 * Context: root, on an IST stack; any instruction of root may be interrupted.
 */
void root_exception(struct exception_frame *frame)
{
	struct vcpu *vcpu = vcpu_of(frame->rsp);

	switch (frame->vector) {
	case VECTOR_NMI:
		vcpu->config.public->nmis_in_root++;
		__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
		look_again(vcpu, frame);
		break;
	case VECTOR_MC:
		/*
		 * Its IRETQ unblocks NMIs. Where it interrupted the handler of
		 * one, the next may start over on that handler's stack; that
		 * one has then been counted or is counted again, no worse.
		 */
		vcpu->mc_pending = 1;
		look_again(vcpu, frame);
		break;
	default:
		if (!fix_up(frame))
			give_up(vcpu, frame);
	}
}
