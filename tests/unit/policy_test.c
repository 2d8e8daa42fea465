// SPDX-License-Identifier: GPL-2.0
/*
 * Policy: who may set what to which value, and what follows from it
 */
#include "unit.h"

#include "code.h"
#include "policy.h"

FIXTURE(policy)
{
	struct policy policy;
};

FIXTURE_SETUP(policy)
{
	policy_init(&self->policy);
}

FIXTURE_TEARDOWN(policy)
{
}

TEST_F(policy, allows_everything_until_it_is_enforced)
{
	EXPECT_EQ(VERDICT_ALLOW,
		  policy_verdict(&self->policy, POLICY_REGISTERS));
}

TEST_F(policy, blocks_by_default)
{
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ENFORCE, 1));
	EXPECT_EQ(VERDICT_BLOCK,
		  policy_verdict(&self->policy, POLICY_REGISTERS));
}

TEST_F(policy, verdict_follows_action)
{
	static const struct {
		enum policy_action action;
		enum verdict verdict;
		bool undoes;
	} rows[] = {
		{ ACTION_LOG, VERDICT_LOG, false },
		{ ACTION_BLOCK, VERDICT_BLOCK, true },
		{ ACTION_PANIC, VERDICT_PANIC, true },
	};
	unsigned int i;

	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ENFORCE, 1));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_EQ(0, policy_set(&self->policy, POLICY_ACTION,
					rows[i].action));
		EXPECT_EQ(rows[i].verdict,
			  policy_verdict(&self->policy, POLICY_REGISTERS));
		EXPECT_EQ(rows[i].undoes, verdict_undoes(rows[i].verdict));
	}
}

TEST_F(policy, a_guard_that_is_off_allows)
{
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ENFORCE, 1));
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_REGISTERS, 0));
	EXPECT_EQ(VERDICT_ALLOW,
		  policy_verdict(&self->policy, POLICY_REGISTERS));
}

TEST_F(policy, refuses_what_does_not_exist)
{
	const struct policy before = self->policy;

	EXPECT_EQ(-EINVAL, policy_set(&self->policy, POLICY_KEY_COUNT, 0));
	EXPECT_EQ(-EINVAL, policy_set(&self->policy, ~0ULL, 1));
	EXPECT_EQ(-EINVAL, policy_set(&self->policy, 1ULL << 32, 1));
	EXPECT_EQ(-EINVAL, policy_set(&self->policy, POLICY_ACTION,
				      ACTION_LAST + 1));
	EXPECT_EQ(-EINVAL, policy_set(&self->policy, POLICY_ENFORCE,
				      1ULL << 32));
	EXPECT_EQ(0, memcmp(&before, &self->policy, sizeof(before)));
}

/* Whatever an attacker asks for: locked, no value ever gets smaller. */
TEST_F(policy, locked_it_only_tightens)
{
	struct policy before;
	u64 key, value;
	u64 i;
	int j, err;

	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ENFORCE, 1));
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ACTION, ACTION_LOG));
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_LOCK, 1));
	EXPECT_EQ(-EPERM, policy_set(&self->policy, POLICY_LOCK, 0));
	EXPECT_EQ(-EPERM, policy_set(&self->policy, POLICY_ENFORCE, 0));

	for (i = 0; i < fuzz_rounds(10000); i++) {
		before = self->policy;
		key = random_below(POLICY_KEY_COUNT + 2);
		value = random_below(5);
		err = policy_set(&self->policy, key, value);
		for (j = 0; j < POLICY_KEY_COUNT; j++) {
			ASSERT_LE(before.value[j], self->policy.value[j]);
			if (err || (u64)j != key)
				ASSERT_EQ(before.value[j],
					  self->policy.value[j]);
		}
	}
}

/* What each key can be, and what it is at attach */
static const struct {
	enum policy_key key;
	u32 last;
	u32 initial;
} keys[] = {
	{ POLICY_ENFORCE, 1, 0 },
	{ POLICY_ACTION, ACTION_PANIC, ACTION_BLOCK },
	{ POLICY_REGISTERS, 1, 1 },
	{ POLICY_CODE, 1, 1 },
	{ POLICY_EXEC, 1, 1 },
	{ POLICY_DYNAMIC_CODE, 1, 0 },
	{ POLICY_HELPERS, 1, 1 },
	{ POLICY_RETURNS, 1, 1 },
	{ POLICY_PARKED_STACKS, 1, 0 },
	{ POLICY_FROZEN_FRAMES, 1, 0 },
	{ POLICY_LOCK, 1, 0 },
};

TEST_F(policy, initial_values)
{
	unsigned int i;

	ASSERT_EQ(POLICY_KEY_COUNT, ARRAY_SIZE(keys));
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		EXPECT_EQ(keys[i].initial, self->policy.value[keys[i].key]);
}

/* A change of a policy whose @key is @from; whether it does what it should */
static bool change_is_right(struct policy policy, u32 key, u32 from, u32 to)
{
	struct policy want = policy;
	int err = 0;

	policy.value[keys[key].key] = from;
	want.value[keys[key].key] = from;
	if (to > keys[key].last)
		err = -EINVAL;
	else if (want.value[POLICY_LOCK] && to < from)
		err = -EPERM;
	else
		want.value[keys[key].key] = to;
	return policy_set(&policy, keys[key].key, to) == err &&
	       !memcmp(&policy, &want, sizeof(policy));
}

