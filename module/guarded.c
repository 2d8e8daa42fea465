// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the modules whose returns are guarded
 *
 * First each of a module's functions has its return address stored as it is
 * entered (ftrace's direct calls). What was entered before that is still on
 * somebody's stack: with all CPUs stopped, root goes through the stacks and
 * stores what it finds there. Only then are the returns patched to compare, so
 * there is none without something to compare with. The other way round it is
 * first the returns, then the entries.
 *
 * No entry can be left out, or a return would find what an earlier call left:
 * ftrace's main switch stays on (PERMANENT), and where another tracer has a
 * function, too, ftrace calls both. One thing makes it leave calls out: a
 * function that is called by a tracer, while that traces, and is traced itself.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/string.h>

#include "bridge.h"
#include "compat.h"
#include "cpus.h"
#include "guarded.h"
#include "hypercall.h"
#include "island_load.h"
#include "kernel_symbols.h"
#include "lock.h"
#include "machine.h"
#include "module_list.h"
#include "requests.h"
#include "returns.h"
#include "returns_stub.h"
#include "shadow_memory.h"

/* As many of a module's sites as one page of root's remembers */
#define SITES_PER_PAGE	510

u64 returns_stacks __ro_after_init;
u64 returns_window __ro_after_init;

static LIST_HEAD(guarded_list);
static DEFINE_MUTEX(guarded_mutex);
static bool all;

static u64 entry_stub(void)
{
	return (u64)(vmx_capability_present(&machine()->controls,
					    VMX_CAPABILITY_VMFUNC) ?
		     returns_entry : returns_entry_ask);
}

/*
 * Livepatch asks whether it may have a function that has a direct call. The stub
 * returns to where it was called from, whatever livepatch makes of that.
 */
static int share(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
{
	return 0;
}

/* The part of a task's stack that is in use; none for one that runs */
static bool stack_in_use(const struct task_struct *task, struct shadow_fill *fill)
{
	u64 base = (u64)READ_ONCE(task->stack);

	fill->stack = task->thread.sp;
	if (!base || task->on_cpu || fill->stack - base >= THREAD_SIZE)
		return false;
	fill->size = base + THREAD_SIZE - fill->stack;
	return true;
}

static int fill_task(struct task_struct *task, const struct guarded *g)
{
	struct shadow_fill fill = {
		.text = g->functions.text,
		.text_size = g->functions.size,
	};

	if (!stack_in_use(task, &fill))
		return 0;
	return hypercall(HYPERCALL_RETURNS_FILL, (u64)&fill, 0);
}

/* What each CPU runs when it has nothing to do is in no list of tasks. */
static int fill_idle_tasks(const struct guarded *g)
{
	struct task_struct **idle = (void *)kernel_symbol("idle_threads");
	struct task_struct *task;
	unsigned int cpu;
	int err = 0;

	for_each_possible_cpu(cpu) {
		task = idle ? *per_cpu_ptr((struct task_struct * __percpu *)idle,
					   cpu) : NULL;
		/* The first CPU's stack is its own, and idles in no module. */
		if (!err && task && task != &init_task)
			err = fill_task(task, g);
	}
	return err;
}

/* On one CPU, while all others wait with interrupts off */
static int fill_stacks(void *guarded)
{
	struct task_struct *process, *task;
	int err = 0;

	for_each_process_thread(process, task) {
		if (!err)
			err = fill_task(task, guarded);
	}
	return err;
}

static int patch(const struct guarded *g, bool undo)
{
	const struct return_functions *f = &g->functions;
	struct return_patch q = {
		.text = f->text,
		.undo = undo,
	};
	u32 *offsets = NULL;
	u32 i;
	int ret;

	if (!undo) {
		offsets = kvmalloc_array(f->nr_sites + 1, sizeof(*offsets),
					 GFP_KERNEL);
		if (!offsets)
			return -ENOMEM;
		for (i = 0; i < f->nr_sites; i++) {
			if (f->sites[i].state == RETURN_GUARDED)
				offsets[q.nr_sites++] = f->sites[i].offset;
		}
		q.sites = (u64)offsets;
	}
	ret = cpus_hypercall(HYPERCALL_RETURNS_PATCH, (u64)&q, 0);
	kvfree(offsets);
	return ret;
}

static int add_entries(struct guarded *g)
{
	struct return_functions *f = &g->functions;
	int err;

	g->ops.ops_func = share;
	err = ftrace_set_filter_ips(&g->ops, f->entries, f->nr_entries, 0, 1);
	if (!err)
		err = compat_register_direct(&g->ops, entry_stub());
	if (err)
		ftrace_free_filter(&g->ops);
	else
		g->ops.flags |= FTRACE_OPS_FL_PERMANENT;
	return err;
}

static void remove_entries(struct guarded *g)
{
	int err = compat_unregister_direct(&g->ops, entry_stub());

	WARN(err, "carapace: ftrace does not take entries back (%d)\n", err);
	ftrace_free_filter(&g->ops);
}

/* The CPU that goes through the stacks has to be attached. */
static int stop_and_fill(struct guarded *g)
{
	struct cpumask attached;
	int err;

	cpus_attached_mask(&attached);
	if (cpumask_empty(&attached))
		return -ENXIO;
	err = fill_idle_tasks(g);
	return err ? : stop_machine(fill_stacks, g,
				    cpumask_of(cpumask_first(&attached)));
}

static const struct {
	int err;
	const char *why;
} reasons[] = {
	{ -EBUSY, "another user has one of its functions (BPF); try again when that is gone" },
	{ -ENOENT, "it has no list of its returns" },
	{ -ENOMEM, "out of memory" },
	{ -EPERM, "the policy is locked until the next boot" },
	{ -EINVAL, "its code is not sealed" },
	{ -ENXIO, "no CPU is attached" },
};

static void say_why(const struct module *mod, int err)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reasons) && reasons[i].err != err; i++)
		;
	pr_notice("module %s is not guarded (%d): %s\n", mod->name, err,
		  i < ARRAY_SIZE(reasons) ? reasons[i].why : "unexpected");
}

