/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: regions: sealed memory that is contiguous in the kernel's addresses
 *
 * Which address of the kernel's leads to which frame is root's knowledge here,
 * not the guest's tables'. All functions: root, with the lock. But region_of(),
 * region_at() and region_read() are also called without it, while others change: what
 * does not go meanwhile may then not be found (module_table() in stack_walk.c).
 */
#ifndef CARAPACE_VMX_REGION_H
#define CARAPACE_VMX_REGION_H

#include "code.h"
#include "frame_map.h"
#include "patch.h"
#include "requests.h"
#include "types.h"

struct vcpu;

/**
 * struct region - one of them
 * @class: CLASS_CODE or CLASS_RODATA
 * @patch: where it is, and where it may change
 * @frames: how many of its frames are sealed; 0 for an unused region
 * @transient: Linux may free it, also while the policy is locked (seal_transient())
 * @returns_pa: which of its returns are guarded: return_sites.c
 * @unwind_ips: how to unwind through it: struct unwind_table; 0 where that is not
 *	known
 * @unwind_rules: the same
 * @nr_unwind: how many
 */
struct region {
	enum page_class class;
	struct patch_region patch;
	u32 frames;
	bool transient;
	u64 returns_pa;
	u64 unwind_ips;
	u64 unwind_rules;
	u64 nr_unwind;
};

/*
 * Number 0 is the core kernel's text, and is not in the frame map. A module has two
 * of them for good, and two while it begins.
 */
#define REGION_CORE		0
#define REGION_COUNT		FRAME_MAP_REGIONS
#define REGION_PAGES		((REGION_COUNT * sizeof(struct region) + \
				  PAGE_SIZE - 1) / PAGE_SIZE)
#define REGION_FRAMES		32768
#define REGION_DYNAMIC		8192	/* frames, a quarter less */
#define REGION_NOTE_PAGES	((PROBE_NOTES * sizeof(struct patch_note) + \
				  PAGE_SIZE - 1) / PAGE_SIZE)

/**
 * struct regions - all of them
 * @region: the regions
 * @end: none with this number or a higher one is used. Read without the lock, too
 * @frames: to which of them a frame belongs
 * @dynamic: where frames of dynamic code are, which are no region's: dynamic_code.c
 * @site: the places where code may change, region after region
 * @nr_sites: how many
 * @max_sites: room for them
 * @notes: of places that change without being in a list
 */
struct regions {
	struct region *region;
	u32 end;
	struct frame_map frames;
	struct frame_map dynamic;
	struct patch_site *site;
	u32 nr_sites;
	u32 max_sites;
	struct patch_notes notes;
};

int regions_init(void);
struct region *region_create(struct vcpu *vcpu, const struct seal_request *q,
			     int *err);
void region_destroy(struct vcpu *vcpu, struct region *region);
int region_add_frame(struct region *region, u64 pa, u32 page);
bool region_forget_frame(struct vcpu *vcpu, u64 pa);
bool region_frame(const struct region *region, u32 at, u64 *pa);

const struct region *region_of(u64 pa, u64 *va);
const struct region *region_at(u64 va, u64 size);
const struct region *region_code_at(u64 va, u64 size);
struct region *region_from(u64 va);
bool region_read(struct vcpu *vcpu, u64 va, void *to, u32 size);
bool region_read_calls(struct vcpu *vcpu, u64 va, u8 *to, u32 size);
bool region_write(struct vcpu *vcpu, u64 va, const u8 *from, u32 size);

#endif /* CARAPACE_VMX_REGION_H */
