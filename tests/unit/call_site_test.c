// SPDX-License-Identifier: GPL-2.0
/*
 * Calls, as the assembler makes them: each is found by what lies before the
 * address behind it, and what is none is not
 */
#include "unit.h"

#include "call_site.h"

/* What call_site_calls.S has */
struct record {
	u8 length;
	u8 bytes[15];
};

extern const struct record calls[], calls_end[], others[], others_end[];

/* So that the instruction ends where they end; @fill lies before it */
static void place(u8 bytes[CALL_LONGEST], const u8 *insn, u32 length, const u8 *fill)
{
	u32 i;

	for (i = 0; i < CALL_LONGEST; i++)
		bytes[i] = i + length < CALL_LONGEST ?
			   fill[i] : insn[i + length - CALL_LONGEST];
}

static void print(const char *what, const u8 *bytes, u32 length)
{
	u32 i;

	fprintf(stderr, "# %s:", what);
	for (i = 0; i < length; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, "\n");
}

/* Whether, behind the opcode, there are bytes that could be another call's */
static bool has_another(const struct record *r)
{
	u32 i, count = 0;

	for (i = 0; i < r->length; i++)
		count += r->bytes[i] == 0xe8 || r->bytes[i] == 0xff;
	return count > 1;
}

/* Segment, address-size or NOTRACK prefixes and REX do not make a call another */
TEST(the_longest_call_fits)
{
	const struct record *r;
	u32 i, longest = 0;

	for (r = calls; r < calls_end; r++) {
		for (i = 0; r->bytes[i] != 0xe8 && r->bytes[i] != 0xff; i++)
			;
		longest = r->length - i > longest ? r->length - i : longest;
	}
	EXPECT_EQ(7, longest);
	EXPECT_LE(longest, CALL_LONGEST);
}

/* Whatever lies before it */
TEST(every_call_is_found)
{
	u8 bytes[CALL_LONGEST], fill[CALL_LONGEST];
	u64 rounds, i, count = 0;
	const struct record *r;

	for (r = calls; r < calls_end; r++, count++) {
		for (rounds = fuzz_rounds(8); rounds; rounds--) {
			for (i = 0; i < CALL_LONGEST; i++)
				fill[i] = random_u64() >> 32;
			place(bytes, r->bytes, r->length, fill);
			if (!call_ends_here(bytes))
				print("missed", r->bytes, r->length);
			ASSERT_TRUE(call_ends_here(bytes));
		}
	}
	EXPECT_GT(count, 3 * 16 * 15 * 4 * 3);
}

TEST(what_is_no_call_is_not_found)
{
	u8 bytes[CALL_LONGEST], fill[CALL_LONGEST];
	const struct record *r;
	u64 count = 0;

	memset(fill, 0x90, sizeof(fill));
	for (r = others; r < others_end; r++, count++) {
		if (has_another(r))
			continue;
		place(bytes, r->bytes, r->length, fill);
		if (call_ends_here(bytes))
			print("found", r->bytes, r->length);
		ASSERT_FALSE(call_ends_here(bytes));
	}
	EXPECT_GT(count, 16 * 15 * 4 * 3);
}

/* A call ends behind its last byte: not within it, and not one byte later */
TEST(a_call_ends_in_one_place)
{
	u8 bytes[CALL_LONGEST], fill[CALL_LONGEST], longer[16];
	const struct record *r;
	u32 cut;

	memset(fill, 0x90, sizeof(fill));
	for (r = calls; r < calls_end; r++) {
		if (has_another(r))
			continue;
		for (cut = 1; cut < r->length; cut++) {
			place(bytes, r->bytes, r->length - cut, fill);
			ASSERT_FALSE(call_ends_here(bytes));
		}
		memcpy(longer, r->bytes, r->length);
		longer[r->length] = 0x90;
		place(bytes, longer, r->length + 1, fill);
		ASSERT_FALSE(call_ends_here(bytes));
	}
}

/* All ModRM and SIB bytes: FF is a call with /2 and in no other case */
TEST(modrm_and_sib)
{
	u8 bytes[CALL_LONGEST], insn[7] = { 0xff };
	u8 fill[CALL_LONGEST];
	u32 modrm, sib, length;

	memset(fill, 0x90, sizeof(fill));
	for (modrm = 0; modrm < 256; modrm++) {
		u32 mod = modrm >> 6, rm = modrm & 7;
		bool has_sib = mod != 3 && rm == 4;

		for (sib = 0; sib < (has_sib ? 256 : 1); sib++) {
			length = 2 + has_sib;
			length += mod == 1 ? 1 : mod == 2 ? 4 : 0;
			if (!mod && (rm == 5 || (has_sib && sib % 8 == 5)))
				length += 4;
			memset(insn + 1, 0, sizeof(insn) - 1);
			insn[1] = modrm;
			if (has_sib)
				insn[2] = sib;
			/* SIB and displacement are a call by themselves */
			if (has_sib && sib == 0xe8 && length == 7)
				continue;
			place(bytes, insn, length, fill);
			ASSERT_EQ((modrm >> 3 & 7) == 2, call_ends_here(bytes));
		}
	}
}

TEST_HARNESS_MAIN
