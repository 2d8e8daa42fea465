// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of the check of a CPU's capabilities
 */
#include "unit.h"

#include "capabilities.h"
#include "emulated_cpu.h"
#include "vmcs.h"
#include "x86.h"

#define MSR(cpu, index)		((cpu)->vmx[(index) - IA32_VMX_BASIC])
#define ALLOWED(bit)		((u64)(bit) << 32)

/* The emulator's corei7_skylake_x: 0x480, 0x48b, 0x48c and 0x491 were read */
static const struct cpu_values skylake_x = {
	.leaf1_ecx = 1U << 5,
	.leaf7_ebx = 1U << 10 | 1U << 7 | 1U << 20,
	.leafd_1_eax = 0xf,
	.ext1_edx = 0x2c100800,
	.phys_bits = 40,
	.cr0 = 0x80050033,
	.cr4 = 0x3506f0,
	.efer = 0xd01,
	.feature_control = 5,
	.max_gpa = 0x100000000,
	.vmx = {
		0x00d810000000002b, 0x0000007f00000016, 0xfff9fffe0401e172,
		0x007fffff00036dff, 0x0000ffff000011ff, 0x00000000600401e0,
		0x0000000080000021, 0x00000000ffffffff, 0x0000000000002000,
		0x00000000003727ff, 0x000000000000002e, 0x02577fff00000000,
		0x00000f0106734141, 0x0000007f00000016, 0xfff9fffe04006172,
		0x007fffff00036dfb, 0x0000ffff000011fb, 0x0000000000000001,
		0x0000000000000000, 0x0000000000000000,
	},
};

FIXTURE(cpu)
{
	struct cpu_values values;
	struct vmx_controls controls;
	struct vmx_refusal why;
};

FIXTURE_SETUP(cpu)
{
	self->values = arrow_lake;
	memset(&self->controls, 0xff, sizeof(self->controls));
	memset(&self->why, 0, sizeof(self->why));
}

FIXTURE_TEARDOWN(cpu)
{
}

#define check() \
	vmx_capabilities_check(&self->values, &self->controls, &self->why)

/* Refused, with these words, and nothing left that could be used */
#define EXPECT_REFUSED(error, words) do {				\
	static const struct vmx_controls none;				\
	EXPECT_EQ(error, check());					\
	ASSERT_NE(NULL, self->why.what);				\
	ASSERT_NE(NULL, self->why.advice);				\
	EXPECT_STREQ(words, self->why.what);				\
	EXPECT_EQ(0, memcmp(&none, &self->controls, sizeof(none)));	\
} while (0)

TEST_F(cpu, arrow_lake)
{
	const struct vmx_controls *c = &self->controls;

	ASSERT_EQ(0, check());
	EXPECT_EQ(NULL, self->why.what);
	EXPECT_EQ(4, c->revision);
	/* NMI exiting, virtual NMIs */
	EXPECT_EQ(0x3e, c->pin | 0x3e);
	EXPECT_EQ(1U << 3 | 1U << 5 | 0x16, c->pin);
	/* MSR bitmaps, secondary controls; no exits of CR3 */
	EXPECT_EQ(1U << 28 | 1U << 31 | 0x04006172, c->primary);
	EXPECT_EQ(0, c->primary & (CPU_BASED_CR3_LOAD_EXITING |
				   CPU_BASED_CR3_STORE_EXITING));
	/* EPT, descriptor tables, RDTSCP, VPID, INVPCID, XSAVES, MBEC, WAITPKG */
	EXPECT_EQ(1U << 1 | 1U << 2 | 1U << 3 | 1U << 5 | 1U << 12 | 1U << 13 | 1U << 20 |
		  1U << 22 | 1U << 26, c->secondary);
	/* Debug controls, 64 bit, PAT and EFER both ways, CET, PKRS */
	EXPECT_EQ(0x36dfb | 1U << 2 | 1U << 9 | 0xfU << 18 | 1U << 28 | 1U << 29,
		  c->exit);
	EXPECT_EQ(0x11fb | 1U << 2 | 1U << 9 | 1U << 14 | 1U << 15 | 1U << 20 |
		  1U << 22, c->entry);
	EXPECT_EQ(0x80000021, c->cr0_fixed0);
	EXPECT_EQ(0xffffffff, c->cr0_fixed1);
	EXPECT_EQ(0x2000, c->cr4_fixed0);
	EXPECT_EQ(4, c->ept_levels);
	EXPECT_TRUE(c->ept_1g);
	EXPECT_FALSE(vmx_feature_control_unlocked(&self->values));
}

