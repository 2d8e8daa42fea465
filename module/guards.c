// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: guards on and off, and the policy that they go by
 *
 * Root has the policy; here it is shown and asked to change. What a file shows
 * is what root shows.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/kobject.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/security.h>
#include <linux/string.h>

#include "bridge.h"
#include "code.h"
#include "cpus_call.h"
#include "denied_code.h"
#include "guards.h"
#include "helper_hooks.h"
#include "hypercall.h"
#include "island_load.h"
#include "lock.h"
#include "policy.h"
#include "sealing.h"
#include "stacks.h"

static const char *const on_off[] = { "off", "on", NULL };
static const char *const dynamic_code[] = {
	[DYNAMIC_CODE_SEAL] = "seal",
	[DYNAMIC_CODE_DENY] = "deny",
	NULL
};

static const char *const actions[] = {
	[ACTION_LOG] = "log",
	[ACTION_BLOCK] = "block",
	[ACTION_PANIC] = "panic",
	NULL
};

static const char *const profiles[] = {
	[PROFILE_MONITOR] = "monitor",
	[PROFILE_BALANCED] = "balanced",
	[PROFILE_STRICT] = "strict",
	NULL
};

/*
 * A file of policy/: a key of root's or POLICY_PROFILE, the words for its
 * values, and the one that was given when the module was loaded
 */
struct policy_file {
	struct kobj_attribute attr;
	u32 key;
	const char *const *words;
	char *parameter;
};

/* Changes, one after the other; and a profile is seen whole */
static DEFINE_MUTEX(policy_mutex);

/*
 * From guards_start() to guards_stop(); the files are there for longer. Locked while it
 * is still being loaded, it could neither go on nor go back; and stacks that are armed
 * after stacks_stop() would have Linux jump into memory that is freed.
 */
static bool ready;

static struct policy_file *file_of(struct attribute *attr)
{
	return container_of(attr, struct policy_file, attr.attr);
}

static const char *word_of(const struct policy_file *file)
{
	const struct policy *policy = &island_public()->policy;
	enum policy_profile profile;

	if (file->key != POLICY_PROFILE)
		return file->words[READ_ONCE(policy->value[file->key])];
	profile = policy_which_profile(policy);
	return profile == PROFILE_CUSTOM ? "custom" : file->words[profile];
}

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	ssize_t len;

	mutex_lock(&policy_mutex);
	len = sysfs_emit(buf, "%s\n", word_of(file_of(&attr->attr)));
	mutex_unlock(&policy_mutex);
	return len;
}

/* The value that a word, with or without a newline, means; or -EINVAL */
static int value_of(const struct policy_file *file, const char *word)
{
	int value;

	for (value = 0; file->words[value]; value++) {
		if (sysfs_streq(word, file->words[value]))
			return value;
	}
	/* What stands there may be anything; it is to be one line. */
	pr_notice("%s: '%*pE' is none of its values\n", file->attr.attr.name,
		  (int)min_t(size_t, strcspn(word, "\n"), 16), word);
	return -EINVAL;
}

static void say_unchanged(const struct policy_file *file, const char *why)
{
	pr_notice("policy/%s stays as it is: %s\n", file->attr.attr.name, why);
}

/* Lock: Linux first, then root, and then nobody can change it any more. */
static int set_lock(void)
{
	int err = lock_turn_on();

	if (!err)
		helper_hooks_lock();
	return err;
}

/* No new code: what there is has to be known as such before. */
static int set_denying(const struct policy_file *file, u32 value)
{
	int err;

	denied_code_soon(true);
	err = sealing_seal_existing();
	if (!err)
		err = cpus_hypercall(HYPERCALL_POLICY, file->key, value);
	denied_code_soon(false);
	return err;
}

static bool begins_to_deny(const struct policy_file *file, u32 value)
{
	const struct policy *policy = &island_public()->policy;

	return READ_ONCE(policy->value[POLICY_DYNAMIC_CODE]) != DYNAMIC_CODE_DENY &&
	       policy_would_be(policy, file->key, value, POLICY_DYNAMIC_CODE) ==
	       DYNAMIC_CODE_DENY;
}

static int set(const struct policy_file *file, u32 value)
{
	const struct policy *policy = &island_public()->policy;
	int err, disarmed;

	if (policy_would_be(policy, file->key, value, POLICY_FROZEN_FRAMES)) {
		err = stacks_can_freeze();
		if (err)
			return err;
	}
	if (policy_would_be(policy, file->key, value, POLICY_PARKED_STACKS)) {
		err = stacks_arm();
		if (err)
			return err;
	}
	cpus_read_lock();
	if (file->key == POLICY_LOCK && value)
		err = set_lock();
	else if (begins_to_deny(file, value))
		err = set_denying(file, value);
	else
		err = cpus_hypercall(HYPERCALL_POLICY, file->key, value);
	cpus_read_unlock();
	if (!READ_ONCE(policy->value[POLICY_PARKED_STACKS])) {
		disarmed = stacks_disarm();
		err = err ? : disarmed;
	}
	if (err == -EPERM)
		say_unchanged(file, "the policy is locked until the next boot");
	if (err == -ENXIO)
		say_unchanged(file, "no CPU is attached");
	return err;
}

