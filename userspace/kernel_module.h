/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: loading and unloading kernel modules
 */
#ifndef CARAPACE_USERSPACE_KERNEL_MODULE_H
#define CARAPACE_USERSPACE_KERNEL_MODULE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "reason.h"

#define MODULE_PARAMETERS	1024

/**
 * struct module_file - a module to load
 * @path: its file
 * @parameters: its parameters, with spaces between
 */
struct module_file {
	char path[PATH_MAX];
	char parameters[MODULE_PARAMETERS];
};

bool module_file_find(const char *name, struct module_file *file,
		      struct reason *why);
bool module_file_add(struct module_file *file, const char *parameter);
enum exit_status module_file_check(const struct module_file *file,
				   const char *name, struct reason *why);
bool module_flag(const char *value, size_t length);
int module_file_load(const struct module_file *file, struct reason *why);
bool module_is_loaded(const char *name);
bool module_is_built_in(const char *name);
long module_users(const char *name);
int module_unload(const char *name);

#endif /* CARAPACE_USERSPACE_KERNEL_MODULE_H */
