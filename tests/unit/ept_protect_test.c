// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of EPT rights and classes
 *
 * The reference has one record for each 4 KiB page, and no tables.
 */
#include "unit.h"

#include "ept.h"
#include "ept_walker.h"
#include "pool.h"
#include "random_mtrr.h"
#include "x86.h"

#define LIMIT		(2 * SIZE_1G)
#define PAGES		((u64)(LIMIT / SIZE_4K))
#define READ_EXEC	(EPT_READ | EPT_EXEC)

struct page {
	u16 rights;
	u8 class;
	u8 type;
};

static struct page model[PAGES];

FIXTURE(protect)
{
	struct table_pool pool;
	struct ept ept;
	struct mtrr_state mtrr;
};

FIXTURE_SETUP(protect)
{
	test_pool_create(&self->pool, 4);
	memset(&self->mtrr, 0, sizeof(self->mtrr));
	self->mtrr.def_type = MTRR_DEF_TYPE_E | MEMTYPE_WB;
	self->mtrr.phys_bits = 46;
	ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4, true));
}

FIXTURE_TEARDOWN(protect)
{
	test_pool_destroy(&self->pool);
}

static void map_all(struct ept *ept, const struct mtrr_state *mtrr)
{
	u64 i;

	if (ept_map_identity(ept, 0, LIMIT, EPT_ALL, mtrr))
		abort();
	for (i = 0; i < PAGES; i++)
		model[i] = (struct page){
			.rights = EPT_ALL,
			.type = reference_type(mtrr, i * SIZE_4K),
		};
}

static void model_protect(u64 start, u64 end, u64 rights, u32 class)
{
	u64 i;

	for (i = start / SIZE_4K; i < end / SIZE_4K; i++) {
		model[i].rights = rights;
		model[i].class = class;
	}
}

/* NULL when the page is as the model has it */
static const char *page_differs(const struct ept *ept, u64 index)
{
	u64 gpa = index * SIZE_4K;
	struct found found = read_tables(ept, gpa);
	const struct page *want = &model[index];

	if (found.objection)
		return found.objection;
	if (found.rights != want->rights || ept_rights(ept, gpa) != want->rights)
		return "rights";
	if (!want->rights)
		return NULL;
	if (found.hpa != gpa)
		return "frame";
	if (found.type != want->type)
		return "type";
	if (found.class != want->class ||
	    ept_class(ept, gpa + random_below(SIZE_4K)) != want->class)
		return "class";
	return NULL;
}

static bool classes_are_exact(const struct ept *ept)
{
	u64 pages[EPT_CLASSES] = {};
	u64 i;

	for (i = 0; i < PAGES; i++)
		pages[model[i].class]++;
	for (i = 1; i < EPT_CLASSES; i++) {
		if (ept->class_pages[i] != pages[i])
			return false;
	}
	return true;
}

/* All pages, or only those around 2 MiB borders and some others */
static const char *differs(const struct ept *ept, bool all)
{
	const char *what;
	u64 i;

	for (i = 0; i < PAGES; i++) {
		what = page_differs(ept, i);
		if (what) {
			fprintf(stderr, "# page %#llx: %s\n",
				(unsigned long long)(i * SIZE_4K), what);
			return what;
		}
		if (!all && i % 512 > 1 && i % 512 < 500)
			i += 1 + random_below(300);
	}
	if (!classes_are_exact(ept))
		return "pages of a class";
	return leaves_are_exact(ept) ? NULL : "leaves";
}

static int level_of(const struct ept *ept, u64 gpa)
{
	int level = 0;

	ept_lookup(ept, gpa, &level);
	return level;
}

TEST_F(protect, what_was_not_named_has_class_0)
{
	EXPECT_EQ(0, ept_class(&self->ept, 0));
	map_all(&self->ept, &self->mtrr);
	EXPECT_EQ(0, ept_class(&self->ept, SIZE_1G));
	EXPECT_EQ(0, ept_class(&self->ept, LIMIT));
	EXPECT_EQ(0, ept_class(&self->ept, ept_limit(&self->ept)));
	EXPECT_EQ(0, ept_class(&self->ept, ~0ULL));
}