TEST_F(cpu, skylake_x)
{
	self->values = skylake_x;
	ASSERT_EQ(0, check());
	EXPECT_EQ(0x2b, self->controls.revision);
	EXPECT_EQ(0, self->controls.exit & VM_EXIT_LOAD_CET_STATE);
	EXPECT_EQ(0, self->controls.entry & VM_ENTRY_LOAD_PKRS);
	EXPECT_EQ(1U << 1 | 1U << 2 | 1U << 3 | 1U << 5 | 1U << 12 | 1U << 13 | 1U << 20 |
		  1U << 22, self->controls.secondary);
	EXPECT_TRUE(vmx_capability_present(&self->controls,
					   VMX_CAPABILITY_MBEC));
	EXPECT_FALSE(vmx_capability_present(&self->controls,
					    VMX_CAPABILITY_CET));
}

/*
 * The emulator has no LBRs, no counters, and a DEBUGCTL that does nothing. So
 * here: the debug state follows the guest in and out, and nothing that a debugger
 * or a profiler does exits.
 */
TEST_F(cpu, debugging_is_the_guests)
{
	static const struct cpu_values *const cpus[] = {
		&arrow_lake, &skylake_x };
	/* MTF, MOV DR, RDTSC, RDPMC */
	const u32 exiting = CPU_BASED_MONITOR_TRAP_FLAG | 1U << 23 | 1U << 12 |
			    1U << 11;
	const struct vmx_controls *c = &self->controls;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		self->values = *cpus[i];
		ASSERT_EQ(0, check());
		/* DR7 and DEBUGCTL, thereby LBRs, BTF and BTS */
		EXPECT_NE(0, c->exit & VM_EXIT_SAVE_DEBUG_CONTROLS);
		EXPECT_NE(0, c->entry & VM_ENTRY_LOAD_DEBUG_CONTROLS);
		EXPECT_EQ(0, c->primary & exiting);
	}
}

TEST_F(cpu, what_is_in_the_way)
{
	self->values.leaf1_ecx = 0;
	EXPECT_REFUSED(-ENODEV, "no VMX");
	EXPECT_NE(NULL, strstr(self->why.advice, "VT-x"));
	self->values.leaf1_ecx = 1U << 31;
	EXPECT_REFUSED(-ENODEV, "no VMX");
	EXPECT_NE(NULL, strstr(self->why.advice, "nested"));

	self->values = arrow_lake;
	self->values.feature_control = 1;
	EXPECT_REFUSED(-EACCES, "VMX is locked off by the firmware");
	/* In SMX operation only */
	self->values.feature_control = 3;
	EXPECT_REFUSED(-EACCES, "VMX is locked off by the firmware");

	self->values = arrow_lake;
	self->values.cr4 |= CR4_VMXE;
	EXPECT_REFUSED(-EBUSY, "VMX is in use, probably by KVM");
	EXPECT_NE(NULL, strstr(self->why.advice, "modprobe -r kvm_intel"));

	self->values = arrow_lake;
	self->values.cr4 |= CR4_FRED;
	EXPECT_REFUSED(-EOPNOTSUPP, "the kernel has events delivered by FRED");
	EXPECT_NE(NULL, strstr(self->why.advice, "fred=off"));
}

TEST_F(cpu, an_unlocked_feature_control_is_for_us_to_write)
{
	struct vmx_controls locked;

	ASSERT_EQ(0, check());
	locked = self->controls;

	self->values.feature_control = 0;
	EXPECT_EQ(0, check());
	EXPECT_TRUE(vmx_feature_control_unlocked(&self->values));
	/* Before and after the CPU is the same */
	EXPECT_EQ(0, memcmp(&locked, &self->controls, sizeof(locked)));
	self->values.feature_control = 4;
	EXPECT_EQ(0, check());
	EXPECT_TRUE(vmx_feature_control_unlocked(&self->values));
}

