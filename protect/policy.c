// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what is guarded, and what happens on an attack
 */
#include "code.h"
#include "policy.h"

static const struct {
	u32 last;
	u32 initial;
} keys[POLICY_KEY_COUNT] = {
#define X(key, last_, initial_) \
	[POLICY_##key] = { .last = (last_), .initial = (initial_) },
	POLICY_KEYS(X)
#undef X
};

/* Where profiles differ from the values at attach */
static const struct {
	enum policy_profile profile;
	enum policy_key key;
	u32 value;
} differences[] = {
	{ PROFILE_MONITOR, POLICY_ACTION, ACTION_LOG },
	{ PROFILE_STRICT, POLICY_DYNAMIC_CODE, DYNAMIC_CODE_DENY },
	{ PROFILE_STRICT, POLICY_PARKED_STACKS, 1 },
	{ PROFILE_STRICT, POLICY_FROZEN_FRAMES, 1 },
};

/* @policy, with the values of a profile */
static struct policy with_profile(const struct policy *policy,
				  enum policy_profile profile)
{
	struct policy with = *policy;
	u32 i;

	for (i = 0; i < POLICY_KEY_COUNT; i++) {
		if (i != POLICY_ENFORCE && i != POLICY_LOCK)
			with.value[i] = keys[i].initial;
	}
	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		if (differences[i].profile == profile)
			with.value[differences[i].key] = differences[i].value;
	}
	return with;
}

/* Both are policies that can be; whether @to has a smaller value than @from */
static bool is_weaker(const struct policy *to, const struct policy *from)
{
	u32 i;

	for (i = 0; i < POLICY_KEY_COUNT; i++) {
		if (to->value[i] < from->value[i])
			return true;
	}
	return false;
}

/* @policy after a change; false if there is no such key or value */
static bool change(const struct policy *policy, u64 key, u64 value,
		   struct policy *changed)
{
	if (key == POLICY_PROFILE) {
		if (value >= PROFILE_COUNT)
			return false;
		*changed = with_profile(policy, value);
		return true;
	}
	if (key >= POLICY_KEY_COUNT || value > keys[key].last)
		return false;
	*changed = *policy;
	changed->value[key] = value;
	return true;
}

/**
 * policy_init() - the policy at attach: everything that is on by default, and
 * not yet enforced
 * @policy: set
 *
 * Context: pure.
 */
void policy_init(struct policy *policy)
{
	u32 i;

	for (i = 0; i < POLICY_KEY_COUNT; i++)
		policy->value[i] = keys[i].initial;
}

/**
 * policy_set() - change one value, or all of a profile
 * @policy: changed, unless it fails
 * @key: enum policy_key or POLICY_PROFILE, from an untrusted caller
 * @value: what the caller wants, untrusted, too
 *
 * Locked, values only grow. So a caller who got hold of the hypercall can
 * tighten the policy, and what that breaks is availability.
 *
 * Context: pure.
 *
 * Return: 0, -EINVAL for a key or a value that does not exist, or -EPERM where
 * the lock forbids it.
 */
int policy_set(struct policy *policy, u64 key, u64 value)
{
	struct policy changed;

	if (!change(policy, key, value, &changed))
		return -EINVAL;
	if (policy->value[POLICY_LOCK] && is_weaker(&changed, policy))
		return -EPERM;
	*policy = changed;
	return 0;
}

/**
 * policy_would_be() - a value after a change
 * @policy: the policy
 * @key: as for policy_set()
 * @value: as for policy_set()
 * @of: whose value
 *
 * Context: pure.
 *
 * Return: the value; as it is where there is no such key or value.
 */
u32 policy_would_be(const struct policy *policy, u64 key, u64 value,
		    enum policy_key of)
{
	struct policy changed = *policy;

	change(policy, key, value, &changed);
	return changed.value[of];
}

/**
 * policy_weakens() - whether policy_set() would make some value smaller
 * @policy: the policy
 * @key: as for policy_set()
 * @value: as for policy_set()
 *
 * Context: pure.
 *
 * Return: false also where there is no such key or value.
 */
bool policy_weakens(const struct policy *policy, u64 key, u64 value)
{
	struct policy changed;

	return change(policy, key, value, &changed) &&
	       is_weaker(&changed, policy);
}

/**
 * policy_which_profile() - which profile's values a policy has
 * @policy: the policy
 *
 * Context: pure.
 *
 * Return: PROFILE_CUSTOM where they are no profile's.
 */
enum policy_profile policy_which_profile(const struct policy *policy)
{
	enum policy_profile profile;
	struct policy with;

	for (profile = 0; profile < PROFILE_COUNT; profile++) {
		with = with_profile(policy, profile);
		if (!is_weaker(&with, policy) && !is_weaker(policy, &with))
			break;
	}
	return profile;
}

/**
 * policy_verdict() - what becomes of a violation
 * @policy: the policy
 * @guard: the key of the guard that was violated
 *
 * Context: pure.
 */
enum verdict policy_verdict(const struct policy *policy, enum policy_key guard)
{
	if (!policy->value[POLICY_ENFORCE] || !policy->value[guard])
		return VERDICT_ALLOW;
	switch ((enum policy_action)policy->value[POLICY_ACTION]) {
	case ACTION_LOG:
		return VERDICT_LOG;
	case ACTION_BLOCK:
		return VERDICT_BLOCK;
	case ACTION_PANIC:
		break;
	}
	return VERDICT_PANIC;
}
