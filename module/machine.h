/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what this machine is
 */
#ifndef CARAPACE_MODULE_MACHINE_H
#define CARAPACE_MODULE_MACHINE_H

#include <asm/hypervisor.h>

#include "capabilities.h"
#include "mtrr.h"

/**
 * struct machine - all that the island is built by
 * @values: what the CPU said
 * @controls: what was made of that
 * @mtrr: memory types
 * @map_limit: end of the identity map, exclusive
 * @phys_limit: end of the physical addresses that Linux uses, exclusive
 * @apic_base: IA32_APIC_BASE
 * @cpuid_faulting: the CPU can make CPUID fault
 * @itlb_multihit: the CPU fails on code pages that change their size
 * @pebs: the CPU has PEBS, with IA32_PEBS_ENABLE
 * @pebs_pretended: testing builds: it has none, but what switches it on does so
 * @firmware_calls: Linux calls the firmware at run time
 * @under_kvm: the hypervisor underneath is KVM
 * @hw_feedback_size: bytes of the table that IA32_HW_FEEDBACK_PTR names
 */
struct machine {
	struct cpu_values values;
	struct vmx_controls controls;
	struct mtrr_state mtrr;
	u64 map_limit;
	u64 phys_limit;
	u64 apic_base;
	bool cpuid_faulting;
	bool itlb_multihit;
	bool pebs;
	bool pebs_pretended;
	bool firmware_calls;
	bool under_kvm;
	u32 hw_feedback_size;
};

int machine_read(void);
const struct machine *machine(void);
int machine_check_this_cpu(void);
bool machine_is_under(enum x86_hypervisor_type type);

#ifdef CARAPACE_TESTING
/* Before anything is asked about it */
void machine_hide_vmfunc(void);
void machine_pretend_pebs(void);
void machine_show_hypervisor(int type);
#endif

#endif /* CARAPACE_MODULE_MACHINE_H */
