// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what a CPU says of itself, as far as user space may know
 *
 * CPUID anybody may execute; MSRs are read through /dev/cpu/N/msr. Control
 * registers cannot be read: they are taken to be as Linux sets them, which only
 * decides over requirements that all CPUs meet.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu_values.h"
#include "sysfs.h"
#include "vmcs.h"
#include "x86.h"

#define LEAF1_ECX_VMX		(1U << 5)
#define LEAF1_ECX_HYPERVISOR	(1U << 31)

/* Where a hypervisor's leaves begin; one that looks like two has others behind */
#define LEAF_HYPERVISOR		0x40000000
#define LEAF_HYPERVISOR_STEP	0x100
#define LEAF_HYPERVISOR_END	0x40010000

static bool read_msr(int fd, u32 index, u64 *value)
{
	*value = 0;
	return pread(fd, value, sizeof(*value), index) == sizeof(*value);
}

/* A leaf that the CPU does not have is 0, not some other leaf. */
static void read_leaf(u32 leaf, u32 subleaf, u32 regs[4])
{
	u32 last = leaf >= LEAF_HYPERVISOR && leaf < LEAF_HYPERVISOR_END ? leaf :
		   __get_cpuid_max(leaf & 0x80000000, NULL);

	memset(regs, 0, 4 * sizeof(*regs));
	if (last >= leaf)
		__cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2],
			      regs[3]);
}

static bool read_msrs(unsigned int cpu, struct cpu_values *values)
{
	char path[64];
	u32 i;
	int fd;

	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	read_msr(fd, IA32_FEATURE_CONTROL, &values->feature_control);
	for (i = 0; i < VMX_MSR_COUNT; i++)
		read_msr(fd, IA32_VMX_BASIC + i, &values->vmx[i]);
	close(fd);
	return true;
}

static const struct cpu_source this_cpu = { read_leaf, read_msrs };

const struct cpu_source *cpu_source = &this_cpu;

/* The end of the last thing in it; addresses are 0 for who may not know */
static u64 highest_address(void)
{
	unsigned long long start, end;
	FILE *file = file_open("/proc/iomem");
	char line[256];
	u64 limit = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx", &start, &end) == 2 &&
		    end + 1 > limit)
			limit = end + 1;
	}
	if (file)
		fclose(file);
	return limit;
}

/**
 * cpu_values_read() - read them
 * @cpu: the CPU whose MSRs are read
 * @values: set; without its MSRs where these cannot be read
 *
 * Return: whether they could.
 */
bool cpu_values_read(unsigned int cpu, struct cpu_values *values)
{
	memset(values, 0, sizeof(*values));
	vmx_read_cpuid(values, cpu_source->leaf);
	values->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM |
		      CR0_PG;
	values->cr4 = CR4_DE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR |
		      CR4_OSXMMEXCPT;
	values->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	values->max_gpa = highest_address();
	return cpu_source->msrs(cpu, values);
}

static void vendor_of(u32 leaf, char vendor[CPU_VENDOR], bool brand)
{
	u32 regs[4];

	cpu_source->leaf(leaf, 0, regs);
	/* CPUs have the three registers in another order than hypervisors. */
	memcpy(vendor, &regs[1], 4);
	memcpy(vendor + 4, &regs[brand ? 3 : 2], 4);
	memcpy(vendor + 8, &regs[brand ? 2 : 3], 4);
	vendor[CPU_VENDOR - 1] = 0;
}

/**
 * cpu_vendor() - who made the CPU
 * @vendor: set
 *
 * Return: whether that is one who makes CPUs with VMX.
 */
bool cpu_vendor(char vendor[CPU_VENDOR])
{
	vendor_of(0, vendor, true);
	return !strcmp(vendor, "GenuineIntel") ||
	       !strcmp(vendor, "CentaurHauls") ||
	       !strcmp(vendor, "  Shanghai  ");
}

/**
 * cpu_hypervisor() - whether a hypervisor is underneath, and which
 * @name: set to what it calls itself; KVM, told to, looks like another first
 *
 * Return: whether there is one that shows.
 */
bool cpu_hypervisor(char name[CPU_VENDOR])
{
	u32 regs[4], leaf;

	*name = 0;
	cpu_source->leaf(1, 0, regs);
	if (!(regs[2] & LEAF1_ECX_HYPERVISOR))
		return false;
	for (leaf = LEAF_HYPERVISOR; leaf < LEAF_HYPERVISOR_END;
	     leaf += LEAF_HYPERVISOR_STEP) {
		vendor_of(leaf, name, false);
		if (!strcmp(name, HYPERVISOR_KVM))
			return true;
	}
	vendor_of(LEAF_HYPERVISOR, name, false);
	return true;
}

/**
 * cpu_has_vmx() - whether CPUID shows VMX
 */
bool cpu_has_vmx(void)
{
	u32 regs[4];

	cpu_source->leaf(1, 0, regs);
	return regs[2] & LEAF1_ECX_VMX;
}
