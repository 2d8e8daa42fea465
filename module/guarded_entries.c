// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: guarded modules: functions that are entered
 *
 * No entry can be left out, or a return would find what an earlier call left:
 * ftrace's main switch stays on (PERMANENT), and where another tracer has a
 * function, too, ftrace calls both. One thing makes it leave calls out: a
 * function that is called by a tracer, while that traces, and is traced itself.
 */
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "bridge.h"
#include "compat.h"
#include "guarded.h"
#include "guarded_entries.h"
#include "hypercall.h"
#include "machine.h"
#include "requests.h"
#include "returns_stub.h"
#include "tasks.h"

static u64 entry_stub(const struct guarded *g)
{
	bool vmfunc = vmx_capability_present(&machine()->controls,
					     VMX_CAPABILITY_VMFUNC);

	if (g->functions.choke)
		return (u64)(vmfunc ? returns_entry_choke :
				      returns_entry_choke_ask);
	return (u64)(vmfunc ? returns_entry : returns_entry_ask);
}

/*
 * Livepatch asks whether it may have a function that has a direct call. The stub
 * returns to where it was called from, whatever livepatch makes of that.
 */
static int COMPAT_OPS_FUNC(share, ops, cmd)
{
	return 0;
}

/**
 * guarded_entries_add() - have each function's return address stored as it is entered
 * @g: the module
 *
 * Context: may sleep.
 *
 * Return: 0; -EBUSY where another user has one of them; -ENODEV where the kernel has no
 * direct calls; another errno of ftrace's.
 */
int guarded_entries_add(struct guarded *g)
{
	struct return_functions *f = &g->functions;

	compat_set_ops_func(&g->ops, share);
	return compat_add_direct(&g->ops, f->entries, f->nr_entries, entry_stub(g));
}

/**
 * guarded_entries_remove() - no longer
 * @g: the module; its returns do not compare any more
 *
 * Context: may sleep.
 */
void guarded_entries_remove(struct guarded *g)
{
	struct return_functions *f = &g->functions;
	int err = compat_remove_direct(&g->ops, f->entries, f->nr_entries,
				       entry_stub(g));

	WARN(err, "carapace: ftrace does not take entries back (%d)\n", err);
}

/* The part of a task's stack that is in use */
static bool stack_in_use(const struct task_struct *task, struct shadow_fill *fill)
{
	u64 base = (u64)READ_ONCE(task->stack);

	fill->stack = task->thread.sp;
	if (!base || fill->stack - base >= THREAD_SIZE)
		return false;
	fill->size = base + THREAD_SIZE - fill->stack;
	return true;
}

static int fill_task(struct task_struct *task, void *guarded)
{
	const struct guarded *g = guarded;
	struct shadow_fill fill;
	int err = 0;
	u32 i;

	/* The first CPU's stack is its own, and idles in no module. */
	if (task == &init_task)
		return 0;
	for (i = 0; !err && i < g->functions.nr_ranges; i++) {
		fill.text = g->functions.ranges[i].start;
		fill.text_size = g->functions.ranges[i].size;
		if (stack_in_use(task, &fill))
			err = hypercall(HYPERCALL_RETURNS_FILL, (u64)&fill, 0);
	}
	return err;
}

/**
 * guarded_entries_fill() - store what was entered before entries did it
 * @guarded: the module; its entries store by now
 *
 * Context: on one CPU, while all others wait with interrupts off.
 *
 * Return: 0 or a negative errno.
 */
int guarded_entries_fill(void *guarded)
{
	return tasks_walk_asleep(fill_task, guarded);
}
