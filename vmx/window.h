/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: a look at one page of the guest's memory
 *
 * Root maps none of it otherwise: what is not mapped cannot be read or written
 * by mistake. Each CPU has one window.
 */
#ifndef CARAPACE_VMX_WINDOW_H
#define CARAPACE_VMX_WINDOW_H

#include "cpu_ops.h"
#include "vcpu.h"
#include "x86.h"

/**
 * window_map() - point this CPU's window at a page
 * @vcpu: the CPU
 * @pa: any address in the page
 *
 * Context: root, on this CPU. Ends what the window showed before.
 *
 * Return: the page.
 */
static inline void *window_map(struct vcpu *vcpu, u64 pa)
{
	void *window = (void *)vcpu_address(vcpu, VCPU_WINDOW);

	*(volatile u64 *)vcpu->config.window_pte =
		(pa & PTE_ADDR_MASK) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
	invlpg(window);
	return window;
}

/**
 * window_translate() - where a linear address of the guest's lies
 * @vcpu: the CPU
 * @cr3: the guest's CR3
 * @levels: 4 or 5
 * @va: the address
 *
 * Context: root, on this CPU. Ends what the window showed before. The tables
 * are the guest's to change at any time: the answer is as good as any access
 * of its own would be.
 *
 * Return: the physical address, or ~0 where nothing is mapped.
 */
static inline u64 window_translate(struct vcpu *vcpu, u64 cr3, int levels,
				   u64 va)
{
	u64 entry = cr3 & CR3_ADDR_MASK;
	u64 size;
	int level;

	for (level = levels; level > 0; level--) {
		u64 *table;

		/* Reserved bits would fault in root's own page tables. */
		if ((entry & PTE_ADDR_MASK) >= island.config.phys_limit)
			return ~0ULL;
		table = window_map(vcpu, entry);
		size = 1ULL << (12 + 9 * (level - 1));
		entry = table[va / size & 511];
		if (!(entry & PTE_P))
			return ~0ULL;
		if (level == 1 || (entry & PTE_PS))
			break;
	}
	return (entry & PTE_ADDR_MASK & ~(size - 1)) | (va & (size - 1));
}

#endif /* CARAPACE_VMX_WINDOW_H */
