// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of memory types
 */
#include "unit.h"

#include "mtrr.h"
#include "random_mtrr.h"
#include "x86.h"

#define PHYS_BITS	39
#define FULL_MASK	(((1ULL << PHYS_BITS) - 1) & ~0xfffULL)

static struct mtrr_variable range(u64 base, u64 size, u8 type)
{
	return (struct mtrr_variable) {
		.base = base | type,
		.mask = (FULL_MASK & ~(size - 1)) | MTRR_PHYSMASK_V,
	};
}

/* What firmware leaves on an ordinary PC: 8 GiB, of which 1 GiB below 4 GiB is MMIO */
static struct mtrr_state ordinary_pc(void)
{
	struct mtrr_state mtrr = {
		.cap = MTRRCAP_FIX | 10,
		.def_type = MTRR_DEF_TYPE_E | MTRR_DEF_TYPE_FE | MEMTYPE_WB,
		.nr_var = 10,
		.phys_bits = PHYS_BITS,
	};

	mtrr.fixed[0] = 0x0606060606060606;
	mtrr.fixed[1] = 0x0606060606060606;
	mtrr.fixed[2] = 0;
	mtrr.fixed[3] = 0x0505050505050505;
	mtrr.var[0] = range(3 * SIZE_1G, SIZE_1G, MEMTYPE_UC);
	return mtrr;
}

static int mtrr_type(const struct mtrr_state *mtrr, u64 pa)
{
	return mtrr_range_type(mtrr, pa, pa + 1);
}

TEST(what_firmware_leaves)
{
	struct mtrr_state mtrr = ordinary_pc();

	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 0));
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 0x9ffff));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 0xa0000));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 0xbffff));
	EXPECT_EQ(MEMTYPE_WP, mtrr_type(&mtrr, 0xc0000));
	EXPECT_EQ(MEMTYPE_WP, mtrr_type(&mtrr, 0xc7fff));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 0xc8000));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 0xfffff));
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 0x100000));
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 3 * SIZE_1G - 1));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 3 * SIZE_1G));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 4 * SIZE_1G - 1));
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 4 * SIZE_1G));

	EXPECT_EQ(MEMTYPE_WB, mtrr_range_type(&mtrr, SIZE_1G, 3 * SIZE_1G));
	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, SIZE_1G, 3 * SIZE_1G + 1));
	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, 0, SIZE_2M));
	EXPECT_EQ(MEMTYPE_UC,
		  mtrr_range_type(&mtrr, 3 * SIZE_1G, 4 * SIZE_1G));
	EXPECT_EQ(MEMTYPE_WB,
		  mtrr_range_type(&mtrr, 4 * SIZE_1G, 1ULL << PHYS_BITS));
}

/* One 4 KiB hole anywhere in a GiB counts: sampling would miss it */
TEST(one_page_makes_a_gigabyte_mixed)
{
	struct mtrr_state mtrr = ordinary_pc();
	u64 pa;

	for (pa = SIZE_1G; pa < 2 * SIZE_1G; pa += SIZE_4K * 4099) {
		mtrr.var[1] = range(pa, SIZE_4K, MEMTYPE_WC);
		ASSERT_EQ(MTRR_MIXED,
			  mtrr_range_type(&mtrr, SIZE_1G, 2 * SIZE_1G));
		ASSERT_EQ(MEMTYPE_WC, mtrr_type(&mtrr, pa));
		ASSERT_EQ(MEMTYPE_WB,
			  mtrr_range_type(&mtrr, pa + SIZE_4K, 2 * SIZE_1G));
	}
}

TEST(disabled_means_uncacheable)
{
	struct mtrr_state mtrr = ordinary_pc();

	mtrr.def_type &= ~MTRR_DEF_TYPE_E;
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 0));
	EXPECT_EQ(MEMTYPE_UC, mtrr_range_type(&mtrr, 0, 1ULL << PHYS_BITS));

	memset(&mtrr, 0, sizeof(mtrr));
	EXPECT_EQ(MEMTYPE_UC, mtrr_range_type(&mtrr, 0, 1ULL << 52));
}

