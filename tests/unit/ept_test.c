// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of extended page tables
 *
 * The reference knows nothing of tables: it is an array with one record for
 * each 4 KiB page.  The tables are read by a walker of the tests' own.
 */
#include "unit.h"

#include "ept.h"
#include "ept_walker.h"
#include "pool.h"
#include "random_mtrr.h"
#include "x86.h"

#define MODEL_PAGES	((u64)(3 * SIZE_1G / SIZE_4K))
#define FRAME		(0x7ULL << 40)		/* of zeros, says the test */

struct page {
	u64 hpa;
	u16 rights;
	u8 type;
};

static struct page model[MODEL_PAGES];

/* NULL when the page is as the model has it */
static const char *page_differs(const struct ept *ept, u64 index)
{
	struct found found = read_tables(ept, index * SIZE_4K);
	const struct page *want = &model[index];
	u64 gpa = index * SIZE_4K;
	int level = 0;
	u64 entry;

	if (found.objection)
		return found.objection;
	if (found.rights != want->rights)
		return "rights";
	if (found.rights && found.hpa != want->hpa)
		return "frame";
	if (found.rights && found.type != want->type)
		return "type";

	entry = ept_lookup(ept, gpa, &level);
	if (!entry != !found.rights || (entry && level != found.level))
		return "ept_lookup";
	if (ept_rights(ept, gpa) != found.rights)
		return "ept_rights";
	if (ept_permits(ept, gpa, EPT_READ | EPT_WRITE) !=
	    ((found.rights & 3) == 3))
		return "ept_permits";
	return NULL;
}

/* All pages, or only those around 2 MiB borders and some others */
static const char *model_differs(const struct ept *ept, bool all)
{
	const char *what;
	u64 i;

	for (i = 0; i < MODEL_PAGES; i++) {
		what = page_differs(ept, i);
		if (what) {
			fprintf(stderr, "# page %#llx: %s\n",
				(unsigned long long)(i * SIZE_4K), what);
			return what;
		}
		if (!all && i % 512 > 1 && i % 512 < 500)
			i += 1 + random_below(400);
	}
	return leaves_are_exact(ept) ? NULL : "leaves";
}

static void model_fill(u64 start, u64 end, u64 rights,
		       const struct mtrr_state *mtrr)
{
	u64 i;

	for (i = start / SIZE_4K; i < end / SIZE_4K && i < MODEL_PAGES; i++) {
		if (model[i].rights)
			continue;
		model[i].hpa = i * SIZE_4K;
		model[i].rights = rights;
		model[i].type = reference_type(mtrr, i * SIZE_4K);
	}
}

static void model_set(u64 gpa, u64 hpa, u64 rights, u8 type)
{
	model[gpa / SIZE_4K] = (struct page) {
		.hpa = rights ? hpa : 0,
		.rights = rights,
		.type = rights ? type : 0,
	};
}

static void model_retype(const struct mtrr_state *mtrr)
{
	u64 i;

	for (i = 0; i < MODEL_PAGES; i++) {
		if (model[i].rights && model[i].hpa == i * SIZE_4K)
			model[i].type = reference_type(mtrr, i * SIZE_4K);
	}
}

static void all_write_back(struct mtrr_state *mtrr)
{
	memset(mtrr, 0, sizeof(*mtrr));
	mtrr->def_type = MTRR_DEF_TYPE_E | MEMTYPE_WB;
	mtrr->phys_bits = 46;
}

FIXTURE(tables)
{
	struct table_pool pool;
	struct ept ept;
	struct mtrr_state mtrr;
	u64 hiding;
};

FIXTURE_SETUP(tables)
{
	test_pool_create(&self->pool, 16);
	ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4, true));
	self->hiding = ept_build_hiding_table(&self->ept, FRAME);
	ASSERT_NE(0, self->hiding);
	all_write_back(&self->mtrr);
}

FIXTURE_TEARDOWN(tables)
{
	test_pool_destroy(&self->pool);
}

TEST_F(tables, new_tables_translate_nothing)
{
	int level = 7;

	EXPECT_EQ(0, ept_lookup(&self->ept, 0, &level));
	EXPECT_EQ(7, level);
	EXPECT_EQ(0, ept_rights(&self->ept, 0));
	EXPECT_FALSE(ept_permits(&self->ept, 0, 0));
	EXPECT_EQ(1, self->ept.tables);
	EXPECT_EQ(NULL, model_differs(&self->ept, true));
}

