// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: from a frame to the region of code that it is part of
 */
#include "frame_map.h"

/* An entry: the frame's number, the region, the page, and a bit that it is used */
#define USED		1ULL
#define PAGE_SHIFT_IN	1
#define REGION_SHIFT	15
#define FRAME_SHIFT	27		/* 37 bits are left: 2^49 bytes */

static u64 frame_of(u64 entry)
{
	return entry >> FRAME_SHIFT;
}

static u32 home(const struct frame_map *map, u64 frame)
{
	/* Frames of a module are often neighbours: spread them */
	return frame * 0x9e3779b97f4a7c15ULL >> 32 & (map->size - 1);
}

static u32 slot_of(const struct frame_map *map, u64 frame)
{
	u32 at = home(map, frame);

	while (map->entry[at] && frame_of(map->entry[at]) != frame)
		at = (at + 1) & (map->size - 1);
	return at;
}

/**
 * frame_map_add() - note a frame
 * @map: the map
 * @pa: its physical address, below 2^49
 * @region: number of its region, below FRAME_MAP_REGIONS
 * @page: which page of the region it is, below FRAME_MAP_PAGES
 *
 * A frame that is there already gets the new region and page.
 *
 * Context: pure.
 *
 * Return: 0, -EINVAL, or -ENOSPC.
 */
int frame_map_add(struct frame_map *map, u64 pa, u32 region, u32 page)
{
	u64 frame = pa >> 12;
	u32 at;

	if (region >= FRAME_MAP_REGIONS || page >= FRAME_MAP_PAGES ||
	    frame >> (64 - FRAME_SHIFT))
		return -EINVAL;
	at = slot_of(map, frame);
	if (!map->entry[at]) {
		if (map->used >= map->size - map->size / 4)
			return -ENOSPC;
		map->used++;
	}
	map->entry[at] = frame << FRAME_SHIFT | (u64)region << REGION_SHIFT |
			 (u64)page << PAGE_SHIFT_IN | USED;
	return 0;
}

/**
 * frame_map_remove() - forget a frame
 * @map: the map
 * @pa: its physical address
 *
 * Those behind it that had to make way move up, so that no search ends too soon.
 *
 * Context: pure.
 */
void frame_map_remove(struct frame_map *map, u64 pa)
{
	u32 hole = slot_of(map, pa >> 12);
	u32 at, mask = map->size - 1;

	if (!map->entry[hole])
		return;
	map->used--;
	for (at = (hole + 1) & mask; map->entry[at]; at = (at + 1) & mask) {
		u32 wanted = home(map, frame_of(map->entry[at]));

		/* It may move if the hole is not before its home, in circles */
		if (((at - wanted) & mask) >= ((at - hole) & mask)) {
			map->entry[hole] = map->entry[at];
			hole = at;
		}
	}
	map->entry[hole] = 0;
}

/**
 * frame_map_find() - look a frame up
 * @map: the map
 * @pa: its physical address
 * @region: set to its region
 * @page: set to its page of the region
 *
 * Context: pure.
 *
 * Return: whether it is there.
 */
bool frame_map_find(const struct frame_map *map, u64 pa, u32 *region, u32 *page)
{
	u64 entry = map->entry[slot_of(map, pa >> 12)];

	if (!entry)
		return false;
	*region = entry >> REGION_SHIFT & (FRAME_MAP_REGIONS - 1);
	*page = entry >> PAGE_SHIFT_IN & (FRAME_MAP_PAGES - 1);
	return true;
}

/**
 * frame_map_entry() - look at one entry, to go through a region's frames
 * @map: the map
 * @at: its number, below the map's size
 * @region: whose frames are wanted
 * @pa: set to the frame's physical address
 *
 * Context: pure.
 *
 * Return: whether that entry is one of them.
 */
bool frame_map_entry(const struct frame_map *map, u32 at, u32 region, u64 *pa)
{
	u64 entry = map->entry[at];

	*pa = frame_of(entry) << 12;
	return entry && (entry >> REGION_SHIFT & (FRAME_MAP_REGIONS - 1)) == region;
}
