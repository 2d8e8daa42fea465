// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what becomes of who was about to return elsewhere
 *
 * Root knows the true address. But who overwrote it has in most cases overwritten
 * what lies before it on the stack, too: the registers that the function has just
 * restored for its caller. With those, the caller would go on in the attacker's
 * sense for as long as it takes to kill the task, with a pointer of his, say. So a
 * process ends here and now, as one does by an oops, without one: what it held
 * (locks, references) is lost, and Linux counts such ends (kernel.oops_limit).
 *
 * An interrupt is nobody's to answer for, and a kernel thread or process 1 nothing
 * that Linux could do without: these go on, to where they were called from.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/bug.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "blocked.h"
#include "compat.h"
#include "kernel_symbols.h"
#include "returns_stub.h"

static void no_end(int signal)
{
	BUG();
}

KERNEL_FUNCTION(make_task_dead, no_end);

/* Where each CPU has what functions compare their stacks' canaries with */
static void __percpu *canary __ro_after_init;

/**
 * blocked_prepare() - find out how Linux ends a task
 *
 * Context: may sleep; while Linux may still patch this module as it likes.
 *
 * Return: 0, or -EOPNOTSUPP after one line.
 */
int blocked_prepare(void)
{
	canary = compat_canary();
	if (kernel_function_found(make_task_dead) ||
	    kernel_function_found_as(make_task_dead, "do_exit"))
		return 0;
	pr_err("this kernel has no symbol make_task_dead or do_exit; it needs CONFIG_KALLSYMS and CONFIG_KPROBES\n");
	return -EOPNOTSUPP;
}

/*
 * Who has come through the middle of the switch to another task has that task's canary:
 * the next function that looks at its own would stop the machine. Root has turned
 * interrupts off there, for such a function schedules, too.
 */
static void take_canary(void)
{
#ifdef CONFIG_STACKPROTECTOR
	unsigned long flags;

	local_irq_save(flags);
	*(unsigned long *)this_cpu_ptr(canary) = current->stack_canary;
	local_irq_restore(flags);
#endif
}

/**
 * return_was_blocked() - called instead of a return
 * @address: where the function was called from; 0 where that is not known
 *
 * Context: any. Root has reported what happened, and the NMI by which it says so
 *	was before this.
 */
void return_was_blocked(u64 address)
{
	bool goes_on = in_nmi() || in_hardirq() || in_serving_softirq() ||
		       current->flags & PF_KTHREAD || is_global_init(current);

	if (goes_on && address)
		return;
	take_canary();
	if (goes_on)
		BUG();
	kernel_call(make_task_dead)(SIGKILL);
}
