// SPDX-License-Identifier: GPL-2.0
/*
 * Policy: who may set what to which value, and what follows from it
 */
#include "unit.h"

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

TEST_HARNESS_MAIN
