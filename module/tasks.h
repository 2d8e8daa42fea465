/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: all tasks that there are
 */
#ifndef CARAPACE_MODULE_TASKS_H
#define CARAPACE_MODULE_TASKS_H

#include <linux/types.h>

struct task_struct;

void tasks_prepare(void);
u32 tasks_count(void);
int tasks_walk_asleep(int (*function)(struct task_struct *task, void *data),
		      void *data);

#endif /* CARAPACE_MODULE_TASKS_H */
