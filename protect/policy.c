// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what is guarded, and what happens on an attack
 */
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
 * policy_set() - change one value
 * @policy: changed, unless it fails
 * @key: enum policy_key, from an untrusted caller
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
	if (key >= POLICY_KEY_COUNT || value > keys[key].last)
		return -EINVAL;
	if (policy->value[POLICY_LOCK] && value < policy->value[key])
		return -EPERM;
	policy->value[key] = value;
	return 0;
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
