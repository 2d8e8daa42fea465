/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: a walker of extended page tables of the tests' own
 */
#ifndef CARAPACE_TESTS_UNIT_EPT_WALKER_H
#define CARAPACE_TESTS_UNIT_EPT_WALKER_H

#include <string.h>

#include "ept.h"

/* What the CPU would find, with all that it would object to */
struct found {
	u64 hpa;
	u64 rights;
	u8 type;
	int level;
	u32 class;
	const char *objection;
};

static inline struct found read_tables(const struct ept *ept, u64 gpa)
{
	const u64 *table = table_pool_va(ept->pool, ept->root_pa);
	struct found found = { .rights = 0x407 };
	int level = ept->levels;
	unsigned int shift;
	u64 entry, low;

	for (;; level--) {
		shift = 12 + 9 * (level - 1);
		entry = table[gpa >> shift & 511];
		if (!(entry & 0x407)) {
			found.rights = 0;
			if (entry)
				found.objection = "leftovers in an absent entry";
			return found;
		}
		found.rights &= entry;
		if ((entry & 3) == 2 || !(entry & 1))
			found.objection = "rights that are no combination";
		if (level == 1 || (entry & 0x80))
			break;
		if (entry & 0xf8)
			found.objection = "reserved bits in a table's entry";
		table = table_pool_va(ept->pool, entry & 0x000ffffffffff000);
		if (!table) {
			found.objection = "a table outside the pool";
			return found;
		}
	}
	low = (1ULL << shift) - 1;
	if (level > 3)
		found.objection = "too large a page";
	if (level == 1 && (entry & 0x80))
		found.objection = "a large 4 KiB page";
	if (entry & 0x000ffffffffff000 & low)
		found.objection = "a page that is not aligned";
	if (entry & 0x40)
		found.objection = "the guest's PAT ignored";
	found.type = entry >> 3 & 7;
	found.class = entry >> 53 & 15;
	if (found.type == 2 || found.type == 3 || found.type == 7)
		found.objection = "a reserved type";
	found.hpa = (entry & 0x000ffffffffff000 & ~low) | (gpa & low & ~0xfffULL);
	found.level = level;
	return found;
}

static inline void count_leaves(const struct ept *ept, u64 table_pa,
				int level, u64 *leaves)
{
	const u64 *table = table_pool_va(ept->pool, table_pa);
	unsigned int i;

	for (i = 0; i < 512; i++) {
		if (!(table[i] & 0x407))
			continue;
		if (level == 1 || (table[i] & 0x80))
			leaves[level - 1]++;
		else
			count_leaves(ept, table[i] & 0x000ffffffffff000,
				     level - 1, leaves);
	}
}

static inline bool leaves_are_exact(const struct ept *ept)
{
	u64 leaves[5] = { 0 };

	count_leaves(ept, ept->root_pa, ept->levels, leaves);
	return !memcmp(leaves, ept->leaves, sizeof(ept->leaves));
}

#endif /* CARAPACE_TESTS_UNIT_EPT_WALKER_H */
