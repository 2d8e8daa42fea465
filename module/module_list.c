// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the modules that are loaded
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "kernel_symbols.h"
#include "module_list.h"

static struct list_head *modules __ro_after_init;
static struct mutex *modules_lock __ro_after_init;

/**
 * module_list_prepare() - find out where Linux has them
 *
 * Without that list, modules that are loaded would be data, and their unloading
 * could not be held up under the lock: there is no going on then.
 *
 * Context: may sleep; while the module is being loaded.
 *
 * Return: 0, or -EOPNOTSUPP after one line.
 */
int module_list_prepare(void)
{
	modules = (void *)kernel_symbol("modules");
	modules_lock = (void *)kernel_symbol("module_mutex");
	if (modules && modules_lock)
		return 0;
	pr_err("this kernel has no symbols modules and module_mutex; it needs CONFIG_KALLSYMS_ALL\n");
	return -EOPNOTSUPP;
}

/**
 * module_list_walk() - go through those that are live
 * @function: called for each; it may not sleep long, and load nothing
 * @data: for it
 *
 * Context: may sleep; takes module_mutex.
 */
void module_list_walk(void (*function)(struct module *mod, void *data),
		      void *data)
{
	struct module *mod;

	mutex_lock(modules_lock);
	list_for_each_entry(mod, modules, list) {
		if (mod->state == MODULE_STATE_LIVE)
			function(mod, data);
	}
	mutex_unlock(modules_lock);
}

struct search {
	const char *name;
	struct module *found;
};

static void compare(struct module *mod, void *data)
{
	struct search *search = data;

	if (!strcmp(mod->name, search->name) && try_module_get(mod))
		search->found = mod;
}

/**
 * module_list_get() - find one, and keep it from being unloaded
 * @name: its name
 *
 * Context: may sleep.
 *
 * Return: the module, for module_put(), or NULL.
 */
struct module *module_list_get(const char *name)
{
	struct search search = { .name = name };

	module_list_walk(compare, &search);
	return search.found;
}

/**
 * module_list_hold() - let no module be unloaded any more
 * @action: what has Linux not free them any more; it may not sleep long
 *
 * While @action is done none can begin to go: not between that and being held, either.
 * Those that become live afterwards are held by who hears of that.
 *
 * Context: may sleep; takes module_mutex.
 *
 * Return: what @action returns, and nothing has happened if that is an error; or
 * -EAGAIN where a module is being unloaded.
 */
int module_list_hold(int (*action)(void))
{
	struct module *mod;
	int err = 0;

	mutex_lock(modules_lock);
	list_for_each_entry(mod, modules, list) {
		if (mod->state == MODULE_STATE_GOING)
			err = -EAGAIN;
	}
	if (!err)
		err = action();
	list_for_each_entry(mod, modules, list) {
		if (!err && mod->state == MODULE_STATE_LIVE)
			__module_get(mod);
	}
	mutex_unlock(modules_lock);
	return err;
}
