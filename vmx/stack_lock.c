// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: whose turn it is with what root keeps of a stack
 *
 * A task runs on one CPU at a time, and so does its stack. But stack pointers are
 * the guest's: who has kernel code run at will has two CPUs say that they are on
 * the same stack, and a third one find that it is gone. What root keeps of it, its
 * record, holds numbers that root goes by. So there is one CPU at a time with it,
 * from looking it up on, and it goes when none is.
 *
 * Not root's one lock: a task switch, or a guarded function's return, would make
 * all CPUs wait for each other. Stacks share these, by their addresses.
 *
 * Who has one waits for nothing, so anybody may wait for it: also with root's
 * lock, and who has that lets others have these.
 */
#include "cpu_ops.h"
#include "spread.h"
#include "stack_lock.h"
#include "vcpu.h"

static u32 *lock_of(u64 base)
{
	u64 number = base / island.config.returns.stack_size;

	return &island.stack_lock[spread(number, STACK_LOCKS)].holder;
}

/**
 * stack_lock() - nobody else looks at this stack's record, or changes it
 * @vcpu: the CPU, which has none of these
 * @base: the stack's lowest address
 *
 * Context: root, not in an NMI; with or without root's lock, which may not be taken
 *	until stack_unlock().
 */
void stack_lock(struct vcpu *vcpu, u64 base)
{
	u32 *lock = lock_of(base);
	u32 free;

	for (;;) {
		free = 0;
		/* Who waits only reads, so the line stays where it is until it is free. */
		if (!__atomic_load_n(lock, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(lock, &free, vcpu->config.index + 1,
						false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			break;
		pause();
	}
	vcpu->stack_lock = lock;
}

/**
 * stack_unlock() - the opposite
 * @vcpu: the CPU
 *
 * Context: root. Does nothing where the CPU has none: one that gives up must not
 *	hang the others.
 */
void stack_unlock(struct vcpu *vcpu)
{
	if (!vcpu->stack_lock)
		return;
	__atomic_store_n(vcpu->stack_lock, 0, __ATOMIC_RELEASE);
	vcpu->stack_lock = NULL;
}