TEST_F(cpu, what_comes_before_any_control)
{
	self->values.ext1_edx &= ~(1U << 29);
	EXPECT_REFUSED(-EOPNOTSUPP, "no 64-bit mode");
	self->values = arrow_lake;
	self->values.efer &= ~EFER_LMA;
	EXPECT_REFUSED(-EOPNOTSUPP, "no 64-bit mode");
	self->values = arrow_lake;
	self->values.ext1_edx &= ~(1U << 20);
	EXPECT_REFUSED(-EOPNOTSUPP, "no execute-disable bit");

	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_BASIC) = 0x01d8100100000004;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMCS that fits a page");
	MSR(&self->values, IA32_VMX_BASIC) = 0x01d8000000000004;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMCS that fits a page");
	MSR(&self->values, IA32_VMX_BASIC) = 0x01c0100000000004;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMCS in write-back memory");
	MSR(&self->values, IA32_VMX_BASIC) = 0x01d9100000000004;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMCS above 4 GiB");
	/* Any MSR that could not be read */
	MSR(&self->values, IA32_VMX_BASIC) = 0;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMCS that fits a page");
}

TEST_F(cpu, control_registers_must_fit)
{
	self->values.cr0 &= ~CR0_NE;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMX with CR0 as Linux has it");
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_CR0_FIXED1) &= ~CR0_AM;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMX with CR0 as Linux has it");

	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_CR4_FIXED0) |= CR4_SMXE;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMX with CR4 as Linux has it");
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_CR4_FIXED1) &= ~CR4_CET;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMX with CR4 as Linux has it");
	/* VMXE itself is set when it is time */
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_CR4_FIXED1) &= ~CR4_VMXE;
	EXPECT_REFUSED(-EOPNOTSUPP, "no VMX with CR4 as Linux has it");
}

