// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: functions of the kernel's that the guest half hears of when called
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include "bridge.h"
#include "code.h"
#include "compat.h"
#include "cpus_call.h"
#include "hooks.h"
#include "hypercall.h"
#include "kernel_symbols.h"
#include "requests.h"

/**
 * hook_called() - call whose function was called
 * @hooks: the table
 * @nr: how many are in it
 * @ip: the place that is patched: the function's address, or behind its ENDBR
 * @fregs: all registers
 *
 * Context: that of the function.
 */
void notrace hook_called(const struct hook *hooks, u32 nr, unsigned long ip,
			 struct ftrace_regs *fregs)
{
	const struct hook *hook;

	for (hook = hooks; hook < hooks + nr; hook++) {
		if (hook->address && ip - hook->address <= ENDBR_INSN_SIZE)
			hook->callback(ip, ftrace_get_regs(fregs));
	}
}

static int find(struct hook_set *set, struct hook *hook)
{
	int err = -EOPNOTSUPP;

	if (!hook->function)
		return 0;
	hook->address = kernel_symbol(hook->function);
	if (!hook->address && !hook->needed)
		return 0;
	if (hook->address) {
		err = ftrace_set_filter_ip(&set->ops, hook->address, 0, 0);
		set->added = set->added || !err;
	}
	if (err)
		pr_err("cannot hook %s() (%d); the kernel needs CONFIG_DYNAMIC_FTRACE\n",
		       hook->function, err);
	return err;
}

/**
 * hooks_seal() - seal the trampoline by which a set is called
 * @set: the functions
 *
 * It would be sealed when it first runs; but by then that may be forbidden.
 *
 * Context: may sleep; where no CPU is attached, nothing is done.
 */
void hooks_seal(const struct hook_set *set)
{
	const struct ftrace_ops *ops = &set->ops;
	struct seal_request q = {
		.va = ops->trampoline & PAGE_MASK,
		.pages = (PAGE_ALIGN(ops->trampoline + ops->trampoline_size) -
			  (ops->trampoline & PAGE_MASK)) / PAGE_SIZE,
		/* Linux patches its call when others hook the function, too. */
		.class = CLASS_DYNAMIC,
	};

	if (ops->trampoline)
		cpus_hypercall(HYPERCALL_SEAL, (u64)&q, 0);
}

/**
 * hooks_add() - hear of calls from now on
 * @set: the functions
 *
 * Context: may sleep; while the module is being loaded. Where no CPU is attached
 *	yet, hooks_seal() follows.
 *
 * Return: 0, also where the kernel has none of the functions and none is needed; or
 * a negative errno, after one line, and then nothing is hooked.
 */
int hooks_add(struct hook_set *set)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < set->nr; i++)
		err = find(set, &set->hook[i]);
	/* Without any function in its filter, it would hear of all. */
	if (!err && !set->added)
		return 0;
	if (!err) {
		err = register_ftrace_function(&set->ops);
		if (err)
			pr_err("cannot hook %s() and others (%d); %s\n",
			       set->hook[0].function, err, err == -EBUSY ?
			       "set kernel.ftrace_enabled to 1" :
			       "please report this line");
	}
	if (err) {
		compat_free_filter(&set->ops);
		set->added = false;
		return err;
	}
	hooks_seal(set);
	return 0;
}

/**
 * hooks_remove() - no longer
 * @set: the functions
 *
 * Context: may sleep. No callback runs any more when it returns.
 */
void hooks_remove(struct hook_set *set)
{
	if (!set->added)
		return;
	unregister_ftrace_function(&set->ops);
	compat_free_filter(&set->ops);
	set->added = false;
}
