/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A directory that looks like the system's, or a part of it
 */
#ifndef CARAPACE_TESTS_USERSPACE_TREE_H
#define CARAPACE_TESTS_USERSPACE_TREE_H

#include <stddef.h>

#define TREE_ROOT	32

void tree_make(char root[TREE_ROOT]);
void tree_put(const char *root, const char *name, const char *text);
void tree_put_bytes(const char *root, const char *name, const void *data,
		    size_t size);
void tree_remove(const char *root);

#endif /* CARAPACE_TESTS_USERSPACE_TREE_H */