/* Each bit that a CPU must have, taken away from one that has all */
TEST_F(cpu, each_requirement_is_named)
{
	static const struct {
		u32 msr;
		u64 bit;
		const char *what;
	} required[] = {
		{ IA32_VMX_TRUE_PROCBASED_CTLS, ALLOWED(1U << 31),
		  "no secondary VM-execution controls" },
		{ IA32_VMX_TRUE_PROCBASED_CTLS, ALLOWED(1U << 28),
		  "no MSR bitmaps" },
		{ IA32_VMX_TRUE_PROCBASED_CTLS, ALLOWED(1U << 22),
		  "no NMI-window exiting" },
		{ IA32_VMX_TRUE_PROCBASED_CTLS, ALLOWED(1U << 27),
		  "no monitor trap flag" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 2),
		  "no exits of descriptor-table accesses" },
		{ IA32_VMX_TRUE_PINBASED_CTLS, ALLOWED(1U << 3),
		  "no NMI exiting" },
		{ IA32_VMX_TRUE_PINBASED_CTLS, ALLOWED(1U << 5),
		  "no virtual NMIs" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 1), "no EPT" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 5), "no VPID" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 3),
		  "no RDTSCP or RDPID in VMX" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 12),
		  "no INVPCID in VMX" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 20),
		  "no XSAVES in VMX" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 26),
		  "no WAITPKG in VMX" },
		{ IA32_VMX_PROCBASED_CTLS2, ALLOWED(1U << 27),
		  "no PCONFIG in VMX" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 6,
		  "no EPT walks of four levels" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 14,
		  "no write-back EPT walks" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 16, "no EPT pages of 2 MiB" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 20, "no INVEPT" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 26,
		  "no INVEPT of all contexts" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 32, "no INVVPID" },
		{ IA32_VMX_EPT_VPID_CAP, 1ULL << 42,
		  "no INVVPID of all contexts" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 2),
		  "no saving of debug controls" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 9),
		  "no 64-bit VMX root" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 12),
		  "no loading of IA32_PERF_GLOBAL_CTRL" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 18),
		  "no saving of IA32_PAT" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 19),
		  "no loading of IA32_PAT on exit" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 20),
		  "no saving of IA32_EFER" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 21),
		  "no loading of IA32_EFER on exit" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 28),
		  "no loading of CET on exit" },
		{ IA32_VMX_TRUE_EXIT_CTLS, ALLOWED(1U << 29),
		  "no loading of IA32_PKRS on exit" },
		{ IA32_VMX_TRUE_ENTRY_CTLS, ALLOWED(1U << 2),
		  "no loading of debug controls" },
		{ IA32_VMX_TRUE_ENTRY_CTLS, ALLOWED(1U << 9),
		  "no 64-bit VMX guest" },
		{ IA32_VMX_TRUE_ENTRY_CTLS, ALLOWED(1U << 14),
		  "no loading of IA32_PAT on entry" },
		{ IA32_VMX_TRUE_ENTRY_CTLS, ALLOWED(1U << 15),
		  "no loading of IA32_EFER on entry" },
		{ IA32_VMX_TRUE_ENTRY_CTLS, ALLOWED(1U << 20),
		  "no loading of CET on entry" },
		{ IA32_VMX_TRUE_ENTRY_CTLS, ALLOWED(1U << 22),
		  "no loading of IA32_PKRS on entry" },
	};
	struct cpu_values everything = arrow_lake;
	unsigned int i, j;
	u64 bits[VMX_MSR_COUNT] = { 0 };

	everything.leaf7_edx |= 1U << 18;
	everything.perfmon_version = 5;
	MSR(&everything, IA32_VMX_PROCBASED_CTLS2) |= ALLOWED(1U << 27);
	MSR(&everything, IA32_VMX_TRUE_PROCBASED_CTLS) |= ALLOWED(1U << 17);
	MSR(&everything, IA32_VMX_PROCBASED_CTLS3) |= 1U << 6;
	self->values = everything;
	ASSERT_EQ(0, check());
	/* Tertiary controls stay off: what they enable is hidden */
	EXPECT_EQ(0, self->controls.primary & 1U << 17);
	EXPECT_NE(0, self->controls.secondary & 1U << 27);
	EXPECT_NE(0, self->controls.exit & 1U << 12);
	/* Left to the MSR areas */
	EXPECT_EQ(0, self->controls.entry & 1U << 13);

	for (i = 0; i < ARRAY_SIZE(required); i++) {
		self->values = everything;
		ASSERT_NE(0, MSR(&self->values, required[i].msr) &
			     required[i].bit);
		MSR(&self->values, required[i].msr) &= ~required[i].bit;
		EXPECT_REFUSED(-EOPNOTSUPP, required[i].what);
		bits[required[i].msr - IA32_VMX_BASIC] |= required[i].bit;

		self->values.leaf1_ecx |= 1U << 31;
		EXPECT_REFUSED(-EOPNOTSUPP, required[i].what);
		EXPECT_NE(NULL, strstr(self->why.advice, "hypervisor"));
	}

	/* And no other allowed 1-setting or capability is needed */
	for (i = IA32_VMX_PROCBASED_CTLS2; i <= IA32_VMX_EXIT_CTLS2; i++) {
		for (j = i <= IA32_VMX_TRUE_ENTRY_CTLS &&
			 i != IA32_VMX_EPT_VPID_CAP ? 32 : 0; j < 64; j++) {
			u64 bit = 1ULL << j;

			self->values = everything;
			if (bits[i - IA32_VMX_BASIC] & bit)
				continue;
			/* What must be 1 can't be taken away */
			if (j >= 32 && MSR(&everything, i) >> (j - 32) & 1 &&
			    i != IA32_VMX_EPT_VPID_CAP)
				continue;
			MSR(&self->values, i) &= ~bit;
			EXPECT_EQ(0, check()) {
				TH_LOG("MSR %#x bit %u: %s", i, j,
				       self->why.what);
			}
		}
	}
}

