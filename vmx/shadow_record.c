// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: where the pages are on which root keeps what it knows of stacks
 *
 * Such a page's physical address stands where the shadow of the guard page below the
 * stack would be mapped, as an entry that is not present. So the stubs cannot reach
 * it, and it goes when the stack does.
 */
#include "shadow_pages.h"
#include "shadow_record.h"
#include "shadow_reclaim.h"
#include "shadow_window.h"
#include "vcpu.h"
#include "x86.h"

/* Where the entry is that stands for the page below a stack, which has no shadow */
static bool record_entry(struct vcpu *vcpu, u64 stack, bool make, u64 *pa)
{
	return shadow_window_covers(stack - PAGE_SIZE) &&
	       shadow_window_entry(vcpu, shadow_window_of(stack - PAGE_SIZE), make, pa);
}

/**
 * shadow_record() - the page on which root keeps what it knows of a stack
 * @vcpu: the CPU
 * @stack: the stack's lowest address
 *
 * Context: root, with the lock or after stack_lock(): then it stays, until that ends.
 *	Ends what the window showed.
 *
 * Return: its physical address, or 0 where there is none.
 */
u64 shadow_record(struct vcpu *vcpu, u64 stack)
{
	u64 pa, entry;

	if (!record_entry(vcpu, stack, false, &pa))
		return 0;
	entry = shadow_entry(vcpu, pa);
	return entry & PTE_P || !shadow_owns(entry & PTE_ADDR_MASK) ?
	       0 : entry & PTE_ADDR_MASK;
}

/**
 * shadow_record_make() - the same, made where there is none
 * @vcpu: the CPU
 * @stack: the stack's lowest address
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, or 0 where there is no memory.
 */
u64 shadow_record_make(struct vcpu *vcpu, u64 stack)
{
	u64 pa, page = shadow_record(vcpu, stack);

	if (page || !shadow_window_covers(stack - PAGE_SIZE) ||
	    !shadow_find_room(vcpu) ||
	    !record_entry(vcpu, stack, true, &pa))
		return page;
	page = shadow_page(vcpu, SHADOW_ROOT);
	if (page)
		shadow_entry_replace(vcpu, pa, stack - PAGE_SIZE, page);
	return page;
}

/**
 * shadow_record_miss() - note whether something was to be kept of a stack, in vain
 * @vcpu: the CPU
 * @stack: the stack's lowest address; it has no record
 * @missed: which of the two
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void shadow_record_miss(struct vcpu *vcpu, u64 stack, bool missed)
{
	if (shadow_window_covers(stack - PAGE_SIZE))
		shadow_window_miss(vcpu, shadow_window_of(stack - PAGE_SIZE), missed);
}

/**
 * shadow_record_missed() - whether it was
 * @vcpu: the CPU
 * @stack: the stack's lowest address
 *
 * Context: root, with the lock or after stack_lock(): that holds, then. Ends what the
 *	window showed.
 */
bool shadow_record_missed(struct vcpu *vcpu, u64 stack)
{
	return shadow_window_covers(stack - PAGE_SIZE) &&
	       shadow_window_missed(vcpu, shadow_window_of(stack - PAGE_SIZE));
}

/**
 * shadow_record_next() - go through all of them
 * @vcpu: the CPU
 * @stack: the stack that the last one was for, or 0; changed to the next one's
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, or 0 behind the last.
 */
u64 shadow_record_next(struct vcpu *vcpu, u64 *stack)
{
	u64 va = *stack ? shadow_window_of(*stack) : shadow_window_start();
	u64 pa, entry;

	while (shadow_window_next(vcpu, &va, PTE_P, &pa, &entry)) {
		va += PAGE_SIZE;
		*stack = shadow_window_stack(va);
		if (shadow_owns(entry & PTE_ADDR_MASK))
			return entry & PTE_ADDR_MASK;
	}
	return 0;
}