TEST(fixed_ranges_need_their_flag_and_their_capability)
{
	struct mtrr_state mtrr = ordinary_pc();

	mtrr.def_type &= ~MTRR_DEF_TYPE_FE;
	EXPECT_EQ(MEMTYPE_WB, mtrr_range_type(&mtrr, 0, SIZE_1G));

	mtrr = ordinary_pc();
	mtrr.cap &= ~MTRRCAP_FIX;
	EXPECT_EQ(MEMTYPE_WB, mtrr_range_type(&mtrr, 0, SIZE_1G));
}

TEST(fixed_ranges_win_over_variable_ones)
{
	struct mtrr_state mtrr = ordinary_pc();

	mtrr.var[1] = range(0, SIZE_2M, MEMTYPE_UC);
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 0x1000));
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 0x100000));
}

TEST(overlaps_follow_precedence)
{
	static const u8 types[] = { MEMTYPE_UC, MEMTYPE_WC, MEMTYPE_WT,
				    MEMTYPE_WP, MEMTYPE_WB };
	struct mtrr_state mtrr = ordinary_pc();
	unsigned int i, j;
	u8 want;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			u8 a = types[i], b = types[j];

			mtrr.var[1] = range(SIZE_1G, SIZE_1G, a);
			mtrr.var[2] = range(SIZE_1G, SIZE_2M, b);
			if (a == b)
				want = a;
			else if (a + b == MEMTYPE_WT + MEMTYPE_WB && a && b)
				want = MEMTYPE_WT;
			else
				want = MEMTYPE_UC;
			EXPECT_EQ(want, mtrr_type(&mtrr, SIZE_1G));
		}
	}

	mtrr.var[1] = range(SIZE_1G, SIZE_1G, MEMTYPE_WB);
	mtrr.var[2] = range(SIZE_1G, SIZE_1G, MEMTYPE_WT);
	mtrr.var[3] = range(SIZE_1G, SIZE_1G, MEMTYPE_WB);
	EXPECT_EQ(MEMTYPE_WT, mtrr_type(&mtrr, SIZE_1G));
	mtrr.var[4] = range(SIZE_1G, SIZE_1G, MEMTYPE_UC);
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, SIZE_1G));
	mtrr.var[4].mask &= ~MTRR_PHYSMASK_V;
	EXPECT_EQ(MEMTYPE_WT, mtrr_type(&mtrr, SIZE_1G));
}

TEST(reserved_types_are_uncacheable)
{
	struct mtrr_state mtrr = ordinary_pc();
	unsigned int type;

	for (type = 0; type < 256; type++) {
		u8 want = type == 1 || (type >= 4 && type <= 6) ? type : 0;

		mtrr.var[1] = range(SIZE_1G, SIZE_1G, 0);
		mtrr.var[1].base |= type;
		EXPECT_EQ(want, mtrr_type(&mtrr, SIZE_1G));
		mtrr.def_type = (mtrr.def_type & ~0xffULL) | type;
		EXPECT_EQ(want, mtrr_type(&mtrr, SIZE_2M));
	}
}

TEST(a_mask_of_nothing_matches_everything)
{
	struct mtrr_state mtrr = ordinary_pc();

	mtrr.nr_var = 1;
	mtrr.var[0].base = MEMTYPE_WT;
	mtrr.var[0].mask = MTRR_PHYSMASK_V;
	EXPECT_EQ(MEMTYPE_WT,
		  mtrr_range_type(&mtrr, SIZE_2M, 1ULL << PHYS_BITS));
}

TEST(only_the_ranges_that_exist_count)
{
	struct mtrr_state mtrr = ordinary_pc();

	mtrr.nr_var = 0;
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, 3 * SIZE_1G));
	/* A hostile count does not read past the array */
	mtrr.nr_var = ~0U;
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 3 * SIZE_1G));
}

