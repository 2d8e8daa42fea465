// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of the table pool
 */
#include "unit.h"

#include "pool.h"
#include "table_pool.h"

static bool page_is_zero(const u64 *page)
{
	unsigned int i;

	for (i = 0; i < SIZE_4K / sizeof(*page); i++) {
		if (page[i])
			return false;
	}
	return true;
}

TEST(an_empty_pool_gives_nothing)
{
	struct table_pool pool;
	void *va = &pool;

	memset(&pool, 0xff, sizeof(pool));
	table_pool_init(&pool);
	EXPECT_EQ(0, table_pool_alloc(&pool, &va));
	EXPECT_EQ(0, table_pool_alloc_contiguous(&pool, 1, &va));
	EXPECT_EQ((void *)&pool, va);
	EXPECT_EQ(NULL, table_pool_va(&pool, SIZE_4K));
	EXPECT_FALSE(table_pool_contains(&pool, 0, SIZE_4K));
	EXPECT_FALSE(table_pool_overlaps(&pool, 0, ~0ULL));
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, 0));
}

TEST(bad_chunks_are_refused)
{
	struct table_pool pool;
	u64 i;

	table_pool_init(&pool);
	EXPECT_EQ(-EINVAL, table_pool_add(&pool, 0, SIZE_2M));
	EXPECT_EQ(-EINVAL, table_pool_add(&pool, SIZE_2M + SIZE_4K, SIZE_2M));
	EXPECT_EQ(-EINVAL, table_pool_add(&pool, SIZE_2M, 0));
	EXPECT_EQ(-EINVAL, table_pool_add(&pool, SIZE_2M, SIZE_2M + 8));
	EXPECT_EQ(0, pool.nr_chunks);

	for (i = 1; i <= TABLE_POOL_CHUNKS_MAX; i++)
		ASSERT_EQ(0, table_pool_add(&pool, i * SIZE_2M, i * SIZE_2M));
	EXPECT_EQ(-EINVAL, table_pool_add(&pool, SIZE_2M, 200 * SIZE_2M));
	EXPECT_EQ(-ENOSPC, table_pool_add(&pool, i * SIZE_2M, i * SIZE_2M));
	EXPECT_EQ(TABLE_POOL_CHUNKS_MAX, pool.nr_chunks);
	EXPECT_EQ(TABLE_POOL_CHUNKS_MAX * 512, pool.nr_total);
}

TEST(every_page_is_given_once_and_cleared)
{
	struct table_pool pool;
	void *page, *more = NULL;
	u64 pa, last = 0;
	unsigned int i;

	test_pool_create(&pool, 3);
	for (i = 0; i < 3 * 512; i++) {
		pa = table_pool_alloc(&pool, &page);
		ASSERT_NE(0, pa);
		ASSERT_EQ(page, table_pool_va(&pool, pa));
		ASSERT_TRUE(page_is_zero(page));
		/* A second owner would find this */
		*(u64 *)page = pa;
		last = pa;
	}
	EXPECT_EQ(0, table_pool_alloc(&pool, &more));
	EXPECT_EQ(NULL, more);
	EXPECT_EQ(pool.nr_total, pool.nr_used);

	EXPECT_EQ(0, table_pool_free(&pool, last));
	EXPECT_EQ(last, table_pool_alloc(&pool, &page));
	EXPECT_TRUE(page_is_zero(page));
	test_pool_destroy(&pool);
}

TEST(what_was_never_handed_out_cannot_be_freed)
{
	struct table_pool pool;
	u64 pa;

	test_pool_create(&pool, 1);
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, test_chunk_pa(0)));
	pa = table_pool_alloc(&pool, NULL);
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, pa + SIZE_4K));
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, pa + 8));
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, pa - SIZE_4K));
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, 0));
	EXPECT_EQ(1, pool.nr_used);
	EXPECT_EQ(0, table_pool_free(&pool, pa));
	EXPECT_EQ(-EINVAL, table_pool_free(&pool, pa));
	EXPECT_EQ(0, pool.nr_used);
	test_pool_destroy(&pool);
}

