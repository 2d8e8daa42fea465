/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the geometry that ordinary paging and EPT have in common
 *
 * Tables of 512 entries; level 1 is the one whose entries map 4 KiB each.
 */
#ifndef CARAPACE_VMX_PAGING_LEVELS_H
#define CARAPACE_VMX_PAGING_LEVELS_H

#include "types.h"

#define PAGING_ENTRIES	512

/* How much one entry at @level covers */
static inline u64 paging_level_size(int level)
{
	return SIZE_4K << (9 * (level - 1));
}

/* Which entry at @level covers @address */
static inline unsigned int paging_level_index(u64 address, int level)
{
	return (address / paging_level_size(level)) % PAGING_ENTRIES;
}

#endif /* CARAPACE_VMX_PAGING_LEVELS_H */
