// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: from a VM exit to the next VM entry
 */
#include "cpu_ops.h"
#include "decoy.h"
#include "event.h"
#include "exit.h"
#include "leave.h"
#include "pins.h"
#include "return_guard.h"
#include "shootdown.h"
#include "steal_time.h"
#include "vcpu.h"
#include "x86.h"

/*
 * While an instruction is stepped, exceptions exit, and are raised again after
 * it: what the instruction has done is judged before a handler of Linux's runs.
 * All but those that belong to debugging, which keeps records of its own.
 */
#define STEP_EXCEPTIONS	(0xffffffffU & ~(1U << VECTOR_DB | 1U << VECTOR_BP))

/*
 * All that can exit under the controls that capabilities.c chose, on the CPUs
 * that there are now. Instructions of CPUs to come that exit whether asked to
 * or not are undefined for the guest, and counted: handle_unknown().
 */
static exit_handler *const exit_handlers[EXIT_REASON_COUNT] = {
	[EXIT_REASON_EXCEPTION_NMI]	= handle_exception_nmi,
	[EXIT_REASON_TRIPLE_FAULT]	= handle_triple_fault,
	[EXIT_REASON_INIT_SIGNAL]	= handle_init,
	[EXIT_REASON_NMI_WINDOW]	= handle_nmi_window,
	[EXIT_REASON_TASK_SWITCH]	= handle_task_switch,
	[EXIT_REASON_CPUID]		= handle_cpuid,
	[EXIT_REASON_GETSEC]		= handle_undefined,
	[EXIT_REASON_INVD]		= handle_invd,
	[EXIT_REASON_VMCALL]		= handle_vmcall,
	[EXIT_REASON_VMCLEAR]		= handle_undefined,
	[EXIT_REASON_VMLAUNCH]		= handle_undefined,
	[EXIT_REASON_VMPTRLD]		= handle_undefined,
	[EXIT_REASON_VMPTRST]		= handle_undefined,
	[EXIT_REASON_VMREAD]		= handle_undefined,
	[EXIT_REASON_VMRESUME]		= handle_undefined,
	[EXIT_REASON_VMWRITE]		= handle_undefined,
	[EXIT_REASON_VMXOFF]		= handle_undefined,
	[EXIT_REASON_VMXON]		= handle_undefined,
	[EXIT_REASON_CR_ACCESS]		= handle_cr_access,
	[EXIT_REASON_RDMSR]		= handle_rdmsr,
	[EXIT_REASON_WRMSR]		= handle_wrmsr,
	[EXIT_REASON_MONITOR_TRAP_FLAG]	= handle_mtf,
	[EXIT_REASON_GDTR_IDTR]		= handle_descriptor_table,
	[EXIT_REASON_LDTR_TR]		= handle_descriptor_table,
	[EXIT_REASON_MCE_DURING_VMENTRY] = handle_mce_during_entry,
	[EXIT_REASON_EPT_VIOLATION]	= handle_ept_violation,
	[EXIT_REASON_EPT_MISCONFIG]	= handle_ept_misconfig,
	[EXIT_REASON_INVEPT]		= handle_undefined,
	[EXIT_REASON_INVVPID]		= handle_undefined,
	[EXIT_REASON_XSETBV]		= handle_xsetbv,
	[EXIT_REASON_VMFUNC]		= return_guard_vmfunc,
	[EXIT_REASON_SEAMCALL]		= handle_undefined,
	[EXIT_REASON_TDCALL]		= handle_undefined,
	[EXIT_REASON_RDMSR_IMM]		= handle_undefined,
	[EXIT_REASON_WRMSRNS_IMM]	= handle_undefined,
};

u32 guest_cpl(void)
{
	return vmread(GUEST_SS_AR_BYTES) >> 5 & 3;
}

/*
 * What blocking there is by STI and MOV SS is for the instruction that is not executed
 * now. It must be gone where the handler turns interrupts off, too: an entry with
 * blocking by STI and RFLAGS.IF clear fails (SDM 3C, "Checks on Guest Non-Register
 * State").
 */
void guest_go_to(struct vcpu *vcpu, u64 rip)
{
	vmwrite(GUEST_RIP, rip);
	vcpu->event.interruptibility &= ~(INTERRUPTIBILITY_STI |
					  INTERRUPTIBILITY_MOV_SS);
}

