// SPDX-License-Identifier: GPL-2.0
/*
 * Broken modules, at random: refused or taken, and no harm done
 *
 * Harm is what the sanitizers see, which end the test. FUZZ_SCALE does more,
 * FUZZ_SEED does others, FUZZ_FILES (a list of files with spaces between)
 * breaks these, too. What is broken by what it leads to: module_fuzzer.c.
 */
#include "unit.h"

#include "crafted.h"
#include "examine.h"
#include "patched.h"

#define ROUNDS		20000
#define FILE_ROUNDS	60

/* Numbers at which limits are likely to be */
static const u64 interesting[] = {
	0, 1, 2, 4, 7, 8, 0x10, 0x18, 0x40, 0x7f, 0x80, 0xff, 0x100, 0x7fff,
	0x8000, 0xff00, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
	0xfffffffffffffff0, 0xffffffffffffffff,
};

static u64 any_number(const struct bytes *bytes)
{
	switch (random_below(4)) {
	case 0:
		return interesting[random_below(ARRAY_SIZE(interesting))];
	case 1:
		return random_below(bytes->size + 16);
	case 2:
		return -random_below(bytes->size + 16);
	default:
		return random_u64();
	}
}

/* In the headers half of the time: they are a small part of it */
static size_t any_place(const struct bytes *bytes)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes->data;

	if (bytes->size > sizeof(*header) && one_in(2)) {
		if (one_in(8))
			return random_below(sizeof(*header));
		if (header->e_shoff < bytes->size)
			return header->e_shoff +
			       random_below(bytes->size - header->e_shoff);
	}
	return random_below(bytes->size);
}

static void break_something(struct bytes *bytes)
{
	static const size_t widths[] = { 1, 2, 4, 8 };
	size_t width = widths[random_below(ARRAY_SIZE(widths))];
	size_t at = any_place(bytes), from;
	u64 value;

	if (one_in(2))
		at &= ~(width - 1);
	if (width > bytes->size - at)
		width = bytes->size - at;
	switch (random_below(4)) {
	case 0:
		bytes->data[at] ^= 1 << random_below(8);
		break;
	case 1:
		from = any_place(bytes);
		if (width > bytes->size - from)
			width = bytes->size - from;
		memmove(bytes->data + at, bytes->data + from, width);
		break;
	default:
		value = any_number(bytes);
		memcpy(bytes->data + at, &value, width);
		break;
	}
	if (one_in(64))
		bytes->size = 1 + random_below(bytes->size);
}

static int break_and_examine(const struct bytes *whole)
{
	struct bytes broken = { malloc(whole->size), whole->size };
	u64 count = 1 + random_below(one_in(4) ? 64 : 4);
	struct bytes exact;
	int result;

	memcpy(broken.data, whole->data, whole->size);
	while (count--)
		break_something(&broken);
	exact.data = malloc(broken.size);
	exact.size = broken.size;
	memcpy(exact.data, broken.data, exact.size);
	result = examine(&exact, random_u64());
	bytes_free(&exact);
	bytes_free(&broken);
	return result;
}

FIXTURE(modules)
{
	struct crafted crafted;
};

FIXTURE_SETUP(modules)
{
}

FIXTURE_TEARDOWN(modules)
{
}

FIXTURE_VARIANT(modules)
{
	bool patched;
};

FIXTURE_VARIANT_ADD(modules, of_every_fate)
{
	.patched = false,
};

FIXTURE_VARIANT_ADD(modules, patched_everywhere)
{
	.patched = true,
};

TEST_F(modules, broken)
{
	u64 round, counts[3] = { 0 };
	struct bytes whole;
	int result;

	if (variant->patched)
		craft_patched(&self->crafted.builder);
	else
		craft(&self->crafted);
	whole = builder_finish(&self->crafted.builder);
	ASSERT_EQ(2, examine(&whole, 0));
	for (round = 0; round < fuzz_rounds(ROUNDS); round++) {
		result = break_and_examine(&whole);
		ASSERT_GE(result, 0);
		counts[result]++;
	}
	TH_LOG("%llu examined, %llu with malformed tables, %llu malformed",
	       (unsigned long long)counts[2], (unsigned long long)counts[1],
	       (unsigned long long)counts[0]);
	/* Breaking neither misses everything nor hits the same thing always */
	EXPECT_GT(counts[0], round / 100);
	EXPECT_GT(counts[1], round / 100);
	EXPECT_GT(counts[2], round / 100);
	bytes_free(&whole);
}

/* Compressed files, where there is a library for them: damaged, cut, grown */
TEST(broken_compression)
{
	static const char *const magic[] = {
		"\3757zXZ", "\x28\xb5\x2f\xfd", "\x1f\x8b\x08",
	};
	struct bytes bytes;
	struct reason why;
	u64 round, taken = 0;
	size_t i;

	for (round = 0; round < fuzz_rounds(ROUNDS / 4); round++) {
		bytes.size = 16 + random_below(200);
		bytes.data = malloc(bytes.size);
		for (i = 0; i < bytes.size; i++)
			bytes.data[i] = one_in(4) ? 0 : random_u64();
		i = random_below(ARRAY_SIZE(magic));
		memcpy(bytes.data, magic[i], strlen(magic[i]) + !i);
		/* By chance it is what it says, which is no harm either. */
		why.text[0] = 0;
		if (bytes_decompress(&bytes, &why))
			taken++;
		else
			ASSERT_NE(0, why.text[0]);
		bytes_free(&bytes);
	}
	EXPECT_LT(taken, round / 100);
}

TEST(broken_files)
{
	char *files = getenv("FUZZ_FILES");
	char *path, *saved;
	struct bytes whole;
	struct reason why;
	u64 round;

	if (!files || !*files)
		SKIP(return, "no FUZZ_FILES");
	for (path = strtok_r(files, " ", &saved); path;
	     path = strtok_r(NULL, " ", &saved)) {
		ASSERT_TRUE(bytes_read(path, &whole, &why));
		ASSERT_TRUE(bytes_decompress(&whole, &why)) {
			TH_LOG("%s: %s", path, why.text);
		}
		for (round = 0; round < fuzz_rounds(FILE_ROUNDS); round++)
			ASSERT_GE(break_and_examine(&whole), 0);
		bytes_free(&whole);
	}
}

TEST_HARNESS_MAIN