TEST_F(tables, init_refuses_what_there_is_not)
{
	struct ept ept;

	EXPECT_EQ(-EINVAL, ept_init(&ept, &self->pool, 3, true));
	EXPECT_EQ(-EINVAL, ept_init(&ept, &self->pool, 6, true));
	test_pool_leave(&self->pool, 0);
	EXPECT_EQ(-ENOMEM, ept_init(&ept, &self->pool, 4, true));
}

TEST_F(tables, pointer)
{
	struct ept five;

	EXPECT_EQ(self->ept.root_pa | 0x1e, ept_pointer(&self->ept));
	ASSERT_EQ(0, ept_init(&five, &self->pool, 5, true));
	EXPECT_EQ(five.root_pa | 0x26, ept_pointer(&five));
	/* Accessed and dirty flags */
	EXPECT_EQ(0, ept_pointer(&five) & 0x40);
}

TEST_F(tables, bad_arguments_change_nothing)
{
	struct ept *ept = &self->ept;
	struct mtrr_state *mtrr = &self->mtrr;
	u64 limit = ept_limit(ept);

	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 1, SIZE_2M, EPT_ALL, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, 5, EPT_ALL, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, SIZE_2M, 0, EPT_ALL, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, 0, EPT_ALL, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, limit + SIZE_4K, EPT_ALL,
					    mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, SIZE_2M, 0, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, SIZE_2M, EPT_WRITE, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, SIZE_2M, EPT_EXEC, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_identity(ept, 0, SIZE_2M,
					    EPT_ALL | EPT_LARGE, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_lazy(ept, limit, EPT_ALL, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_lazy(ept, 0, 0, mtrr));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, 1, 0, EPT_READ, MEMTYPE_WB));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, limit, 0, EPT_READ, MEMTYPE_WB));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, 0, 1, EPT_READ, MEMTYPE_WB));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, 0, 1ULL << 52, EPT_READ,
					 MEMTYPE_WB));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, 0, 0, EPT_READ, 2));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, 0, 0, EPT_READ, 7));
	EXPECT_EQ(-EINVAL, ept_map_frame(ept, 0, 0, EPT_WRITE, MEMTYPE_WB));
	EXPECT_EQ(-EINVAL, ept_hide_chunk(ept, SIZE_4K, self->hiding));
	EXPECT_EQ(-EINVAL, ept_hide_chunk(ept, limit, self->hiding));
	EXPECT_EQ(-EINVAL, ept_hide_chunk(ept, 0, self->hiding + 8));
	EXPECT_EQ(-EINVAL, ept_hide_chunk(ept, 0, SIZE_4K));
	EXPECT_EQ(-EINVAL, ept_split(ept, 0, 0));
	EXPECT_EQ(-EINVAL, ept_split(ept, 0, 4));
	EXPECT_EQ(-EINVAL, ept_split(ept, limit, 1));
	EXPECT_EQ(-ENOENT, ept_split(ept, 0, 1));
	EXPECT_EQ(0, ept_build_hiding_table(ept, 1));
	EXPECT_EQ(1, ept->tables);
}

/* Bounds that do not fit pages of any size */
TEST_F(tables, the_largest_pages_that_fit)
{
	u64 start = SIZE_1G - SIZE_2M - SIZE_4K;
	u64 end = 2 * SIZE_1G + SIZE_2M + 2 * SIZE_4K;

	ASSERT_EQ(0, ept_map_identity(&self->ept, start, end, EPT_ALL,
				      &self->mtrr));
	EXPECT_EQ(1, self->ept.leaves[2]);
	EXPECT_EQ(2, self->ept.leaves[1]);
	EXPECT_EQ(3, self->ept.leaves[0]);
	model_fill(start, end, EPT_ALL, &self->mtrr);
	EXPECT_EQ(NULL, model_differs(&self->ept, true));
}

TEST_F(tables, sixty_four_terabytes)
{
	u64 limit = 1ULL << 46;
	int level;

	self->mtrr.def_type |= MTRR_DEF_TYPE_FE;
	self->mtrr.cap = MTRRCAP_FIX;
	self->mtrr.nr_var = 1;
	self->mtrr.var[0].base = 3 * SIZE_1G;
	self->mtrr.var[0].mask = ((limit - 1) & ~(SIZE_1G - 1)) | MTRR_PHYSMASK_V;

	ASSERT_EQ(0, ept_map_identity(&self->ept, 0, limit, EPT_ALL,
				      &self->mtrr));
	/* The first GiB: 256 pages of fixed types, 256 others, 511 * 2 MiB */
	EXPECT_EQ(65535, self->ept.leaves[2]);
	EXPECT_EQ(511, self->ept.leaves[1]);
	EXPECT_EQ(512, self->ept.leaves[0]);
	EXPECT_EQ(1 + 128 + 2, self->ept.tables);
	EXPECT_EQ(self->ept.tables,
		  ept_tables_needed(4, true, limit, &self->mtrr, 0, 0));
	EXPECT_NE(0, ept_lookup(&self->ept, limit - 1, &level));
	EXPECT_EQ(EPT_LEVEL_1G, level);
	EXPECT_EQ(0, ept_lookup(&self->ept, limit, &level));
}