TEST(contiguous_pages_lie_in_one_chunk_and_none_is_lost)
{
	struct table_pool pool;
	unsigned int i;
	void *va;
	u64 pa;

	test_pool_create(&pool, 2);
	EXPECT_EQ(0, table_pool_alloc_contiguous(&pool, 0, &va));
	EXPECT_EQ(0, table_pool_alloc_contiguous(&pool, 513, &va));

	pa = table_pool_alloc_contiguous(&pool, 500, &va);
	EXPECT_EQ(test_chunk_pa(0), pa);
	for (i = 0; i < 500; i++)
		EXPECT_TRUE(page_is_zero((u64 *)va + i * 512));

	/* 12 are left in the first chunk */
	pa = table_pool_alloc_contiguous(&pool, 13, &va);
	EXPECT_EQ(test_chunk_pa(1), pa);
	EXPECT_EQ(va, table_pool_va(&pool, pa));
	EXPECT_EQ(0, table_pool_alloc_contiguous(&pool, 500, &va));
	EXPECT_EQ(513, pool.nr_used);
	/* What was too little for that is still in one piece */
	EXPECT_NE(0, table_pool_alloc_contiguous(&pool, 499, &va));

	for (i = 0; i < 12; i++)
		ASSERT_NE(0, table_pool_alloc(&pool, NULL));
	EXPECT_EQ(0, table_pool_alloc(&pool, NULL));
	EXPECT_EQ(0, table_pool_alloc_contiguous(&pool, 1, NULL));
	test_pool_destroy(&pool);
}

TEST(a_whole_chunk_can_be_had)
{
	struct table_pool pool;

	test_pool_create(&pool, 2);
	EXPECT_EQ(test_chunk_pa(0),
		  table_pool_alloc_contiguous(&pool, 512, NULL));
	EXPECT_EQ(test_chunk_pa(1),
		  table_pool_alloc_contiguous(&pool, 512, NULL));
	EXPECT_EQ(0, table_pool_alloc_contiguous(&pool, 1, NULL));
	test_pool_destroy(&pool);
}

TEST(ranges_are_compared_whole)
{
	struct table_pool pool;
	u64 a = SIZE_1G;

	table_pool_init(&pool);
	/* Neighbours, added in the wrong order, and one apart */
	ASSERT_EQ(0, table_pool_add(&pool, a + SIZE_2M, SIZE_2M));
	ASSERT_EQ(0, table_pool_add(&pool, a, SIZE_2M));
	ASSERT_EQ(0, table_pool_add(&pool, a + 3 * SIZE_2M, SIZE_2M));

	EXPECT_TRUE(table_pool_contains(&pool, a, 1));
	EXPECT_TRUE(table_pool_contains(&pool, a, 2 * SIZE_2M));
	EXPECT_FALSE(table_pool_contains(&pool, a, 2 * SIZE_2M + 1));
	EXPECT_FALSE(table_pool_contains(&pool, a - 1, 2));
	EXPECT_FALSE(table_pool_contains(&pool, a, 4 * SIZE_2M));
	EXPECT_FALSE(table_pool_contains(&pool, a, 0));
	EXPECT_FALSE(table_pool_contains(&pool, a, -a));
	EXPECT_FALSE(table_pool_contains(&pool, a, ~0ULL));

	EXPECT_TRUE(table_pool_overlaps(&pool, a - 1, 2));
	EXPECT_FALSE(table_pool_overlaps(&pool, a - 1, 1));
	EXPECT_TRUE(table_pool_overlaps(&pool, a + 2 * SIZE_2M - 1, 2));
	EXPECT_FALSE(table_pool_overlaps(&pool, a + 2 * SIZE_2M, SIZE_2M));
	EXPECT_TRUE(table_pool_overlaps(&pool, a + 2 * SIZE_2M, SIZE_2M + 1));
	EXPECT_TRUE(table_pool_overlaps(&pool, 0, ~0ULL));
	EXPECT_FALSE(table_pool_overlaps(&pool, a, 0));
	EXPECT_TRUE(table_pool_overlaps(&pool, ~0ULL, 2));
	EXPECT_FALSE(table_pool_overlaps(&pool, ~0ULL, 1));
}