TEST_F(protect, bad_arguments_change_nothing)
{
	const u64 limit = ept_limit(&self->ept);
	static const u64 all = EPT_ALL;
	const struct {
		u64 start, end, rights;
		u32 class;
	} rows[] = {
		{ 1, SIZE_4K, all, 0 },
		{ 0, 5, all, 0 },
		{ SIZE_4K, SIZE_4K, all, 0 },
		{ SIZE_2M, 0, all, 0 },
		{ limit - SIZE_4K, limit + SIZE_4K, all, 0 },
		{ -SIZE_4K, 0, all, 0 },
		{ 0, SIZE_4K, 0, 0 },
		{ 0, SIZE_4K, EPT_WRITE, 0 },
		{ 0, SIZE_4K, EPT_EXEC, 0 },
		{ 0, SIZE_4K, EPT_READ | EPT_LARGE, 0 },
		{ 0, SIZE_4K, EPT_READ | EPT_SHARED, 0 },
		{ 0, SIZE_4K, all, EPT_CLASSES },
		{ 0, SIZE_4K, all, ~0U },
	};
	u32 i, used;

	map_all(&self->ept, &self->mtrr);
	used = self->pool.nr_used;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(-EINVAL, ept_protect(&self->ept, rows[i].start, rows[i].end,
					       rows[i].rights, rows[i].class));
	EXPECT_EQ(used, self->pool.nr_used);
	EXPECT_EQ(NULL, differs(&self->ept, true));
}

TEST_F(protect, each_class_is_kept)
{
	u32 class;

	map_all(&self->ept, &self->mtrr);
	for (class = 0; class < EPT_CLASSES; class++) {
		ASSERT_EQ(0, ept_protect(&self->ept, class * SIZE_4K,
					 (class + 1) * SIZE_4K, READ_EXEC, class));
		model_protect(class * SIZE_4K, (class + 1) * SIZE_4K, READ_EXEC,
			      class);
	}
	EXPECT_EQ(NULL, differs(&self->ept, true));
}

/* A GiB falls apart; what of 2 MiB lies within the range stays whole */
TEST_F(protect, large_pages_stay_whole_but_at_the_ends)
{
	u64 start = SIZE_1G + SIZE_2M - SIZE_4K;
	u64 end = SIZE_1G + 4 * SIZE_2M + 2 * SIZE_4K;
	u32 used;

	map_all(&self->ept, &self->mtrr);
	ASSERT_EQ(2, self->ept.leaves[2]);
	used = self->pool.nr_used;
	ASSERT_EQ(0, ept_protect(&self->ept, start, end, READ_EXEC, 1));
	model_protect(start, end, READ_EXEC, 1);
	EXPECT_EQ(NULL, differs(&self->ept, true));

	EXPECT_EQ(EPT_LEVEL_1G, level_of(&self->ept, 0));
	EXPECT_EQ(EPT_LEVEL_4K, level_of(&self->ept, start));
	EXPECT_EQ(EPT_LEVEL_4K, level_of(&self->ept, SIZE_1G));
	EXPECT_EQ(EPT_LEVEL_2M, level_of(&self->ept, SIZE_1G + SIZE_2M));
	EXPECT_EQ(EPT_LEVEL_2M, level_of(&self->ept, SIZE_1G + 3 * SIZE_2M));
	EXPECT_EQ(EPT_LEVEL_4K, level_of(&self->ept, end - SIZE_4K));
	EXPECT_EQ(EPT_LEVEL_2M, level_of(&self->ept, SIZE_1G + 5 * SIZE_2M));
	EXPECT_EQ(1, self->ept.leaves[2]);
	EXPECT_EQ(510, self->ept.leaves[1]);
	EXPECT_EQ(1024, self->ept.leaves[0]);
	/* The GiB, and both ends */
	EXPECT_EQ(3, self->pool.nr_used - used);

	/* Again, and back: no page more */
	ASSERT_EQ(0, ept_protect(&self->ept, start, end, EPT_READ, 2));
	ASSERT_EQ(0, ept_protect(&self->ept, start, end, EPT_ALL, 0));
	model_protect(start, end, EPT_ALL, 0);
	EXPECT_EQ(NULL, differs(&self->ept, true));
	EXPECT_EQ(3, self->pool.nr_used - used);
}

TEST_F(protect, exactly_one_large_page)
{
	map_all(&self->ept, &self->mtrr);
	ASSERT_EQ(0, ept_protect(&self->ept, 3 * SIZE_2M, 4 * SIZE_2M, EPT_READ, 3));
	model_protect(3 * SIZE_2M, 4 * SIZE_2M, EPT_READ, 3);
	EXPECT_EQ(0, self->ept.leaves[0]);
	EXPECT_EQ(512, self->ept.leaves[1]);
	EXPECT_EQ(NULL, differs(&self->ept, true));
}

TEST_F(protect, across_a_gigabyte)
{
	u64 start = SIZE_1G - SIZE_2M, end = SIZE_1G + SIZE_2M;

	map_all(&self->ept, &self->mtrr);
	ASSERT_EQ(0, ept_protect(&self->ept, start, end, EPT_READ, 4));
	model_protect(start, end, EPT_READ, 4);
	EXPECT_EQ(0, self->ept.leaves[2]);
	EXPECT_EQ(1024, self->ept.leaves[1]);
	EXPECT_EQ(NULL, differs(&self->ept, true));
}

