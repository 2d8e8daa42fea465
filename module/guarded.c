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
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/string.h>

#include "bridge.h"
#include "choke_points.h"
#include "compat.h"
#include "cpus.h"
#include "guarded.h"
#include "hypercall.h"
#include "island_load.h"
#include "layout.h"
#include "lock.h"
#include "machine.h"
#include "module_list.h"
#include "probes.h"
#include "reasons.h"
#include "requests.h"
#include "return_sites.h"
#include "returns.h"
#include "returns_stub.h"
#include "shadow_memory.h"
#include "tasks.h"

static LIST_HEAD(guarded_list);
static DEFINE_MUTEX(guarded_mutex);
static bool all;

/* Somebody may be where functions jumped to that are guarded no more. */
static bool jumps_left;

/* Names that the module was loaded with: these are guarded as often as they come. */
static char **awaited;

/* From guarded_start() to guarded_stop(); the files are there for longer. */
static bool ready;

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

/* On one CPU, while all others wait with interrupts off */
static int fill_stacks(void *guarded)
{
	return tasks_walk_asleep(fill_task, guarded);
}

/* The return that a probe is on, if it is one of these that are not yet left out */
static struct return_site *site_under(const struct return_functions *f,
				      const struct kprobe *probe)
{
	u64 offset = (u64)probe->addr - f->text;
	u32 i;

	for (i = 0; offset < f->size && i < f->nr_sites; i++) {
		if (f->sites[i].offset == offset)
			return f->sites[i].state == RETURN_GUARDED ?
			       &f->sites[i] : NULL;
	}
	return NULL;
}

static void leave_out(struct kprobe *probe, void *guarded)
{
	const struct guarded *g = guarded;
	struct return_site *site = site_under(&g->functions, probe);

	if (site)
		site->state = RETURN_CHANGED;
}

struct probed {
	const struct guarded *guarded;
	const struct kprobe *probe;
};

static void note_probed(struct kprobe *probe, void *probed)
{
	struct probed *p = probed;

	if (site_under(&p->guarded->functions, probe))
		p->probe = probe;
}

static int nothing(void *unused)
{
	return 0;
}

static int patch_back(const struct guarded *g)
{
	struct return_patch q = {
		.text = g->functions.text,
		.undo = true,
	};

	jumps_left = true;
	return cpus_hypercall(HYPERCALL_RETURNS_PATCH, (u64)&q, 0);
}

/*
 * Nobody is left there, before root uses these places for other functions: no task
 * that was interrupted, no interrupt's handler, and no idle task.
 */
static void see_jumps_end(void)
{
	if (jumps_left) {
		synchronize_rcu_tasks();
		stop_machine(nothing, NULL, NULL);
	}
	jumps_left = false;
}

/* Where a guarded return, or jump, leads now */
static bool is_checked(u64 target, bool *jump)
{
	*jump = target - (u64)returns_jumps < RETURN_JUMPS_SIZE;
	return *jump || target == (u64)returns_check;
}

/*
 * Root patches what is a return, and nothing else. Of those that were found by
 * decoding (choke_points.c), jumps that are left are no returns.
 */
static void look_what_became(struct guarded *g)
{
	struct return_functions *f = &g->functions;
	enum return_form form;
	struct return_site site;
	u32 i, nr = 0;
	u64 va, target;
	bool jump;

	for (i = 0; i < f->nr_sites; i++) {
		va = f->text + f->sites[i].offset;
		form = return_site_form((const u8 *)va, va, &target);
		site = f->sites[i];
		if (site.state == RETURN_GUARDED) {
			if (form == RETURN_JUMP && is_checked(target, &jump))
				site.jump = jump;
			else if (form == RETURN_JUMP && f->choke)
				continue;
			else
				site.state = form == RETURN_JUMP && site.jump ?
					     RETURN_REFUSED : RETURN_CHANGED;
		}
		f->sites[nr++] = site;
	}
	f->nr_sites = nr;
}

/*
 * Not under a probe, be it armed or not: it has a copy of what is there now, which
 * is what will run when it is hit, and will be put back.
 */
static int patch(struct guarded *g)
{
	const struct return_functions *f = &g->functions;
	struct return_patch q = { .text = f->text };
	u32 *offsets;
	u32 i;
	int err;

	offsets = kvmalloc_array(f->nr_sites + 1, sizeof(*offsets), GFP_KERNEL);
	if (!offsets)
		return -ENOMEM;
	probes_lock();
	probes_walk(leave_out, g);
	for (i = 0; i < f->nr_sites; i++) {
		if (f->sites[i].state == RETURN_GUARDED)
			offsets[q.nr_sites++] = f->sites[i].offset;
	}
	q.sites = (u64)offsets;
	err = cpus_hypercall(HYPERCALL_RETURNS_PATCH, (u64)&q, 0);
	if (err)
		patch_back(g);
	if (err == -EINVAL)
		err = -EIO;
	look_what_became(g);
	probes_unlock();
	kvfree(offsets);
	return err;
}