/* Nothing wraps, and nothing lands in another's place */
TEST_F(tables, the_end_of_four_and_of_five_levels)
{
	struct ept five;
	int level;

	ASSERT_EQ(0, ept_init(&five, &self->pool, 5, true));
	self->mtrr.phys_bits = 52;
	EXPECT_EQ(0, ept_map_lazy(&self->ept, (1ULL << 48) - 1, EPT_ALL,
				  &self->mtrr));
	EXPECT_EQ(-EINVAL, ept_map_lazy(&self->ept, 1ULL << 48, EPT_ALL,
					&self->mtrr));
	EXPECT_EQ(0, ept_lookup(&self->ept, 1ULL << 48, &level));
	EXPECT_EQ(0, ept_lookup(&self->ept, 0, &level));
	EXPECT_EQ(0, ept_lookup(&self->ept, ~0ULL, &level));

	EXPECT_EQ(0, ept_map_lazy(&five, 1ULL << 48, EPT_ALL, &self->mtrr));
	EXPECT_EQ(0, ept_map_lazy(&five, (1ULL << 52) - 1, EPT_ALL,
				  &self->mtrr));
	EXPECT_EQ(-EINVAL, ept_map_lazy(&five, 1ULL << 52, EPT_ALL,
					&self->mtrr));
	EXPECT_EQ(0, ept_lookup(&five, 0, &level));
	EXPECT_EQ((1ULL << 48) | 0x407 | 6 << 3 | 0x80,
		  ept_lookup(&five, (1ULL << 48) + SIZE_1G - 1, &level));
	EXPECT_EQ(EPT_LEVEL_1G, level);
	EXPECT_EQ(0, ept_lookup(&five, 1ULL << 57, &level));
	EXPECT_TRUE(leaves_are_exact(&five));
}

TEST_F(tables, lazy_maps_what_is_free_around_the_address)
{
	struct ept *ept = &self->ept;
	int level;

	/* A whole GiB */
	ASSERT_EQ(0, ept_map_lazy(ept, 5 * SIZE_1G + 12345, EPT_ALL,
				  &self->mtrr));
	EXPECT_NE(0, ept_lookup(ept, 5 * SIZE_1G, &level));
	EXPECT_EQ(EPT_LEVEL_1G, level);
	EXPECT_EQ(-EEXIST, ept_map_lazy(ept, 5 * SIZE_1G, EPT_ALL, &self->mtrr));

	/* A part of one is mapped: 2 MiB beside it */
	ASSERT_EQ(0, ept_map_frame(ept, SIZE_1G, FRAME, EPT_READ, MEMTYPE_WB));
	ASSERT_EQ(0, ept_map_lazy(ept, SIZE_1G + SIZE_2M, EPT_ALL, &self->mtrr));
	EXPECT_NE(0, ept_lookup(ept, SIZE_1G + SIZE_2M, &level));
	EXPECT_EQ(EPT_LEVEL_2M, level);

	/* What is mapped with fewer rights stays so */
	EXPECT_EQ(-EEXIST, ept_map_lazy(ept, SIZE_1G, EPT_ALL, &self->mtrr));
	EXPECT_EQ(EPT_READ, ept_rights(ept, SIZE_1G));

	/* A region of two types: a page */
	self->mtrr.nr_var = 1;
	self->mtrr.var[0].base = 7 * SIZE_1G | MEMTYPE_WC;
	self->mtrr.var[0].mask = 0x3ffffffff000 | MTRR_PHYSMASK_V;
	ASSERT_EQ(0, ept_map_lazy(ept, 7 * SIZE_1G, EPT_ALL, &self->mtrr));
	EXPECT_EQ(7 * SIZE_1G | 0x407 | MEMTYPE_WC << 3,
		  ept_lookup(ept, 7 * SIZE_1G, &level));
	EXPECT_EQ(EPT_LEVEL_4K, level);
	EXPECT_TRUE(leaves_are_exact(ept));
}

