// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of root's own page tables
 */
#include "unit.h"

#include "host_paging.h"
#include "pool.h"
#include "x86.h"

#define BASE		0xffffc10000000000ULL

/* What the CPU would find; the rights of the walk, not of the leaf alone */
struct found {
	u64 pa;
	bool present, write, user, exec, global, uncached;
	int level;
};

static struct found read_tables(const struct host_paging *hp, u64 va)
{
	const u64 *table = table_pool_va(hp->pool, hp->root_pa);
	struct found found = { .write = true, .user = true, .exec = true };
	int level = hp->levels;
	unsigned int shift;
	u64 entry;

	for (;; level--) {
		shift = 12 + 9 * (level - 1);
		entry = table[va >> shift & 511];
		if (!(entry & 1))
			return found;
		found.write &= entry >> 1 & 1;
		found.user &= entry >> 2 & 1;
		found.exec &= !(entry >> 63);
		if (level == 1 || (entry >> 7 & 1))
			break;
		table = table_pool_va(hp->pool, entry & 0x000ffffffffff000);
	}
	found.present = true;
	found.global = entry >> 8 & 1;
	found.uncached = (entry >> 3 & 3) == 3;
	found.pa = (entry & 0x000ffffffffff000) | (va & ((1ULL << shift) - 1));
	found.level = level;
	return found;
}

FIXTURE(paging)
{
	struct table_pool pool;
	struct host_paging hp;
};

FIXTURE_SETUP(paging)
{
	test_pool_create(&self->pool, 2);
	ASSERT_EQ(0, host_paging_init(&self->hp, &self->pool, 4));
}

FIXTURE_TEARDOWN(paging)
{
	test_pool_destroy(&self->pool);
}

TEST_F(paging, init)
{
	struct host_paging hp;

	EXPECT_EQ(-EINVAL, host_paging_init(&hp, &self->pool, 3));
	EXPECT_EQ(-EINVAL, host_paging_init(&hp, &self->pool, 6));
	EXPECT_FALSE(read_tables(&self->hp, BASE).present);
	test_pool_leave(&self->pool, 0);
	EXPECT_EQ(-ENOMEM, host_paging_init(&hp, &self->pool, 4));
}

TEST_F(paging, rights)
{
	struct host_paging *hp = &self->hp;
	struct found found;

	ASSERT_EQ(0, host_paging_map(hp, BASE, SIZE_1G, SIZE_4K, 0));
	found = read_tables(hp, BASE + 5);
	EXPECT_TRUE(found.present);
	EXPECT_EQ(SIZE_1G + 5, found.pa);
	EXPECT_FALSE(found.write);
	EXPECT_FALSE(found.exec);
	EXPECT_FALSE(found.uncached);

	ASSERT_EQ(0, host_paging_map(hp, BASE + SIZE_4K, SIZE_1G, SIZE_4K,
				     HOST_PAGING_WRITE));
	found = read_tables(hp, BASE + SIZE_4K);
	EXPECT_TRUE(found.write);
	EXPECT_FALSE(found.exec);

	ASSERT_EQ(0, host_paging_map(hp, BASE + 2 * SIZE_4K, SIZE_1G, SIZE_4K,
				     HOST_PAGING_EXEC));
	found = read_tables(hp, BASE + 2 * SIZE_4K);
	EXPECT_FALSE(found.write);
	EXPECT_TRUE(found.exec);

	ASSERT_EQ(0, host_paging_map(hp, BASE + 3 * SIZE_4K, 0xfee00000,
				     SIZE_4K, HOST_PAGING_WRITE | HOST_PAGING_UC));
	EXPECT_TRUE(read_tables(hp, BASE + 3 * SIZE_4K).uncached);
}

TEST_F(paging, writable_code_is_refused)
{
	u32 used = self->pool.nr_used;
	u32 flags;

	for (flags = 0; flags < 16; flags++) {
		if (!(flags & HOST_PAGING_WRITE) || !(flags & HOST_PAGING_EXEC))
			continue;
		EXPECT_EQ(-EINVAL, host_paging_map(&self->hp, BASE, SIZE_1G,
						   SIZE_2M, flags));
	}
	EXPECT_FALSE(read_tables(&self->hp, BASE).present);
	EXPECT_EQ(used, self->pool.nr_used);
}

