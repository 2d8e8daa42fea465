// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of EPT views: tables that share others' tables
 */
#include "unit.h"

#include "ept.h"
#include "ept_walker.h"
#include "pool.h"
#include "x86.h"

#define LIMIT		(2 * SIZE_1G)
#define PAGES		((u64)(LIMIT / SIZE_4K))
#define COPY		(0x7ULL << 40)

/* A page in 2 MiB and 1 GiB leaves, and one in 4 KiB leaves */
#define LARGE		(SIZE_1G + 9 * SIZE_2M + 5 * SIZE_4K)
#define SMALL		(3 * SIZE_2M + 7 * SIZE_4K)

FIXTURE(share)
{
	struct table_pool pool;
	struct ept base;
	struct ept view;
	struct mtrr_state mtrr;
	u32 used;
};

FIXTURE_VARIANT(share)
{
	u8 levels;
};

FIXTURE_VARIANT_ADD(share, four_levels)
{
	.levels = 4,
};

FIXTURE_VARIANT_ADD(share, five_levels)
{
	.levels = 5,
};

FIXTURE_SETUP(share)
{
	test_pool_create(&self->pool, 2);
	memset(&self->mtrr, 0, sizeof(self->mtrr));
	self->mtrr.def_type = MTRR_DEF_TYPE_E | MEMTYPE_WB;
	self->mtrr.phys_bits = 46;
	ASSERT_EQ(0, ept_init(&self->base, &self->pool, variant->levels, true));
	ASSERT_EQ(0, ept_map_identity(&self->base, 0, LIMIT, EPT_ALL, &self->mtrr));
	ASSERT_EQ(0, ept_split(&self->base, SMALL, EPT_LEVEL_4K));
	self->used = self->pool.nr_used;
	ASSERT_EQ(0, ept_share(&self->view, &self->base));
}

FIXTURE_TEARDOWN(share)
{
	test_pool_destroy(&self->pool);
}

/* The same in all that the CPU sees, and in class; or where it is not */
static u64 first_difference(const struct ept *a, const struct ept *b)
{
	struct found x, y;
	u64 i;

	for (i = 0; i < PAGES; i++) {
		x = read_tables(a, i * SIZE_4K);
		y = read_tables(b, i * SIZE_4K);
		if (x.objection || y.objection || x.rights != y.rights ||
		    x.hpa != y.hpa || x.type != y.type || x.class != y.class)
			return i * SIZE_4K;
	}
	return LIMIT;
}

TEST_F(share, a_view_begins_as_its_base)
{
	EXPECT_EQ(LIMIT, first_difference(&self->view, &self->base));
	EXPECT_TRUE(leaves_are_exact(&self->view));
	EXPECT_EQ(1, self->view.tables);
	EXPECT_EQ(self->used + 1, self->pool.nr_used);
	EXPECT_NE(ept_pointer(&self->view), ept_pointer(&self->base));
}

TEST_F(share, a_change_of_the_view_does_not_show_in_the_base)
{
	static const u64 where[] = { SMALL, LARGE, SMALL + SIZE_4K, LIMIT - SIZE_4K };
	struct ept before;
	u32 i;

	ASSERT_EQ(0, ept_share(&before, &self->base));
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		ASSERT_EQ(0, ept_map_frame(&self->view, where[i], COPY,
					   EPT_READ | EPT_WRITE, MEMTYPE_WB));
		EXPECT_EQ(COPY, read_tables(&self->view, where[i]).hpa);
		EXPECT_EQ(EPT_READ | EPT_WRITE, ept_rights(&self->view, where[i]));
		EXPECT_EQ(where[i], read_tables(&self->base, where[i]).hpa);
		EXPECT_EQ(EPT_ALL, ept_rights(&self->base, where[i]));
	}
	EXPECT_EQ(LIMIT, first_difference(&before, &self->base));
	EXPECT_TRUE(leaves_are_exact(&self->base));
	EXPECT_TRUE(leaves_are_exact(&self->view));
	ASSERT_EQ(0, ept_protect(&self->view, 0, LIMIT, EPT_READ, 3));
	EXPECT_EQ(LIMIT, first_difference(&before, &self->base));
	ept_destroy(&self->view);
	ept_destroy(&before);
	EXPECT_EQ(self->used, self->pool.nr_used);
}