/* What CPUID does not show needs no control */
TEST_F(cpu, no_control_without_its_feature)
{
	struct cpu_values *v = &self->values;

	v->leaf7_ebx = 0;
	v->leaf7_ecx = 0;
	v->leaf7_edx = 0;
	v->leafd_1_eax = 0;
	v->ext1_edx &= ~(1U << 27);
	v->cr4 &= ~(CR4_CET | CR4_PKS);
	MSR(v, IA32_VMX_PROCBASED_CTLS2) = ALLOWED(1U << 1 | 1U << 2 | 1U << 5);
	MSR(v, IA32_VMX_TRUE_EXIT_CTLS) &= ~ALLOWED(3U << 28 | 1U << 12);
	MSR(v, IA32_VMX_TRUE_ENTRY_CTLS) &= ~ALLOWED(1U << 20 | 1U << 22);
	ASSERT_EQ(0, check());
	EXPECT_EQ(1U << 1 | 1U << 2 | 1U << 5, self->controls.secondary);

	/* Each by itself brings the requirement back */
	v->leaf7_ecx = 1U << 22;
	EXPECT_REFUSED(-EOPNOTSUPP, "no RDTSCP or RDPID in VMX");
	v->leaf7_ecx = 0;
	v->ext1_edx |= 1U << 27;
	EXPECT_REFUSED(-EOPNOTSUPP, "no RDTSCP or RDPID in VMX");
	v->ext1_edx &= ~(1U << 27);
	v->leaf7_ecx = 1U << 7;
	EXPECT_REFUSED(-EOPNOTSUPP, "no loading of CET on exit");
	v->leaf7_ecx = 0;
	v->leaf7_edx = 1U << 20;
	EXPECT_REFUSED(-EOPNOTSUPP, "no loading of CET on exit");
	v->leaf7_edx = 0;
	v->perfmon_version = 1;
	EXPECT_EQ(0, check());
	v->perfmon_version = 2;
	EXPECT_REFUSED(-EOPNOTSUPP, "no loading of IA32_PERF_GLOBAL_CTRL");
}

TEST_F(cpu, a_control_that_is_stuck_is_refused)
{
	/* Without the TRUE MSRs CR3 would exit */
	MSR(&self->values, IA32_VMX_BASIC) &= ~VMX_BASIC_TRUE_CTLS;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "exits of CR3 or another primary VM-execution control can't be turned off");
	/* Not when the old MSR has it free, as no CPU has */
	MSR(&self->values, IA32_VMX_PROCBASED_CTLS) = 0xfff9fffe04006172;
	EXPECT_EQ(0, check());
	/* The old MSRs are the ones that count then */
	MSR(&self->values, IA32_VMX_ENTRY_CTLS) &= ~ALLOWED(1U << 15);
	EXPECT_REFUSED(-EOPNOTSUPP, "no loading of IA32_EFER on entry");
	MSR(&self->values, IA32_VMX_EXIT_CTLS) &= ~ALLOWED(1U << 20);
	EXPECT_REFUSED(-EOPNOTSUPP, "no saving of IA32_EFER");
	MSR(&self->values, IA32_VMX_PINBASED_CTLS) &= ~ALLOWED(1U << 5);
	EXPECT_REFUSED(-EOPNOTSUPP, "no virtual NMIs");

	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_TRUE_PROCBASED_CTLS) |= 1U << 7;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "exits of CR3 or another primary VM-execution control can't be turned off");
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_TRUE_PINBASED_CTLS) |= 1U << 0;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "a pin-based VM-execution control can't be turned off");
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_PROCBASED_CTLS2) |= 1U << 6;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "a secondary VM-execution control can't be turned off");
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_TRUE_EXIT_CTLS) |= 1U << 15;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "a VM-exit control can't be turned off");
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_TRUE_ENTRY_CTLS) |= 1U << 10;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "a VM-entry control can't be turned off");
}

TEST_F(cpu, intel_pt_is_kept_quiet_where_possible)
{
	struct cpu_values *v = &self->values;

	MSR(v, IA32_VMX_PROCBASED_CTLS2) |= ALLOWED(1U << 19);
	MSR(v, IA32_VMX_TRUE_EXIT_CTLS) |= ALLOWED(1U << 24);
	MSR(v, IA32_VMX_TRUE_ENTRY_CTLS) |= ALLOWED(1U << 17);
	ASSERT_EQ(0, check());
	EXPECT_EQ(0, self->controls.secondary & 1U << 19);

	v->leaf7_ebx |= 1U << 25;
	ASSERT_EQ(0, check());
	EXPECT_NE(0, self->controls.secondary & 1U << 19);
	EXPECT_NE(0, self->controls.exit & 1U << 24);
	EXPECT_NE(0, self->controls.entry & 1U << 17);

	MSR(v, IA32_VMX_TRUE_EXIT_CTLS) &= ~ALLOWED(1U << 24);
	ASSERT_EQ(0, check());
	EXPECT_EQ(0, self->controls.exit & 1U << 24);
}

