// SPDX-License-Identifier: GPL-2.0
/*
 * Stores in aligned pieces, and the pieces that have a change
 */
#include "unit.h"

#include "pieces.h"

TEST(an_aligned_store_is_one_piece)
{
	u64 size, at;

	for (size = 1; size <= 8; size *= 2) {
		for (at = 0; at < 64; at += size)
			EXPECT_EQ(size, piece_size(at, size));
	}
}

TEST(no_piece_is_too_long_or_not_aligned)
{
	u64 size, at, piece;

	for (size = 1; size <= 64; size++) {
		for (at = 0; at < 64; at++) {
			piece = piece_size(at, size);
			EXPECT_TRUE(piece == 1 || piece == 2 || piece == 4 ||
				    piece == 8);
			EXPECT_LE(piece, size);
			EXPECT_EQ(0, at % piece);
			/* Nor is it shorter than it could be. */
			EXPECT_TRUE(piece == 8 || 2 * piece > size ||
				    at % (2 * piece));
		}
	}
}

/* Every byte arrives, and none beside them changes */
TEST(all_is_stored_and_no_more)
{
	u8 to[96] __attribute__((aligned(8)));
	u8 expected[sizeof(to)], from[64];
	u64 i, at, size;

	for (i = 0; i < sizeof(from); i++)
		from[i] = i + 1;
	for (at = 0; at < 16; at++) {
		for (size = 0; size <= sizeof(from); size++) {
			memset(to, 0xa5, sizeof(to));
			memset(expected, 0xa5, sizeof(expected));
			memcpy(expected + at, from, size);
			store_pieces(to + at, from, size);
			ASSERT_EQ(0, memcmp(expected, to, sizeof(to)));
		}
	}
}

TEST(a_change_is_in_one_piece)
{
	u32 size;

	/* A page table's entry, that has no more than its lowest and its third byte */
	EXPECT_EQ(0, changed_piece(0, 0x0000000000120063, &size));
	EXPECT_EQ(4, size);
	EXPECT_EQ(0, changed_piece(0, 0x8000000000000001, &size));
	EXPECT_EQ(8, size);
	EXPECT_EQ(3, changed_piece(0x11223344, 0x99223344, &size));
	EXPECT_EQ(1, size);
	EXPECT_EQ(6, changed_piece(0, 0x1200000000000000 | 0x34ULL << 48, &size));
	EXPECT_EQ(2, size);
	/* Two bytes that are in no two, but in four */
	EXPECT_EQ(0, changed_piece(0, 0x0000000000ffff00, &size));
	EXPECT_EQ(4, size);
}

/* An aligned store of any size, of which some bytes are as they were */
TEST(what_a_store_changed_is_in_one_piece)
{
	u64 before, after, mask, rounds = fuzz_rounds(100000);
	u32 stored, at, size, offset;

	while (rounds--) {
		before = random_u64();
		stored = 1 << random_below(4);
		at = random_below(8 / stored) * stored;
		mask = (stored == 8 ? ~0ULL : (1ULL << (8 * stored)) - 1) << (8 * at);
		after = (before & ~mask) | (random_u64() & random_u64() & mask);
		if (after == before)
			continue;
		offset = changed_piece(before, after, &size);
		ASSERT_GE(offset, at);
		ASSERT_LE(offset + size, at + stored);
		ASSERT_EQ(0, offset % size);
		mask = (size == 8 ? ~0ULL : (1ULL << (8 * size)) - 1) << (8 * offset);
		ASSERT_EQ(0, (before ^ after) & ~mask);
	}
}

TEST_HARNESS_MAIN