TEST_F(paging, bad_ranges)
{
	struct host_paging *hp = &self->hp;
	struct host_paging five;
	u32 used;

	ASSERT_EQ(0, host_paging_init(&five, &self->pool, 5));
	used = self->pool.nr_used;
#define REFUSED(va, pa, size) do { \
	EXPECT_EQ(-EINVAL, host_paging_map(hp, va, pa, size, 0)); \
	EXPECT_EQ(-EINVAL, host_paging_map(&five, va, pa, size, 0)); \
} while (0)

	REFUSED(BASE, 0, 0);
	REFUSED(BASE + 1, 0, SIZE_4K);
	REFUSED(BASE, 1, SIZE_4K);
	REFUSED(BASE, 0, 5);
	REFUSED(BASE, 1ULL << 52, SIZE_4K);
	REFUSED(BASE, (1ULL << 52) - SIZE_4K, SIZE_2M);
	REFUSED(BASE, -SIZE_4K, SIZE_2M);
	/* Round the end of the address space */
	REFUSED(-SIZE_4K, 0, 2 * SIZE_4K);
	/* Not canonical, or only at one end */
	REFUSED(1ULL << 62, 0, SIZE_4K);
	REFUSED((1ULL << 56) - SIZE_4K, 0, 2 * SIZE_4K);
	EXPECT_EQ(-EINVAL, host_paging_map(hp, 1ULL << 47, 0, SIZE_4K, 0));
	EXPECT_EQ(-EINVAL, host_paging_map(hp, (1ULL << 47) - SIZE_4K, 0,
					   2 * SIZE_4K, 0));
	EXPECT_EQ(-EINVAL, host_paging_map(hp, 0xff11000000000000, 0, SIZE_4K,
					   0));
	EXPECT_EQ(-EINVAL, host_paging_reserve(hp, 1ULL << 47, SIZE_4K));
	EXPECT_EQ(-EINVAL, host_paging_reserve(hp, BASE, 0));
	/* Canonical at both ends, with the gap between them */
	EXPECT_EQ(-EINVAL, host_paging_reserve(hp, (1ULL << 47) - SIZE_4K,
					       -(1ULL << 48) + 2 * SIZE_4K));
	EXPECT_EQ(used, self->pool.nr_used);

	/* The very last page, and what only five levels reach */
	EXPECT_EQ(0, host_paging_map(hp, -SIZE_4K, SIZE_1G, SIZE_4K, 0));
	EXPECT_EQ(0, host_paging_map(&five, 0xff11000000000000, SIZE_1G,
				     SIZE_4K, 0));
	EXPECT_EQ(SIZE_1G, read_tables(hp, -SIZE_4K).pa);
	EXPECT_EQ(SIZE_1G, read_tables(&five, 0xff11000000000000).pa);
}

TEST_F(paging, what_is_mapped_stays)
{
	struct host_paging *hp = &self->hp;

	ASSERT_EQ(0, host_paging_map(hp, BASE, SIZE_1G, SIZE_4K,
				     HOST_PAGING_EXEC));
	EXPECT_EQ(-EEXIST, host_paging_map(hp, BASE, 2 * SIZE_1G, SIZE_4K,
					   HOST_PAGING_WRITE));
	EXPECT_EQ(-EEXIST, host_paging_map(hp, BASE, 2 * SIZE_1G, SIZE_2M,
					   HOST_PAGING_WRITE |
					   HOST_PAGING_LARGE));
	EXPECT_EQ(SIZE_1G, read_tables(hp, BASE).pa);
	EXPECT_FALSE(read_tables(hp, BASE).write);

	ASSERT_EQ(0, host_paging_map(hp, BASE + SIZE_2M, SIZE_1G, SIZE_2M,
				     HOST_PAGING_LARGE));
	EXPECT_EQ(-EEXIST, host_paging_map(hp, BASE + SIZE_2M + SIZE_4K,
					   SIZE_1G, SIZE_4K, 0));
	EXPECT_EQ(-EEXIST, host_paging_reserve(hp, BASE + SIZE_2M, SIZE_4K));
	EXPECT_EQ(NULL, host_paging_pte(hp, BASE + SIZE_2M));
}

