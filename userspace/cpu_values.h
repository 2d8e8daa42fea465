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

#define HYPERVISOR_KVM	"KVMKVMKVM"

/**
 * struct cpu_source - where it is asked
 * @leaf: executes CPUID; gives 0 for a leaf that the CPU does not have
 * @msrs: sets a CPU's feature control and capability MSRs; false where they cannot
 *	be read
 */
struct cpu_source {
	void (*leaf)(u32 leaf, u32 subleaf, u32 regs[4]);
	bool (*msrs)(unsigned int cpu, struct cpu_values *values);
};

/* This machine; for tests to change */
extern const struct cpu_source *cpu_source;

bool cpu_values_read(unsigned int cpu, struct cpu_values *values);
bool cpu_vendor(char vendor[CPU_VENDOR]);
bool cpu_hypervisor(char name[CPU_VENDOR]);
bool cpu_has_vmx(void);

#endif /* CARAPACE_USERSPACE_CPU_VALUES_H */
