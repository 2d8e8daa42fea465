/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the window through which the stubs see the return addresses' shadow
 *
 * A stack's word has its shadow at the same distance from the window's beginning as
 * the word is from where stacks begin. An entry of a last-level table leads to a page
 * of the shadow, or to a record (shadow_record.h), or says that something is missed.
 */
#ifndef CARAPACE_VMX_SHADOW_WINDOW_H
#define CARAPACE_VMX_SHADOW_WINDOW_H

#include "types.h"
#include "vcpu.h"
#include "window.h"
#include "x86.h"

/* The level of the entries that lie in Linux's tables */
#define WINDOW_TOP_LEVEL	3

/* Linux's _KERNPG_TABLE: accessed and dirty beforehand, so that no walk writes */
#define WINDOW_TABLE_FLAGS	(PTE_P | PTE_RW | PTE_A | PTE_D)
#define WINDOW_PAGE_FLAGS	(WINDOW_TABLE_FLAGS | PTE_NX)

/* As an entry: there was no memory for what it is for; not present, and no record */
#define WINDOW_MISSED		BIT_ULL(9)

int shadow_window_open(struct vcpu *vcpu);
void shadow_window_close(struct vcpu *vcpu);
bool shadow_window_entry(struct vcpu *vcpu, u64 va, bool make, u64 *pa);
bool shadow_window_next(struct vcpu *vcpu, u64 *va, u64 without, u64 *pa, u64 *entry);
void shadow_window_miss(struct vcpu *vcpu, u64 va, bool missed);
bool shadow_window_missed(struct vcpu *vcpu, u64 va);
bool shadow_is_beyond(u64 stack);
bool shadow_table_write_legal(u64 pa, u32 size);

/**
 * shadow_window_start() - where the window begins
 *
 * Context: root.
 *
 * Return: Linux's address; 0 where there is no window.
 */
static inline u64 shadow_window_start(void)
{
	return island.config.returns.window;
}

/**
 * shadow_window_covers() - whether a stack's shadow would lie in the window
 * @stack: an address in the stack
 *
 * Context: root.
 */
static inline bool shadow_window_covers(u64 stack)
{
	return stack - island.config.returns.stacks < WINDOW_SIZE;
}

/**
 * shadow_window_of() - where the shadow of a stack's word lies
 * @stack: the word's address, which the window covers
 *
 * Context: root.
 */
static inline u64 shadow_window_of(u64 stack)
{
	return shadow_window_start() + (stack - island.config.returns.stacks);
}

/**
 * shadow_window_stack() - the other way round
 * @va: an address in the window, or its end
 *
 * Context: root.
 */
static inline u64 shadow_window_stack(u64 va)
{
	return va - shadow_window_start() + island.config.returns.stacks;
}

/**
 * shadow_entry() - read what is in the shadow's memory, or in Linux's table
 * @vcpu: the CPU
 * @pa: an entry's physical address
 *
 * Context: root. Ends what the CPU's window showed.
 */
static inline u64 shadow_entry(struct vcpu *vcpu, u64 pa)
{
	return *(volatile u64 *)window_at(vcpu, pa);
}

/**
 * shadow_entry_set() - change it, at once
 * @vcpu: the CPU
 * @pa: the entry's physical address
 * @entry: what to store
 *
 * Context: root, with the lock. Ends what the CPU's window showed.
 */
static inline void shadow_entry_set(struct vcpu *vcpu, u64 pa, u64 entry)
{
	*(volatile u64 *)window_at(vcpu, pa) = entry;
}

#endif /* CARAPACE_VMX_SHADOW_WINDOW_H */
