/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: functions of the kernel's that the guest half hears of when called
 */
#ifndef CARAPACE_MODULE_HOOKS_H
#define CARAPACE_MODULE_HOOKS_H

#include <linux/ftrace.h>
#include <linux/types.h>

#include "compat.h"

/**
 * struct hook - one function
 * @function: its name; NULL where this kernel has no use for the hook
 * @callback: called at its entry, with its address there and its arguments
 * @needed: without it nothing is hooked
 * @address: where it is; 0 where the kernel does not have it
 *
 * Tables of these are __ro_after_init, or a write to one would do.
 */
struct hook {
	const char *function;
	void (*callback)(unsigned long ip, struct pt_regs *regs);
	bool needed;
	unsigned long address;
};

#define HOOK(name, called, must)					\
	{ .function = (name), .callback = (called), .needed = (must) }

/**
 * struct hook_set - functions that are hooked together
 * @ops: what ftrace knows of them
 * @hook: they, for who adds them
 * @nr: how many
 * @added: they are hooked
 *
 * This can be written to while they are. So what is called goes by nothing in here.
 */
struct hook_set {
	struct ftrace_ops ops;
	struct hook *hook;
	u32 nr;
	bool added;
};

/*
 * DEFINE_HOOK_SET(name, hooks) defines a set, of a table in the same file, and what
 * ftrace calls for it: the trampoline that ftrace makes for the ops calls that, and it
 * has the table's address in its code. All of this is sealed.
 *
 * One ops for all of them, for each one that comes or goes has Linux patch and
 * wait for all tasks. PERMANENT: /proc/sys/kernel/ftrace_enabled must not turn it
 * off.
 *
 * Without ftrace's protection against recursion: the trampoline would call a function
 * of ftrace's then, which calls what the ops' .func is by that time, and nothing where
 * the task's own data say that it is in there already; and who writes to memory has
 * both. Nor with FTRACE_OPS_FL_RCU, which has the same called: Linux calls these
 * functions where RCU watches. So callbacks
 * - call none of the functions that are hooked, and nor do interrupts and NMIs;
 * - may be interrupted by one of another set (NMIs of a crash): they keep nothing
 *   anywhere but on the stack while the module is in use;
 * - may be preempted, and do not sleep: ftrace waits for those that are in one.
 */
#define DEFINE_HOOK_SET(name, hooks)					\
static void notrace name##_called(unsigned long ip,			\
				  unsigned long parent_ip,		\
				  struct ftrace_ops *ops,		\
				  struct ftrace_regs *fregs)		\
{									\
	hook_called(hooks, ARRAY_SIZE(hooks), ip, fregs);		\
}									\
									\
static struct hook_set name = {						\
	.ops = {							\
		.func = name##_called,					\
		.flags = FTRACE_OPS_FL_PERMANENT |			\
			 COMPAT_OPS_UNPROTECTED |			\
			 FTRACE_OPS_FL_SAVE_REGS,			\
	},								\
	.hook = (hooks),						\
	.nr = ARRAY_SIZE(hooks),					\
}

void hook_called(const struct hook *hooks, u32 nr, unsigned long ip,
		 struct ftrace_regs *fregs);
int hooks_add(struct hook_set *set);
void hooks_seal(const struct hook_set *set);
void hooks_remove(struct hook_set *set);

#endif /* CARAPACE_MODULE_HOOKS_H */
