// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the bridge: a page table with both Linux and the island
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "bridge.h"
#include "layout.h"

/*
 * Two pages: the copy of the top-level table, and with 5 levels the copy of the
 * PML4 below its last entry. The first is aligned to 8 KiB: with PTI, Linux's
 * entry code tells kernel and user page tables apart by bit 12 of CR3, and an
 * NMI may come while the bridge is in it.
 */
#define BRIDGE_ORDER	1

static DEFINE_PER_CPU(unsigned long *, bridge_pages);

/**
 * bridge_allocate() - one bridge for each CPU that is present
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM, and then nothing is held.
 */
int bridge_allocate(void)
{
	unsigned long pages;
	unsigned int cpu;

	for_each_present_cpu(cpu) {
		pages = __get_free_pages(GFP_KERNEL, BRIDGE_ORDER);
		if (!pages) {
			bridge_free();
			return -ENOMEM;
		}
		per_cpu(bridge_pages, cpu) = (unsigned long *)pages;
	}
	return 0;
}

/**
 * bridge_free() - the opposite
 *
 * Context: may sleep; no CPU enters any more.
 */
void bridge_free(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		free_pages((unsigned long)per_cpu(bridge_pages, cpu),
			   BRIDGE_ORDER);
		per_cpu(bridge_pages, cpu) = NULL;
	}
}

/**
 * bridge_exists() - whether a CPU has a bridge: it was there at load
 * @cpu: its number
 *
 * Context: any, after bridge_allocate().
 */
bool bridge_exists(unsigned int cpu)
{
	return per_cpu(bridge_pages, cpu);
}

static unsigned long current_cr3(void)
{
	unsigned long cr3;

	asm volatile("mov %%cr3, %0" : "=r" (cr3));
	return cr3;
}

static unsigned long *table_of(unsigned long entry)
{
	return __va(entry & PTE_PFN_MASK);
}

/* The table that has the island's slot: the top-level one, or the one below it */
static unsigned long *slots_below(unsigned long *top)
{
	return pgtable_l5_enabled() ? table_of(top[ISLAND_PML5_INDEX]) : top;
}

/**
 * bridge_slot_is_free() - whether Linux has nothing where the island is to be
 *
 * With 4 levels it never has. With 5, KASAN does, and where memory begins is random,
 * with no gap there that is kept for others (arch/x86/mm/kaslr.c).
 *
 * Context: may sleep.
 */
bool bridge_slot_is_free(void)
{
	return !slots_below(table_of(current_cr3()))[ISLAND_PML4_INDEX];
}

/*
 * CR3 for the bridge; PCID 0, which Linux does not use where it uses any. A
 * crash NMI may find the CPU on its bridge, and leaves by it as it is.
 */
static u64 build(u64 slot_entry)
{
	unsigned long *top = this_cpu_read(bridge_pages);
	unsigned long *slots = top;

	if (table_of(current_cr3()) == top)
		return __pa(top);

	memcpy(top, table_of(current_cr3()), PAGE_SIZE);
	if (pgtable_l5_enabled()) {
		slots = top + PTRS_PER_PGD;
		memcpy(slots, slots_below(top), PAGE_SIZE);
		top[ISLAND_PML5_INDEX] = __pa(slots) |
			(top[ISLAND_PML5_INDEX] & ~PTE_PFN_MASK);
	}
	slots[ISLAND_PML4_INDEX] = slot_entry;
	return __pa(top);
}

static void tear_down(void)
{
	unsigned long *top = this_cpu_read(bridge_pages);

	if (table_of(current_cr3()) != top)
		memset(top, 0, PAGE_SIZE << BRIDGE_ORDER);
}

/**
 * bridge_call() - call a function of the island's, with VMX off
 * @slot_entry: the PML4 entry that maps the island
 * @function: its address there
 * @argument: what to pass
 *
 * Context: interrupts off. The function runs on this stack, in Linux's context.
 *
 * Return: what the function returned.
 */
u64 bridge_call(u64 slot_entry, u64 function, u64 argument)
{
	u64 result;

	lockdep_assert_irqs_disabled();
	result = bridge_call_asm(build(slot_entry), function, argument);
	tear_down();
	return result;
}

/**
 * bridge_hypercall() - a hypercall that may return with VMX off
 * @slot_entry: the PML4 entry that maps the island
 * @number: enum hypercall
 *
 * Context: interrupts off, or NMI.
 *
 * Return: the hypercall's result, or -ENXIO when nobody answered.
 */
long bridge_hypercall(u64 slot_entry, u64 number)
{
	long result = bridge_hypercall_asm(build(slot_entry), number);

	/* Root flushed, but before the bridge was out of CR3. */
	flush_all_translations();
	tear_down();
	return result;
}

static void flush_this_cpu(void *unused)
{
	unsigned long flags;

	local_irq_save(flags);
	flush_all_translations();
	local_irq_restore(flags);
}

/**
 * bridge_flush_all_cpus() - no CPU keeps a translation, attached or bare
 *
 * Context: may sleep.
 */
void bridge_flush_all_cpus(void)
{
	on_each_cpu(flush_this_cpu, NULL, 1);
}
