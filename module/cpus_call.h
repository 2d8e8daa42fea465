/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: hypercalls that are about all CPUs
 */
#ifndef CARAPACE_MODULE_CPUS_CALL_H
#define CARAPACE_MODULE_CPUS_CALL_H

#include <linux/types.h>

int cpus_stop_all(int (*function)(void *data), void *data);
long cpus_hypercall(u64 number, u64 first, u64 second);
long cpus_patch_hypercall(u64 number, u64 first, u64 second);

#endif /* CARAPACE_MODULE_CPUS_CALL_H */
