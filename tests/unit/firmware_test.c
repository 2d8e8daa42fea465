// SPDX-License-Identifier: GPL-2.0
/*
 * What of the firmware's memory is code
 */
#include "unit.h"

#include "firmware.h"

#define ROOM	8
#define MODEL	64	/* pages */

static const struct firmware_piece area = { 0x10000, 0x20000, FIRMWARE_BOTH };

TEST(nothing_is_said)
{
	struct firmware_piece pieces[ROOM];

	ASSERT_EQ(1, firmware_split(&area, NULL, 0, pieces, 0, ROOM));
	EXPECT_EQ(area.start, pieces[0].start);
	EXPECT_EQ(area.end, pieces[0].end);
	EXPECT_EQ(FIRMWARE_BOTH, pieces[0].kind);
}

/* As firmware has it: for each driver a header, text, data */
TEST(drivers)
{
	static const struct firmware_piece said[] = {
		{ 0x0f000, 0x11000, FIRMWARE_DATA },
		{ 0x11000, 0x14000, FIRMWARE_CODE },
		{ 0x14000, 0x16000, FIRMWARE_DATA },
		{ 0x16000, 0x17000, FIRMWARE_CODE },
		{ 0x17000, 0x18000, FIRMWARE_CODE },
		{ 0x1f000, 0x30000, FIRMWARE_DATA },
	};
	struct firmware_piece pieces[ROOM];

	ASSERT_EQ(3, firmware_split(&area, said, ARRAY_SIZE(said), pieces, 0, ROOM));
	EXPECT_EQ(0x11000, pieces[0].start);
	EXPECT_EQ(0x14000, pieces[0].end);
	EXPECT_EQ(FIRMWARE_CODE, pieces[0].kind);
	EXPECT_EQ(0x16000, pieces[1].start);
	EXPECT_EQ(0x18000, pieces[1].end);
	EXPECT_EQ(FIRMWARE_CODE, pieces[1].kind);
	EXPECT_EQ(0x18000, pieces[2].start);
	EXPECT_EQ(0x1f000, pieces[2].end);
	EXPECT_EQ(FIRMWARE_BOTH, pieces[2].kind);

	EXPECT_EQ(3, firmware_split(&area, said, ARRAY_SIZE(said), pieces, 2, 2));
	EXPECT_EQ(3, firmware_split(&area, said, ARRAY_SIZE(said), pieces, 0, 2));
}

TEST(areas_side_by_side)
{
	static const struct firmware_piece next = { 0x20000, 0x28000, FIRMWARE_BOTH };
	struct firmware_piece pieces[ROOM];
	u32 nr;

	nr = firmware_split(&area, NULL, 0, pieces, 0, ROOM);
	ASSERT_EQ(1, firmware_split(&next, NULL, 0, pieces, nr, ROOM));
	EXPECT_EQ(0x28000, pieces[0].end);
}

/* Whatever is said: each page is what was said last of it, and no page is lost. */
TEST(any_table)
{
	struct firmware_piece said[6], pieces[MODEL];
	enum firmware_kind model[MODEL], found[MODEL];
	struct firmware_piece whole = { 0, MODEL * PAGE_SIZE, FIRMWARE_BOTH };
	u32 round, i, nr, page;

	for (round = 0; round < fuzz_rounds(20000); round++) {
		memset(model, 0, sizeof(model));
		for (i = 0; i < ARRAY_SIZE(said); i++) {
			u32 from = random_below(MODEL + 8);
			u32 to = random_below(MODEL + 8);

			said[i] = (struct firmware_piece){
				.start = from * PAGE_SIZE,
				.end = to * PAGE_SIZE,
				.kind = random_below(3),
			};
			for (page = from; page < to && page < MODEL; page++)
				model[page] = said[i].kind;
		}
		nr = firmware_split(&whole, said, ARRAY_SIZE(said), pieces, 0, MODEL);
		ASSERT_GE(MODEL, nr);
		for (page = 0; page < MODEL; page++)
			found[page] = FIRMWARE_DATA;
		for (i = 0; i < nr; i++) {
			ASSERT_LT(pieces[i].start, pieces[i].end);
			ASSERT_TRUE(!i || pieces[i - 1].end <= pieces[i].start);
			for (page = pieces[i].start / PAGE_SIZE;
			     page < pieces[i].end / PAGE_SIZE; page++)
				found[page] = pieces[i].kind;
		}
		ASSERT_EQ(0, memcmp(model, found, sizeof(model)));
	}
}

TEST_HARNESS_MAIN
