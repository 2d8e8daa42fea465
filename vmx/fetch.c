// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: attempts to run what may not be run
 *
 * Either it is new code of Linux's that runs for the first time, and then it is
 * sealed; or somebody has got hold of a function pointer, a return address or a
 * page table.
 *
 * A blocked fetch has happened before anything of the code ran. Kernel mode goes
 * on as if the function that was called had returned an error at once, where
 * the stack says who called; who did not call goes to the guest half's landing,
 * which never returns. User mode stays where it is, until the guest half has
 * killed the task.
 *
 * Where policy only logs, and before it is enforced, the page may be run from then
 * on by everybody, and still be written: until policy changes. So new code is not
 * sealed before it is enforced: while Carapace attaches or detaches, there are
 * CPUs that would not tell root that Linux has freed it.
 *
 * Where root has no memory for the page tables that it takes, new code is not run,
 * whatever policy says, and nobody is to blame: the guest half says so.
 */
#include "code.h"
#include "cpu_ops.h"
#include "ept.h"
#include "exit.h"
#include "fetch.h"
#include "guard.h"
#include "guest_walk.h"
#include "region.h"
#include "seal.h"
#include "sealed_code.h"
#include "vcpu.h"
#include "x86.h"

/* Where the CPU was called from, as far as the top of the stack tells; or 0 */
static u64 caller(struct vcpu *vcpu)
{
	u64 va;

	if (guest_read(vcpu, vmread(GUEST_RSP), &va, sizeof(va)))
		return 0;
	return sealed_code_follows_call(vcpu, va) ? va : 0;
}

/*
 * The indirect branch that led here has the CPU wait for an ENDBR (SDM 1, 18.3),
 * which did not come, and does not where it goes on now. In compatibility mode there is
 * no way there: bits 63:32 of RIP have to be 0 at VM entry (SDM 3C, 28.3.1.4).
 */
static struct exit_result turn_back(struct vcpu *vcpu, u64 to)
{
	if (!(vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L))
		return RESULT_GP(0);
	if (to) {
		vmwrite(GUEST_RSP, vmread(GUEST_RSP) + sizeof(to));
		vcpu->regs.rax = (u64)-EFAULT;
	} else {
		to = island.config.landing;
	}
	guest_go_to(vcpu, to);
	if (island.config.controls.exit & VM_EXIT_LOAD_CET_STATE)
		vmwrite(GUEST_S_CET, vmread(GUEST_S_CET) & ~S_CET_TRACKER);
	return RESULT_RESUME;
}

static struct exit_result cannot_seal(struct vcpu *vcpu)
{
	island.config.public->code_unsealed++;
	__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
	return turn_back(vcpu, caller(vcpu));
}

/* What is not data gets no more than the right that was missing. */
static struct exit_result let_run(struct vcpu *vcpu, u64 pa, u64 access)
{
	enum page_class class = ept_class(&island.ept, pa);
	u64 rights = ept_rights(&island.ept, pa) | access;
	int err;

	if (!guest_owns(pa) || seal_split(vcpu, pa))
		return RESULT_GP(0);
	if (class == CLASS_DATA)
		err = seal_set_class(pa, pa + PAGE_SIZE, CLASS_OPENED);
	else
		err = ept_protect(&island.ept, pa, pa + PAGE_SIZE, rights, class);
	return err ? RESULT_GP(0) : RESULT_RESUME;
}

/**
 * fetch_violation() - a page was to be run that may not be
 * @vcpu: the CPU
 * @gpa: any address in it
 * @access: the right that is missing: EPT_EXEC or EPT_EXEC_USER
 *
 * Context: root, with the lock, at an EPT violation.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result fetch_violation(struct vcpu *vcpu, u64 gpa, u64 access)
{
	u64 pa = gpa & ~(PAGE_SIZE - 1);
	u64 va = vmread(GUEST_LINEAR_ADDRESS);
	struct guest_mapping m = { .pa = 0 };
	struct fetch fetch = {
		.class = ept_class(&island.ept, pa),
		.cpl = guest_cpl(),
		/* What is known has its own frames there, and they can run. */
		.in_range = seal_in_range(va) && !region_at(va, 1),
	};
	struct report report = {
		.kind = REPORT_EXEC,
		.rip = vmread(GUEST_RIP),
		.rsp = vmread(GUEST_RSP),
		.cpl = fetch.cpl,
		.object = va,
		.found = fetch.class,
	};
	int err;

	/* The tables may have changed since the CPU walked them: then again. */
	if (!guest_walk(vcpu, va, &m) || (m.pa ^ gpa) >> PAGE_SHIFT)
		return RESULT_RESUME;
	fetch.user = m.user;
	fetch.writable = m.writable;
	/* What cannot be sealed (no memory's, say) is run like anything else. */
	if (island.policy.value[POLICY_ENFORCE] && guest_owns(pa) &&
	    fetch_is_new_code(&fetch, island.policy.value[POLICY_DYNAMIC_CODE])) {
		err = seal_new_code(vcpu, pa, va);
		if (!err)
			return RESULT_RESUME;
		if (err == -ENOMEM)
			return cannot_seal(vcpu);
	}

	report.expected = fetch.cpl ? 0 : caller(vcpu);
	if (!verdict_undoes(guard_violation(vcpu, POLICY_EXEC, &report)))
		return let_run(vcpu, pa, access);
	return fetch.cpl ? RESULT_RESUME : turn_back(vcpu, report.expected);
}
