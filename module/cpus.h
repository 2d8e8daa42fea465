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
unsigned int cpus_first_attached(void);
bool cpus_any_degraded(void);
void cpus_attached_mask(struct cpumask *mask);
u64 cpu_attach_ns(unsigned int cpu);
u64 cpu_detach_ns(unsigned int cpu);

void cpus_await(void);
void cpus_stay_bare(void);

#endif /* CARAPACE_MODULE_CPUS_H */