/* What the exit says of events; the handler adds what it wants. */
static void collect_events(struct vcpu *vcpu, u32 basic_reason)
{
	struct event_input *in = &vcpu->event;

	*in = (struct event_input){
		.vectoring_info = vmread(IDT_VECTORING_INFO),
		.instruction_len = vmread(VM_EXIT_INSTRUCTION_LEN),
		.interruptibility = vmread(GUEST_INTERRUPTIBILITY_INFO),
		.nmi_window = basic_reason == EXIT_REASON_NMI_WINDOW,
	};
	if (!(in->vectoring_info & INTR_INFO_VALID))
		in->vectoring_info = 0;
	if (in->vectoring_info & INTR_INFO_DELIVER_ERROR_CODE)
		in->vectoring_error = vmread(IDT_VECTORING_ERROR_CODE);
	if (basic_reason == EXIT_REASON_EPT_VIOLATION)
		in->nmi_unblocked_by_iret =
			vmread(EXIT_QUALIFICATION) & EPT_VIOLATION_NMI_UNBLOCKING;
	if (vcpu->plan.nmi_injected)
		vcpu->config.public->nmis_injected++;
	vcpu->plan = (struct event_plan){ 0 };
}

static void skip_instruction(struct vcpu *vcpu)
{
	struct event_input *in = &vcpu->event;
	struct skip_state state = {
		.rip = vmread(GUEST_RIP),
		.rflags = vmread(GUEST_RFLAGS),
		.interruptibility = in->interruptibility,
		.pending_dbg = vmread(GUEST_PENDING_DBG_EXCEPTIONS),
		.debugctl = vmread(GUEST_IA32_DEBUGCTL),
	};

	event_skip_instruction(&state, in->instruction_len,
			       vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L);

	vmwrite(GUEST_RIP, state.rip);
	vmwrite(GUEST_RFLAGS, state.rflags);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, state.pending_dbg);
	in->interruptibility = state.interruptibility;
}

static bool has_error_code(u8 vector)
{
	return vector == VECTOR_DF || vector == VECTOR_AC ||
	       vector == VECTOR_CP ||
	       (vector >= VECTOR_TS && vector <= VECTOR_PF);
}

/**
 * vmx_handle_exit() - handle one exit
 * @vcpu: the CPU
 *
 * Context: root, interrupts off; called by exit_entry.S, which goes on to
 *	vmx_prepare_entry(). Takes no lock unless a handler does.
 */
void vmx_handle_exit(struct vcpu *vcpu)
{
	u32 reason = vmread(VM_EXIT_REASON);
	u32 basic = reason & 0xffff;
	struct exit_result result;

	vcpu->exit_reason = reason;
	if (basic < EXIT_REASON_COUNT)
		vcpu->config.public->exits[basic]++;

	/*
	 * After an entry that failed because of a machine check, nothing of the
	 * guest's has changed, and what was to be delivered still is.
	 */
	if (reason & VM_EXIT_REASON_ENTRY_FAILURE) {
		if (basic != EXIT_REASON_MCE_DURING_VMENTRY)
			vmx_leave(vcpu, LEAVE_ENTRY_FAILURE);
	} else {
		collect_events(vcpu, basic);
		if (!vcpu->launched)
			steal_time_take(vcpu);
		vcpu->launched = true;
		vcpu->retried = vcpu->trial.active;
		if (vcpu->trial.active)
			pins_judge(vcpu);
		if (vcpu->decoy.active)
			decoy_judge(vcpu);
	}

	if (return_guard_leave_view(vcpu))
		result = RESULT_RESUME;
	else if (basic < EXIT_REASON_COUNT && exit_handlers[basic])
		result = exit_handlers[basic](vcpu);
	else
		result = handle_unknown(vcpu);

	switch (result.action) {
	case EXIT_RESUME:
		break;
	case EXIT_SKIP:
		skip_instruction(vcpu);
		break;
	case EXIT_EXCEPTION:
		vcpu->event.exception = (struct event_exception){
			.wanted = true,
			.vector = result.vector,
			.has_error_code = has_error_code(result.vector),
			.error_code = result.error_code,
		};
		break;
	case EXIT_LEAVE:
		vmx_leave(vcpu, result.reason);
	}
}

/*
 * Where nothing else waits, the CPU delivers it by itself. What an earlier plan
 * of the same exit's took out of the VMCS is still due.
 */
