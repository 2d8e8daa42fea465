/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the functions that ftrace can trace
 */
#ifndef CARAPACE_MODULE_FTRACE_RECORDS_H
#define CARAPACE_MODULE_FTRACE_RECORDS_H

#include <linux/types.h>

struct dyn_ftrace;

int ftrace_records_find(void);
void ftrace_records_lock(void);
void ftrace_records_unlock(void);
void ftrace_records_walk(u64 text, u64 size,
			 void (*function)(const struct dyn_ftrace *record, void *data),
			 void *data);

#endif /* CARAPACE_MODULE_FTRACE_RECORDS_H */