TEST_F(share, a_change_of_the_base_shows_where_the_view_has_no_copy)
{
	u64 far;

	ASSERT_EQ(0, ept_map_frame(&self->view, SMALL, COPY, EPT_READ, MEMTYPE_WB));

	/* In another GiB, and deeper than what was there when it was shared */
	ASSERT_EQ(0, ept_protect(&self->base, LARGE, LARGE + SIZE_4K, EPT_READ, 2));
	EXPECT_EQ(EPT_ALL, ept_rights(&self->view, LARGE));
	ept_destroy(&self->view);
	ASSERT_EQ(0, ept_share(&self->view, &self->base));
	ASSERT_EQ(0, ept_protect(&self->base, LARGE, LARGE + SIZE_4K,
				 EPT_READ | EPT_EXEC, 4));
	EXPECT_EQ(EPT_READ | EPT_EXEC, ept_rights(&self->view, LARGE));
	EXPECT_EQ(4, ept_class(&self->view, LARGE));
	ASSERT_EQ(0, ept_protect(&self->base, LARGE + SIZE_2M,
				 LARGE + SIZE_2M + SIZE_4K, EPT_READ, 2));
	EXPECT_EQ(EPT_READ, ept_rights(&self->view, LARGE + SIZE_2M));

	/* And where it has one, it does not */
	ASSERT_EQ(0, ept_map_frame(&self->view, SMALL, COPY, EPT_READ, MEMTYPE_WB));
	ASSERT_EQ(0, ept_protect(&self->base, SMALL, SMALL + SIZE_2M, EPT_READ, 1));
	EXPECT_EQ(COPY, read_tables(&self->view, SMALL).hpa);
	EXPECT_EQ(EPT_ALL, ept_rights(&self->view, SMALL + SIZE_4K));
	EXPECT_EQ(1, ept_class(&self->base, SMALL));

	/* Nor below an entry of the root that was not there */
	far = ept_limit(&self->base) - SIZE_4K;
	ASSERT_EQ(0, ept_map_lazy(&self->base, far, EPT_ALL, &self->mtrr));
	EXPECT_EQ(0, ept_rights(&self->view, far));
}

/* Tables that are shared three times over go back once: with their owner */
TEST_F(share, a_view_of_a_view)
{
	struct ept second, third;
	u32 before = self->pool.nr_used;

	ASSERT_EQ(0, ept_map_frame(&self->view, SMALL, COPY, EPT_READ, MEMTYPE_WB));
	ASSERT_EQ(0, ept_share(&second, &self->view));
	EXPECT_EQ(LIMIT, first_difference(&second, &self->view));
	ASSERT_EQ(0, ept_map_frame(&second, SMALL + SIZE_4K, COPY + SIZE_4K,
				   EPT_READ, MEMTYPE_WB));
	ASSERT_EQ(0, ept_map_frame(&second, LARGE, COPY, EPT_READ, MEMTYPE_WB));
	ASSERT_EQ(0, ept_share(&third, &second));
	EXPECT_EQ(LIMIT, first_difference(&third, &second));

	EXPECT_EQ(COPY, read_tables(&third, SMALL).hpa);
	EXPECT_EQ(SMALL + SIZE_4K, read_tables(&self->view, SMALL + SIZE_4K).hpa);
	EXPECT_EQ(LARGE, read_tables(&self->view, LARGE).hpa);
	EXPECT_EQ(SMALL, read_tables(&self->base, SMALL).hpa);
	ept_destroy(&third);
	ept_destroy(&second);
	EXPECT_EQ(COPY, read_tables(&self->view, SMALL).hpa);
	EXPECT_EQ(SMALL + SIZE_4K, read_tables(&self->view, SMALL + SIZE_4K).hpa);
	ept_destroy(&self->view);
	EXPECT_EQ(before - 1, self->used);
	EXPECT_EQ(self->used, self->pool.nr_used);
	EXPECT_TRUE(leaves_are_exact(&self->base));
}

/* The table that hides memory is nobody's to free */
TEST_F(share, a_hiding_table_stays)
{
	u64 hiding = ept_build_hiding_table(&self->base, COPY);
	u64 hidden = SIZE_1G + 4 * SIZE_2M;
	u32 used;

	ept_destroy(&self->view);
	ASSERT_EQ(0, ept_hide_chunk(&self->base, hidden, hiding));
	used = self->pool.nr_used;
	ASSERT_EQ(0, ept_share(&self->view, &self->base));
	ASSERT_EQ(0, ept_map_frame(&self->view, hidden, hidden,
				   EPT_READ | EPT_WRITE, MEMTYPE_WB));
	ept_destroy(&self->view);
	EXPECT_EQ(used, self->pool.nr_used);
	EXPECT_EQ(COPY, read_tables(&self->base, hidden).hpa);
	EXPECT_EQ(EPT_READ, ept_rights(&self->base, hidden));
}

