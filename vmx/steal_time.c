// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: KVM's steal time, where KVM is underneath
 *
 * By an MSR Linux gives KVM a structure for each CPU. In it KVM says for how long the
 * CPU had to wait, and whether it is preempted: not running at this moment. Linux sends
 * no interrupt to such a CPU that is to drop translations; it leaves a note there, and
 * KVM drops them before the CPU goes on (KVM_FEATURE_PV_TLB_FLUSH).
 *
 * Those of which VPID, is the trouble. KVM gives root and Linux one each, and drops
 * what has the one that was in use: where the CPU was preempted in root, root's. Linux
 * would go on with what it had, for an entry with the same VPID drops nothing. Without
 * VPID, entries would; but from 5.16 until 6.12 KVM took a CPU that was preempted in
 * Linux for one with VPID then, and dropped what nobody used (Linux 2657b82a78f1). And
 * before 5.16 it always dropped root's. What version is underneath cannot be asked.
 *
 * So KVM has no such structure while the CPU is attached: then it never says that a CPU
 * is preempted, and Linux sends the interrupt, which is Linux's own business and does
 * what it would do on a bare machine. The MSR has for Linux the value that Linux wrote,
 * and KVM gets that when the CPU leaves. What Linux does without meanwhile is the time.
 */
#include "cpu_ops.h"
#include "ept.h"
#include "guest_walk.h"
#include "shootdown.h"
#include "steal_time.h"
#include "vcpu.h"
#include "window.h"
#include "x86.h"

#define ENABLED		BIT_ULL(0)
#define RESERVED	0x3eULL
#define ADDRESS_MASK	(~63ULL)

/* In the structure: whether it is preempted, a byte */
#define PREEMPTED	16

/*
 * What KVM said last would stand there for good: it may have been when the CPU was
 * waiting to write the MSR. A note that was left until then is done here.
 */
static void end_preempted(struct vcpu *vcpu)
{
	u64 pa = vcpu->steal_time & ADDRESS_MASK;

	if (!(vcpu->steal_time & ENABLED))
		return;
	island_lock(vcpu);
	if (guest_owns(pa) && ept_class(&island.ept, pa) == CLASS_DATA)
		__atomic_store_n((u8 *)window_at(vcpu, pa + PREEMPTED), 0,
				 __ATOMIC_SEQ_CST);
	island_unlock();
	invvpid_all();
}

/**
 * steal_time_take() - from now on KVM does not say that this CPU is preempted
 * @vcpu: the CPU
 *
 * What it has said until then, also in the moments since the CPU entered, may have had
 * translations dropped that were not Linux's. So all of Linux's go, afterwards.
 *
 * Context: root, at the first exit of this CPU. Ends what the window showed.
 */
void steal_time_take(struct vcpu *vcpu)
{
	u64 value;

	if (!island.config.under_kvm || rdmsr_safe(KVM_STEAL_TIME, &value) ||
	    wrmsr_safe(KVM_STEAL_TIME, 0))
		return;
	vcpu->steal_time = value;
	vcpu->steal_time_taken = true;
	end_preempted(vcpu);
}

/**
 * steal_time_write() - WRMSR to it
 * @vcpu: the CPU, after steal_time_take()
 * @value: what the guest wants to write
 *
 * Context: root, without the lock, handling an exit. Ends what the window showed.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result steal_time_write(struct vcpu *vcpu, u64 value)
{
	if (value & RESERVED)
		return RESULT_GP(0);
	vcpu->steal_time = value;
	end_preempted(vcpu);
	return RESULT_SKIP;
}

/**
 * steal_time_give_back() - KVM has the structure again that Linux gave it
 * @vcpu: the CPU
 *
 * Context: root, on its way out, before this CPU drops all translations.
 */
void steal_time_give_back(struct vcpu *vcpu)
{
	if (vcpu->steal_time_taken)
		wrmsr_safe(KVM_STEAL_TIME, vcpu->steal_time);
	vcpu->steal_time_taken = false;
}
