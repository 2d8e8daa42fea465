// SPDX-License-Identifier: GPL-2.0
/*
 * Frames and their regions: against a list that is searched from end to end
 */
#include "unit.h"

#include "frame_map.h"

#define SIZE_MAX_TESTED	256

/* A frame that may be in the map */
struct known {
	u64 pa;
	bool there;
	u32 region;
	u32 page;
};

struct world {
	u64 entry[SIZE_MAX_TESTED];
	struct frame_map map;
	struct known known[2 * SIZE_MAX_TESTED];
	u32 nr_known;
};

static void world_init(struct world *w, u32 size)
{
	u64 first = random_below(1ULL << 37);
	u32 i;

	memset(w, 0, sizeof(*w));
	w->map.entry = w->entry;
	w->map.size = size;
	w->nr_known = 2 * size;
	for (i = 0; i < w->nr_known; i++) {
		/* Neighbours, frames from anywhere, and the two ends */
		u64 frame = i < size ? first + i : random_below(1ULL << 37);

		if (i >= w->nr_known - 2)
			frame = i % 2 ? 0 : (1ULL << 37) - 1;
		w->known[i].pa = (frame & ((1ULL << 37) - 1)) << 12;
	}
}

/* Chosen at random, two of them may be one frame: the first stands for it */
static struct known *random_known(struct world *w)
{
	u64 pa = w->known[random_below(w->nr_known)].pa;
	u32 i;

	for (i = 0; w->known[i].pa != pa; i++)
		;
	return &w->known[i];
}

static u32 count_there(const struct world *w)
{
	u32 i, count = 0;

	for (i = 0; i < w->nr_known; i++)
		count += w->known[i].there;
	return count;
}

static bool same(const struct world *w)
{
	u32 i, region, page, used = 0;
	const struct known *k;
	bool first;
	u32 j;

	for (i = 0; i < w->nr_known; i++) {
		k = &w->known[i];
		for (j = 0, first = true; j < i; j++)
			first = first && w->known[j].pa != k->pa;
		if (!first)
			continue;
		if (frame_map_find(&w->map, k->pa | random_below(4096), &region,
				   &page) != k->there)
			return false;
		if (k->there && (region != k->region || page != k->page))
			return false;
	}
	for (i = 0; i < w->map.size; i++)
		used += w->entry[i] != 0;
	return used == w->map.used && used == count_there(w);
}

static int add(struct world *w, struct known *k, u32 region, u32 page)
{
	int err = frame_map_add(&w->map, k->pa | random_below(4096), region, page);

	if (!err) {
		k->there = true;
		k->region = region;
		k->page = page;
	}
	return err;
}

static void fill(struct world *w, u32 regions)
{
	while (!add(w, random_known(w), random_below(regions),
		    random_below(FRAME_MAP_PAGES)))
		;
}

TEST(an_empty_map_has_nothing)
{
	struct world w;
	u32 region = 7, page = 8, i;
	u64 pa;

	world_init(&w, 16);
	EXPECT_FALSE(frame_map_find(&w.map, 0, &region, &page));
	EXPECT_EQ(7, region);
	EXPECT_EQ(8, page);
	frame_map_remove(&w.map, 0);
	EXPECT_EQ(0, w.map.used);
	for (i = 0; i < w.map.size; i++)
		EXPECT_FALSE(frame_map_entry(&w.map, i, 0, &pa));
}

TEST(what_does_not_fit_is_refused)
{
	static const struct {
		u64 pa;
		u32 region, page;
		int err;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ (1ULL << 49) - 1, FRAME_MAP_REGIONS - 1, FRAME_MAP_PAGES - 1, 0 },
		{ 1ULL << 49, 0, 0, -EINVAL },
		{ ~0ULL, 0, 0, -EINVAL },
		{ 4096, FRAME_MAP_REGIONS, 0, -EINVAL },
		{ 4096, ~0U, 0, -EINVAL },
		{ 4096, 0, FRAME_MAP_PAGES, -EINVAL },
		{ 4096, 0, ~0U, -EINVAL },
	};
	u32 i, region, page;
	struct world w;

	world_init(&w, 16);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].err, frame_map_add(&w.map, rows[i].pa,
						     rows[i].region, rows[i].page));
		EXPECT_EQ(!rows[i].err, frame_map_find(&w.map, rows[i].pa,
						       &region, &page));
		if (!rows[i].err) {
			EXPECT_EQ(rows[i].region, region);
			EXPECT_EQ(rows[i].page, page);
		}
	}
	EXPECT_EQ(2, w.map.used);
}

