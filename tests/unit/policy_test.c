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

TEST_HARNESS_MAIN
