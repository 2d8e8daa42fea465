/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the root half's own page tables (SDM 3A, 4.5)
 *
 * Built by the guest half before the first CPU enters, from the pool, so that
 * nothing which the guest can write decides what root executes or reads.
 *
 * No locks: callers serialise.
 */
#ifndef CARAPACE_VMX_HOST_PAGING_H
#define CARAPACE_VMX_HOST_PAGING_H

#include "table_pool.h"
#include "types.h"

/* Flags of a mapping; without any: read only, not executable, 4 KiB pages */
#define HOST_PAGING_WRITE	(1U << 0)
#define HOST_PAGING_EXEC	(1U << 1)
#define HOST_PAGING_LARGE	(1U << 2)	/* 2 MiB pages where aligned */
#define HOST_PAGING_UC		(1U << 3)	/* device memory */

/**
 * struct host_paging - one set of ordinary page tables
 * @pool: where its tables come from
 * @root_pa: its top table, for CR3
 * @levels: 4, or 5 under CR4.LA57
 */
struct host_paging {
	struct table_pool *pool;
	u64 root_pa;
	u8 levels;
};

int host_paging_init(struct host_paging *hp, struct table_pool *pool, u8 levels);
int host_paging_map(struct host_paging *hp, u64 va, u64 pa, u64 size, u32 flags);
int host_paging_reserve(struct host_paging *hp, u64 va, u64 size);
u64 *host_paging_pte(const struct host_paging *hp, u64 va);
u64 host_paging_entry(const struct host_paging *hp, u64 va, int level);
u64 host_paging_slot_entry(const struct host_paging *hp, u64 va);

#endif /* CARAPACE_VMX_HOST_PAGING_H */
