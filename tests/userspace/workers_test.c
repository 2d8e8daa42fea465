// SPDX-License-Identifier: GPL-2.0
/*
 * Work on several processes: in order, all of it, also past one that dies
 */
#include <unistd.h>

#include "unit.h"

#include "workers.h"

#define COUNT	500

struct seen {
	size_t next;
	size_t dead;
	size_t wrong;
	size_t die_at;
};

static void perform(void *context, size_t number, FILE *out, void *result)
{
	struct seen *seen = context;
	size_t i;

	if (number == seen->die_at)
		_exit(1);
	/* Some of it more than a pipe holds */
	for (i = 0; i < (number % 50 ? number : 20000); i++)
		fprintf(out, "%zu,", number);
	*(size_t *)result = number * number;
}

static void deliver(void *context, size_t number, const char *text,
		    const void *result)
{
	struct seen *seen = context;
	char first[32];

	seen->wrong += number != seen->next++;
	if (!result) {
		seen->dead++;
		seen->wrong += number != seen->die_at;
		return;
	}
	snprintf(first, sizeof(first), "%zu,", number);
	seen->wrong += *(const size_t *)result != number * number;
	seen->wrong += strncmp(text, first, strlen(first)) != 0;
}

static bool run(struct seen *seen, unsigned int workers)
{
	struct work work = {
		.count = COUNT,
		.result_size = sizeof(size_t),
		.perform = perform,
		.deliver = deliver,
		.context = seen,
	};

	return work_do(&work, workers);
}

TEST(all_in_order)
{
	unsigned int workers;

	for (workers = 1; workers < 6; workers++) {
		struct seen seen = { .die_at = COUNT };

		ASSERT_TRUE(run(&seen, workers));
		EXPECT_EQ(COUNT, seen.next);
		EXPECT_EQ(0, seen.wrong);
		EXPECT_EQ(0, seen.dead);
	}
}

TEST(one_dies)
{
	static const size_t places[] = { 0, 77, COUNT - 1 };
	unsigned int workers;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		for (workers = 1; workers < 4; workers++) {
			struct seen seen = { .die_at = places[i] };

			ASSERT_TRUE(run(&seen, workers));
			EXPECT_EQ(COUNT, seen.next);
			EXPECT_EQ(0, seen.wrong);
			EXPECT_EQ(1, seen.dead);
		}
	}
}

TEST(nothing_to_do)
{
	struct work work = { .count = 0 };

	EXPECT_TRUE(work_do(&work, 4));
}

TEST_HARNESS_MAIN
