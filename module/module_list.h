/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the modules that are loaded
 */
#ifndef CARAPACE_MODULE_MODULE_LIST_H
#define CARAPACE_MODULE_MODULE_LIST_H

struct module;

int module_list_prepare(void);
void module_list_walk(void (*function)(struct module *mod, void *data),
		      void *data);
struct module *module_list_get(const char *name);
int module_list_hold(int (*action)(void));

#endif /* CARAPACE_MODULE_MODULE_LIST_H */
