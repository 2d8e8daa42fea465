/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: each CPU's way in and out
 */
#ifndef CARAPACE_MODULE_CPUS_H
#define CARAPACE_MODULE_CPUS_H

#include <linux/cpumask.h>
#include <linux/types.h>

int cpus_attach(void);
void cpus_detach(void);

bool cpu_is_attached(unsigned int cpu);
bool cpus_any_bare(void);
bool cpus_any_degraded(void);
void cpus_attached_mask(struct cpumask *mask);
u64 cpu_attach_ns(unsigned int cpu);
u64 cpu_detach_ns(unsigned int cpu);

int cpus_stop_all(int (*function)(void *data), void *data);
long cpus_hypercall(u64 number, u64 first, u64 second);
long cpus_patch_hypercall(u64 number, u64 first, u64 second);
void cpus_await(void);
void cpus_stay_bare(void);

#endif /* CARAPACE_MODULE_CPUS_H */
