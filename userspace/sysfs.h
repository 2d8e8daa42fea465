/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: /sys/kernel/carapace, and small files in general
 *
 * What is there is asked of the kernel, not known here: a newer module has more
 * files, and they show.
 */
#ifndef CARAPACE_USERSPACE_SYSFS_H
#define CARAPACE_USERSPACE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "types.h"

#define SYSFS_NAME	64
#define SYSFS_VALUE	128

/**
 * struct pair - a name and its value
 * @name: the name
 * @value: the value, without a newline
 */
struct pair {
	char name[SYSFS_NAME];
	char value[SYSFS_VALUE];
};

/**
 * struct pairs - names and values
 * @pair: they, by name or as the file has them
 * @count: how many
 */
struct pairs {
	struct pair *pair;
	size_t count;
};

/* Where the tree is; for tests to change */
extern const char *sysfs_root;
/* What is in front of the paths of all that is the system's; the same */
extern const char *system_root;

FILE *file_open(const char *path);
bool file_is_there(const char *path);
bool file_read(const char *path, char *buffer, size_t size);
bool sysfs_is_there(void);
bool sysfs_read(const char *name, char *value, size_t size);
int sysfs_write(const char *directory, const char *name, const char *value);
void sysfs_lines(const char *name, struct pairs *pairs);
void sysfs_directory(const char *name, struct pairs *pairs);
void sysfs_exits(struct pairs *pairs);
void sysfs_cpu_sums(struct pairs *pairs);
const struct pair *pairs_find(const struct pairs *pairs, const char *name);
u64 pair_number(const struct pair *pair);
void pairs_free(struct pairs *pairs);
int not_attached(void);
int status_of_error(int error);

#endif /* CARAPACE_USERSPACE_SYSFS_H */
