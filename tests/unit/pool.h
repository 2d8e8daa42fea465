/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: table pools for unit tests
 */
#ifndef CARAPACE_TESTS_UNIT_POOL_H
#define CARAPACE_TESTS_UNIT_POOL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "table_pool.h"

/* Physical addresses that no test maps, in no order and not side by side */
static inline u64 test_chunk_pa(unsigned int i)
{
	return (1ULL << 40) + (i * 37 % 64) * 3 * SIZE_2M;
}

static inline void test_pool_create(struct table_pool *pool, unsigned int chunks)
{
	unsigned int i;
	void *memory;

	table_pool_init(pool);
	for (i = 0; i < chunks; i++) {
		memory = aligned_alloc(SIZE_4K, SIZE_2M);
		/* What a page held before must not matter */
		memset(memory, 0xa5, SIZE_2M);
		if (table_pool_add(pool, test_chunk_pa(i), (uintptr_t)memory))
			abort();
	}
}

static inline void test_pool_destroy(struct table_pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->nr_chunks; i++)
		free((void *)(uintptr_t)pool->chunk[i].va);
	table_pool_init(pool);
}

/* Let @left more pages be had; what is taken away stays taken */
static inline void test_pool_leave(struct table_pool *pool, unsigned int left)
{
	while (pool->nr_total - pool->nr_used > left)
		table_pool_alloc(pool, NULL);
}

#endif /* CARAPACE_TESTS_UNIT_POOL_H */