/*
 * Under lockdown, not even root may change the running kernel, and so not what
 * keeps others from that.
 */
static int refuse_locked_down(const struct policy_file *file, u32 value)
{
	int err;

	if (!policy_weakens(&island_public()->policy, file->key, value))
		return 0;
	err = security_locked_down(LOCKDOWN_MODULE_PARAMETERS);
	if (err)
		say_unchanged(file, "the kernel is locked down, and that would be weaker");
	return err;
}

/*
 * Root looks the policy up at each violation, so it is in force on all CPUs
 * when the hypercall returns.
 */
static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	const struct policy_file *file = file_of(&attr->attr);
	int value, err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	value = value_of(file, buf);
	if (value < 0)
		return value;
	/* A word, and something behind a NUL */
	if (strlen(buf) != count)
		return -EINVAL;

	mutex_lock(&policy_mutex);
	err = ready ? refuse_locked_down(file, value) : -ESHUTDOWN;
	if (!err)
		err = set(file, value);
	mutex_unlock(&policy_mutex);
	return err ?: count;
}

/* Parameters are not shown: files are, which say how it is now. */
#define POLICY_FILE(name, key_, words_)					\
static struct policy_file policy_##name = {				\
	.attr = __ATTR(name, 0644, policy_show, policy_store),		\
	.key = POLICY_##key_,						\
	.words = (words_),						\
};									\
module_param_named(name, policy_##name.parameter, charp, 0);		\
MODULE_PARM_DESC(name, "Policy: what /sys/kernel/carapace/policy/" #name " has from the beginning")

POLICY_FILE(profile, PROFILE, profiles);
POLICY_FILE(action, ACTION, actions);
POLICY_FILE(registers, REGISTERS, on_off);
POLICY_FILE(code, CODE, on_off);
POLICY_FILE(exec, EXEC, on_off);
POLICY_FILE(dynamic_code, DYNAMIC_CODE, dynamic_code);
POLICY_FILE(helpers, HELPERS, on_off);
POLICY_FILE(returns, RETURNS, on_off);
POLICY_FILE(parked_stacks, PARKED_STACKS, on_off);
POLICY_FILE(frozen_frames, FROZEN_FRAMES, on_off);
POLICY_FILE(lock, LOCK, on_off);

/* Also the order of parameters: a profile first, then what differs from it */
static struct attribute *policy_attrs[] = {
	&policy_profile.attr.attr,
	&policy_action.attr.attr,
	&policy_registers.attr.attr,
	&policy_code.attr.attr,
	&policy_exec.attr.attr,
	&policy_dynamic_code.attr.attr,
	&policy_helpers.attr.attr,
	&policy_returns.attr.attr,
	&policy_parked_stacks.attr.attr,
	&policy_frozen_frames.attr.attr,
	&policy_lock.attr.attr,
	NULL,
};

const struct attribute_group guards_group = {
	.name = "policy",
	.attrs = policy_attrs,
};

/**
 * guards_check_parameters() - refuse words that do not exist
 *
 * Context: any; before anything is taken from the machine.
 *
 * Return: 0, or -EINVAL after a line that says which word.
 */
int guards_check_parameters(void)
{
	const struct policy_file *file;
	u32 i;

	for (i = 0; policy_attrs[i]; i++) {
		file = file_of(policy_attrs[i]);
		if (file->parameter && value_of(file, file->parameter) < 0)
			return -EINVAL;
	}
	return 0;
}

/* What was asked for when the module was loaded: the lock, or all but that */
static int set_parameters(bool lock)
{
	const struct policy_file *file;
	int err = 0;
	u32 i;

	for (i = 0; policy_attrs[i] && !err; i++) {
		file = file_of(policy_attrs[i]);
		if (file->parameter && (file->key == POLICY_LOCK) == lock)
			err = set(file, value_of(file, file->parameter));
	}
	return err;
}

static void end_enforcing(void)
{
	cpus_hypercall(HYPERCALL_POLICY, POLICY_ENFORCE, 0);
}

static int start(void)
{
	int err = set_parameters(false);

	if (err)
		return err;
	err = cpus_hypercall(HYPERCALL_POLICY, POLICY_ENFORCE, 1);
	if (err) {
		pr_err("root does not enforce the policy (%d); load it again\n",
		       err);
		return err;
	}
	err = set_parameters(true);
	if (err)
		end_enforcing();
	return err;
}

/**
 * guards_start() - begin to enforce the policy that the parameters ask for
 *
 * Context: may sleep; all CPUs are attached, and nothing after this can fail.
 *
 * Return: 0 or a negative errno, after one line.
 */
int guards_start(void)
{
	int err;

	mutex_lock(&policy_mutex);
	err = start();
	ready = !err;
	mutex_unlock(&policy_mutex);
	return err;
}

/**
 * guards_stop() - before the first CPU leaves
 *
 * Context: may sleep.
 */
void guards_stop(void)
{
	mutex_lock(&policy_mutex);
	ready = false;
	mutex_unlock(&policy_mutex);
	end_enforcing();
}
