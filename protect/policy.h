/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what is guarded, and what happens on an attack
 *
 * Pure. The guest half sets it key by key, by hypercall; root keeps it where
 * the guest cannot reach it, and asks it at each violation.
 */
#ifndef CARAPACE_PROTECT_POLICY_H
#define CARAPACE_PROTECT_POLICY_H

#include "types.h"

/*
 * X(key, last value, value at attach). A greater value is always the tighter
 * one: that is what "locked" goes by.
 *
 * ENFORCE: guards are on, because all CPUs are in
 * ACTION: enum policy_action
 * REGISTERS: the register guard
 * CODE: kernel code and read-only data cannot be written
 * EXEC: kernel mode runs nothing else
 * DYNAMIC_CODE: enum dynamic_code
 * HELPERS: the kernel starts no programs but those that administrators named
 * RETURNS: functions return to where they were called from
 * PARKED_STACKS: a task goes on with the stack that it was left with
 * FROZEN_FRAMES: who calls a guarded function goes on as it would have
 * LOCK: no value gets smaller any more, and root does not leave
 */
#define POLICY_KEYS(X)				\
	X(ENFORCE,	1,		0)	\
	X(ACTION,	ACTION_LAST,	ACTION_BLOCK) \
	X(REGISTERS,	1,		1)	\
	X(CODE,		1,		1)	\
	X(EXEC,		1,		1)	\
	X(DYNAMIC_CODE,	1,		0)	\
	X(HELPERS,	1,		1)	\
	X(RETURNS,	1,		1)	\
	X(PARKED_STACKS, 1,		0)	\
	X(FROZEN_FRAMES, 1,		0)	\
	X(LOCK,		1,		0)

enum policy_key {
#define X(key, last, initial) POLICY_##key,
	POLICY_KEYS(X)
#undef X
	POLICY_KEY_COUNT,
};

/* What is done about a violation; what happens then to its task is Linux's */
enum policy_action {
	ACTION_LOG,		/* let it happen, as the CPU would */
	ACTION_BLOCK,		/* undo it */
	ACTION_PANIC,		/* undo it, and stop the machine */
	ACTION_LAST = ACTION_PANIC,
};

/*
 * Values that go together. What differs between them is in policy.c; ENFORCE and
 * LOCK belong to none.
 *
 * MONITOR: everything is guarded, and attacks happen
 * BALANCED: as at attach
 * STRICT: all that there is
 */
enum policy_profile {
	PROFILE_MONITOR,
	PROFILE_BALANCED,
	PROFILE_STRICT,
	PROFILE_COUNT,
	PROFILE_CUSTOM = PROFILE_COUNT,	/* none of these */
};

/* For policy_set(), in the place of a key: all values of an enum policy_profile */
#define POLICY_PROFILE	0x100

/**
 * struct policy - all of it
 * @value: by enum policy_key
 */
struct policy {
	u32 value[POLICY_KEY_COUNT];
};

/* A violation's fate */
enum verdict {
	VERDICT_ALLOW,		/* not guarded: nobody looks */
	VERDICT_LOG,
	VERDICT_BLOCK,
	VERDICT_PANIC,
};

void policy_init(struct policy *policy);
int policy_set(struct policy *policy, u64 key, u64 value);
enum policy_profile policy_which_profile(const struct policy *policy);
u32 policy_would_be(const struct policy *policy, u64 key, u64 value,
		    enum policy_key of);
bool policy_weakens(const struct policy *policy, u64 key, u64 value);
enum verdict policy_verdict(const struct policy *policy, enum policy_key guard);

/* Whether a violation with this verdict has no effect */
static inline bool verdict_undoes(enum verdict verdict)
{
	return verdict >= VERDICT_BLOCK;
}

#endif /* CARAPACE_PROTECT_POLICY_H */
