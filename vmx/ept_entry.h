/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: extended page tables: entries, and the way to them
 *
 * What the files of ept*.c share, and nobody else uses.
 */
#ifndef CARAPACE_VMX_EPT_ENTRY_H
#define CARAPACE_VMX_EPT_ENTRY_H

#include "ept.h"
#include "paging_levels.h"
#include "x86.h"

/* Rights of entries that point to tables: a page's own are in its leaf */
#define TABLE_RIGHTS	EPT_ALL

/* Nothing is where there is no right at all. */
static inline bool ept_is_present(u64 entry)
{
	return entry & EPT_ALL;
}

static inline bool ept_is_leaf(u64 entry, int level)
{
	return level == EPT_LEVEL_4K || (entry & EPT_LARGE);
}

/* Whether it points to a table that is this EPT's own */
static inline bool ept_owns_table(u64 entry, int level)
{
	return ept_is_present(entry) && !ept_is_leaf(entry, level) &&
	       !(entry & EPT_SHARED);
}

static inline u64 ept_leaf_entry(u64 pa, u64 rights, u8 type, int level)
{
	return pa | rights | ((u64)type << EPT_TYPE_SHIFT) |
	       (level == EPT_LEVEL_4K ? 0 : EPT_LARGE);
}

static inline u64 *ept_table_of(const struct ept *ept, u64 entry)
{
	return table_pool_va(ept->pool, entry & EPT_ADDR_MASK);
}

/*
 * The store that a walking CPU sees.  x86 keeps stores in order; the compiler
 * must do so as well, and must neither tear nor repeat this one.
 */
static inline void ept_set_entry(u64 *slot, u64 entry)
{
	__asm__ volatile("" : : : "memory");
	*(volatile u64 *)slot = entry;
}

/* An entry with only those of its rights that are in @rights */
static inline u64 ept_narrowed(u64 entry, u64 rights)
{
	return entry & (rights | ~EPT_ALL);
}

/*
 * Anything else is an EPT misconfiguration (SDM 3C, 29.3.3.1), or is on CPUs on which
 * nothing can be executed that cannot be read.
 */
static inline bool ept_rights_valid(u64 rights)
{
	return !(rights & ~EPT_ALL) && (!rights || (rights & EPT_READ));
}

/* An entry of @level that is a leaf, or nothing, or will be: leaves are counted */
static inline void ept_set_leaf(struct ept *ept, u64 *slot, int level, u64 entry)
{
	ept->leaves[level - 1] -= ept_is_present(*slot);
	ept->leaves[level - 1] += ept_is_present(entry);
	ept_set_entry(slot, entry);
}

/* ept.c */
u64 *ept_new_table(struct ept *ept, u64 *pa);
int ept_descend(struct ept *ept, u64 *slot, int level, u64 rights, u64 **table);
int ept_own_slot(struct ept *ept, u64 gpa, int level, u64 **slot);

#endif /* CARAPACE_VMX_EPT_ENTRY_H */
