/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: how much memory root takes, in pages, but for the island's image and EPT
 *
 * For the guest half, which allocates it, and for carapacectl, which foretells it.
 */
#ifndef CARAPACE_VMX_POOL_SIZE_H
#define CARAPACE_VMX_POOL_SIZE_H

#include "decoy.h"
#include "layout.h"
#include "patch.h"
#include "region.h"
#include "seal.h"
#include "shadow_pages.h"
#include "table_pool.h"
#include "types.h"

/*
 * For as many sites more than the core kernel has, there is room for modules', at 8
 * bytes each: Debian's largest module has 17,000, and most some hundred.
 */
#define POOL_MODULE_SITES	131072

/* Page tables' upper levels; public page, zeros, MSR bitmap */
#define POOL_TABLES		12
#define POOL_SINGLE		4

/* Of a CPU besides VCPU_PARTS: VMXON region, VMCS, public page, and a share of page tables */
#define POOL_VCPU_BESIDES	4

enum pool_size {
#define X(offset, pages) + (pages)
	POOL_OF_CPU = POOL_VCPU_BESIDES + DECOY_RESERVE VCPU_PARTS(X),
#undef X
};

_Static_assert(ISLAND_POOL + TABLE_POOL_CHUNKS_MAX * TABLE_POOL_CHUNK_SIZE <= ISLAND_VCPUS,
	       "layout.h");

/**
 * pool_of_all() - what all CPUs share
 * @sites: for how many places where code may change there shall be room
 *
 * Context: any.
 */
static inline u64 pool_of_all(u64 sites)
{
	/* The last ones: what seal_init() takes, and shadow_init() */
	return POOL_TABLES + POOL_SINGLE +
	       (sites * sizeof(struct patch_site) + PAGE_SIZE - 1) / PAGE_SIZE +
	       (REGION_FRAMES + REGION_DYNAMIC) * sizeof(u64) / PAGE_SIZE + REGION_PAGES +
	       REGION_NOTE_PAGES + SEAL_SPLITS + SHADOW_VIEW_PAGES;
}

#define POOL_SPARE_MIN		64
#define POOL_SPARE_MAX		4096

/**
 * pool_spare() - what is left for splitting EPT pages
 * @memory: pages that Linux has
 *
 * For sealed pages from all over the memory, when MTRRs change, and for lazy
 * mappings. Each 2 MiB can be split once; few will.
 *
 * Context: any.
 */
static inline u64 pool_spare(u64 memory)
{
	u64 spare = memory / TABLE_POOL_CHUNK_PAGES;

	if (spare < POOL_SPARE_MIN)
		return POOL_SPARE_MIN;
	return spare < POOL_SPARE_MAX ? spare : POOL_SPARE_MAX;
}

#endif /* CARAPACE_VMX_POOL_SIZE_H */