static u64 debug_pending(const struct vcpu *vcpu)
{
	const struct event_input *in = &vcpu->event;
	u64 pending;

	if (vcpu->plan.debug_injected)
		return in->debug_pending;
	if (!in->nmi_pending && !in->mc_pending)
		return 0;
	pending = vmread(GUEST_PENDING_DBG_EXCEPTIONS);
	return pending & (PENDING_DBG_ENABLED_BREAKPOINT | PENDING_DBG_BS) ?
	       pending : 0;
}

static void deliver_debug(const struct vcpu *vcpu)
{
	struct debug_state state = {
		.dr6 = read_dr6(),
		.dr7 = vmread(GUEST_DR7),
		.debugctl = vmread(GUEST_IA32_DEBUGCTL),
	};

	event_deliver_debug(&state, vcpu->event.debug_pending);

	write_dr6(state.dr6);
	vmwrite(GUEST_DR7, state.dr7);
	vmwrite(GUEST_IA32_DEBUGCTL, state.debugctl);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

/*
 * Plan the next entry's event. Done again whenever an NMI or a machine check
 * came before VMRESUME (or made the entry fail), with the same exit's events
 * and one more that waits: what the earlier plan took goes back first.
 */
static void make_plan(struct vcpu *vcpu)
{
	struct event_input *in = &vcpu->event;
	struct event_plan *plan = &vcpu->plan;

	__atomic_sub_fetch(&vcpu->nmi_pending, plan->nmi_delta,
			   __ATOMIC_RELAXED);
	if (plan->mc_injected)
		vcpu->mc_pending = 1;

	in->nmi_pending = __atomic_load_n(&vcpu->nmi_pending, __ATOMIC_RELAXED);
	in->mc_pending = vcpu->mc_pending;
	in->debug_pending = debug_pending(vcpu);
	event_plan(in, plan);

	__atomic_add_fetch(&vcpu->nmi_pending, plan->nmi_delta,
			   __ATOMIC_RELAXED);
	if (plan->mc_injected)
		vcpu->mc_pending = 0;
}

/**
 * vmx_prepare_entry() - give the VMCS the event that the next entry delivers
 * @vcpu: the CPU
 *
 * Context: root, interrupts off. The NMI and #MC handlers of this CPU may add
 *	to what is pending at any time; they see to it that this runs again.
 */
void vmx_prepare_entry(struct vcpu *vcpu)
{
	const struct event_plan *plan = &vcpu->plan;
	u32 primary;

	shootdown_serve(vcpu);
	decoy_renew(vcpu);
	make_plan(vcpu);
	if (plan->triple_fault)
		vmx_leave(vcpu, LEAVE_TRIPLE_FAULT);

	vmwrite(VM_ENTRY_INTR_INFO, plan->intr_info);
	if (plan->intr_info & INTR_INFO_DELIVER_ERROR_CODE)
		vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, plan->error_code);
	if (plan->instruction_len)
		vmwrite(VM_ENTRY_INSTRUCTION_LEN, plan->instruction_len);
	vmwrite(GUEST_INTERRUPTIBILITY_INFO, plan->interruptibility);
	if (plan->set_rf)
		vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) | RFLAGS_RF);

	if (plan->debug_injected)
		deliver_debug(vcpu);

	/* A halted guest that gets an event is no longer halted. */
	if (plan->intr_info)
		vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_STATE_ACTIVE);

	primary = island.config.controls.primary;
	if (plan->nmi_window)
		primary |= CPU_BASED_NMI_WINDOW_EXITING;
	if (vcpu->trial.active || vcpu->decoy.active)
		primary |= CPU_BASED_MONITOR_TRAP_FLAG;
	if (primary != vcpu->primary) {
		vmwrite(CPU_BASED_VM_EXEC_CONTROL, primary);
		vcpu->primary = primary;
		vmwrite(EXCEPTION_BITMAP,
			primary & CPU_BASED_MONITOR_TRAP_FLAG ?
			STEP_EXCEPTIONS : 0);
	}
}

/**
 * vmx_resume_failed() - VMRESUME came back with an error
 * @vcpu: the CPU
 *
 * Context: root, interrupts off; does not return.
 */
void vmx_resume_failed(struct vcpu *vcpu)
{
	vmx_leave(vcpu, LEAVE_RESUME_FAILURE);
}