/* With probes_lock(); one line, if there is one */
static bool is_probed(const struct guarded *g, bool quiet)
{
	struct probed probed = { .guarded = g };

	probes_walk(note_probed, &probed);
	if (probed.probe && !quiet)
		pr_notice("%s stays guarded: there is a probe on its return at %pS; remove it and try again\n",
			  g->name, probed.probe->addr);
	return probed.probe;
}

/* All of them, or none where one is under a probe: -EBUSY, then, after one line */
static int unpatch(const struct guarded *g, bool quiet)
{
	int ret = -EBUSY;

	probes_lock();
	if (!is_probed(g, quiet))
		ret = patch_back(g);
	probes_unlock();
	if (ret > 0 && !quiet)
		pr_notice("%s stays guarded in part: %d of its returns are no longer as they were left\n",
			  g->name, ret);
	return ret > 0 ? -EBUSY : ret;
}

static int add_entries(struct guarded *g)
{
	struct return_functions *f = &g->functions;

	compat_set_ops_func(&g->ops, share);
	return compat_add_direct(&g->ops, f->entries, f->nr_entries, entry_stub(g));
}

static void remove_entries(struct guarded *g)
{
	struct return_functions *f = &g->functions;
	int err = compat_remove_direct(&g->ops, f->entries, f->nr_entries,
				       entry_stub(g));

	WARN(err, "carapace: ftrace does not take entries back (%d)\n", err);
}

static const struct reason reasons[] = {
	{ -EBUSY, "another user has one of its functions (BPF); try again when that is gone" },
	{ -EOPNOTSUPP, "it has no list of its returns, or nothing that can be traced" },
	{ -ENOMEM, "out of memory; free some and try again" },
	{ -EPERM, "the policy is locked until the next boot" },
	{ -EIO, "its code is not sealed" },
	{ -ENXIO, "no CPU is attached" },
	{ -ENODEV, "this kernel has no direct calls; it needs CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS" },
};

static void say_why(const char *name, int err)
{
	pr_notice("%s is not guarded (%d): %s\n", name, err,
		  reason_of(reasons, ARRAY_SIZE(reasons), err) ? :
		  "unexpected");
}

static struct guarded *find(const char *name)
{
	struct guarded *g;

	list_for_each_entry(g, &guarded_list, list) {
		if (!strcmp(g->name, name))
			return g;
	}
	return NULL;
}

static void forget(struct guarded *g)
{
	return_functions_free(&g->functions);
	kfree(g);
}

/*
 * A module, which stays meanwhile, or NULL for the choke points; guarded_mutex is
 * held.
 */
static int guard_module(struct module *mod)
{
	const char *name = mod ? mod->name : GUARDED_KERNEL;
	struct guarded *g;
	int err;

	if (!ready)
		return -ESHUTDOWN;
	if (find(name))
		return -EEXIST;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	g->mod = mod;
	g->name = name;
	err = mod ? return_functions_find(mod, &g->functions) :
		    choke_points_find(&g->functions);
	if (err)
		goto out_free;
	if (!g->functions.nr_entries) {
		err = -EOPNOTSUPP;
		goto out_functions;
	}
	err = shadow_memory_need(g->functions.nr_sites / RETURN_SITES_PER_PAGE + 1);
	if (!err)
		err = add_entries(g);
	if (err)
		goto out_functions;
	see_jumps_end();
	err = cpus_stop_all(fill_stacks, g);
	if (!err)
		err = patch(g);
	if (err)
		goto out_entries;
	list_add_tail(&g->list, &guarded_list);
	return 0;

out_entries:
	remove_entries(g);
out_functions:
	return_functions_free(&g->functions);
out_free:
	say_why(name, err);
	kfree(g);
	return err;
}

static int unguard_module(struct guarded *g, bool quiet)
{
	int err = unpatch(g, quiet);

	if (err)
		return err;
	list_del(&g->list);
	remove_entries(g);
	forget(g);
	return 0;
}

/* Where it is awaited: its name, to be blanked when it no longer is */
static char *find_awaited(const char *name)
{
	char **word;

	for (word = awaited; word && *word; word++) {
		if (!strcmp(*word, name))
			return *word;
	}
	return NULL;
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
	guard_module(NULL);
	for (i = 0; i < min(list.nr, list.room); i++) {
		mod = module_list_get(list.name[i]);
		if (!mod)
			continue;
		if (mod != THIS_MODULE)
			guard_module(mod);
		module_put(mod);
	}
	kvfree(list.name);
	return 0;
}

/**
 * guarded_add() - guard a module's returns
 * @name: the module, GUARDED_KERNEL, or "*" for all, also modules that come
 *
 * In force on all CPUs when it returns, also for what is being called just now.
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOENT for a module that is not loaded; -EEXIST for one that is
 * guarded; -EBADF for Carapace itself; -ESHUTDOWN while it comes or goes; another
 * errno, after one line. Of all modules, those that can be are guarded, and that
 * is success.
 */