TEST_F(paging, large_pages_where_both_addresses_allow)
{
	struct host_paging *hp = &self->hp;
	u64 size = 3 * SIZE_2M;

	ASSERT_EQ(0, host_paging_map(hp, BASE + SIZE_4K, SIZE_1G + SIZE_4K,
				     size, HOST_PAGING_LARGE));
	EXPECT_EQ(1, read_tables(hp, BASE + SIZE_2M - SIZE_4K).level);
	EXPECT_EQ(2, read_tables(hp, BASE + SIZE_2M).level);
	EXPECT_EQ(2, read_tables(hp, BASE + 3 * SIZE_2M - SIZE_4K).level);
	EXPECT_EQ(1, read_tables(hp, BASE + 3 * SIZE_2M).level);
	EXPECT_FALSE(read_tables(hp, BASE).present);
	EXPECT_FALSE(read_tables(hp, BASE + SIZE_4K + size).present);
	EXPECT_EQ(SIZE_1G + SIZE_2M + 77,
		  read_tables(hp, BASE + SIZE_2M + 77).pa);

	/* Out of step, or not asked for */
	ASSERT_EQ(0, host_paging_map(hp, BASE + SIZE_1G, SIZE_1G + SIZE_4K,
				     SIZE_2M, HOST_PAGING_LARGE));
	EXPECT_EQ(1, read_tables(hp, BASE + SIZE_1G).level);
	ASSERT_EQ(0, host_paging_map(hp, BASE + 2 * SIZE_1G, SIZE_1G, SIZE_2M,
				     0));
	EXPECT_EQ(1, read_tables(hp, BASE + 2 * SIZE_1G).level);
}

TEST_F(paging, windows)
{
	struct host_paging *hp = &self->hp;
	u64 *pte;
	u32 used;

	EXPECT_EQ(NULL, host_paging_pte(hp, BASE));
	ASSERT_EQ(0, host_paging_reserve(hp, BASE, 2 * SIZE_2M));
	used = self->pool.nr_used;
	EXPECT_FALSE(read_tables(hp, BASE).present);
	pte = host_paging_pte(hp, BASE + SIZE_2M + 3 * SIZE_4K + 9);
	ASSERT_NE(NULL, pte);
	EXPECT_EQ(pte, host_paging_pte(hp, BASE + SIZE_2M + 3 * SIZE_4K));
	EXPECT_EQ(pte + 1, host_paging_pte(hp, BASE + SIZE_2M + 4 * SIZE_4K));

	*pte = SIZE_1G | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
	EXPECT_EQ(SIZE_1G, read_tables(hp, BASE + SIZE_2M + 3 * SIZE_4K).pa);
	EXPECT_TRUE(read_tables(hp, BASE + SIZE_2M + 3 * SIZE_4K).write);
	EXPECT_EQ(used, self->pool.nr_used);

	/* What is reserved can still be mapped */
	EXPECT_EQ(0, host_paging_map(hp, BASE, SIZE_1G, SIZE_4K, 0));
	EXPECT_EQ(used, self->pool.nr_used);
}

/* Another table with our entry planted in it sees our 512 GiB and no more */
TEST_F(paging, planted_entries)
{
	struct host_paging *hp = &self->hp;
	struct host_paging linux_tables, five;
	u64 entry, *root;

	ASSERT_EQ(0, host_paging_init(&linux_tables, &self->pool, 4));
	EXPECT_EQ(0, host_paging_slot_entry(hp, BASE));
	ASSERT_EQ(0, host_paging_map(hp, BASE, SIZE_1G, SIZE_4K,
				     HOST_PAGING_EXEC));
	entry = host_paging_slot_entry(hp, BASE);
	EXPECT_NE(0, entry);
	EXPECT_EQ(0, entry & (PTE_US | PTE_NX));
	EXPECT_EQ(entry, host_paging_slot_entry(hp, BASE + 100 * SIZE_1G));
	EXPECT_EQ(0, host_paging_slot_entry(hp, BASE + 512 * SIZE_1G));
	EXPECT_EQ(entry, host_paging_entry(hp, BASE, 4));
	EXPECT_EQ(0, host_paging_entry(hp, BASE, 5));
	EXPECT_EQ(0, host_paging_entry(hp, BASE, 0));
	EXPECT_EQ(*host_paging_pte(hp, BASE), host_paging_entry(hp, BASE, 1));

	root = table_pool_va(&self->pool, linux_tables.root_pa);
	root[BASE >> 39 & 511] = entry;
	EXPECT_EQ(SIZE_1G, read_tables(&linux_tables, BASE).pa);
	EXPECT_TRUE(read_tables(&linux_tables, BASE).exec);
	/* Later mappings appear there, too */
	ASSERT_EQ(0, host_paging_map(hp, BASE + SIZE_1G, SIZE_2M, SIZE_4K, 0));
	EXPECT_EQ(SIZE_2M, read_tables(&linux_tables, BASE + SIZE_1G).pa);

	/* With five levels that is the second one down */
	ASSERT_EQ(0, host_paging_init(&five, &self->pool, 5));
	ASSERT_EQ(0, host_paging_map(&five, BASE, SIZE_1G, SIZE_4K, 0));
	entry = host_paging_slot_entry(&five, BASE);
	root[BASE >> 39 & 511] = entry;
	EXPECT_EQ(SIZE_1G, read_tables(&linux_tables, BASE).pa);
	EXPECT_NE(entry, host_paging_entry(&five, BASE, 5));
	EXPECT_NE(0, host_paging_entry(&five, BASE, 5));
	/* A walk that a large page ends */
	ASSERT_EQ(0, host_paging_map(hp, BASE + 2 * SIZE_1G, SIZE_1G, SIZE_2M,
				     HOST_PAGING_LARGE));
	EXPECT_EQ(0, host_paging_entry(hp, BASE + 2 * SIZE_1G, 1));
	EXPECT_NE(0, host_paging_entry(hp, BASE + 2 * SIZE_1G, 2));
}

