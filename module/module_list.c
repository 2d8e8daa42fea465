// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the modules that are loaded
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "kernel_symbols.h"
#include "module_list.h"

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
	struct list_head *modules = (void *)kernel_symbol("modules");
	struct mutex *lock = (void *)kernel_symbol("module_mutex");
	struct module *mod;

	if (!modules || !lock)
		return;
	mutex_lock(lock);
	list_for_each_entry(mod, modules, list) {
		if (mod->state == MODULE_STATE_LIVE)
			function(mod, data);
	}
	mutex_unlock(lock);
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