TEST_F(tables, a_hidden_frame_never_comes_back)
{
	struct ept *ept = &self->ept;
	u64 gpa = SIZE_1G + 5 * SIZE_2M;
	unsigned int i;

	ASSERT_EQ(0, ept_hide_chunk(ept, gpa, self->hiding));
	ASSERT_EQ(0, ept_map_identity(ept, 0, 3 * SIZE_1G, EPT_ALL,
				      &self->mtrr));
	EXPECT_EQ(-EEXIST, ept_map_lazy(ept, gpa, EPT_ALL, &self->mtrr));
	EXPECT_EQ(0, ept_retype(ept, &self->mtrr));
	EXPECT_EQ(0, ept_split(ept, gpa, EPT_LEVEL_4K));

	for (i = 0; i < 512; i++)
		model_set(gpa + i * SIZE_4K, FRAME, EPT_READ, MEMTYPE_WB);
	model_fill(0, 3 * SIZE_1G, EPT_ALL, &self->mtrr);
	EXPECT_EQ(NULL, model_differs(ept, true));
}

/* Hiding costs a split each, and one table for all */
TEST_F(tables, hiding_many_chunks)
{
	struct ept *ept = &self->ept;
	u64 gpa;
	u32 used;

	ASSERT_EQ(0, ept_map_identity(ept, 0, 3 * SIZE_1G, EPT_ALL,
				      &self->mtrr));
	model_fill(0, 3 * SIZE_1G, EPT_ALL, &self->mtrr);
	used = self->pool.nr_used;
	for (gpa = SIZE_1G; gpa < SIZE_1G + 64 * SIZE_2M; gpa += SIZE_2M) {
		unsigned int i;

		ASSERT_EQ(0, ept_hide_chunk(ept, gpa, self->hiding));
		for (i = 0; i < 512; i++)
			model_set(gpa + i * SIZE_4K, FRAME, EPT_READ,
				  MEMTYPE_WB);
	}
	EXPECT_EQ(1, self->pool.nr_used - used);
	EXPECT_EQ(64 * 512, ept->leaves[0]);
	EXPECT_EQ(NULL, model_differs(ept, true));

	/* Once more is no more */
	ASSERT_EQ(0, ept_hide_chunk(ept, SIZE_1G, self->hiding));
	EXPECT_EQ(64 * 512, ept->leaves[0]);
	EXPECT_EQ(1, self->pool.nr_used - used);
}

TEST_F(tables, one_page_of_a_hidden_chunk_is_shown_alone)
{
	struct ept *ept = &self->ept;
	u64 a = SIZE_1G, b = SIZE_1G + SIZE_2M;
	unsigned int i;

	ASSERT_EQ(0, ept_hide_chunk(ept, a, self->hiding));
	ASSERT_EQ(0, ept_hide_chunk(ept, b, self->hiding));
	for (i = 0; i < 1024; i++)
		model_set(a + i * SIZE_4K, FRAME, EPT_READ, MEMTYPE_WB);

	ASSERT_EQ(0, ept_map_frame(ept, a + 7 * SIZE_4K, a + 7 * SIZE_4K,
				   EPT_READ, MEMTYPE_WB));
	model_set(a + 7 * SIZE_4K, a + 7 * SIZE_4K, EPT_READ, MEMTYPE_WB);
	EXPECT_EQ(NULL, model_differs(ept, true));

	/* And hidden again, in the region's own table */
	ASSERT_EQ(0, ept_hide_chunk(ept, a, self->hiding));
	model_set(a + 7 * SIZE_4K, FRAME, EPT_READ, MEMTYPE_WB);
	EXPECT_EQ(NULL, model_differs(ept, true));
}

/* The frame lies in the chunk, so one entry of the table looks like its own */
TEST_F(tables, retyping_leaves_a_shared_table_alone)
{
	struct ept *ept = &self->ept;

	ASSERT_EQ(0, ept_hide_chunk(ept, FRAME, self->hiding));
	ASSERT_EQ(0, ept_hide_chunk(ept, SIZE_1G, self->hiding));
	self->mtrr.def_type = MTRR_DEF_TYPE_E | MEMTYPE_UC;
	EXPECT_EQ(0, ept_retype(ept, &self->mtrr));
	EXPECT_EQ(FRAME | EPT_READ | MEMTYPE_WB << 3,
		  ept_lookup(ept, FRAME, NULL));
	EXPECT_EQ(FRAME | EPT_READ | MEMTYPE_WB << 3,
		  ept_lookup(ept, SIZE_1G, NULL));
}