TEST(a_moved_pool_goes_on)
{
	struct table_pool pool;
	struct table_pool old;
	u64 freed, pa;
	void *base;
	u32 i;

	test_pool_create(&pool, 2);
	freed = table_pool_alloc(&pool, NULL);
	ASSERT_NE(0, table_pool_alloc(&pool, NULL));
	ASSERT_EQ(0, table_pool_free(&pool, freed));

	/* The same pages at other addresses, as root's tables have them */
	old = pool;
	base = aligned_alloc(SIZE_4K, 2 * SIZE_2M);
	for (i = 0; i < 2; i++)
		memcpy((char *)base + i * SIZE_2M,
		       (void *)(uintptr_t)pool.chunk[i].va, SIZE_2M);
	table_pool_move(&pool, (uintptr_t)base);

	EXPECT_EQ(base, table_pool_va(&pool, test_chunk_pa(0)));
	EXPECT_EQ((char *)base + SIZE_2M + 5,
		  (char *)table_pool_va(&pool, test_chunk_pa(1) + 5));
	EXPECT_EQ(freed, table_pool_alloc(&pool, NULL));
	for (i = 2; i < 2 * 512; i++) {
		pa = table_pool_alloc(&pool, NULL);
		ASSERT_NE(0, pa);
	}
	EXPECT_EQ(0, table_pool_alloc(&pool, NULL));
	free(base);
	test_pool_destroy(&old);
}

/* Against a plain record of who has what */
TEST(fuzz_pool)
{
	static bool taken[3 * 512];
	u64 rounds = fuzz_rounds(20000);
	struct table_pool pool;
	unsigned int used = 0;

	test_pool_create(&pool, 3);
	while (rounds--) {
		u32 pages = one_in(4) ? 1 + random_below(40) : 1;
		bool contiguous = one_in(8);
		unsigned int i, index, chunk;
		u64 pa;

		if (random_below(4000) / 2000 == rounds / 2000 % 2 && used) {
			do {
				index = random_below(ARRAY_SIZE(taken));
			} while (!taken[index]);
			pa = test_chunk_pa(index / 512) + index % 512 * SIZE_4K;
			ASSERT_EQ(0, table_pool_free(&pool, pa));
			taken[index] = false;
			used--;
		} else {
			if (!contiguous)
				pages = 1;
			pa = contiguous ?
			     table_pool_alloc_contiguous(&pool, pages, NULL) :
			     table_pool_alloc(&pool, NULL);
			if (!pa) {
				if (!contiguous)
					ASSERT_EQ(ARRAY_SIZE(taken), used);
				continue;
			}
			for (chunk = 0; chunk < 3; chunk++) {
				if (pa - test_chunk_pa(chunk) < SIZE_2M)
					break;
			}
			ASSERT_LT(chunk, 3);
			index = (pa - test_chunk_pa(chunk)) / SIZE_4K;
			ASSERT_LE(index + pages, 512);
			for (i = 0; i < pages; i++) {
				ASSERT_FALSE(taken[chunk * 512 + index + i]);
				taken[chunk * 512 + index + i] = true;
				/* Its owner writes all over it */
				memset(table_pool_va(&pool, pa + i * SIZE_4K),
				       0x5a, SIZE_4K);
			}
			used += pages;
		}
		ASSERT_EQ(used, pool.nr_used);
	}
	test_pool_destroy(&pool);
}

TEST_HARNESS_MAIN