/* Wherever in the middle tables run out, what was taken is given back */
TEST_F(share, want_of_tables)
{
	u32 left, used;
	int ret = -ENOMEM;

	ept_destroy(&self->view);
	for (left = 0; ret; left++) {
		ASSERT_LT(left, 10);
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 1);
		ASSERT_EQ(0, ept_init(&self->base, &self->pool, variant->levels,
				      true));
		ASSERT_EQ(0, ept_map_identity(&self->base, 0, LIMIT, EPT_ALL,
					      &self->mtrr));
		test_pool_leave(&self->pool, left);
		used = self->pool.nr_used;

		ret = ept_share(&self->view, &self->base);
		ASSERT_EQ(left ? 0 : -ENOMEM, ret);
		if (!ret) {
			ret = ept_map_frame(&self->view, LARGE, COPY, EPT_READ,
					    MEMTYPE_WB);
			if (ret)
				EXPECT_EQ(LIMIT, first_difference(&self->view,
								  &self->base));
		}
		ASSERT_TRUE(!ret || ret == -ENOMEM);
		ept_destroy(&self->view);
		ASSERT_EQ(used, self->pool.nr_used);
		ASSERT_EQ(EPT_LEVEL_1G, read_tables(&self->base, LARGE).level);
	}
	/* The root, and a table of each level below */
	EXPECT_EQ(variant->levels, left - 1);
}

/* What the base must leave alone is there for views */
TEST_F(share, a_view_may_use_the_reserve)
{
	u32 used;

	self->base.reserve = variant->levels;
	ept_destroy(&self->view);
	test_pool_leave(&self->pool, variant->levels);
	used = self->pool.nr_used;
	EXPECT_EQ(-ENOMEM, ept_split(&self->base, LARGE, EPT_LEVEL_4K));
	EXPECT_EQ(-ENOMEM, ept_protect(&self->base, LARGE, LARGE + SIZE_4K,
				       EPT_READ, 1));
	EXPECT_EQ(used, self->pool.nr_used);
	EXPECT_EQ(EPT_ALL, ept_rights(&self->base, LARGE));
	/* What needs no table needs no reserve */
	EXPECT_EQ(0, ept_protect(&self->base, SMALL, SMALL + SIZE_4K, EPT_READ, 1));

	ASSERT_EQ(0, ept_share(&self->view, &self->base));
	EXPECT_EQ(variant->levels, self->base.reserve);
	EXPECT_EQ(0, ept_map_frame(&self->view, LARGE, COPY, EPT_READ, MEMTYPE_WB));
	EXPECT_EQ(self->pool.nr_total, self->pool.nr_used);
	ept_destroy(&self->view);
	EXPECT_EQ(used, self->pool.nr_used);
}

/* Views come and go; pages that were tables come again as others */
TEST_F(share, fuzz)
{
	u64 rounds = fuzz_rounds(30), steps, gpa;
	u64 mapped[8];
	u32 i, count;

	ept_destroy(&self->view);
	while (rounds--) {
		u32 used = self->pool.nr_used;

		ASSERT_EQ(0, ept_share(&self->view, &self->base));
		count = random_below(ARRAY_SIZE(mapped));
		for (steps = 0; steps < count; steps++) {
			gpa = random_below(PAGES) * SIZE_4K;
			if (steps && one_in(2))
				gpa = mapped[0] ^ SIZE_4K;
			mapped[steps] = gpa;
			ASSERT_EQ(0, ept_map_frame(&self->view, gpa, COPY, EPT_READ,
						   MEMTYPE_WB));
			ASSERT_EQ(gpa, read_tables(&self->base, gpa).hpa);
		}
		for (i = 0; i < 2000; i++) {
			gpa = random_below(PAGES) * SIZE_4K;
			for (steps = 0; steps < count && mapped[steps] != gpa; steps++)
				;
			ASSERT_EQ(NULL, read_tables(&self->view, gpa).objection);
			ASSERT_EQ(steps < count ? COPY : gpa,
				  read_tables(&self->view, gpa).hpa);
		}
		ASSERT_TRUE(leaves_are_exact(&self->view));
		ept_destroy(&self->view);
		ASSERT_EQ(used, self->pool.nr_used);

		/* The base goes on being split in between */
		gpa = random_below(PAGES) * SIZE_4K;
		ASSERT_EQ(0, ept_protect(&self->base, gpa, gpa + SIZE_4K,
					 EPT_READ, 1 + random_below(7)));
		ASSERT_TRUE(leaves_are_exact(&self->base));
	}
}

