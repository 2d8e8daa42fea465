/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: sealed pages: code and read-only data
 *
 * A sealed page cannot be written, and kernel mode runs sealed code only. What a
 * page is stands in its EPT entry; here is what more root knows of it.
 */
#ifndef CARAPACE_VMX_SEAL_H
#define CARAPACE_VMX_SEAL_H

#include "code.h"
#include "frame_map.h"
#include "patch.h"
#include "requests.h"
#include "types.h"

struct vcpu;

#define SEAL_REGIONS		(2 * PAGE_SIZE / sizeof(struct sealed_region))
#define SEAL_FRAMES		16384
/* Tables: a 1 GiB page, and the 2 MiB ones at text's and rodata's ends */
#define SEAL_SPLITS		6
#define SEAL_RELEASED		(PAGE_SIZE / sizeof(u64))
#define SEAL_NOTES		(3 * PAGE_SIZE / sizeof(struct patch_note))

/**
 * struct sealed_region - code that is contiguous in the kernel's addresses
 * @patch: where it is, and where it may change
 * @frames: how many of its frames are sealed; 0 for an unused region
 */
struct sealed_region {
	struct patch_region patch;
	u64 frames;
};

/**
 * struct seal - all of it
 * @region: number 0 is the core kernel's text
 * @frames: to which regions the frames of modules belong
 * @site: the places where code may change, region after region
 * @nr_sites: how many
 * @max_sites: room for them
 * @notes: of places that change without being in a list
 * @released: pages that become data as soon as no CPU can run them any more
 * @nr_released: how many
 */
struct seal {
	struct sealed_region *region;
	struct frame_map frames;
	struct patch_site *site;
	u32 nr_sites;
	u32 max_sites;
	struct patch_notes notes;
	u64 *released;
	u32 nr_released;
};

int seal_init(void);
int seal_request(struct vcpu *vcpu, u64 va);
int seal_release(struct vcpu *vcpu, u64 pa);
void seal_flush_released(struct vcpu *vcpu);
int seal_set_class(u64 start, u64 end, enum page_class class);
int seal_new_code(struct vcpu *vcpu, u64 pa);
const struct patch_region *seal_region(u64 pa, u64 *va);
enum page_class seal_class_at(struct vcpu *vcpu, u64 va);
bool seal_in_range(u64 va);
bool seal_is_known(u64 va);
u64 seal_rights(enum page_class class);

#endif /* CARAPACE_VMX_SEAL_H */