TEST_F(cpu, ept_levels)
{
	struct cpu_values *v = &self->values;

	v->phys_bits = 52;
	ASSERT_EQ(0, check());
	EXPECT_EQ(4, self->controls.ept_levels);
	v->max_gpa = 1ULL << 48;
	ASSERT_EQ(0, check());
	EXPECT_EQ(4, self->controls.ept_levels);
	v->max_gpa++;
	EXPECT_REFUSED(-EOPNOTSUPP,
		       "no EPT walks of five levels, and memory above 256 TiB");

	MSR(v, IA32_VMX_EPT_VPID_CAP) |= EPT_CAP_WALK_5;
	ASSERT_EQ(0, check());
	EXPECT_EQ(5, self->controls.ept_levels);
	v->max_gpa = SIZE_1G;
	ASSERT_EQ(0, check());
	EXPECT_EQ(5, self->controls.ept_levels);
	v->phys_bits = 48;
	ASSERT_EQ(0, check());
	EXPECT_EQ(4, self->controls.ept_levels);

	MSR(v, IA32_VMX_EPT_VPID_CAP) &= ~EPT_CAP_1G;
	ASSERT_EQ(0, check());
	EXPECT_FALSE(self->controls.ept_1g);
}

TEST_F(cpu, capabilities_have_names)
{
	unsigned int i, j;

	ASSERT_EQ(0, check());
	for (i = 0; i < VMX_CAPABILITY_COUNT; i++) {
		ASSERT_NE(NULL, vmx_capability_name(i));
		for (j = 0; j < i; j++)
			EXPECT_STRNE(vmx_capability_name(i),
				     vmx_capability_name(j));
	}
	EXPECT_EQ(NULL, vmx_capability_name(VMX_CAPABILITY_COUNT));
	EXPECT_FALSE(vmx_capability_present(&self->controls,
					    VMX_CAPABILITY_COUNT));
	EXPECT_FALSE(vmx_capability_present(&self->controls, ~0U));
	EXPECT_STREQ("mode-based-execute-control",
		     vmx_capability_name(VMX_CAPABILITY_MBEC));
}

TEST_F(cpu, capabilities_are_what_the_cpu_has)
{
	static const struct {
		enum vmx_capability capability;
		u32 msr;
		u64 bit;
	} from[] = {
		{ VMX_CAPABILITY_EPT_1G, IA32_VMX_EPT_VPID_CAP, 1ULL << 17 },
		{ VMX_CAPABILITY_EPT_EXEC_ONLY, IA32_VMX_EPT_VPID_CAP, 1 },
		{ VMX_CAPABILITY_EPT_ACCESSED_DIRTY, IA32_VMX_EPT_VPID_CAP,
		  1ULL << 21 },
		{ VMX_CAPABILITY_INVEPT_SINGLE, IA32_VMX_EPT_VPID_CAP,
		  1ULL << 25 },
		{ VMX_CAPABILITY_INVVPID_SINGLE, IA32_VMX_EPT_VPID_CAP,
		  1ULL << 41 },
		{ VMX_CAPABILITY_MBEC, IA32_VMX_PROCBASED_CTLS2,
		  ALLOWED(1U << 22) },
		{ VMX_CAPABILITY_VMFUNC, IA32_VMX_PROCBASED_CTLS2,
		  ALLOWED(1U << 13) },
		{ VMX_CAPABILITY_VMFUNC, IA32_VMX_VMFUNC, 1 },
		{ VMX_CAPABILITY_UNRESTRICTED_GUEST, IA32_VMX_PROCBASED_CTLS2,
		  ALLOWED(1U << 7) },
		{ VMX_CAPABILITY_PML, IA32_VMX_PROCBASED_CTLS2,
		  ALLOWED(1U << 17) },
		{ VMX_CAPABILITY_EPT_VIOLATION_VE, IA32_VMX_PROCBASED_CTLS2,
		  ALLOWED(1U << 18) },
		{ VMX_CAPABILITY_WAIT_FOR_SIPI, IA32_VMX_MISC, 1U << 8 },
	};
	unsigned int i;
	u64 all;

	ASSERT_EQ(0, check());
	all = self->controls.capabilities;
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		self->values = arrow_lake;
		MSR(&self->values, from[i].msr) &= ~from[i].bit;
		ASSERT_EQ(0, check());
		EXPECT_EQ(all ^ 1ULL << from[i].capability,
			  self->controls.capabilities);
		EXPECT_FALSE(vmx_capability_present(&self->controls,
						    from[i].capability));
	}
	EXPECT_TRUE(all >> VMX_CAPABILITY_CET & 1);
	EXPECT_TRUE(all >> VMX_CAPABILITY_PKS & 1);
	EXPECT_FALSE(all >> VMX_CAPABILITY_HLAT & 1);
	EXPECT_FALSE(all >> VMX_CAPABILITY_EPT_5_LEVEL & 1);

	/* Tertiary controls count only where they can be activated */
	self->values = arrow_lake;
	MSR(&self->values, IA32_VMX_PROCBASED_CTLS3) = 6;
	MSR(&self->values, IA32_VMX_TRUE_PROCBASED_CTLS) &= ~ALLOWED(1U << 17);
	ASSERT_EQ(0, check());
	EXPECT_EQ(all, self->controls.capabilities);
	MSR(&self->values, IA32_VMX_TRUE_PROCBASED_CTLS) |= ALLOWED(1U << 17);
	ASSERT_EQ(0, check());
	EXPECT_EQ(all | 1ULL << VMX_CAPABILITY_HLAT |
		  1ULL << VMX_CAPABILITY_EPT_PAGING_WRITE,
		  self->controls.capabilities);
}

