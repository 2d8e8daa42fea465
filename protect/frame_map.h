/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: from a frame to the region of code that it is part of
 *
 * Modules lie in frames from anywhere, and a violation knows the frame. Pure;
 * no locks: callers serialise, but for frame_map_find(), which may miss a frame that
 * moves up just then.
 */
#ifndef CARAPACE_PROTECT_FRAME_MAP_H
#define CARAPACE_PROTECT_FRAME_MAP_H

#include "types.h"

#define FRAME_MAP_REGIONS	4096		/* numbers of regions */
#define FRAME_MAP_PAGES		16384		/* pages of one region */

/**
 * struct frame_map - a hash table, open addressing
 * @entry: its entries, all 0 in the beginning
 * @size: how many, a power of two
 * @used: how many frames are in it; a quarter always stays free
 */
struct frame_map {
	u64 *entry;
	u32 size;
	u32 used;
};

int frame_map_add(struct frame_map *map, u64 pa, u32 region, u32 page);
void frame_map_remove(struct frame_map *map, u64 pa);
bool frame_map_find(const struct frame_map *map, u64 pa, u32 *region, u32 *page);
bool frame_map_entry(const struct frame_map *map, u32 at, u32 region, u64 *pa);

#endif /* CARAPACE_PROTECT_FRAME_MAP_H */
