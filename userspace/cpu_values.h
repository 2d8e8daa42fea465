/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what a CPU says of itself, as far as user space may know
 */
#ifndef CARAPACE_USERSPACE_CPU_VALUES_H
#define CARAPACE_USERSPACE_CPU_VALUES_H

#include <stdbool.h>

#include "capabilities.h"

/* Room for a CPU's maker or a hypervisor's name */
#define CPU_VENDOR	13

bool cpu_values_read(unsigned int cpu, struct cpu_values *values);
bool cpu_vendor(char vendor[CPU_VENDOR]);
bool cpu_hypervisor(char name[CPU_VENDOR]);
bool cpu_has_vmx(void);

#endif /* CARAPACE_USERSPACE_CPU_VALUES_H */