#define FUZZ_PAGES	4096

/* Any order of mappings, with the pool running dry at any time */
TEST_F(paging, fuzz)
{
	static struct { u64 pa; u32 flags; bool present; } model[FUZZ_PAGES];
	u64 rounds = fuzz_rounds(150), i;
	unsigned int exhausted = 0;

	while (rounds--) {
		unsigned int step;

		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 1);
		memset(model, 0, sizeof(model));
		ASSERT_EQ(0, host_paging_init(&self->hp, &self->pool,
					      4 + one_in(2)));
		if (one_in(2))
			test_pool_leave(&self->pool, 3 + random_below(6));

		for (step = 0; step < 30; step++) {
			u32 flags = random_below(16);
			u64 first = random_below(FUZZ_PAGES);
			u64 count = 1 + random_below(1U << random_below(12));
			u64 pa = SIZE_1G + random_below(1U << 20) * SIZE_4K;
			bool clash = false;
			int ret;

			if (one_in(2)) {
				first &= ~511ULL;
				pa &= ~(SIZE_2M - 1);
			}
			if (first + count > FUZZ_PAGES)
				count = FUZZ_PAGES - first;
			ret = host_paging_map(&self->hp, BASE + first * SIZE_4K,
					      pa, count * SIZE_4K, flags);
			if ((flags & 3) == 3) {
				ASSERT_EQ(-EINVAL, ret);
				continue;
			}
			for (i = 0; i < count; i++)
				clash |= model[first + i].present;
			if (!ret)
				ASSERT_FALSE(clash);
			if (ret == -EEXIST && !clash) {
				/* A table is in a large page's way */
				ASSERT_NE(0, flags & HOST_PAGING_LARGE);
			} else if (ret) {
				ASSERT_TRUE(ret == -EEXIST || ret == -ENOMEM);
			}
			exhausted += ret == -ENOMEM;
			for (i = 0; i < count; i++) {
				struct found found = read_tables(&self->hp,
					BASE + (first + i) * SIZE_4K);

				if (model[first + i].present)
					continue;
				/* Up to where it stopped, and nothing else */
				if (!found.present) {
					ASSERT_NE(0, ret);
					continue;
				}
				model[first + i].present = true;
				model[first + i].pa = pa + i * SIZE_4K;
				model[first + i].flags = flags;
			}
		}

		for (i = 0; i < FUZZ_PAGES; i++) {
			u64 va = BASE + i * SIZE_4K;
			struct found found = read_tables(&self->hp, va);

			ASSERT_EQ(model[i].present, found.present);
			if (!found.present)
				continue;
			ASSERT_EQ(model[i].pa, found.pa);
			ASSERT_FALSE(found.user);
			ASSERT_FALSE(found.global);
			ASSERT_FALSE(found.write && found.exec);
			ASSERT_EQ(found.write, model[i].flags & 1);
			ASSERT_EQ(found.exec, model[i].flags >> 1 & 1);
			ASSERT_EQ(found.uncached, model[i].flags >> 3 & 1);
		}
	}
	EXPECT_GT(exhausted, 0);
}

TEST_HARNESS_MAIN
