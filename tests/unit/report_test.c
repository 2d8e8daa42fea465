// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of reports: what a reader finds, and what it knows it missed
 */
#include "unit.h"

#include "report.h"

TEST(the_last_ones_are_there)
{
	struct report_ring ring = { 0 };
	u64 i, n;

	for (i = 0; i < 100; i++) {
		report_add(&ring, &(struct report){ .kind = REPORT_REGISTER,
						    .rip = i });
		ASSERT_EQ(i + 1, ring.count);
		for (n = i < REPORT_RING ? 0 : i + 1 - REPORT_RING; n <= i; n++)
			ASSERT_EQ(n, ring.entry[n % REPORT_RING].rip);
	}
	EXPECT_EQ(100, ring.by_kind[REPORT_REGISTER]);
}

TEST_HARNESS_MAIN
