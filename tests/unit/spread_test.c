// SPDX-License-Identifier: GPL-2.0
/*
 * Which of some things has a number, when the numbers lie at like distances
 */
#include "unit.h"

#include "spread.h"

#define LOCKS	512

/* Of as many numbers as there are locks: by how many the fullest one is had */
static u32 fullest(u64 first, u64 distance)
{
	u32 count[LOCKS] = { 0 }, most = 0;
	u64 i, lock;

	for (i = 0; i < LOCKS; i++) {
		lock = spread(first + i * distance, LOCKS);
		if (lock >= LOCKS)
			return LOCKS;
		if (++count[lock] > most)
			most = count[lock];
	}
	return most;
}

TEST(like_distances_have_all_of_them)
{
	u64 distance;

	/* Linux has stacks of 16 KiB 32 KiB apart. */
	EXPECT_LE(fullest(0xffffc90000000000ULL >> 14, 2), 2);
	for (distance = 1; distance <= 1024; distance *= 2)
		EXPECT_LE(fullest(0xffffc90000000000ULL >> 14, distance), 3);
}

TEST(one_of_a_power_of_two)
{
	u64 of;
	u32 i;

	for (of = 2; of <= 1ULL << 32; of *= 2) {
		EXPECT_EQ(0, spread(0, of));
		for (i = 0; i < 1000; i++)
			ASSERT_LT(spread(random_u64(), of), of);
	}
}

TEST_HARNESS_MAIN
