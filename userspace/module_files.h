/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: the module files that a command line means
 */
#ifndef CARAPACE_USERSPACE_MODULE_FILES_H
#define CARAPACE_USERSPACE_MODULE_FILES_H

#include <stddef.h>
#include <stdbool.h>

/**
 * struct module_files - paths
 * @path: they
 * @count: how many
 */
struct module_files {
	char **path;
	size_t count;
};

bool module_files_find(char **arguments, struct module_files *files);
void module_files_free(struct module_files *files);
bool is_module_file_name(const char *name);

#endif /* CARAPACE_USERSPACE_MODULE_FILES_H */
