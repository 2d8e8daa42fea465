/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what the unit tests have in common
 *
 * To be included first, by a *_test.c, which ends with TEST_HARNESS_MAIN.
 */
#ifndef CARAPACE_TESTS_UNIT_UNIT_H
#define CARAPACE_TESTS_UNIT_UNIT_H

#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

/* The same in the harness and in types.h, but not to the letter */
#undef ARRAY_SIZE
#include "types.h"

/* The harness allows 30 s, which FUZZ_SCALE can exceed */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	3600

static u64 random_state;

/* A test is a process of its own, so each begins with the same numbers */
static inline u64 random_u64(void)
{
	u64 x = random_state;

	if (!x) {
		const char *seed = getenv("FUZZ_SEED");

		x = seed ? strtoull(seed, NULL, 0) : 0;
		x += 0x9e3779b97f4a7c15ULL;
	}
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random_state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/* 0 … limit - 1 */
static inline u64 random_below(u64 limit)
{
	return (random_u64() >> 16) % limit;
}

static inline bool one_in(u64 n)
{
	return random_below(n) == 0;
}

static inline u64 fuzz_rounds(u64 rounds)
{
	const char *scale = getenv("FUZZ_SCALE");

	return scale ? rounds * strtoull(scale, NULL, 0) : rounds;
}

#endif /* CARAPACE_TESTS_UNIT_UNIT_H */
