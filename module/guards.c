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
#include <linux/string.h>

#include "bridge.h"
#include "code.h"
#include "cpus.h"
#include "guards.h"
#include "helper_hooks.h"
#include "hypercall.h"
#include "island_load.h"
#include "lock.h"
#include "policy.h"

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

/* A file of policy/: a key of root's, and the words for its values */
struct policy_file {
	struct kobj_attribute attr;
	enum policy_key key;
	const char *const *words;
};

static struct policy_file *file_of(struct kobj_attribute *attr)
{
	return container_of(attr, struct policy_file, attr);
}

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	const struct policy_file *file = file_of(attr);
	u32 value = READ_ONCE(island_public()->policy.value[file->key]);

	return sysfs_emit(buf, "%s\n", file->words[value]);
}

static void refuse(const struct policy_file *file, const char *word, int err)
{
	if (err == -EPERM) {
		pr_notice("policy/%s stays as it is: the policy is locked until the next boot\n",
			  file->attr.attr.name);
		return;
	}
	if (err == -EBUSY)
		return;
	if (err == -ENXIO) {
		pr_notice("policy/%s stays as it is: no CPU is attached\n",
			  file->attr.attr.name);
		return;
	}
	pr_notice("policy/%s: '%.16s' is none of its values\n",
		  file->attr.attr.name, word);
}

static int set(enum policy_key key, u32 value)
{
	int err = 0;

	cpus_read_lock();
	if (key == POLICY_LOCK && value)
		err = lock_prepare();
	if (!err)
		err = cpus_hypercall(HYPERCALL_POLICY, key, value);
	if (!err && key == POLICY_LOCK && value)
		helper_hooks_lock();
	cpus_read_unlock();
	return err;
}

/*
 * Root looks the policy up at each violation, so it is in force on all CPUs
 * when the hypercall returns.
 */
static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	const struct policy_file *file = file_of(attr);
	int value, err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	for (value = 0; file->words[value]; value++) {
		if (sysfs_streq(buf, file->words[value]))
			break;
	}
	err = file->words[value] ? set(file->key, value) : -EINVAL;
	if (err) {
		refuse(file, buf, err);
		return err;
	}
	return count;
}

#define POLICY_FILE(name, key_, words_)					\
static struct policy_file policy_##name = {				\
	.attr = __ATTR(name, 0644, policy_show, policy_store),		\
	.key = POLICY_##key_,						\
	.words = (words_),						\
}

POLICY_FILE(action, ACTION, actions);
POLICY_FILE(registers, REGISTERS, on_off);
POLICY_FILE(code, CODE, on_off);
POLICY_FILE(exec, EXEC, on_off);
POLICY_FILE(dynamic_code, DYNAMIC_CODE, dynamic_code);
POLICY_FILE(helpers, HELPERS, on_off);
POLICY_FILE(returns, RETURNS, on_off);
POLICY_FILE(lock, LOCK, on_off);

static struct attribute *policy_attrs[] = {
	&policy_action.attr.attr,
	&policy_registers.attr.attr,
	&policy_code.attr.attr,
	&policy_exec.attr.attr,
	&policy_dynamic_code.attr.attr,
	&policy_helpers.attr.attr,
	&policy_returns.attr.attr,
	&policy_lock.attr.attr,
	NULL,
};

const struct attribute_group guards_group = {
	.name = "policy",
	.attrs = policy_attrs,
};

/**
 * guards_start() - begin to enforce the policy
 *
 * Context: may sleep; all CPUs are attached.
 *
 * Return: 0 or a negative errno.
 */
int guards_start(void)
{
	return cpus_hypercall(HYPERCALL_POLICY, POLICY_ENFORCE, 1);
}

/**
 * guards_stop() - before the first CPU leaves
 *
 * Context: may sleep.
 */
void guards_stop(void)
{
	cpus_hypercall(HYPERCALL_POLICY, POLICY_ENFORCE, 0);
}
