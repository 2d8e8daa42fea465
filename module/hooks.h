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
 * @hook: they
 * @nr: how many
 * @added: they are hooked
 */
struct hook_set {
	struct ftrace_ops ops;
	struct hook *hook;
	u32 nr;
	bool added;
};

/*
 * One ops for all of them, for each one that comes or goes has Linux patch and
 * wait for all tasks. PERMANENT: /proc/sys/kernel/ftrace_enabled must not turn it
 * off.
 */
#define HOOK_SET(hooks)	{						\
	.ops = {							\
		.func = hook_called,					\
		.flags = FTRACE_OPS_FL_PERMANENT |			\
			 FTRACE_OPS_FL_RECURSION |			\
			 FTRACE_OPS_FL_SAVE_REGS,			\
	},								\
	.hook = (hooks),						\
	.nr = ARRAY_SIZE(hooks),					\
}

void hook_called(unsigned long ip, unsigned long parent_ip,
		 struct ftrace_ops *ops, struct ftrace_regs *fregs);
int hooks_add(struct hook_set *set);
void hooks_seal(const struct hook_set *set);
void hooks_remove(struct hook_set *set);

#endif /* CARAPACE_MODULE_HOOKS_H */