TEST(a_quarter_stays_free)
{
	struct world w;
	u32 size, i;

	for (size = 4; size <= SIZE_MAX_TESTED; size *= 2) {
		world_init(&w, size);
		for (i = 0; i < size / 4 * 3; i++)
			ASSERT_EQ(0, add(&w, &w.known[i], 1, i));
		ASSERT_EQ(-ENOSPC, add(&w, &w.known[i], 1, i));
		ASSERT_TRUE(same(&w));
		/* One that is there needs no room */
		ASSERT_EQ(0, add(&w, &w.known[0], 2, 3));
		ASSERT_TRUE(same(&w));
		frame_map_remove(&w.map, w.known[1].pa);
		w.known[1].there = false;
		ASSERT_EQ(0, add(&w, &w.known[i], 1, i));
		ASSERT_TRUE(same(&w));
	}
}

/* Small maps, as full as may be: chains are long, and many go round the end */
TEST(random_operations_agree_with_a_list)
{
	u64 rounds = fuzz_rounds(200), steps;
	u64 full = 0, around = 0;
	struct known *k;
	struct world w;
	int err;

	while (rounds--) {
		world_init(&w, 4U << random_below(6));
		for (steps = 0; steps < 300; steps++) {
			k = random_known(&w);
			if (random_below(5) < 3) {
				err = add(&w, k, random_below(FRAME_MAP_REGIONS),
					  random_below(FRAME_MAP_PAGES));
				full += err != 0;
				ASSERT_EQ(err ? -ENOSPC : 0, err);
				if (err)
					ASSERT_EQ(w.map.size / 4 * 3, w.map.used);
			} else {
				frame_map_remove(&w.map,
						 k->pa | random_below(4096));
				k->there = false;
			}
			around += w.entry[0] && w.entry[w.map.size - 1];
			ASSERT_TRUE(same(&w));
		}
	}
	EXPECT_GT(full, 0);
	EXPECT_GT(around, 0);
}

/* To raise a region's rights: each of its frames once, and no other */
TEST(going_through_meets_each_frame_once)
{
	u64 rounds = fuzz_rounds(200), pa;
	u32 i, j, region, met;
	struct world w;

	while (rounds--) {
		world_init(&w, 4U << random_below(6));
		fill(&w, 3);
		for (region = 0; region < 4; region++) {
			for (i = 0, met = 0; i < w.map.size; i++) {
				if (!frame_map_entry(&w.map, i, region, &pa))
					continue;
				for (j = 0; w.known[j].pa != pa; j++)
					;
				ASSERT_TRUE(w.known[j].there);
				ASSERT_EQ(region, w.known[j].region);
				met++;
			}
			for (j = 0; j < w.nr_known; j++)
				met -= w.known[j].there &&
				       w.known[j].region == region;
			ASSERT_EQ(0, met);
		}
	}
}

/* As vmx/seal.c undoes a region: others move up while one goes through */
TEST(going_through_and_removing_leaves_none)
{
	u64 rounds = fuzz_rounds(1000), pa;
	u64 around = 0;
	struct world w;
	u32 i, j;

	while (rounds--) {
		world_init(&w, 4U << random_below(6));
		fill(&w, 1 + random_below(3));
		around += w.entry[0] && w.entry[w.map.size - 1];
		for (i = 0; i < w.map.size; i++) {
			while (frame_map_entry(&w.map, i, 0, &pa)) {
				for (j = 0; w.known[j].pa != pa; j++)
					;
				ASSERT_TRUE(w.known[j].there);
				w.known[j].there = false;
				frame_map_remove(&w.map, pa);
			}
		}
		for (j = 0; j < w.nr_known; j++)
			ASSERT_FALSE(w.known[j].there && !w.known[j].region);
		ASSERT_TRUE(same(&w));
	}
	EXPECT_GT(around, 0);
}

TEST_HARNESS_MAIN
