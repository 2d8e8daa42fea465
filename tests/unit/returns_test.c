// SPDX-License-Identifier: GPL-2.0
/*
 * Return sites: what is one, and what it becomes
 */
#include "unit.h"

#include "call_site.h"
#include "returns.h"

#define VA	0xffffffffc0123456ULL

static enum return_form form(const void *bytes, u64 *target)
{
	return return_site_form(bytes, VA, target);
}

TEST(a_return_has_the_room_of_a_jump)
{
	u8 bytes[RETURN_SITE];
	u64 target = 1;

	return_site_plain(bytes);
	EXPECT_EQ(0, memcmp(bytes, "\xc3\xcc\xcc\xcc\xcc", sizeof(bytes)));
	EXPECT_EQ(RETURN_PLAIN, form(bytes, &target));
	EXPECT_EQ(0, target);
}

TEST(nothing_else_is_a_return)
{
	static const char *const others[] = {
		"\xc3\xcc\xcc\xcc\x90",		/* another instruction behind it */
		"\xc3\x90\xcc\xcc\xcc",
		"\xc2\x08\x00\xcc\xcc",		/* RET 8 */
		"\xcc\xcc\xcc\xcc\xcc",		/* a probe on it */
		"\xe8\x00\x00\x00\x00",
		"\xeb\x03\xcc\xcc\xcc",
		"\x0f\x1f\x44\x00\x00",
	};
	u64 target;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_EQ(RETURN_UNKNOWN, form(others[i], &target));
}

TEST(a_jump_leads_where_it_was_made_for)
{
	static const u64 targets[] = {
		VA, VA + RETURN_SITE, VA - 1, VA + 0x80000004ULL,
		VA + RETURN_SITE - 0x80000000ULL, 0xffffffff81000000ULL,
	};
	u8 bytes[RETURN_SITE];
	u64 target;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		ASSERT_TRUE(return_site_jump(VA, targets[i], bytes));
		EXPECT_EQ(RETURN_JUMP, form(bytes, &target));
		EXPECT_EQ(targets[i], target);
	}
}

TEST(a_jump_that_is_too_far_is_refused)
{
	u8 bytes[RETURN_SITE] = { 0x11 };

	EXPECT_FALSE(return_site_jump(VA, VA + RETURN_SITE + 0x80000000ULL, bytes));
	EXPECT_FALSE(return_site_jump(VA, VA + RETURN_SITE - 0x80000001ULL, bytes));
	EXPECT_FALSE(return_site_jump(VA, 0xffff888000000000ULL, bytes));
	EXPECT_EQ(0x11, bytes[0]);
}

TEST(half_a_word_is_enough_for_code)
{
	static const u64 code[] = {
		0xffffffff80000000ULL, 0xffffffff81000000ULL, VA,
		0xffffffffffffffffULL,
	};
	static const u64 others[] = {
		0, 0x401196, 0xffff888000000000ULL, 0xffffc90000123456ULL,
		0xffffffff7fffffffULL,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(code); i++) {
		EXPECT_TRUE(is_code_address(code[i]));
		EXPECT_EQ(code[i], code_address(code[i]));
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_FALSE(is_code_address(others[i]));
	/* None is none, and not the address whose lower half that is */
	EXPECT_EQ(0, code_address(0));
}

/* With the kernel's base randomized and not: where modules begin */
TEST(a_function_is_no_address_of_code)
{
	static const u64 starts[] = { 0xffffffffc0000000, 0xffffffffa0000000 };
	static const u64 functions[] = {
		0xffffffff81000009, 0xffffffff80000000, 0xffffffff9fffff00,
		0xffffffffc0000000, 0xffffffffc0123459, 0xfffffffffeffffff,
	};
	unsigned int i, k;
	u32 half;

	for (k = 0; k < ARRAY_SIZE(starts); k++) {
		for (i = 0; i < ARRAY_SIZE(functions); i++) {
			half = function_half(functions[i], starts[k]);
			EXPECT_GT(half, 0);
			EXPECT_LT(half, SHADOW_MISSED);
			EXPECT_FALSE(is_code_address((u64)(s32)half));
			EXPECT_EQ(functions[i], function_address(half, starts[k]));
		}
	}
}

TEST(calls_and_jumps_tell_their_target)
{
	u8 bytes[CALL_NEAR];
	u64 target;

	ASSERT_TRUE(return_site_jump(VA, VA - 0x1000, bytes));
	EXPECT_TRUE(jump_target(bytes, VA + CALL_NEAR, &target));
	EXPECT_EQ(VA - 0x1000, target);
	EXPECT_FALSE(call_target(bytes, VA + CALL_NEAR, &target));
	bytes[0] = 0xe8;
	EXPECT_TRUE(call_target(bytes, VA + CALL_NEAR, &target));
	EXPECT_EQ(VA - 0x1000, target);
	EXPECT_FALSE(jump_target(bytes, VA + CALL_NEAR, &target));
}

TEST(function_that_ends_by_a_jump_is_checked_first)
{
	u8 bytes[RETURN_JUMP_CODE];
	u64 target;

	ASSERT_TRUE(return_jump_code(VA, VA - 0x1000, VA + 0x2000, bytes));
	EXPECT_TRUE(call_target(bytes, VA + CALL_NEAR, &target));
	EXPECT_EQ(VA - 0x1000, target);
	EXPECT_TRUE(jump_target(bytes + CALL_NEAR, VA + 2 * CALL_NEAR, &target));
	EXPECT_EQ(VA + 0x2000, target);
	EXPECT_FALSE(return_jump_code(VA, 0xffff888000000000ULL, VA, bytes));
	EXPECT_FALSE(return_jump_code(VA, VA, 0xffff888000000000ULL, bytes));
}

TEST_HARNESS_MAIN