/* A class is no address and no type: changes of these leave it as it is */
TEST_F(protect, a_class_outlives_splits_and_new_types)
{
	map_all(&self->ept, &self->mtrr);
	ASSERT_EQ(0, ept_protect(&self->ept, SIZE_2M, 2 * SIZE_2M, READ_EXEC, 5));
	model_protect(SIZE_2M, 2 * SIZE_2M, READ_EXEC, 5);
	ASSERT_EQ(0, ept_split(&self->ept, SIZE_2M, EPT_LEVEL_4K));
	EXPECT_EQ(NULL, differs(&self->ept, true));

	self->mtrr.def_type = MTRR_DEF_TYPE_E | MEMTYPE_WT;
	ASSERT_EQ(0, ept_retype(&self->ept, &self->mtrr));
	for (u64 i = 0; i < PAGES; i++)
		model[i].type = MEMTYPE_WT;
	EXPECT_EQ(NULL, differs(&self->ept, true));
}

/* What comes before it has changed, as promised; what comes after has not */
TEST_F(protect, unmapped_pages)
{
	struct ept *ept = &self->ept;
	u64 hole = 5 * SIZE_2M + 3 * SIZE_4K;
	u32 used;

	map_all(ept, &self->mtrr);
	ASSERT_EQ(0, ept_map_frame(ept, hole, 0, 0, MEMTYPE_WB));
	model[hole / SIZE_4K] = (struct page){ .rights = 0 };
	ASSERT_EQ(-EINVAL, ept_protect(ept, hole - SIZE_4K, hole + 2 * SIZE_4K,
				       EPT_READ, 1));
	model_protect(hole - SIZE_4K, hole, EPT_READ, 1);
	EXPECT_EQ(NULL, differs(ept, true));

	/* Above all that is mapped: no table for nothing, or it would stay */
	used = self->pool.nr_used;
	EXPECT_EQ(-EINVAL, ept_protect(ept, LIMIT, LIMIT + SIZE_4K, EPT_READ, 1));
	EXPECT_EQ(-EINVAL, ept_protect(ept, 1ULL << 45, (1ULL << 45) + SIZE_1G,
				       EPT_READ, 1));
	EXPECT_EQ(used, self->pool.nr_used);
	ASSERT_EQ(0, ept_map_lazy(ept, LIMIT, EPT_ALL, &self->mtrr));
	EXPECT_EQ(EPT_LEVEL_1G, level_of(ept, LIMIT));
}

/* One page of many that share a table: the others stay */
TEST_F(protect, a_page_of_a_shared_table)
{
	struct ept *ept = &self->ept;
	u64 hiding = ept_build_hiding_table(ept, SIZE_1G);

	map_all(ept, &self->mtrr);
	ASSERT_EQ(0, ept_hide_chunk(ept, SIZE_2M, hiding));
	ASSERT_EQ(0, ept_hide_chunk(ept, 2 * SIZE_2M, hiding));
	ASSERT_EQ(0, ept_protect(ept, SIZE_2M + SIZE_4K, SIZE_2M + 2 * SIZE_4K,
				 READ_EXEC, 6));
	EXPECT_EQ(6, ept_class(ept, SIZE_2M + SIZE_4K));
	EXPECT_EQ(READ_EXEC, ept_rights(ept, SIZE_2M + SIZE_4K));
	EXPECT_EQ(SIZE_1G, read_tables(ept, SIZE_2M + SIZE_4K).hpa);
	EXPECT_EQ(0, ept_class(ept, SIZE_2M));
	EXPECT_EQ(EPT_READ, ept_rights(ept, SIZE_2M));
	EXPECT_EQ(0, ept_class(ept, 2 * SIZE_2M + SIZE_4K));
	EXPECT_EQ(EPT_READ, ept_rights(ept, 2 * SIZE_2M + SIZE_4K));
	EXPECT_TRUE(leaves_are_exact(ept));
}

static void random_range(u64 *start, u64 *end)
{
	*start = random_below(2) * SIZE_1G + random_below(4) * SIZE_2M;
	if (one_in(3))
		*start += random_below(500) * SIZE_2M;
	if (!one_in(3))
		*start += random_below(512) * SIZE_4K;
	*end = *start + SIZE_4K * (1 + random_below(1 << (1 + random_below(12))));
	if (one_in(3))
		*end = (*end + SIZE_2M - 1) & ~(SIZE_2M - 1);
	if (*end > LIMIT)
		*end = LIMIT;
}