static struct guarded *find(const char *name)
{
	struct guarded *g;

	list_for_each_entry(g, &guarded_list, list) {
		if (!strcmp(g->mod->name, name))
			return g;
	}
	return NULL;
}

static void forget(struct guarded *g)
{
	return_functions_free(&g->functions);
	kfree(g);
}

/* The module stays meanwhile; guarded_mutex is held. */
static int guard_module(struct module *mod)
{
	struct guarded *g;
	int err;

	if (mod == THIS_MODULE)
		return 0;
	if (find(mod->name))
		return -EEXIST;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	g->mod = mod;
	err = return_functions_find(mod, &g->functions);
	if (err)
		goto out_free;
	if (!g->functions.nr_entries) {
		err = -ENOENT;
		goto out_functions;
	}
	err = shadow_memory_need(g->functions.nr_sites / SITES_PER_PAGE + 1);
	if (!err)
		err = add_entries(g);
	if (err)
		goto out_functions;
	err = stop_and_fill(g);
	if (!err)
		err = patch(g, false);
	if (err)
		goto out_patch;
	list_add_tail(&g->list, &guarded_list);
	return 0;

out_patch:
	patch(g, true);
	remove_entries(g);
out_functions:
	return_functions_free(&g->functions);
out_free:
	say_why(mod, err);
	kfree(g);
	return err;
}

/* Sites under a probe cannot be restored: -EBUSY, then, and the rest is. */
static int unguard_module(struct guarded *g)
{
	int ret = patch(g, true);

	if (ret < 0)
		return ret;
	if (ret > 0)
		return -EBUSY;
	list_del(&g->list);
	remove_entries(g);
	forget(g);
	return 0;
}

struct name_list {
	char (*name)[MODULE_NAME_LEN];
	u32 room;
	u32 nr;
};

static void note_name(struct module *mod, void *data)
{
	struct name_list *list = data;

	if (list->nr < list->room)
		strscpy(list->name[list->nr], mod->name, MODULE_NAME_LEN);
	list->nr++;
}

/* ftrace and root are asked for each, so not while the list is locked */
static int guard_each(void)
{
	struct name_list list = { .room = 0 };
	struct module *mod;
	u32 i;

	module_list_walk(note_name, &list);
	list.room = list.nr + 8;
	list.nr = 0;
	list.name = kvcalloc(list.room, sizeof(*list.name), GFP_KERNEL);
	if (!list.name)
		return -ENOMEM;
	module_list_walk(note_name, &list);
	for (i = 0; i < min(list.nr, list.room); i++) {
		mod = module_list_get(list.name[i]);
		if (!mod)
			continue;
		guard_module(mod);
		module_put(mod);
	}
	kvfree(list.name);
	return 0;
}

/**
 * guarded_add() - guard a module's returns
 * @name: the module, or "*" for all that are loaded and that come
 *
 * In force on all CPUs when it returns, also for what is being called just now.
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOENT for a module that is not loaded; -EEXIST for one that is
 * guarded; another errno, after one line. Of all modules, those that can be are
 * guarded, and that is success.
 */
