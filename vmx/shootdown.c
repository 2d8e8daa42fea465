// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: making all CPUs drop translations, and the lock that goes with it
 *
 * A CPU goes on using what it cached of an EPT entry after the entry's rights
 * were reduced, until it executes INVEPT (SDM 3C, 29.4.3.3). So whoever reduces
 * rights counts the epoch on and has every CPU exit, by an NMI, which comes
 * through whatever the guest is doing. A CPU that finds a new epoch before it
 * enters executes INVEPT.
 *
 * Nobody waits for a CPU that waits for him: island_lock() serves, too, and no
 * handler waits for anything else.
 *
 * The NMI cannot be told from one of the guest's, two NMIs can become one, and
 * none of the guest's may get lost: so each is handed on, also one that only
 * served root. The guest half claims those that nobody else in Linux does
 * (module/reports.c).
 */
#include "apic.h"
#include "cpu_ops.h"
#include "shootdown.h"
#include "vcpu.h"

/**
 * island_lock() - take root's one lock
 * @vcpu: the CPU
 *
 * No exit that Linux causes in steady state takes it.
 *
 * Context: root, not in an NMI.
 */
void island_lock(struct vcpu *vcpu)
{
	u32 mine = vcpu->config.index + 1;
	u32 free;

	do {
		while (__atomic_load_n(&island.lock, __ATOMIC_RELAXED)) {
			shootdown_serve(vcpu);
			pause();
		}
		free = 0;
	} while (!__atomic_compare_exchange_n(&island.lock, &free, mine, false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
}

/**
 * island_unlock() - release it
 *
 * Context: root; its holder.
 */
void island_unlock(void)
{
	__atomic_store_n(&island.lock, 0, __ATOMIC_RELEASE);
}

/**
 * island_unlock_if_mine() - release it if this CPU holds it
 * @vcpu: the CPU
 *
 * A CPU that gives up while it holds the lock must not hang the others. What it
 * was doing is a series of single stores, each of which leaves valid tables.
 *
 * Context: root, about to leave.
 */
void island_unlock_if_mine(const struct vcpu *vcpu)
{
	if (__atomic_load_n(&island.lock, __ATOMIC_RELAXED) !=
	    vcpu->config.index + 1)
		return;
	shootdown_release();
	island_unlock();
}

static bool is_held(const struct vcpu *vcpu)
{
	u32 holder = __atomic_load_n(&island.holder, __ATOMIC_ACQUIRE);

	return holder && holder != vcpu->config.index + 1;
}

/**
 * drop_translations() - all that this CPU has of EPT
 * @vcpu: the CPU
 *
 * Context: root.
 */
void drop_translations(struct vcpu *vcpu)
{
	vcpu->config.public->invepts++;
	invept_all();
}

/**
 * shootdown_serve() - drop this CPU's translations if it has been asked to
 * @vcpu: the CPU
 *
 * Context: root; before each entry, after the last look at any table. An NMI
 *	that comes later has vmx_prepare_entry() run again.
 */
void shootdown_serve(struct vcpu *vcpu)
{
	u64 epoch;

	for (;;) {
		epoch = __atomic_load_n(&island.epoch, __ATOMIC_ACQUIRE);
		if (vcpu->epoch != epoch) {
			drop_translations(vcpu);
			__atomic_store_n(&vcpu->epoch, epoch, __ATOMIC_RELEASE);
		}
		/* The holder is there before his epoch, and waits for that. */
		if (!is_held(vcpu))
			return;
		pause();
	}
}

/**
 * shootdown_hold() - keep all other CPUs in root, until shootdown_release()
 * @vcpu: the CPU
 *
 * They wait with nothing of root's half done. An INVEPT each, and the VM entry,
 * are what a CPU needs to run code that was written meanwhile (SDM 3A, 9.1.3).
 * A CPU that is only just attaching is held before it has left its first
 * hypercall.
 *
 * Context: root, holding the lock.
 */
void shootdown_hold(struct vcpu *vcpu)
{
	__atomic_store_n(&island.holder, vcpu->config.index + 1,
			 __ATOMIC_SEQ_CST);
	shootdown(vcpu);
}

/**
 * shootdown_release() - let them go on
 *
 * Context: root, holding the lock, after shootdown_hold().
 */
void shootdown_release(void)
{
	__atomic_store_n(&island.holder, 0, __ATOMIC_RELEASE);
}

/**
 * shootdown_join() - from now on this CPU takes part
 * @vcpu: the CPU
 *
 * It has nothing cached: it executed INVEPT after VMXON and was not in non-root
 * mode since. Seen to be in, it gets NMIs; but the last one may come before
 * VMLAUNCH and go to Linux. The guest half therefore makes a hypercall as soon
 * as it is in (module/cpus.c), by which the CPU serves.
 *
 * Context: the CPU is about to enter.
 */
void shootdown_join(struct vcpu *vcpu)
{
	vcpu->config.public->state = VCPU_ON;
	__atomic_store_n(&vcpu->in, true, __ATOMIC_SEQ_CST);
	vcpu->epoch = __atomic_load_n(&island.epoch, __ATOMIC_SEQ_CST);
}

static bool must_serve(const struct vcpu *other, u64 epoch)
{
	return __atomic_load_n(&other->in, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&other->epoch, __ATOMIC_ACQUIRE) != epoch;
}

/**
 * shootdown() - have all CPUs drop what they cached of EPT, and wait
 * @vcpu: the CPU
 *
 * Context: root, holding the lock, with all changes of entries made.
 */
void shootdown(struct vcpu *vcpu)
{
	u64 epoch = __atomic_add_fetch(&island.epoch, 1, __ATOMIC_SEQ_CST);
	struct vcpu *other;
	u32 i;

	for (i = 0; i < island.config.nr_vcpus; i++) {
		other = vcpu_number(i);
		if (other == vcpu || !must_serve(other, epoch))
			continue;
		other->config.public->kicks++;
		apic_send(other->config.apic_id, APIC_ICR_NMI);
	}
	shootdown_serve(vcpu);
	for (i = 0; i < island.config.nr_vcpus; i++) {
		other = vcpu_number(i);
		while (other != vcpu && must_serve(other, epoch))
			pause();
	}
}
