/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the modules whose returns are guarded
 */
#ifndef CARAPACE_MODULE_GUARDED_H
#define CARAPACE_MODULE_GUARDED_H

#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/types.h>

#include "return_functions.h"

struct attribute_group;

/* Stands for the choke points (choke_points.c) */
#define GUARDED_KERNEL	"vmlinux"

/**
 * struct guarded - one of them
 * @list: of all
 * @name: the module's, or GUARDED_KERNEL
 * @mod: the module; it may be unloaded, and then it is guarded no more. NULL for
 *	the kernel's choke points
 * @functions: what of it can be guarded
 * @ops: what ftrace knows of it
 */
struct guarded {
	struct list_head list;
	const char *name;
	struct module *mod;
	struct return_functions functions;
	struct ftrace_ops ops;
};

extern const struct attribute_group guarded_group;	/* guarded_files.c */

int guarded_start(void);
void guarded_stop(void);
int guarded_add(const char *name);
int guarded_await(const char *names);
int guarded_remove(const char *name);
int guarded_walk(int (*function)(const struct guarded *guarded, void *data),
		 void *data);
bool guarded_all(void);
u32 guarded_functions(void);

#endif /* CARAPACE_MODULE_GUARDED_H */