/* A view that begins as another, and parts from it page by page */
TEST_F(tables, a_change_copies_shared_tables_of_every_level)
{
	u64 gpa = SIZE_1G + 3 * SIZE_2M + 9 * SIZE_4K;
	u64 near = gpa + SIZE_4K, far = gpa + SIZE_2M;
	struct ept *ept = &self->ept, view;
	u64 *from, *to;

	ASSERT_EQ(0, ept_map_identity(ept, 0, 3 * SIZE_1G, EPT_ALL,
				      &self->mtrr));
	ASSERT_EQ(0, ept_split(ept, gpa, EPT_LEVEL_4K));
	ASSERT_EQ(0, ept_split(ept, far, EPT_LEVEL_4K));
	model_fill(0, 3 * SIZE_1G, EPT_ALL, &self->mtrr);

	ASSERT_EQ(0, ept_init(&view, &self->pool, 4, true));
	from = table_pool_va(&self->pool, ept->root_pa);
	to = table_pool_va(&self->pool, view.root_pa);
	to[0] = from[0] | EPT_SHARED;
	memcpy(view.leaves, ept->leaves, sizeof(view.leaves));
	EXPECT_EQ(NULL, model_differs(&view, true));

	ASSERT_EQ(0, ept_map_frame(&view, gpa, FRAME, EPT_READ, MEMTYPE_WB));
	EXPECT_EQ(NULL, model_differs(ept, true));
	/* Two more, each through a table that only the copies point to */
	ASSERT_EQ(0, ept_map_frame(&view, near, FRAME, EPT_READ, MEMTYPE_WB));
	ASSERT_EQ(0, ept_map_frame(&view, far, FRAME, EPT_READ, MEMTYPE_WB));
	EXPECT_EQ(NULL, model_differs(ept, true));
	EXPECT_EQ(1 + 4, view.tables);

	model_set(gpa, FRAME, EPT_READ, MEMTYPE_WB);
	model_set(near, FRAME, EPT_READ, MEMTYPE_WB);
	model_set(far, FRAME, EPT_READ, MEMTYPE_WB);
	EXPECT_EQ(NULL, model_differs(&view, true));
}

TEST_F(tables, splits_change_no_translation)
{
	struct ept *ept = &self->ept;
	int level;

	ASSERT_EQ(0, ept_map_identity(ept, 0, 3 * SIZE_1G, EPT_ALL,
				      &self->mtrr));
	model_fill(0, 3 * SIZE_1G, EPT_ALL, &self->mtrr);
	ASSERT_EQ(0, ept_split(ept, SIZE_1G + 5 * SIZE_2M + 77, EPT_LEVEL_2M));
	ept_lookup(ept, SIZE_1G, &level);
	EXPECT_EQ(EPT_LEVEL_2M, level);
	EXPECT_EQ(NULL, model_differs(ept, true));
	ASSERT_EQ(0, ept_split(ept, 2 * SIZE_1G - 1, EPT_LEVEL_4K));
	ept_lookup(ept, 2 * SIZE_1G - 1, &level);
	EXPECT_EQ(EPT_LEVEL_4K, level);
	ept_lookup(ept, SIZE_1G, &level);
	EXPECT_EQ(EPT_LEVEL_2M, level);
	EXPECT_EQ(2, ept->leaves[2]);
	EXPECT_EQ(511, ept->leaves[1]);
	EXPECT_EQ(512, ept->leaves[0]);
	EXPECT_EQ(NULL, model_differs(ept, true));
}

/* Write-protecting one page of a GiB leaves its neighbours alone */
TEST_F(tables, one_frame)
{
	struct ept *ept = &self->ept;
	u64 gpa = SIZE_1G + 3 * SIZE_2M + 9 * SIZE_4K;

	ASSERT_EQ(0, ept_map_identity(ept, 0, 3 * SIZE_1G, EPT_ALL,
				      &self->mtrr));
	model_fill(0, 3 * SIZE_1G, EPT_ALL, &self->mtrr);
	ASSERT_EQ(0, ept_map_frame(ept, gpa, gpa, EPT_READ | EPT_EXEC,
				   MEMTYPE_WB));
	model_set(gpa, gpa, EPT_READ | EPT_EXEC, MEMTYPE_WB);
	EXPECT_FALSE(ept_permits(ept, gpa, EPT_WRITE));
	EXPECT_TRUE(ept_permits(ept, gpa, EPT_READ | EPT_EXEC));
	EXPECT_TRUE(ept_permits(ept, gpa + SIZE_4K, EPT_WRITE));
	EXPECT_EQ(NULL, model_differs(ept, true));

	ASSERT_EQ(0, ept_map_frame(ept, gpa, 0, 0, MEMTYPE_WB));
	model_set(gpa, 0, 0, 0);
	EXPECT_EQ(NULL, model_differs(ept, true));
}

