// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests: calls of guarded functions, and by which words their callers go on
 */
#include "unit.h"

#include "frozen.h"

#define TOP	16000	/* offset of the outermost word */

/* A call as the test knows it: with all its words */
struct model {
	struct frozen_call call;
	struct stack_words words;
};

static void add_word(struct stack_words *words, u16 offset, u64 value)
{
	words->offset[words->nr] = offset;
	words->value[words->nr] = value;
	words->nr++;
}

/* A call @depth bytes deeper than @outer, or than the beginning of the stack */
static struct model make(const struct model *outer, u32 depth, u32 own)
{
	u16 from = outer ? outer->call.slot : TOP;
	struct model m = {
		.call = {
			.address = random_u64(),
			.bp = random_u64(),
			.slot = from - depth,
		},
	};
	u32 i;

	for (i = 0; i < own; i++)
		add_word(&m.words, m.call.slot + 8 * (i + 1), random_u64());
	if (!outer)
		return m;
	add_word(&m.words, outer->call.slot, outer->call.address);
	for (i = 0; i < outer->words.nr; i++)
		add_word(&m.words, outer->words.offset[i], outer->words.value[i]);
	return m;
}

/* What is noted of a call, as whoever compares sees it */
static struct stack_words noted(const struct frozen *f, u32 call)
{
	struct stack_words all = { 0 }, own;
	bool shares;
	u32 i;

	do {
		shares = frozen_words(f, call--, &own);
		for (i = 0; i < own.nr; i++)
			add_word(&all, own.offset[i], own.value[i]);
	} while (shares);
	return all;
}

static bool same_words(const struct stack_words *a, const struct stack_words *b)
{
	return a->nr == b->nr &&
	       !memcmp(a->offset, b->offset, a->nr * sizeof(a->offset[0])) &&
	       !memcmp(a->value, b->value, a->nr * sizeof(a->value[0]));
}

FIXTURE(frozen)
{
	struct frozen f;
};

FIXTURE_SETUP(frozen)
{
	frozen_renew(&self->f, 1, 1);
}

FIXTURE_TEARDOWN(frozen)
{
}

TEST_F(frozen, a_call_and_its_return)
{
	struct model m = make(NULL, 800, 10);
	struct stack_words words;

	ASSERT_TRUE(frozen_add(&self->f, &m.call, &m.words, true));
	ASSERT_FALSE(frozen_end(&self->f, m.call.slot - 8));
	ASSERT_TRUE(frozen_end(&self->f, m.call.slot));
	words = noted(&self->f, self->f.nr);
	ASSERT_TRUE(same_words(&m.words, &words));
	EXPECT_TRUE(frozen_ended(&self->f, m.call.slot));
	EXPECT_FALSE(frozen_ended(&self->f, m.call.slot + 8));
	/* Once */
	ASSERT_FALSE(frozen_end(&self->f, m.call.slot));
}

TEST_F(frozen, the_same_call_again)
{
	struct model m = make(NULL, 800, 10);
	struct frozen_call other = m.call;

	ASSERT_FALSE(frozen_was(&self->f, &m.call));
	ASSERT_TRUE(frozen_add(&self->f, &m.call, &m.words, true));
	ASSERT_TRUE(frozen_end(&self->f, m.call.slot));
	ASSERT_TRUE(frozen_was(&self->f, &m.call));
	other.address++;
	EXPECT_FALSE(frozen_was(&self->f, &other));
	other = m.call;
	other.bp++;
	EXPECT_FALSE(frozen_was(&self->f, &other));
	other = m.call;
	other.slot += 8;
	EXPECT_FALSE(frozen_was(&self->f, &other));
	frozen_again(&self->f);
	EXPECT_FALSE(frozen_ended(&self->f, m.call.slot));
	ASSERT_TRUE(frozen_end(&self->f, m.call.slot));
}

TEST_F(frozen, what_is_older_does_not_hold)
{
	struct model m = make(NULL, 800, 10);

	ASSERT_TRUE(frozen_add(&self->f, &m.call, &m.words, true));
	/* Other tables: the call is as it was, but another one is not like it. */
	frozen_renew(&self->f, 1, 2);
	ASSERT_TRUE(frozen_end(&self->f, m.call.slot));
	frozen_renew(&self->f, 1, 3);
	ASSERT_FALSE(frozen_was(&self->f, &m.call));
	ASSERT_TRUE(frozen_add(&self->f, &m.call, &m.words, true));
	frozen_renew(&self->f, 2, 3);
	ASSERT_FALSE(frozen_end(&self->f, m.call.slot));
	ASSERT_FALSE(frozen_was(&self->f, &m.call));
}

