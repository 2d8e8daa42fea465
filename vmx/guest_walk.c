// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the guest's memory by its linear addresses
 */
#include "cpu_ops.h"
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "vcpu.h"
#include "window.h"
#include "x86.h"

/**
 * root_owns() - whether a page is root's own memory, which the guest does not see
 * @pa: any physical address in it
 *
 * Context: root.
 */
bool root_owns(u64 pa)
{
	return table_pool_contains(&island.config.pool, pa & PTE_ADDR_MASK,
				   PAGE_SIZE);
}

/**
 * guest_owns() - whether the guest may have root read and write there
 * @pa: a physical address, as the guest gave it
 *
 * Context: root.
 *
 * Return: false for root's own memory, and where there can be none.
 */
bool guest_owns(u64 pa)
{
	return pa < island.config.phys_limit && !root_owns(pa);
}

static bool is_canonical(u64 va, int levels)
{
	int unused = 64 - (12 + 9 * levels);

	return (u64)((s64)(va << unused) >> unused) == va;
}

/**
 * guest_walk_from() - walk given tables (SDM 3A, 4.5)
 * @vcpu: the CPU
 * @cr3: the guest's CR3
 * @levels: 4 or 5
 * @va: a linear address
 * @mapping: set
 *
 * Context: root, on this CPU. Ends what the window showed before.
 *
 * Return: whether anything is mapped there.
 */
bool guest_walk_from(struct vcpu *vcpu, u64 cr3, int levels, u64 va,
		     struct guest_mapping *mapping)
{
	u64 entry = cr3 & CR3_ADDR_MASK;
	u64 rights = PTE_US | PTE_RW;
	u64 nx = 0;
	u64 size = PAGE_SIZE;
	int level;

	/* No CPU has anything there. */
	if (!is_canonical(va, levels))
		return false;
	for (level = levels; level > 0; level--) {
		u64 *table;

		/* Reserved bits would fault in root's own page tables. */
		if (!guest_owns(entry & PTE_ADDR_MASK))
			return false;
		table = window_map(vcpu, entry);
		size = 1ULL << (12 + 9 * (level - 1));
		entry = *(volatile u64 *)&table[va / size & 511];
		if (!(entry & PTE_P))
			return false;
		rights &= entry;
		nx |= entry & PTE_NX;
		if (level == 1 || (entry & PTE_PS))
			break;
	}
	mapping->pa = (entry & PTE_ADDR_MASK & ~(size - 1)) | (va & (size - 1));
	mapping->user = rights & PTE_US;
	mapping->writable = rights & PTE_RW;
	mapping->executable = !nx;
	return true;
}

/**
 * guest_walk() - walk the tables that the guest uses
 * @vcpu: the CPU
 * @va: a linear address
 * @mapping: set
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: whether anything is mapped there.
 */
bool guest_walk(struct vcpu *vcpu, u64 va, struct guest_mapping *mapping)
{
	return guest_walk_from(vcpu, vmread(GUEST_CR3),
			       vmread(GUEST_CR4) & CR4_LA57 ? 5 : 4, va,
			       mapping);
}

/**
 * guest_read() - copy from the guest
 * @vcpu: the CPU
 * @va: a linear address of its own, as the caller of a hypercall gave it
 * @to: where to
 * @size: bytes
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: 0, or -EFAULT where something is not mapped, or root's.
 */
int guest_read(struct vcpu *vcpu, u64 va, void *to, u64 size)
{
	struct guest_mapping mapping;
	u64 part;

	while (size) {
		part = PAGE_SIZE - va % PAGE_SIZE;
		if (part > size)
			part = size;
		if (!guest_walk(vcpu, va, &mapping) ||
		    !guest_owns(mapping.pa))
			return -EFAULT;
		memcpy(to, window_at(vcpu, mapping.pa), part);
		to = (u8 *)to + part;
		va += part;
		size -= part;
	}
	return 0;
}

/**
 * guest_walk_entry() - where in the guest's tables an entry lies
 * @vcpu: the CPU
 * @va: a linear address
 * @level: of the entry that translates it, or points on from there
 * @pa: set to the entry's physical address
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: false where the tables do not reach so far.
 */
bool guest_walk_entry(struct vcpu *vcpu, u64 va, int level, u64 *pa)
{
	u64 table = vmread(GUEST_CR3) & CR3_ADDR_MASK;
	int at = vmread(GUEST_CR4) & CR4_LA57 ? 5 : 4;
	u64 entry;

	for (;; at--) {
		if (!guest_owns(table))
			return false;
		*pa = table + (va >> (12 + 9 * (at - 1)) & 511) * sizeof(entry);
		if (at == level)
			return true;
		entry = *(volatile u64 *)window_at(vcpu, *pa);
		if (!(entry & PTE_P) || entry & PTE_PS)
			return false;
		table = entry & PTE_ADDR_MASK;
	}
}

/**
 * guest_write_word() - write to the guest's data
 * @vcpu: the CPU
 * @va: a linear address of the kernel's, aligned to 8
 * @value: what to write
 *
 * Context: root, with the lock, handling an exit of this CPU. Ends what the
 *	window showed.
 *
 * Return: 0, or -EFAULT where the guest could not write that by itself.
 */
int guest_write_word(struct vcpu *vcpu, u64 va, u64 value)
{
	struct guest_mapping m;

	if (va % sizeof(value) || !guest_walk(vcpu, va, &m) || m.user ||
	    !m.writable || !guest_owns(m.pa) ||
	    !ept_permits(&island.ept, m.pa, EPT_WRITE))
		return -EFAULT;
	*(volatile u64 *)window_at(vcpu, m.pa) = value;
	return 0;
}