/* A page that nothing reaches keeps what the walk's other entries allow */
TEST_F(tables, rights_come_from_every_level)
{
	u64 *table = table_pool_va(&self->pool, self->ept.root_pa);

	ASSERT_EQ(0, ept_map_identity(&self->ept, 0, SIZE_2M, EPT_ALL,
				      &self->mtrr));
	table[0] &= ~EPT_WRITE;
	EXPECT_FALSE(ept_permits(&self->ept, 0, EPT_WRITE));
	EXPECT_TRUE(ept_permits(&self->ept, 0, EPT_READ));
	EXPECT_EQ(EPT_ALL & ~EPT_WRITE, ept_rights(&self->ept, 0));
}

TEST_F(tables, without_pages_of_1g)
{
	struct ept ept;

	ASSERT_EQ(0, ept_init(&ept, &self->pool, 4, false));
	ASSERT_EQ(0, ept_map_identity(&ept, 0, SIZE_1G, EPT_ALL, &self->mtrr));
	EXPECT_EQ(512, ept.leaves[1]);
	EXPECT_EQ(3, ept.tables);
	EXPECT_EQ(3, ept_tables_needed(4, false, SIZE_1G, &self->mtrr, 0, 0));
}

/* Each page has the size that it must have, and the bound is exact */
TEST_F(tables, fuzz_page_sizes)
{
	static u8 type[MODEL_PAGES];
	u64 rounds = fuzz_rounds(12);

	while (rounds--) {
		bool has_1g = !one_in(3);
		u64 pages = MODEL_PAGES - (one_in(2) ? random_below(1u << 19) : 0);
		u8 levels = 4 + one_in(3);
		struct ept ept;
		u64 i, size;

		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 4);
		ASSERT_EQ(0, ept_init(&ept, &self->pool, levels, has_1g));
		random_mtrr(&self->mtrr, 32, one_in(3));
		ASSERT_EQ(0, ept_map_identity(&ept, 0, pages * SIZE_4K, EPT_ALL,
					      &self->mtrr));
		ASSERT_EQ(ept.tables,
			  ept_tables_needed(levels, has_1g, pages * SIZE_4K,
					    &self->mtrr, 0, 0));
		ASSERT_EQ(self->pool.nr_used, ept.tables);
		ASSERT_TRUE(leaves_are_exact(&ept));

		for (i = 0; i < MODEL_PAGES; i++)
			type[i] = reference_type(&self->mtrr, i * SIZE_4K);
		for (i = 0; i < pages; i += size) {
			struct found found = read_tables(&ept, i * SIZE_4K);
			int level = 3;
			u64 j;

			for (size = 1 << 18; size > 1; size >>= 9, level--) {
				if ((level == 3 && !has_1g) || i % size ||
				    i + size > pages)
					continue;
				for (j = i; j < i + size; j++) {
					if (type[j] != type[i])
						break;
				}
				if (j == i + size)
					break;
			}
			ASSERT_EQ(NULL, found.objection);
			ASSERT_EQ(level, found.level);
			ASSERT_EQ(type[i], found.type);
			ASSERT_EQ(i * SIZE_4K, found.hpa);
		}
		ASSERT_EQ(0, ept_rights(&ept, pages * SIZE_4K));
	}
}

static u64 random_rights(void)
{
	static const u64 rights[] = {
		EPT_ALL, EPT_ALL, EPT_READ, EPT_READ | EPT_WRITE,
		EPT_READ | EPT_EXEC, EPT_READ | EPT_WRITE | EPT_EXEC_USER,
	};

	return rights[random_below(ARRAY_SIZE(rights))];
}

/* Pages that are likely to meet others that were chosen like this */
static u64 random_gpa(void)
{
	u64 gpa = random_below(3) * SIZE_1G;

	if (!one_in(3))
		gpa += random_below(4) * SIZE_2M;
	else
		gpa += random_below(512) * SIZE_2M;
	return gpa + random_below(512) * SIZE_4K;
}