TEST(beyond_the_physical_address_width_is_uncacheable)
{
	struct mtrr_state mtrr = ordinary_pc();

	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, 1ULL << PHYS_BITS));
	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, 4 * SIZE_1G,
					      (1ULL << PHYS_BITS) + 1));
	EXPECT_EQ(MEMTYPE_UC, mtrr_range_type(&mtrr, 1ULL << PHYS_BITS,
					      1ULL << 52));
}

TEST(masks_with_holes)
{
	struct mtrr_state mtrr = ordinary_pc();

	/* Every other page of the second GiB */
	mtrr.var[1].base = SIZE_1G | MEMTYPE_UC;
	mtrr.var[1].mask = (FULL_MASK & ~(SIZE_1G - 1)) | SIZE_4K |
			   MTRR_PHYSMASK_V;
	EXPECT_EQ(MEMTYPE_UC, mtrr_type(&mtrr, SIZE_1G));
	EXPECT_EQ(MEMTYPE_WB, mtrr_type(&mtrr, SIZE_1G + SIZE_4K));
	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, SIZE_1G, 2 * SIZE_1G));
	EXPECT_EQ(MEMTYPE_WB, mtrr_range_type(&mtrr, SIZE_1G + SIZE_4K,
					      SIZE_1G + 2 * SIZE_4K));

	/* Both halves say the same, in more pieces than anyone should count */
	mtrr.var[2] = mtrr.var[1];
	mtrr.var[2].base |= SIZE_4K;
	EXPECT_EQ(MEMTYPE_UC, mtrr_range_type(&mtrr, SIZE_1G, SIZE_1G + SIZE_2M));
	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, SIZE_1G, 2 * SIZE_1G));
}

TEST(an_empty_range_has_no_type)
{
	struct mtrr_state mtrr = ordinary_pc();

	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, SIZE_1G, SIZE_1G));
	EXPECT_EQ(MTRR_MIXED, mtrr_range_type(&mtrr, SIZE_1G, 0));
}

#define FUZZ_PAGES	(1U << 14)	/* 64 MiB */

TEST(fuzz_against_every_page)
{
	static u8 want[FUZZ_PAGES + 16];
	u64 rounds = fuzz_rounds(150);
	struct mtrr_state mtrr;
	struct mtrr_run run;
	unsigned int i, probe;

	while (rounds--) {
		bool holes = one_in(2);

		random_mtrr(&mtrr, 26, holes);
		for (i = 0; i < ARRAY_SIZE(want); i++)
			want[i] = reference_type(&mtrr, i * SIZE_4K);
		for (i = 0; i < ARRAY_SIZE(want); i++)
			ASSERT_EQ(want[i], mtrr_type(&mtrr, i * SIZE_4K +
						     random_below(SIZE_4K)));

		for (probe = 0; probe < 300; probe++) {
			unsigned int first = random_below(FUZZ_PAGES);
			unsigned int count = 1 + (random_below(4096) >>
						  random_below(12));
			int type, reference;

			if (one_in(4)) {
				first &= ~511U;
				count = 512;
			}
			if (first + count > ARRAY_SIZE(want))
				count = ARRAY_SIZE(want) - first;
			reference = want[first];
			for (i = first; i < first + count; i++) {
				if (want[i] != reference)
					reference = MTRR_MIXED;
			}
			type = mtrr_range_type(&mtrr, first * SIZE_4K,
					       (first + count) * SIZE_4K);
			ASSERT_EQ(reference, type);

			mtrr_run_at(&mtrr, first * SIZE_4K, &run);
			ASSERT_LE(run.start, first * SIZE_4K);
			ASSERT_GT(run.end, first * SIZE_4K);
			ASSERT_EQ(0, (run.end - run.start) &
				     (run.end - run.start - 1));
			for (i = run.start / SIZE_4K;
			     i < run.end / SIZE_4K && i < ARRAY_SIZE(want); i++)
				ASSERT_EQ(run.type, want[i]);
		}
	}
}

TEST_HARNESS_MAIN