int guarded_add(const char *name)
{
	struct module *mod;
	int err;

	if (!strcmp(name, "*")) {
		mutex_lock(&guarded_mutex);
		all = true;
		err = guard_each();
		mutex_unlock(&guarded_mutex);
		return err;
	}
	mod = module_list_get(name);
	if (!mod)
		return -ENOENT;
	mutex_lock(&guarded_mutex);
	err = guard_module(mod);
	mutex_unlock(&guarded_mutex);
	module_put(mod);
	return err;
}

/**
 * guarded_remove() - guard it no longer
 * @name: the module, or "*" for all
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOENT for one that is not guarded; -EPERM once the policy is
 * locked; -EBUSY where a probe sits on one of its returns, after one line.
 */
int guarded_remove(const char *name)
{
	struct guarded *g, *next;
	int err = -ENOENT;

	mutex_lock(&guarded_mutex);
	if (!strcmp(name, "*")) {
		err = lock_is_on() ? -EPERM : 0;
		if (!err)
			all = false;
		list_for_each_entry_safe(g, next, &guarded_list, list) {
			if (!err)
				err = unguard_module(g);
		}
	} else {
		g = find(name);
		if (g)
			err = unguard_module(g);
	}
	mutex_unlock(&guarded_mutex);
	if (err == -EBUSY)
		pr_notice("module %s stays guarded in part: a probe is on one of its returns; remove it and try again\n",
			  name);
	return err;
}

/**
 * guarded_walk() - go through all of them
 * @function: called for each, until it fails
 * @data: for it
 *
 * Context: may sleep.
 *
 * Return: 0, or what @function returned.
 */
int guarded_walk(int (*function)(const struct guarded *guarded, void *data),
		 void *data)
{
	struct guarded *g;
	int err = 0;

	mutex_lock(&guarded_mutex);
	list_for_each_entry(g, &guarded_list, list) {
		err = function(g, data);
		if (err)
			break;
	}
	mutex_unlock(&guarded_mutex);
	return err;
}

/**
 * guarded_all() - whether modules that come are guarded, too
 */
bool guarded_all(void)
{
	return READ_ONCE(all);
}

/**
 * guarded_site_patched() - whether a return compares
 * @guarded: the module
 * @site: which of its returns
 *
 * Context: any; what stands in the code is what counts.
 */
bool guarded_site_patched(const struct guarded *guarded, u32 site)
{
	u64 va = guarded->functions.text + guarded->functions.sites[site].offset;
	u64 target;

	return return_site_form((const u8 *)va, va, &target) == RETURN_JUMP &&
	       target == (u64)returns_check;
}

/* No CPU is in its code any more, and none will be. */
static void module_gone(struct module *mod)
{
	struct guarded *g;

	mutex_lock(&guarded_mutex);
	g = find(mod->name);
	if (g && g->mod == mod) {
		patch(g, true);
		list_del(&g->list);
		remove_entries(g);
		forget(g);
	}
	mutex_unlock(&guarded_mutex);
}

static void module_came(struct module *mod)
{
	mutex_lock(&guarded_mutex);
	if (all)
		guard_module(mod);
	mutex_unlock(&guarded_mutex);
}

static int module_notify(struct notifier_block *block, unsigned long state,
			 void *data)
{
	switch (state) {
	case MODULE_STATE_LIVE:
		module_came(data);
		break;
	case MODULE_STATE_GOING:
		module_gone(data);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_notify,
};

/**
 * guarded_start() - be ready to guard
 *
 * Context: may sleep; all CPUs are attached, code is sealed.
 *
 * Return: 0 or a negative errno.
 */
int guarded_start(void)
{
	int err = shadow_memory_start();

	if (err)
		return err;
	err = register_module_notifier(&module_notifier);
	if (err)
		shadow_memory_stop();
	return err;
}

static int nothing(void *unused)
{
	return 0;
}

/**
 * guarded_stop() - guard no module any more, and leave nobody in a stub
 *
 * Waits for probes to be removed that sit on guarded returns, and says so.
 *
 * A task that was interrupted in a stub has left it when RCU-tasks has seen it;
 * an interrupt handler, and an idle task, before all CPUs stop.
 *
 * Context: may sleep; guards are off, CPUs still attached.
 */
void guarded_stop(void)
{
	unregister_module_notifier(&module_notifier);
	while (guarded_remove("*") == -EBUSY)
		msleep(1000);
	synchronize_rcu_tasks();
	stop_machine(nothing, NULL, NULL);
	shadow_memory_stop();
}