/* From each value to each other one, and one too many */
TEST_F(policy, each_key_grows_when_locked_and_does_not_shrink)
{
	struct policy locked = self->policy;
	u32 key, from, to;

	locked.value[POLICY_LOCK] = 1;
	for (key = 0; key < ARRAY_SIZE(keys); key++) {
		for (from = 0; from <= keys[key].last; from++) {
			for (to = 0; to <= keys[key].last + 1; to++) {
				ASSERT_TRUE(change_is_right(self->policy, key,
							    from, to));
				ASSERT_TRUE(change_is_right(locked, key, from,
							    to));
			}
		}
	}
}

/* Each guard is turned off by its own key alone */
TEST_F(policy, guards_do_not_hang_together)
{
	static const enum policy_key guards[] = {
		POLICY_REGISTERS, POLICY_CODE, POLICY_EXEC,
	};
	u32 off, asked;

	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ENFORCE, 1));
	for (off = 0; off < ARRAY_SIZE(guards); off++) {
		struct policy policy = self->policy;

		ASSERT_EQ(0, policy_set(&policy, guards[off], 0));
		for (asked = 0; asked < ARRAY_SIZE(guards); asked++)
			EXPECT_EQ(asked == off ? VERDICT_ALLOW : VERDICT_BLOCK,
				  policy_verdict(&policy, guards[asked]));
	}
	/* Root's own memory is asked for with ENFORCE itself */
	EXPECT_EQ(VERDICT_BLOCK, policy_verdict(&self->policy, POLICY_ENFORCE));
}

TEST_F(policy, starts_balanced)
{
	EXPECT_EQ(PROFILE_BALANCED, policy_which_profile(&self->policy));
}

TEST_F(policy, profiles)
{
	struct policy *policy = &self->policy;

	ASSERT_EQ(0, policy_set(policy, POLICY_PROFILE, PROFILE_MONITOR));
	EXPECT_EQ(PROFILE_MONITOR, policy_which_profile(policy));
	EXPECT_EQ(ACTION_LOG, policy->value[POLICY_ACTION]);
	EXPECT_EQ(1, policy->value[POLICY_CODE]);

	ASSERT_EQ(0, policy_set(policy, POLICY_PROFILE, PROFILE_STRICT));
	EXPECT_EQ(PROFILE_STRICT, policy_which_profile(policy));
	EXPECT_EQ(ACTION_BLOCK, policy->value[POLICY_ACTION]);
	EXPECT_EQ(DYNAMIC_CODE_DENY, policy->value[POLICY_DYNAMIC_CODE]);

	EXPECT_EQ(-EINVAL, policy_set(policy, POLICY_PROFILE, PROFILE_CUSTOM));
	EXPECT_EQ(-EINVAL, policy_set(policy, POLICY_PROFILE, ~0ULL));
	EXPECT_EQ(-EINVAL, policy_set(policy, POLICY_PROFILE, 1ULL << 32));
	EXPECT_EQ(PROFILE_STRICT, policy_which_profile(policy));
}

/* Each key that belongs to profiles makes one custom, and gives it back */
TEST_F(policy, one_other_value_is_custom)
{
	enum policy_profile profile;
	struct policy policy, whole;
	u32 i;

	for (profile = 0; profile < PROFILE_COUNT; profile++) {
		whole = self->policy;
		ASSERT_EQ(0, policy_set(&whole, POLICY_PROFILE, profile));
		for (i = 0; i < ARRAY_SIZE(keys); i++) {
			policy = whole;
			policy.value[keys[i].key] =
				policy.value[keys[i].key] == keys[i].last ?
				0 : keys[i].last;
			EXPECT_EQ(keys[i].key == POLICY_ENFORCE ||
				  keys[i].key == POLICY_LOCK,
				  profile == policy_which_profile(&policy));
			ASSERT_EQ(0, policy_set(&whole, POLICY_PROFILE, profile));
			EXPECT_EQ(profile, policy_which_profile(&whole));
		}
	}
}

/* All of a profile, or none of it */
TEST_F(policy, locked_no_profile_takes_a_value_away)
{
	struct policy before;

	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ENFORCE, 1));
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_CODE, 0));
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_ACTION, ACTION_PANIC));
	ASSERT_EQ(0, policy_set(&self->policy, POLICY_LOCK, 1));
	before = self->policy;
	EXPECT_EQ(-EPERM, policy_set(&self->policy, POLICY_PROFILE,
				     PROFILE_STRICT));
	EXPECT_EQ(0, memcmp(&before, &self->policy, sizeof(before)));
	policy_init(&self->policy);
	self->policy.value[POLICY_LOCK] = 1;
	EXPECT_EQ(-EPERM, policy_set(&self->policy, POLICY_PROFILE,
				     PROFILE_MONITOR));
	EXPECT_EQ(0, policy_set(&self->policy, POLICY_PROFILE, PROFILE_STRICT));
	EXPECT_EQ(PROFILE_STRICT, policy_which_profile(&self->policy));
	EXPECT_EQ(1, self->policy.value[POLICY_LOCK]);
}

/* What is said to weaken is what the lock refuses, for any policy */
TEST_F(policy, weakens_where_the_lock_refuses)
{
	struct policy policy;
	u64 key, value, i;
	u32 j;

	for (i = 0; i < fuzz_rounds(10000); i++) {
		for (j = 0; j < ARRAY_SIZE(keys); j++)
			policy.value[keys[j].key] =
				random_below(keys[j].last + 1);
		policy.value[POLICY_LOCK] = 1;
		key = random_below(POLICY_KEY_COUNT + 2);
		if (key > POLICY_KEY_COUNT)
			key = POLICY_PROFILE;
		value = random_below(5);
		ASSERT_EQ(policy_weakens(&policy, key, value),
			  policy_set(&policy, key, value) == -EPERM);
	}
}

TEST_HARNESS_MAIN