int guarded_add(const char *name)
{
	struct module *mod;
	int err;

	/* While it is being loaded it is none that is. */
	if (!strcmp(name, THIS_MODULE->name))
		return -EBADF;
	if (!strcmp(name, "*") || !strcmp(name, GUARDED_KERNEL)) {
		mutex_lock(&guarded_mutex);
		if (!ready)
			err = -ESHUTDOWN;
		else if (*name == '*')
			err = guard_each();
		else
			err = guard_module(NULL);
		all = all || (*name == '*' && !err);
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

static void await(const char *name)
{
	int err = guarded_add(name);

	if (err == -ENOENT)
		pr_info("guard=%s: it is guarded when it is loaded\n", name);
	else if (err)
		pr_notice("guard=%s is left out\n", name);
}

/**
 * guarded_await() - guard these, and those that are not loaded as they come
 * @names: as guarded_add() takes them, with commas between
 *
 * What cannot be guarded is told, and keeps nothing else from being so. A module is
 * guarded each time it is loaded, until guarded_remove().
 *
 * Context: may sleep; once.
 *
 * Return: 0 or -ENOMEM.
 */
int guarded_await(const char *names)
{
	char *list = kstrdup(names, GFP_KERNEL);
	char *rest = list, *name;
	int err = 0;

	if (!list)
		return -ENOMEM;
	strreplace(list, ',', ' ');
	mutex_lock(&guarded_mutex);
	awaited = argv_split(GFP_KERNEL, list, NULL);
	if (!awaited)
		err = -ENOMEM;
	mutex_unlock(&guarded_mutex);
	/* Not @awaited's words: the files are there, and may take them away. */
	while (!err && (name = strsep(&rest, " "))) {
		if (*name)
			await(name);
	}
	kfree(list);
	return err;
}

static void await_none(void)
{
	if (awaited)
		argv_free(awaited);
	awaited = NULL;
}

/* Those that can be; the last error of the others */
static int unguard_each(bool quiet)
{
	struct guarded *g, *next;
	int this, err = 0;

	if (lock_is_on())
		return -EPERM;
	all = false;
	await_none();
	list_for_each_entry_safe(g, next, &guarded_list, list) {
		this = unguard_module(g, quiet);
		err = this ? : err;
	}
	return err;
}

/* None of them where one cannot be; who probes meanwhile keeps that one guarded. */
static int unguard_all(void)
{
	struct guarded *g;
	int err = 0;

	if (lock_is_on())
		return -EPERM;
	probes_lock();
	list_for_each_entry(g, &guarded_list, list) {
		if (is_probed(g, false))
			err = -EBUSY;
	}
	probes_unlock();
	return err ? : unguard_each(false);
}

static int unguard_named(const char *name)
{
	struct guarded *g = find(name);
	char *word = find_awaited(name);
	int err;

	if (g)
		err = unguard_module(g, false);
	else if (word)
		err = lock_is_on() ? -EPERM : 0;
	else
		err = -ENOENT;
	if (word && !err)
		*word = '\0';
	return err;
}

/**
 * guarded_remove() - guard it no longer
 * @name: the module, or "*" for all
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOENT for one that is neither guarded nor awaited; -EPERM once the policy is
 * locked; -EBUSY where a probe sits on one of its returns, after one line.
 */
int guarded_remove(const char *name)
{
	int err;

	mutex_lock(&guarded_mutex);
	if (!strcmp(name, "*"))
		err = unguard_all();
	else
		err = unguard_named(name);
	mutex_unlock(&guarded_mutex);
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

static int count_functions(const struct guarded *g, void *nr)
{
	*(u32 *)nr += g->functions.nr_entries;
	return 0;
}

/**
 * guarded_functions() - how many functions' entries are the guard's
 *
 * Context: may sleep.
 */
u32 guarded_functions(void)
{
	u32 nr = 0;

	guarded_walk(count_functions, &nr);
	return nr;
}

/**
 * guarded_all() - whether modules that come are guarded, too
 *
 * Context: any; what it was at that moment.
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
	bool jump;

	return return_site_form((const u8 *)va, va, &target) == RETURN_JUMP &&
	       is_checked(target, &jump);
}

/* No CPU is in its code any more, and none will be. */
static void module_gone(struct module *mod)
{
	struct guarded *g;

	mutex_lock(&guarded_mutex);
	g = find(mod->name);
	if (g) {
		patch_back(g);
		list_del(&g->list);
		remove_entries(g);
		forget(g);
	}
	mutex_unlock(&guarded_mutex);
}

static void module_came(struct module *mod)
{
	mutex_lock(&guarded_mutex);
	if (mod != THIS_MODULE && (all || find_awaited(mod->name)))
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
	if (err) {
		shadow_memory_stop();
		return err;
	}
	mutex_lock(&guarded_mutex);
	ready = true;
	mutex_unlock(&guarded_mutex);
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
	int err;

	mutex_lock(&guarded_mutex);
	ready = false;
	err = unguard_each(false);
	mutex_unlock(&guarded_mutex);
	while (err == -EBUSY) {
		msleep(1000);
		mutex_lock(&guarded_mutex);
		err = unguard_each(true);
		mutex_unlock(&guarded_mutex);
	}
	/* Modules that went meanwhile took their entries along. */
	unregister_module_notifier(&module_notifier);
	synchronize_rcu_tasks();
	stop_machine(nothing, NULL, NULL);
	shadow_memory_stop();
}
