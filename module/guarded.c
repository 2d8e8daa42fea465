// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the modules whose returns are guarded
 *
 * First each of a module's functions has its return address stored as it is
 * entered (ftrace's direct calls). What was entered before that is still on
 * somebody's stack: with all CPUs stopped, root goes through the stacks and
 * stores what it finds there. Only then are the returns patched to compare, so
 * there is none without something to compare with. The other way round it is
 * first the returns, then the entries (guarded_entries.c, guarded_returns.c).
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "choke_points.h"
#include "cpus.h"
#include "cpus_call.h"
#include "guarded.h"
#include "guarded_entries.h"
#include "guarded_returns.h"
#include "lock.h"
#include "module_list.h"
#include "probes.h"
#include "reasons.h"
#include "return_sites.h"
#include "shadow_memory.h"

static LIST_HEAD(guarded_list);
static DEFINE_MUTEX(guarded_mutex);
static bool all;

/* Names that the module was loaded with: these are guarded as often as they come. */
static char **awaited;

/* From guarded_start() to guarded_stop(); the files are there for longer. */
static bool ready;

static const struct reason reasons[] = {
	{ -EBUSY, "another user has one of its functions (BPF); try again when that is gone" },
	{ -EOPNOTSUPP, "it has no list of its returns, or nothing that can be traced" },
	{ -ENOMEM, "out of memory; free some and try again" },
	{ -EPERM, "the policy is locked until the next boot" },
	{ -EIO, "its code is not sealed" },
	{ -ENOSPC, "root has no room for more" },
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
		err = guarded_entries_add(g);
	if (err)
		goto out_functions;
	guarded_returns_see_jumps_end();
	err = cpus_stop_all(guarded_entries_fill, g);
	if (!err)
		err = guarded_returns_patch(g);
	if (err)
		goto out_entries;
	list_add_tail(&g->list, &guarded_list);
	return 0;

out_entries:
	guarded_entries_remove(g);
out_functions:
	return_functions_free(&g->functions);
out_free:
	say_why(name, err);
	kfree(g);
	return err;
}

static int unguard_module(struct guarded *g, bool quiet)
{
	int err = guarded_returns_unpatch(g, quiet);

	if (err)
		return err;
	list_del(&g->list);
	guarded_entries_remove(g);
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

	/* None can be, then. */
	if (lock_is_on()) {
		say_why("*", -EPERM);
		return -EPERM;
	}
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
 * is success, but where the policy is locked.
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
		if (guarded_returns_probed(g, false))
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

/* No CPU is in its code any more, and none will be. */
static void module_gone(struct module *mod)
{
	struct guarded *g;

	mutex_lock(&guarded_mutex);
	g = find(mod->name);
	if (g) {
		guarded_returns_restore(g);
		list_del(&g->list);
		guarded_entries_remove(g);
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

/*
 * After sealing's, which was registered before: one that was coming when Carapace attached
 * is sealed when it is there.
 */
static struct notifier_block module_notifier = {
	.notifier_call = module_notify,
	.priority = INT_MIN,
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
 * Waits for probes to be removed that sit on guarded returns, and for a CPU to be
 * attached, and says so.
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
	while (err == -EBUSY || err == -ENXIO) {
		if (err == -ENXIO)
			cpus_await();
		else
			msleep(1000);
		mutex_lock(&guarded_mutex);
		err = unguard_each(true);
		mutex_unlock(&guarded_mutex);
	}
	/* Modules that went meanwhile took their entries along. */
	unregister_module_notifier(&module_notifier);
	guarded_returns_see_stubs_end();
	shadow_memory_stop();
}
