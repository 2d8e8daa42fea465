// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the pool that the root half's private memory comes from
 */
#include "memory.h"
#include "table_pool.h"

static const struct table_pool_chunk *find_chunk(const struct table_pool *pool,
						 u64 pa)
{
	u32 i;

	for (i = 0; i < pool->nr_chunks; i++) {
		/* Unsigned: an address below the chunk becomes a huge offset */
		if (pa - pool->chunk[i].pa < TABLE_POOL_CHUNK_SIZE)
			return &pool->chunk[i];
	}
	return NULL;
}

static u64 page_pa(const struct table_pool *pool, u32 page)
{
	return pool->chunk[page / TABLE_POOL_CHUNK_PAGES].pa +
	       (page % TABLE_POOL_CHUNK_PAGES) * SIZE_4K;
}

static void push_free(struct table_pool *pool, u64 pa)
{
	u64 *page = table_pool_va(pool, pa);

	*page = pool->free;
	pool->free = pa;
}

/**
 * table_pool_init() - make an empty pool
 * @pool: what to initialise
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 */
void table_pool_init(struct table_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
}

/**
 * table_pool_add() - give one 2 MiB chunk to the pool
 * @pool: the pool
 * @pa: its physical address, aligned to 2 MiB and not 0
 * @va: where the caller can reach it, aligned to 4 KiB
 *
 * The chunk's old contents do not matter: pages are cleared when handed out.
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL for a bad address or a chunk that is there already,
 * -ENOSPC when TABLE_POOL_CHUNKS_MAX are.
 */
int table_pool_add(struct table_pool *pool, u64 pa, u64 va)
{
	if (!pa || pa % TABLE_POOL_CHUNK_SIZE || !va || va % SIZE_4K)
		return -EINVAL;
	if (find_chunk(pool, pa))
		return -EINVAL;
	if (pool->nr_chunks == TABLE_POOL_CHUNKS_MAX)
		return -ENOSPC;

	pool->chunk[pool->nr_chunks].pa = pa;
	pool->chunk[pool->nr_chunks].va = va;
	pool->nr_chunks++;
	pool->nr_total += TABLE_POOL_CHUNK_PAGES;
	return 0;
}

/**
 * table_pool_alloc() - take one cleared page
 * @pool: the pool
 * @va: where to store the page's address, or NULL
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: its physical address, 0 when the pool is empty.
 */
u64 table_pool_alloc(struct table_pool *pool, void **va)
{
	u64 *page;
	u64 pa;

	if (pool->free) {
		pa = pool->free;
		page = table_pool_va(pool, pa);
		pool->free = *page;
	} else if (pool->next < pool->nr_total) {
		pa = page_pa(pool, pool->next++);
		page = table_pool_va(pool, pa);
	} else {
		return 0;
	}

	pool->nr_used++;
	memset(page, 0, SIZE_4K);
	if (va)
		*va = page;
	return pa;
}

/**
 * table_pool_alloc_contiguous() - take pages that follow one another
 * @pool: the pool
 * @pages: how many, at most a chunk's worth
 * @va: where to store the first page's address, or NULL
 *
 * They come from one chunk, so they follow one another in physical and in
 * virtual memory.  Only pages that were never handed out are considered.  They
 * may be freed one by one.
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: the first page's physical address, 0 when no chunk has the room.
 */
u64 table_pool_alloc_contiguous(struct table_pool *pool, u32 pages, void **va)
{
	u32 room = TABLE_POOL_CHUNK_PAGES - pool->next % TABLE_POOL_CHUNK_PAGES;
	void *first;
	u64 pa;

	if (!pages || pages > TABLE_POOL_CHUNK_PAGES)
		return 0;

	if (pages > room) {
		if (pool->nr_total - pool->next <= room)
			return 0;
		/* The chunk's rest is not lost: single pages can use it */
		while (room)
			push_free(pool, page_pa(pool, pool->next + --room));
		pool->next += TABLE_POOL_CHUNK_PAGES -
			      pool->next % TABLE_POOL_CHUNK_PAGES;
	}
	if (pool->next >= pool->nr_total)
		return 0;

	pa = page_pa(pool, pool->next);
	pool->next += pages;
	pool->nr_used += pages;
	first = table_pool_va(pool, pa);
	memset(first, 0, pages * SIZE_4K);
	if (va)
		*va = first;
	return pa;
}