TEST_F(frozen, calls_within_calls_share)
{
	struct model m[FROZEN_CALLS];
	struct stack_words words;
	u32 i;

	for (i = 0; i < FROZEN_CALLS; i++) {
		m[i] = make(i ? &m[i - 1] : NULL, 200, 10);
		ASSERT_TRUE(frozen_add(&self->f, &m[i].call, &m[i].words, true));
	}
	EXPECT_GE(11 * FROZEN_CALLS, self->f.call[FROZEN_CALLS - 1].end);
	while (i--) {
		ASSERT_TRUE(frozen_end(&self->f, m[i].call.slot));
		words = noted(&self->f, self->f.nr);
		ASSERT_TRUE(same_words(&m[i].words, &words));
	}
}

/* The outer one's words are not what there is now: nothing of it is relied on. */
TEST_F(frozen, what_has_changed_is_not_shared)
{
	struct model outer = make(NULL, 800, 10), inner = make(&outer, 200, 10);
	struct stack_words words;

	ASSERT_TRUE(frozen_add(&self->f, &outer.call, &outer.words, true));
	inner.words.value[inner.words.nr - 1]++;
	ASSERT_TRUE(frozen_add(&self->f, &inner.call, &inner.words, true));
	EXPECT_FALSE(self->f.call[1].shares);
	ASSERT_TRUE(frozen_end(&self->f, inner.call.slot));
	words = noted(&self->f, self->f.nr);
	EXPECT_TRUE(same_words(&inner.words, &words));
	ASSERT_TRUE(frozen_end(&self->f, outer.call.slot));
	words = noted(&self->f, self->f.nr);
	EXPECT_TRUE(same_words(&outer.words, &words));
}

/* It jumped away instead of returning. That shows when a walk does not pass it. */
TEST_F(frozen, calls_that_are_over_are_dropped)
{
	struct model gone = make(NULL, 800, 10), next = make(NULL, 1200, 10);

	ASSERT_TRUE(frozen_add(&self->f, &gone.call, &gone.words, true));
	ASSERT_TRUE(frozen_add(&self->f, &next.call, &next.words, false));
	EXPECT_EQ(2, self->f.nr);
	self->f.nr = 1;
	ASSERT_TRUE(frozen_add(&self->f, &next.call, &next.words, true));
	EXPECT_EQ(1, self->f.nr);
	EXPECT_FALSE(frozen_end(&self->f, gone.call.slot));
}

TEST_F(frozen, no_room)
{
	struct model m[FROZEN_CALLS + 1];
	struct model large;
	u32 i;

	for (i = 0; i <= FROZEN_CALLS; i++) {
		m[i] = make(i ? &m[i - 1] : NULL, 100, 1);
		ASSERT_EQ(i < FROZEN_CALLS, frozen_add(&self->f, &m[i].call,
						       &m[i].words, true));
	}
	/* None of those is lost. */
	ASSERT_TRUE(frozen_end(&self->f, m[FROZEN_CALLS - 1].call.slot));

	self->f.nr = 0;
	for (i = 0; i <= FROZEN_WORDS / STACK_WORDS; i++) {
		large = make(NULL, 15000, STACK_WORDS);
		ASSERT_EQ(i < FROZEN_WORDS / STACK_WORDS,
			  frozen_add(&self->f, &large.call, &large.words, false));
	}
}

/* Calls and returns at random, some of which are not seen */
TEST_F(frozen, random_calls)
{
	struct model m[FROZEN_CALLS];
	struct stack_words words;
	u32 nr = 0, i, rounds = fuzz_rounds(20000);

	for (i = 0; i < rounds; i++) {
		if (nr < FROZEN_CALLS && one_in(2)) {
			m[nr] = make(nr ? &m[nr - 1] : NULL,
				     8 * (1 + random_below(40)) + 80,
				     random_below(9));
			frozen_return_to(&self->f, m[nr].call.slot);
			ASSERT_TRUE(frozen_add(&self->f, &m[nr].call,
					       &m[nr].words, true));
			nr++;
			ASSERT_EQ(nr, self->f.nr);
		} else if (nr && one_in(4)) {
			nr--;	/* unseen: dropped by the next call, or return */
		} else if (nr) {
			nr--;
			ASSERT_TRUE(frozen_end(&self->f, m[nr].call.slot));
			words = noted(&self->f, self->f.nr);
			ASSERT_TRUE(same_words(&m[nr].words, &words));
			if (!one_in(3))
				continue;
			ASSERT_TRUE(frozen_was(&self->f, &m[nr].call));
			frozen_again(&self->f);
			nr++;
		}
	}
}

TEST_HARNESS_MAIN
