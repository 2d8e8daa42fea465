// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: no new code, where policy says so
 *
 * Root does not let it run, and takes who comes to it for an attacker: with a kprobe,
 * that is whoever calls the function. So Linux is to refuse it when it is asked for.
 * As it is about to make code it gets arguments with which it fails by itself, in ways
 * that its callers know: there is no room for that much, nothing can be probed there.
 *
 * What can do without goes on: function tracers and kprobes at a function's entry use
 * the kernel's own trampolines then, kprobes elsewhere are not optimised. Modules are
 * refused by sealing.c.
 *
 * This is for those who mean well. For the others there is root.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/ptrace.h>

#include "code.h"
#include "compat.h"
#include "denied_code.h"
#include "island_load.h"
#include "policy.h"
#include "probes.h"
#include "stacks.h"

/* More than all addresses for code are, and than a page of BPF programs is */
#define TOO_MUCH		(1UL << 46)
#define TOO_MUCH_FOR_A_PACK	0xfffff000U

/* Where nothing can be probed */
static struct kprobe nowhere;
static struct optimized_kprobe nowhere_optimized;

static bool denied_soon;

/**
 * denied_code_soon() - refuse new code before root does
 * @soon: from now on; or go by what root says again
 *
 * Root is about to be told to seal what there is, and then to deny more. So what is
 * being made by then is the last.
 *
 * Context: any.
 */
void denied_code_soon(bool soon)
{
	WRITE_ONCE(denied_soon, soon);
}

static bool notrace is_denied(void)
{
	const struct policy *policy = &island_public()->policy;

	return READ_ONCE(denied_soon) ||
	       READ_ONCE(policy->value[POLICY_DYNAMIC_CODE]) == DYNAMIC_CODE_DENY;
}

static void notrace say(const char *what)
{
	pr_notice_ratelimited("%s refused: policy/dynamic_code is 'deny'\n",
			      what);
}

/**
 * denied_memory() - what hooks the allocator of memory for code
 * @ip: not looked at
 * @regs: its arguments
 *
 * Context: as for all hooks, that of the function.
 */
void notrace denied_memory(unsigned long ip, struct pt_regs *regs)
{
	if (!is_denied() || compat_allocates_for_module(regs))
		return;
	say("memory for new code is");
	compat_set_allocation(regs, TOO_MUCH);
}

/**
 * denied_program() - what hooks the allocator of room for BPF programs
 * @ip: not looked at
 * @regs: its arguments
 *
 * It has memory that others have left. Of this much it asks denied_memory()'s.
 *
 * Context: as for all hooks, that of the function.
 */
void notrace denied_program(unsigned long ip, struct pt_regs *regs)
{
	if (is_denied())
		regs->di = TOO_MUCH_FOR_A_PACK;
}

/**
 * denied_kprobe() - what hooks preparing a kprobe that is not at a function's entry
 * @ip: not looked at
 * @regs: its arguments
 *
 * Such a one executes the instruction that it stands at elsewhere. Whatever policy
 * says, root notes what it replaces, and has room for so many of them. And while tasks
 * are switched by way of root none may run another jump than is there.
 *
 * Context: as for all hooks, that of the function.
 */
void notrace denied_kprobe(unsigned long ip, struct pt_regs *regs)
{
	const struct kprobe *probe = (void *)regs_get_kernel_argument(regs, 0);

	if (is_denied())
		say("a kprobe within a function is");
	else if (READ_ONCE(island_public()->stacks_armed) &&
		 stacks_jump_is_under(probe))
		pr_notice_ratelimited("a kprobe on the switch between tasks is refused: policy/parked_stacks is on\n");
	else if (!probes_have_room())
		pr_notice_ratelimited("a kprobe within a function is refused: there are too many\n");
	else
		return;
	regs->di = (unsigned long)&nowhere;
}

/**
 * denied_optimization() - what hooks preparing a kprobe to be a jump
 * @ip: not looked at
 * @regs: its arguments
 *
 * Context: as for all hooks, that of the function.
 */
void notrace denied_optimization(unsigned long ip, struct pt_regs *regs)
{
	if (is_denied())
		regs->di = (unsigned long)&nowhere_optimized;
}