/* One random operation on both; its result */
static int random_operation(struct ept *ept, struct mtrr_state *mtrr,
			    const u64 hiding[2], const u64 frames[2])
{
	u64 gpa = random_gpa(), hpa, end, rights = random_rights();
	unsigned int i, which;
	u64 first, count;
	int ret;
	u8 type;

	switch (random_below(8)) {
	case 0:
	case 1:
		end = gpa + SIZE_4K * (1 + random_below(1 << (1 + random_below(18))));
		if (end > 3 * SIZE_1G)
			end = 3 * SIZE_1G;
		if (one_in(4)) {
			gpa &= ~(SIZE_1G - 1);
			end = gpa + SIZE_1G;
		}
		ret = ept_map_identity(ept, gpa, end, rights, mtrr);
		if (!ret)
			model_fill(gpa, end, rights, mtrr);
		return ret;
	case 2:
	case 3:
		hpa = one_in(2) ? gpa : random_below(1u << 20) * SIZE_4K;
		type = one_in(2) ? MEMTYPE_WB : MEMTYPE_UC;
		if (one_in(6))
			rights = 0;
		ret = ept_map_frame(ept, gpa, hpa, rights, type);
		if (!ret)
			model_set(gpa, hpa, rights, type);
		return ret;
	case 4:
		gpa &= ~(SIZE_2M - 1);
		which = random_below(2);
		ret = ept_hide_chunk(ept, gpa, hiding[which]);
		for (i = 0; !ret && i < 512; i++)
			model_set(gpa + i * SIZE_4K, frames[which], EPT_READ,
				  MEMTYPE_WB);
		return ret;
	case 5:
		ret = ept_split(ept, gpa + random_below(SIZE_4K),
				1 + random_below(3));
		if (ret == -ENOENT)
			return model[gpa / SIZE_4K].rights ? -EFAULT : 0;
		return ret;
	case 6:
		ret = ept_map_lazy(ept, gpa, rights, mtrr);
		if (ret == -EEXIST)
			return model[gpa / SIZE_4K].rights ? 0 : -EFAULT;
		if (ret)
			return ret;
		if (model[gpa / SIZE_4K].rights)
			return -EFAULT;
		/* How much is for the tables to say, but only what was free */
		i = read_tables(ept, gpa).level;
		if (i < 1 || i > 3)
			return -EFAULT;
		count = 1ULL << (9 * (i - 1));
		first = gpa / SIZE_4K & ~(count - 1);
		for (i = 0; i < count; i++) {
			if (model[first + i].rights)
				return -EFAULT;
		}
		model_fill(first * SIZE_4K, (first + count) * SIZE_4K, rights,
			   mtrr);
		return 0;
	default:
		/* A new MTRR state, or one with a single change */
		if (one_in(2)) {
			random_mtrr(mtrr, 32, one_in(4));
		} else {
			i = random_below(MTRR_VARIABLE_MAX);
			mtrr->var[i].base ^= 1ULL << (12 + random_below(20));
		}
		ret = ept_retype(ept, mtrr);
		if (!ret)
			model_retype(mtrr);
		return ret;
	}
}

TEST_F(tables, fuzz_operations)
{
	u64 rounds = fuzz_rounds(6), steps, operations = 60;
	const u64 frames[2] = { FRAME, FRAME + SIZE_4K };
	u64 hiding[2];

	while (rounds--) {
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 8);
		memset(model, 0, sizeof(model));
		ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4 + one_in(3),
				      !one_in(3)));
		hiding[0] = ept_build_hiding_table(&self->ept, frames[0]);
		hiding[1] = ept_build_hiding_table(&self->ept, frames[1]);
		random_mtrr(&self->mtrr, 32, one_in(4));

		for (steps = 0; steps < operations; steps++) {
			ASSERT_EQ(0, random_operation(&self->ept, &self->mtrr,
						      hiding, frames));
			ASSERT_EQ(NULL, model_differs(&self->ept, false));
		}
		ASSERT_EQ(NULL, model_differs(&self->ept, true));
		ASSERT_EQ(self->pool.nr_used, self->ept.tables + 2);
	}
}

/* Want of tables in the middle of anything changes no other translation */
TEST_F(tables, fuzz_exhaustion)
{
	u64 rounds = fuzz_rounds(60);
	const u64 frames[2] = { FRAME, FRAME + SIZE_4K };
	u64 hiding[2], i;
	int ret;

	while (rounds--) {
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 1);
		memset(model, 0, sizeof(model));
		ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4, one_in(2)));
		hiding[0] = ept_build_hiding_table(&self->ept, frames[0]);
		hiding[1] = ept_build_hiding_table(&self->ept, frames[1]);
		random_mtrr(&self->mtrr, 32, false);
		test_pool_leave(&self->pool, random_below(12));

		do {
			struct mtrr_state mtrr = self->mtrr;

			ret = random_operation(&self->ept, &mtrr, hiding,
					       frames);
			/* Failed retypes have a test of their own */
			if (memcmp(&mtrr, &self->mtrr, sizeof(mtrr)) && ret)
				goto next;
			self->mtrr = mtrr;
		} while (!ret && !one_in(40));
		if (!ret)
			continue;
		ASSERT_EQ(-ENOMEM, ret);

		ASSERT_TRUE(leaves_are_exact(&self->ept));
		for (i = 0; i < MODEL_PAGES; i++) {
			struct found found;

			if (model[i].rights) {
				ASSERT_EQ(NULL, page_differs(&self->ept, i));
			} else {
				/* An unfinished identity map, at worst */
				found = read_tables(&self->ept, i * SIZE_4K);
				ASSERT_EQ(NULL, found.objection);
				if (found.rights) {
					ASSERT_EQ(i * SIZE_4K, found.hpa);
					ASSERT_EQ(found.type,
						  reference_type(&self->mtrr,
								 i * SIZE_4K));
				}
			}
			if (i % 512 > 1 && i % 512 < 500)
				i += random_below(100);
		}