/*
 * Any CPU at all: what is accepted can be entered with, by the rules of
 * VM entry (SDM 3C, 27.2.1), and what is refused says why.
 */
TEST_F(cpu, fuzz)
{
	u64 rounds = fuzz_rounds(200000);
	unsigned int accepted = 0;

	while (rounds--) {
		const struct vmx_controls *c = &self->controls;
		u64 *word, bit;
		u32 n;

		self->values = one_in(2) ? arrow_lake : skylake_x;
		for (n = random_below(6); n; n--) {
			word = one_in(2) ?
			       &self->values.vmx[random_below(VMX_MSR_COUNT)] :
			       (u64 *)&self->values +
			       random_below(offsetof(struct cpu_values, vmx) / 8);
			bit = 1ULL << random_below(64);
			*word = one_in(50) ? random_u64() : *word ^ bit;
		}
		memset(&self->why, 0, sizeof(self->why));
		if (check()) {
			ASSERT_NE(NULL, self->why.what);
			ASSERT_NE(NULL, self->why.advice);
			continue;
		}
		accepted++;

#define FITS(value, msr) do { \
		ASSERT_EQ(0, ~(value) & (u32)MSR(&self->values, msr)); \
		ASSERT_EQ(0, (value) & ~(MSR(&self->values, msr) >> 32)); \
} while (0)

		if (MSR(&self->values, IA32_VMX_BASIC) >> 55 & 1) {
			FITS(c->pin, IA32_VMX_TRUE_PINBASED_CTLS);
			FITS(c->primary, IA32_VMX_TRUE_PROCBASED_CTLS);
			FITS(c->exit, IA32_VMX_TRUE_EXIT_CTLS);
			FITS(c->entry, IA32_VMX_TRUE_ENTRY_CTLS);
		} else {
			FITS(c->pin, IA32_VMX_PINBASED_CTLS);
			FITS(c->primary, IA32_VMX_PROCBASED_CTLS);
			FITS(c->exit, IA32_VMX_EXIT_CTLS);
			FITS(c->entry, IA32_VMX_ENTRY_CTLS);
		}
		FITS(c->secondary, IA32_VMX_PROCBASED_CTLS2);
		ASSERT_EQ(0, c->primary & (CPU_BASED_CR3_LOAD_EXITING |
					   CPU_BASED_CR3_STORE_EXITING |
					   CPU_BASED_NMI_WINDOW_EXITING));
		ASSERT_EQ(0, c->pin & PIN_BASED_EXT_INTR_EXITING);
	}
	EXPECT_GT(accepted, 0);
}

TEST_HARNESS_MAIN
