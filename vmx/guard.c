// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: from a violation to its verdict and its report
 */
#include "cpu_ops.h"
#include "exit.h"
#include "guard.h"
#include "vcpu.h"

static enum verdict tell(struct vcpu *vcpu, enum verdict verdict,
			 struct report *report)
{
	if (verdict == VERDICT_ALLOW)
		return verdict;
	report->verdict = verdict;
	report->in_nmi = vcpu->event.interruptibility & INTERRUPTIBILITY_NMI;
	report->tsc = rdtsc();
	report_add(&vcpu->config.public->reports, report);
	__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
	return verdict;
}

/**
 * guard_violation() - ask the policy, and tell the guest half
 * @vcpu: the CPU
 * @guard: the guard that was violated
 * @report: what happened; verdict, time and what the CPU was doing are filled in
 *
 * Root cannot send a signal. The guest half learns of a report by an NMI, which
 * reaches it before the CPU can be back in user mode, so it still finds the
 * task that did it.
 *
 * Context: root, handling an exit of this CPU.
 *
 * Return: what becomes of it; verdict_undoes() tells the caller what to do.
 */
enum verdict guard_violation(struct vcpu *vcpu, enum policy_key guard,
			     struct report *report)
{
	return tell(vcpu, policy_verdict(&island.policy, guard), report);
}

/**
 * guard_violation_hopeless() - the same, where nothing can be undone
 * @vcpu: the CPU
 * @guard: the guard that was violated
 * @report: as for guard_violation()
 *
 * Context: root, handling an exit of this CPU.
 *
 * Return: what becomes of it: what would be undone stops the machine.
 */
enum verdict guard_violation_hopeless(struct vcpu *vcpu, enum policy_key guard,
				      struct report *report)
{
	enum verdict verdict = policy_verdict(&island.policy, guard);

	if (verdict_undoes(verdict))
		verdict = VERDICT_PANIC;
	return tell(vcpu, verdict, report);
}