static u64 random_rights(void)
{
	return EPT_READ | (one_in(2) ? EPT_WRITE : 0) |
	       (one_in(2) ? EPT_EXEC : 0) | (one_in(2) ? EPT_EXEC_USER : 0);
}

/* Rights that are left, by class; READ is always one */
static const char *restrict_all(struct ept *ept)
{
	struct ept_limit_rule rule[EPT_CLASSES];
	bool changed = false;
	struct page was;
	u64 i;

	for (i = 0; i < EPT_CLASSES; i++)
		rule[i] = (struct ept_limit_rule){
			.rights = random_rights(),
			.becomes = one_in(4) ? random_below(EPT_CLASSES) : i,
		};
	for (i = 0; i < PAGES; i++) {
		was = model[i];
		model[i].rights &= rule[was.class].rights;
		model[i].class = rule[was.class].becomes;
		changed |= was.rights != model[i].rights ||
			   was.class != model[i].class;
	}
	if (ept_restrict(ept, rule) != changed)
		return "said to be changed";
	/* Nothing is left to do, but where classes have changed in a chain */
	for (i = 0; i < EPT_CLASSES; i++)
		rule[i].becomes = i;
	for (i = 0; i < PAGES; i++)
		model[i].rights &= rule[model[i].class].rights;
	ept_restrict(ept, rule);
	return ept_restrict(ept, rule) ? "changed twice" : NULL;
}

/* What many share stays as it is */
TEST_F(protect, restricts_no_shared_table)
{
	struct ept_limit_rule rule[EPT_CLASSES] = {
		{ .rights = EPT_READ, .becomes = 1 },
	};
	struct ept *ept = &self->ept;
	u64 hiding = ept_build_hiding_table(ept, SIZE_1G);

	map_all(ept, &self->mtrr);
	ASSERT_EQ(0, ept_hide_chunk(ept, SIZE_2M, hiding));
	ASSERT_TRUE(ept_restrict(ept, rule));
	EXPECT_EQ(0, ept_class(ept, SIZE_2M));
	EXPECT_EQ(1, ept_class(ept, SIZE_1G));
	EXPECT_EQ(EPT_READ, ept_rights(ept, SIZE_1G));
}

TEST_F(protect, fuzz)
{
	u64 rounds = fuzz_rounds(5), steps, start, end, rights;
	u32 class;

	while (rounds--) {
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 8);
		random_mtrr(&self->mtrr, 32, one_in(4));
		ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4 + one_in(3),
				      !one_in(3)));
		map_all(&self->ept, &self->mtrr);
		for (steps = 0; steps < 40; steps++) {
			random_range(&start, &end);
			rights = random_rights();
			class = random_below(EPT_CLASSES);
			ASSERT_EQ(0, ept_protect(&self->ept, start, end, rights,
						 class));
			model_protect(start, end, rights, class);
			if (one_in(20))
				ASSERT_EQ(NULL, restrict_all(&self->ept));
			ASSERT_EQ(NULL, differs(&self->ept, false));
		}
		ASSERT_EQ(NULL, differs(&self->ept, true));
		ASSERT_EQ(self->pool.nr_used, self->ept.tables);
	}
}

/* Tables end at the reserve; some of the range, from its start on, is changed */
TEST_F(protect, fuzz_reserve)
{
	u64 rounds = fuzz_rounds(30), start, end, done, i, failed = 0;
	u32 reserve, left;
	int ret;

	while (rounds--) {
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 1);
		ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4, one_in(2)));
		map_all(&self->ept, &self->mtrr);
		reserve = random_below(6);
		self->ept.reserve = reserve;
		test_pool_leave(&self->pool, reserve + random_below(5));
		do {
			random_range(&start, &end);
			ret = ept_protect(&self->ept, start, end, READ_EXEC, 1);
			left = self->pool.nr_total - self->pool.nr_used;
			ASSERT_GE(left, reserve);
			if (!ret)
				model_protect(start, end, READ_EXEC, 1);
		} while (!ret && !one_in(30));
		if (ret) {
			ASSERT_EQ(-ENOMEM, ret);
			ASSERT_EQ(reserve, left);
			failed++;
			/* From where on nothing is new; pages may have been so before */
			for (done = end; done > start; done -= SIZE_4K) {
				i = done / SIZE_4K - 1;
				if (ept_class(&self->ept, i * SIZE_4K) !=
				    model[i].class)
					break;
			}
			if (done > start)
				model_protect(start, done, READ_EXEC, 1);
		}
		ASSERT_EQ(NULL, differs(&self->ept, true));
	}
	EXPECT_GT(failed, 0);
}

TEST_HARNESS_MAIN
