// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: dynamic code: where it is
 *
 * EPT knows of frames. Who changes the guest's tables has such a frame at any address
 * where Linux puts code, and a function's entry may be patched to call code that was
 * made at run time: so its address would be his choice, and with it the four bytes of
 * the call, which can be entered as instructions. A frame counts where it first was.
 */
#include "dynamic_code.h"
#include "frame_map.h"
#include "region.h"
#include "seal.h"
#include "vcpu.h"

static u64 page_of(u64 va)
{
	return (va - island.config.modules_start) / PAGE_SIZE;
}

/**
 * dynamic_code_note() - a frame becomes dynamic code
 * @pa: the frame
 * @va: the kernel's address of it, where Linux puts code
 *
 * Where there is no room, and for what is not where Linux puts code, it is not known.
 *
 * Context: root, with the lock.
 */
void dynamic_code_note(u64 pa, u64 va)
{
	struct frame_map *map = &island.regions.dynamic;
	u64 page = page_of(va);

	frame_map_add(map, pa & ~(PAGE_SIZE - 1), page / FRAME_MAP_PAGES, page % FRAME_MAP_PAGES);
}

/**
 * dynamic_code_forget() - a frame is code no more
 * @pa: the frame
 *
 * Context: root, with the lock.
 */
void dynamic_code_forget(u64 pa)
{
	frame_map_remove(&island.regions.dynamic, pa & ~(PAGE_SIZE - 1));
}

/**
 * dynamic_code_is_at() - whether a frame of dynamic code belongs at an address
 * @pa: the frame, or any address in it
 * @va: the kernel's address that leads there just now
 *
 * Where that is not known it may be, as long as policy allows new code: who has some
 * made chooses where it is, then.
 *
 * Context: root, with the lock.
 */
bool dynamic_code_is_at(u64 pa, u64 va)
{
	u32 high, low;

	if (!frame_map_find(&island.regions.dynamic, pa & ~(PAGE_SIZE - 1), &high,
			    &low))
		return seal_may_be_dynamic();
	return high * FRAME_MAP_PAGES + low == page_of(va);
}