static int make_readonly(struct ept *view, struct ept *base)
{
	ept_destroy(view);
	return ept_share_readonly(view, base);
}

/* How many pages of the view have other rights than to be read */
static u64 granted(const struct ept *view)
{
	u64 i, count = 0;

	for (i = 0; i < PAGES; i++)
		count += ept_rights(view, i * SIZE_4K) != EPT_READ;
	return count;
}

TEST_F(share, a_readonly_view_leads_to_the_same_frames)
{
	u64 i;

	ASSERT_EQ(0, make_readonly(&self->view, &self->base));
	EXPECT_EQ(0, granted(&self->view));
	for (i = 0; i < PAGES; i += 7)
		EXPECT_EQ(i * SIZE_4K, read_tables(&self->view, i * SIZE_4K).hpa);
	EXPECT_EQ(EPT_ALL, ept_rights(&self->base, LARGE));
}

TEST_F(share, what_is_granted_is_granted_for_one_page)
{
	struct ept before;

	ASSERT_EQ(0, ept_share(&before, &self->base));
	ASSERT_EQ(0, make_readonly(&self->view, &self->base));
	ASSERT_EQ(0, ept_grant(&self->view, LARGE, EPT_LEVEL_4K,
			       EPT_READ | EPT_EXEC));
	ASSERT_EQ(0, ept_grant(&self->view, SMALL, EPT_LEVEL_4K,
			       EPT_READ | EPT_WRITE));
	EXPECT_EQ(2, granted(&self->view));
	EXPECT_EQ(EPT_READ | EPT_EXEC, ept_rights(&self->view, LARGE));
	EXPECT_EQ(EPT_READ | EPT_WRITE, ept_rights(&self->view, SMALL));
	EXPECT_EQ(LARGE, read_tables(&self->view, LARGE).hpa);
	EXPECT_EQ(MEMTYPE_WB, read_tables(&self->view, LARGE).type);
	EXPECT_EQ(LIMIT, first_difference(&before, &self->base));

	ASSERT_EQ(0, ept_grant(&self->view, LARGE, EPT_LEVEL_4K, EPT_READ));
	ASSERT_EQ(0, ept_grant(&self->view, SMALL, EPT_LEVEL_4K, EPT_READ));
	EXPECT_EQ(0, granted(&self->view));
}

TEST_F(share, two_mib_are_granted_and_taken_back_as_one)
{
	ASSERT_EQ(0, make_readonly(&self->view, &self->base));
	ASSERT_EQ(0, ept_grant(&self->view, SIZE_1G + 4 * SIZE_2M, EPT_LEVEL_2M,
			       EPT_READ | EPT_WRITE));
	EXPECT_EQ(SIZE_2M / SIZE_4K, granted(&self->view));
	ASSERT_EQ(0, ept_grant(&self->view, SIZE_1G + 4 * SIZE_2M, EPT_LEVEL_2M,
			       EPT_READ));
	EXPECT_EQ(0, granted(&self->view));
	ept_destroy(&self->view);
	EXPECT_EQ(self->used, self->pool.nr_used);
}

TEST_F(share, nonsense_is_not_granted)
{
	ASSERT_EQ(0, make_readonly(&self->view, &self->base));
	EXPECT_EQ(-EINVAL, ept_grant(&self->view, LARGE + 8, EPT_LEVEL_4K, EPT_READ));
	EXPECT_EQ(-EINVAL, ept_grant(&self->view, LARGE, EPT_LEVEL_2M, EPT_READ));
	EXPECT_EQ(-EINVAL, ept_grant(&self->view, LARGE, EPT_LEVEL_4K, 0));
	EXPECT_EQ(-EINVAL, ept_grant(&self->view, LARGE, EPT_LEVEL_4K, EPT_WRITE));
	EXPECT_EQ(-EINVAL, ept_grant(&self->view, 1ULL << 52, EPT_LEVEL_4K, EPT_READ));
	EXPECT_EQ(0, granted(&self->view));
}