/**
 * table_pool_free() - give one page back
 * @pool: the pool
 * @pa: the page, as it was handed out
 *
 * No CPU may still use the page: one that was a table may be cached by any CPU
 * until that CPU has invalidated.
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL for what was never handed out (and nothing happens).
 */
int table_pool_free(struct table_pool *pool, u64 pa)
{
	const struct table_pool_chunk *chunk = find_chunk(pool, pa);
	u32 page;

	if (!chunk || pa % SIZE_4K || !pool->nr_used)
		return -EINVAL;
	page = (u32)(chunk - pool->chunk) * TABLE_POOL_CHUNK_PAGES +
	       (u32)((pa - chunk->pa) / SIZE_4K);
	if (page >= pool->next)
		return -EINVAL;

	push_free(pool, pa);
	pool->nr_used--;
	return 0;
}

/**
 * table_pool_va() - where to reach a physical address of the pool
 * @pool: the pool
 * @pa: any address, not only a page's first
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: the address, NULL when it is not the pool's.
 */
void *table_pool_va(const struct table_pool *pool, u64 pa)
{
	const struct table_pool_chunk *chunk = find_chunk(pool, pa);

	if (!chunk)
		return NULL;
	return (void *)(uintptr_t)(chunk->va + (pa - chunk->pa));
}

/**
 * table_pool_contains() - does a range lie in the pool altogether?
 * @pool: the pool
 * @pa: its start
 * @size: its length
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: true when every byte is the pool's; false for an empty range or one
 * that wraps.
 */
bool table_pool_contains(const struct table_pool *pool, u64 pa, u64 size)
{
	const struct table_pool_chunk *chunk;
	u64 left;

	if (!size || pa + size < pa)
		return false;

	/* Neighbouring chunks need not have been added in order */
	for (;;) {
		chunk = find_chunk(pool, pa);
		if (!chunk)
			return false;
		left = TABLE_POOL_CHUNK_SIZE - (pa - chunk->pa);
		if (size <= left)
			return true;
		pa += left;
		size -= left;
	}
}

/**
 * table_pool_overlaps() - does a range touch the pool anywhere?
 * @pool: the pool
 * @pa: its start
 * @size: its length
 *
 * The question to ask about a range that the guest names: one that only ends
 * in the pool is as bad as one that lies in it.
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 *
 * Return: true when any byte is the pool's, and for a range that wraps, which
 * no honest caller has.
 */
bool table_pool_overlaps(const struct table_pool *pool, u64 pa, u64 size)
{
	u32 i;

	if (!size)
		return false;
	if (pa + (size - 1) < pa)
		return true;

	for (i = 0; i < pool->nr_chunks; i++) {
		u64 first = pool->chunk[i].pa;

		if (pa <= first + (TABLE_POOL_CHUNK_SIZE - 1) &&
		    first <= pa + (size - 1))
			return true;
	}
	return false;
}

/**
 * table_pool_move() - go on in another address space
 * @pool: the pool
 * @base_va: where that address space has chunk 0; the others follow
 *
 * The pool begins its life in the guest half, which reaches the chunks through
 * Linux's direct map, and passes to root, which has them one after the other.
 * Only addresses change hands; no page is touched, so that root need not be
 * on its own tables yet.
 *
 * Context: pure, but for the pool: with the lock, or before a CPU has entered.
 */
void table_pool_move(struct table_pool *pool, u64 base_va)
{
	u32 i;

	for (i = 0; i < pool->nr_chunks; i++)
		pool->chunk[i].va = base_va + i * TABLE_POOL_CHUNK_SIZE;
}
