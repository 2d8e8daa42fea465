/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the pool that the root half's private memory comes from
 *
 * The guest half allocates a few physically contiguous chunks before the first
 * CPU enters; root hands out their pages afterwards and never asks Linux for
 * more.  No locks: callers serialise.
 */
#ifndef CARAPACE_VMX_TABLE_POOL_H
#define CARAPACE_VMX_TABLE_POOL_H

#include "types.h"

/* For some 4,600 CPUs: silicon/many-cpus.rst */
#define TABLE_POOL_CHUNKS_MAX	256
#define TABLE_POOL_CHUNK_SIZE	SIZE_2M
#define TABLE_POOL_CHUNK_PAGES	((u32)(TABLE_POOL_CHUNK_SIZE / SIZE_4K))

struct table_pool_chunk {
	u64 pa;
	u64 va;
};

/**
 * struct table_pool - pages in a few 2 MiB chunks
 * @nr_chunks: chunks in use
 * @nr_total: pages in all chunks
 * @nr_used: pages handed out and not freed
 * @next: first page that was never handed out, counted through all chunks
 * @free: physical address of the first freed page, 0 when there is none
 * @chunk: where the chunks are
 *
 * The freed pages are linked through their first word by physical address, so
 * that the pool can be moved to another address space as it stands.
 */
struct table_pool {
	u32 nr_chunks;
	u32 nr_total;
	u32 nr_used;
	u32 next;
	u64 free;
	struct table_pool_chunk chunk[TABLE_POOL_CHUNKS_MAX];
};

void table_pool_init(struct table_pool *pool);
int table_pool_add(struct table_pool *pool, u64 pa, u64 va);
u64 table_pool_alloc(struct table_pool *pool, void **va);
u64 table_pool_alloc_contiguous(struct table_pool *pool, u32 pages, void **va);
int table_pool_free(struct table_pool *pool, u64 pa);
void *table_pool_va(const struct table_pool *pool, u64 pa);
bool table_pool_contains(const struct table_pool *pool, u64 pa, u64 size);
bool table_pool_overlaps(const struct table_pool *pool, u64 pa, u64 size);
void table_pool_move(struct table_pool *pool, u64 base_va);

#endif /* CARAPACE_VMX_TABLE_POOL_H */