TEST_F(share, alike_pages_are_one_again)
{
	const u64 start = SMALL & ~(SIZE_2M - 1);
	u64 table;

	ASSERT_EQ(0, ept_protect(&self->base, SMALL, SMALL + SIZE_4K, EPT_READ, 3));
	EXPECT_EQ(0, ept_merge(&self->base, &self->view, SMALL, EPT_ALL));
	ASSERT_EQ(0, ept_protect(&self->base, SMALL, SMALL + SIZE_4K, EPT_ALL, 0));
	ept_destroy(&self->view);

	table = ept_merge(&self->base, NULL, SMALL, EPT_READ | EPT_WRITE);
	ASSERT_NE(0, table);
	EXPECT_EQ(EPT_LEVEL_2M, read_tables(&self->base, start).level);
	EXPECT_EQ(SMALL, read_tables(&self->base, SMALL).hpa);
	EXPECT_EQ(EPT_READ | EPT_WRITE, ept_rights(&self->base, SMALL));
	EXPECT_EQ(EPT_ALL, ept_rights(&self->base, start - SIZE_4K));
	EXPECT_EQ(EPT_ALL, ept_rights(&self->base, start + SIZE_2M));
	EXPECT_TRUE(leaves_are_exact(&self->base));
	EXPECT_EQ(0, table_pool_free(&self->pool, table));
	EXPECT_EQ(self->used - 1, self->pool.nr_used);
	EXPECT_EQ(0, ept_merge(&self->base, NULL, SMALL, EPT_ALL));

	/* And be split again */
	ASSERT_EQ(0, ept_protect(&self->base, start, start + SIZE_2M, EPT_ALL, 0));
	ASSERT_EQ(0, ept_split(&self->base, SMALL, EPT_LEVEL_4K));
	EXPECT_EQ(self->used, self->pool.nr_used);
	EXPECT_TRUE(leaves_are_exact(&self->base));
}

TEST_F(share, what_is_not_alike_stays)
{
	const u64 start = SMALL & ~(SIZE_2M - 1), last = start + SIZE_2M - SIZE_4K;

	ASSERT_EQ(0, ept_map_frame(&self->base, last, COPY, EPT_ALL, MEMTYPE_WB));
	EXPECT_EQ(0, ept_merge(&self->base, NULL, SMALL, EPT_ALL));
	ASSERT_EQ(0, ept_map_frame(&self->base, last, last, EPT_ALL, MEMTYPE_UC));
	EXPECT_EQ(0, ept_merge(&self->base, NULL, SMALL, EPT_ALL));
	ASSERT_EQ(0, ept_map_frame(&self->base, last, last, 0, MEMTYPE_WB));
	EXPECT_EQ(0, ept_merge(&self->base, NULL, SMALL, EPT_ALL));
	ASSERT_EQ(0, ept_map_frame(&self->base, last, last, EPT_ALL, MEMTYPE_WB));
	/* Not the base's to change */
	EXPECT_EQ(0, ept_merge(&self->view, NULL, SMALL, EPT_ALL));
	/* Large anyway, or nothing */
	EXPECT_EQ(0, ept_merge(&self->base, NULL, LARGE, EPT_ALL));
	EXPECT_EQ(0, ept_merge(&self->base, NULL, LIMIT, EPT_ALL));
	EXPECT_NE(0, ept_merge(&self->base, &self->view, SMALL, EPT_ALL));
}

/* A view that has changed what lies beside it has the table's address as well. */
TEST_F(share, a_view_does_not_keep_a_merged_table)
{
	u64 table;

	ASSERT_EQ(0, make_readonly(&self->view, &self->base));
	ASSERT_EQ(0, ept_grant(&self->view, SMALL + SIZE_2M, EPT_LEVEL_4K,
			       EPT_READ | EPT_EXEC));
	table = ept_merge(&self->base, &self->view, SMALL, EPT_READ | EPT_WRITE);
	ASSERT_NE(0, table);
	memset(table_pool_va(&self->pool, table), 0xff, SIZE_4K);
	EXPECT_EQ(SMALL, read_tables(&self->view, SMALL).hpa);
	EXPECT_EQ(NULL, read_tables(&self->view, SMALL).objection);
	EXPECT_EQ(EPT_READ, ept_rights(&self->view, SMALL));
	EXPECT_EQ(1, granted(&self->view));
	EXPECT_TRUE(leaves_are_exact(&self->view));
}

/* Nor does it lose what it has of its own there. */
TEST_F(share, what_a_view_was_granted_outlives_a_merge)
{
	u64 table;

	ASSERT_EQ(0, make_readonly(&self->view, &self->base));
	ASSERT_EQ(0, ept_grant(&self->view, SMALL, EPT_LEVEL_4K, EPT_READ | EPT_EXEC));
	table = ept_merge(&self->base, &self->view, SMALL, EPT_READ | EPT_WRITE);
	ASSERT_NE(0, table);
	memset(table_pool_va(&self->pool, table), 0xff, SIZE_4K);
	EXPECT_EQ(EPT_READ | EPT_EXEC, ept_rights(&self->view, SMALL));
	EXPECT_EQ(1, granted(&self->view));
	EXPECT_TRUE(leaves_are_exact(&self->view));
}

TEST_HARNESS_MAIN