next:;
	}
}

/* A page that can't be split is uncacheable, never cacheable by mistake */
TEST_F(tables, fuzz_retype_without_tables)
{
	u64 rounds = fuzz_rounds(12), i;
	unsigned int failed = 0;
	struct found found;
	u8 want;
	int ret;

	while (rounds--) {
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 3);
		ASSERT_EQ(0, ept_init(&self->ept, &self->pool, 4, one_in(2)));
		all_write_back(&self->mtrr);
		ASSERT_EQ(0, ept_map_identity(&self->ept, 0, 3 * SIZE_1G,
					      EPT_ALL, &self->mtrr));
		test_pool_leave(&self->pool, random_below(5));
		random_mtrr(&self->mtrr, 32, one_in(4));
		ret = ept_retype(&self->ept, &self->mtrr);
		if (ret) {
			ASSERT_EQ(-ENOMEM, ret);
			failed++;
		}
		ASSERT_TRUE(leaves_are_exact(&self->ept));
		for (i = 0; i < MODEL_PAGES; i++) {
			found = read_tables(&self->ept, i * SIZE_4K);
			want = reference_type(&self->mtrr, i * SIZE_4K);
			ASSERT_EQ(NULL, found.objection);
			ASSERT_EQ(i * SIZE_4K, found.hpa);
			ASSERT_EQ(EPT_ALL, found.rights);
			if (found.type != want) {
				ASSERT_EQ(MEMTYPE_UC, found.type);
				ASSERT_NE(0, ret);
				ASSERT_NE(EPT_LEVEL_4K, found.level);
			}
		}

		/* With types that need no table all is well again */
		all_write_back(&self->mtrr);
		ASSERT_EQ(0, ept_retype(&self->ept, &self->mtrr));
		for (i = 0; i < MODEL_PAGES; i += 1 + random_below(64)) {
			found = read_tables(&self->ept, i * SIZE_4K);
			ASSERT_EQ(MEMTYPE_WB, found.type);
		}
	}
	EXPECT_GT(failed, 0);
}

/* What the guest half asks for is enough, wherever the chunks lie */
TEST_F(tables, fuzz_tables_needed)
{
	u64 rounds = fuzz_rounds(60);

	while (rounds--) {
		u32 chunks = random_below(20), spare = random_below(10);
		u64 limit = SIZE_4K * (1 + random_below(MODEL_PAGES));
		bool has_1g = !one_in(3), first = one_in(2);
		u8 levels = 4 + one_in(3);
		u64 needed, hiding, i;
		struct ept ept;

		limit = limit < SIZE_2M ? SIZE_2M : limit;
		random_mtrr(&self->mtrr, 32, false);
		needed = ept_tables_needed(levels, has_1g, limit,
					   &self->mtrr, chunks, spare);
		test_pool_destroy(&self->pool);
		test_pool_create(&self->pool, 4);
		ASSERT_LE(needed, self->pool.nr_total);
		test_pool_leave(&self->pool, needed);

		ASSERT_EQ(0, ept_init(&ept, &self->pool, levels, has_1g));
		if (!first)
			ASSERT_EQ(0, ept_map_identity(&ept, 0, limit, EPT_ALL,
						      &self->mtrr));
		hiding = chunks ? ept_build_hiding_table(&ept, FRAME) : 0;
		for (i = 0; i < chunks; i++)
			ASSERT_EQ(0, ept_hide_chunk(&ept,
						    random_below(limit / SIZE_2M) *
						    SIZE_2M, hiding));
		if (first)
			ASSERT_EQ(0, ept_map_identity(&ept, 0, limit, EPT_ALL,
						      &self->mtrr));
		ASSERT_GE(self->pool.nr_total - self->pool.nr_used, spare);
		ASSERT_TRUE(leaves_are_exact(&ept));
	}
}

TEST_HARNESS_MAIN
