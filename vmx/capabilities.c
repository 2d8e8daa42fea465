// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what a CPU must have, what it may have, and the controls from that
 *
 * SDM 3D, appendix A: each control has an allowed 0-setting (low half of its
 * MSR: 1 means it can't be 0) and an allowed 1-setting (high half: 0 means it
 * can't be 1).
 */
#include "capabilities.h"
#include "vmcs.h"
#include "x86.h"

/* CPUID */
#define LEAF1_ECX_VMX		(1U << 5)
#define LEAF1_ECX_HYPERVISOR	(1U << 31)
#define LEAF7_EBX_INVPCID	(1U << 10)
#define LEAF7_EBX_INTEL_PT	(1U << 25)
#define LEAF7_ECX_WAITPKG	(1U << 5)
#define LEAF7_ECX_SHSTK		(1U << 7)
#define LEAF7_ECX_RDPID		(1U << 22)
#define LEAF7_ECX_PKS		(1U << 31)
#define LEAF7_EDX_PCONFIG	(1U << 18)
#define LEAF7_EDX_IBT		(1U << 20)
#define LEAFD_1_EAX_XSAVES	(1U << 3)
#define EXT1_EDX_NX		(1U << 20)
#define EXT1_EDX_RDTSCP		(1U << 27)
#define EXT1_EDX_LM		(1U << 29)

/*
 * Controls that do nothing but be 1 on CPUs of old (the "default1" class, A.2);
 * those of the class that do something are not among them.
 */
#define PIN_DEFAULT1		0x00000016U
#define PRIMARY_DEFAULT1	0x04006172U	/* not the exits of CR3 */
#define EXIT_DEFAULT1		0x00036dffU
#define ENTRY_DEFAULT1		0x000011ffU

/* Words that a requirement can ask for a bit of */
enum word {
	PIN,
	PRIMARY,
	SECONDARY,
	EXIT,
	ENTRY,
	CONTROL_WORDS,
	TERTIARY = CONTROL_WORDS,	/* optional ones only */
	EPT_VPID,
	WORDS,
};

/* What makes a requirement one: always, or something that CPUID shows */
enum need {
	ALWAYS,
	FOR_RDTSCP,
	FOR_INVPCID,
	FOR_XSAVES,
	FOR_WAITPKG,
	FOR_PCONFIG,
	FOR_CET,
	FOR_PKS,
	FOR_PERFMON,
};

struct requirement {
	enum word word;
	u64 bit;
	enum need need;
	const char *what;
};

/*
 * In this order, for what comes first says more.  What CPUID shows to Linux,
 * Linux uses: without its control the instruction would raise #UD there, or
 * root would run with the guest's value.
 */
static const struct requirement requirements[] = {
	{ PRIMARY, CPU_BASED_ACTIVATE_SECONDARY, ALWAYS,
	  "no secondary VM-execution controls" },
	{ SECONDARY, SECONDARY_ENABLE_EPT, ALWAYS, "no EPT" },
	{ EPT_VPID, EPT_CAP_WALK_4, ALWAYS, "no EPT walks of four levels" },
	{ EPT_VPID, EPT_CAP_WB, ALWAYS, "no write-back EPT walks" },
	{ EPT_VPID, EPT_CAP_2M, ALWAYS, "no EPT pages of 2 MiB" },
	{ EPT_VPID, EPT_CAP_INVEPT, ALWAYS, "no INVEPT" },
	{ EPT_VPID, EPT_CAP_INVEPT_ALL, ALWAYS, "no INVEPT of all contexts" },
	{ SECONDARY, SECONDARY_ENABLE_VPID, ALWAYS, "no VPID" },
	{ SECONDARY, SECONDARY_DESC_TABLE_EXITING, ALWAYS,
	  "no exits of descriptor-table accesses" },
	{ EPT_VPID, EPT_CAP_INVVPID, ALWAYS, "no INVVPID" },
	{ EPT_VPID, EPT_CAP_INVVPID_ALL, ALWAYS, "no INVVPID of all contexts" },
	{ PIN, PIN_BASED_NMI_EXITING, ALWAYS, "no NMI exiting" },
	{ PIN, PIN_BASED_VIRTUAL_NMIS, ALWAYS, "no virtual NMIs" },
	/* Used as the need arises, so not set from the start: see below */
	{ PRIMARY, CPU_BASED_NMI_WINDOW_EXITING, ALWAYS,
	  "no NMI-window exiting" },
	{ PRIMARY, CPU_BASED_MONITOR_TRAP_FLAG, ALWAYS,
	  "no monitor trap flag" },
	{ PRIMARY, CPU_BASED_USE_MSR_BITMAPS, ALWAYS, "no MSR bitmaps" },
	{ EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE, ALWAYS, "no 64-bit VMX root" },
	{ ENTRY, VM_ENTRY_IA32E_MODE, ALWAYS, "no 64-bit VMX guest" },
	{ EXIT, VM_EXIT_SAVE_DEBUG_CONTROLS, ALWAYS,
	  "no saving of debug controls" },
	{ ENTRY, VM_ENTRY_LOAD_DEBUG_CONTROLS, ALWAYS,
	  "no loading of debug controls" },
	{ EXIT, VM_EXIT_SAVE_IA32_PAT, ALWAYS, "no saving of IA32_PAT" },
	{ EXIT, VM_EXIT_LOAD_IA32_PAT, ALWAYS,
	  "no loading of IA32_PAT on exit" },
	{ ENTRY, VM_ENTRY_LOAD_IA32_PAT, ALWAYS,
	  "no loading of IA32_PAT on entry" },
	{ EXIT, VM_EXIT_SAVE_IA32_EFER, ALWAYS, "no saving of IA32_EFER" },
	{ EXIT, VM_EXIT_LOAD_IA32_EFER, ALWAYS,
	  "no loading of IA32_EFER on exit" },
	{ ENTRY, VM_ENTRY_LOAD_IA32_EFER, ALWAYS,
	  "no loading of IA32_EFER on entry" },

	{ SECONDARY, SECONDARY_ENABLE_RDTSCP, FOR_RDTSCP,
	  "no RDTSCP or RDPID in VMX" },
	{ SECONDARY, SECONDARY_ENABLE_INVPCID, FOR_INVPCID,
	  "no INVPCID in VMX" },
	{ SECONDARY, SECONDARY_ENABLE_XSAVES, FOR_XSAVES, "no XSAVES in VMX" },
	{ SECONDARY, SECONDARY_ENABLE_USER_WAIT_PAUSE, FOR_WAITPKG,
	  "no WAITPKG in VMX" },
	{ SECONDARY, SECONDARY_ENABLE_PCONFIG, FOR_PCONFIG,
	  "no PCONFIG in VMX" },
	{ EXIT, VM_EXIT_LOAD_CET_STATE, FOR_CET, "no loading of CET on exit" },
	{ ENTRY, VM_ENTRY_LOAD_CET_STATE, FOR_CET,
	  "no loading of CET on entry" },
	{ EXIT, VM_EXIT_LOAD_PKRS, FOR_PKS, "no loading of IA32_PKRS on exit" },
	{ ENTRY, VM_ENTRY_LOAD_PKRS, FOR_PKS,
	  "no loading of IA32_PKRS on entry" },
	/*
	 * The guest's value is kept by the MSR areas, for the control that
	 * saves it is on few CPUs; so the entry needs none either.
	 */
	{ EXIT, VM_EXIT_LOAD_PERF_GLOBAL_CTRL, FOR_PERFMON,
	  "no loading of IA32_PERF_GLOBAL_CTRL" },
};

/* Required, but set and cleared while running */
static const u64 set_later[CONTROL_WORDS] = {
	[PRIMARY] = CPU_BASED_NMI_WINDOW_EXITING | CPU_BASED_MONITOR_TRAP_FLAG,
};

/* A control that cannot be turned off would exit where nobody expects it */
static const struct {
	u64 harmless;
	const char *what;
} stuck[CONTROL_WORDS] = {
	[PIN] = { PIN_DEFAULT1,
		  "a pin-based VM-execution control can't be turned off" },
	[PRIMARY] = { PRIMARY_DEFAULT1,
		      "exits of CR3 or another primary VM-execution control can't be turned off" },
	[SECONDARY] = { 0,
			"a secondary VM-execution control can't be turned off" },
	[EXIT] = { EXIT_DEFAULT1, "a VM-exit control can't be turned off" },
	[ENTRY] = { ENTRY_DEFAULT1, "a VM-entry control can't be turned off" },
};

struct words {
	u64 allowed[WORDS];		/* bits that may be 1 */
	u64 forced[CONTROL_WORDS];	/* bits that must be */
};

static u64 vmx_msr(const struct cpu_values *cpu, u32 index)
{
	return cpu->vmx[index - IA32_VMX_BASIC];
}

static void read_control(const struct cpu_values *cpu, struct words *words,
			 enum word word, u32 msr)
{
	u64 value = vmx_msr(cpu, msr);

	words->forced[word] = value & 0xffffffff;
	words->allowed[word] = value >> 32;
}

/* An MSR is only there when the control before it is (A.1 to A.10) */
static void read_words(const struct cpu_values *cpu, struct words *words)
{
	bool exact = vmx_msr(cpu, IA32_VMX_BASIC) & VMX_BASIC_TRUE_CTLS;

	__builtin_memset(words, 0, sizeof(*words));
	read_control(cpu, words, PIN,
		     exact ? IA32_VMX_TRUE_PINBASED_CTLS :
			     IA32_VMX_PINBASED_CTLS);
	read_control(cpu, words, PRIMARY,
		     exact ? IA32_VMX_TRUE_PROCBASED_CTLS :
			     IA32_VMX_PROCBASED_CTLS);
	read_control(cpu, words, EXIT,
		     exact ? IA32_VMX_TRUE_EXIT_CTLS : IA32_VMX_EXIT_CTLS);
	read_control(cpu, words, ENTRY,
		     exact ? IA32_VMX_TRUE_ENTRY_CTLS : IA32_VMX_ENTRY_CTLS);
	if (words->allowed[PRIMARY] & CPU_BASED_ACTIVATE_SECONDARY)
		read_control(cpu, words, SECONDARY, IA32_VMX_PROCBASED_CTLS2);
	if (words->allowed[PRIMARY] & CPU_BASED_ACTIVATE_TERTIARY)
		words->allowed[TERTIARY] =
			vmx_msr(cpu, IA32_VMX_PROCBASED_CTLS3);
	if (words->allowed[SECONDARY] &
	    (SECONDARY_ENABLE_EPT | SECONDARY_ENABLE_VPID))
		words->allowed[EPT_VPID] = vmx_msr(cpu, IA32_VMX_EPT_VPID_CAP);
}

static bool has_cet(const struct cpu_values *cpu)
{
	return (cpu->leaf7_ecx & LEAF7_ECX_SHSTK) ||
	       (cpu->leaf7_edx & LEAF7_EDX_IBT);
}

static bool needed(const struct cpu_values *cpu, enum need need)
{
	switch (need) {
	case ALWAYS:
		return true;
	case FOR_RDTSCP:
		/* One control for both: RDPID raises #UD without it, too */
		return (cpu->ext1_edx & EXT1_EDX_RDTSCP) ||
		       (cpu->leaf7_ecx & LEAF7_ECX_RDPID);
	case FOR_INVPCID:
		return cpu->leaf7_ebx & LEAF7_EBX_INVPCID;
	case FOR_XSAVES:
		return cpu->leafd_1_eax & LEAFD_1_EAX_XSAVES;
	case FOR_WAITPKG:
		return cpu->leaf7_ecx & LEAF7_ECX_WAITPKG;
	case FOR_PCONFIG:
		return cpu->leaf7_edx & LEAF7_EDX_PCONFIG;
	case FOR_CET:
		return has_cet(cpu);
	case FOR_PKS:
		return cpu->leaf7_ecx & LEAF7_ECX_PKS;
	case FOR_PERFMON:
		/* IA32_PERF_GLOBAL_CTRL came with version 2 */
		return cpu->perfmon_version >= 2;
	}
	return true;
}

static int refuse(struct vmx_refusal *why, int error, const char *what,
		  const char *advice)
{
	why->what = what;
	why->advice = advice;
	return error;
}

static int refuse_feature(const struct cpu_values *cpu,
			  struct vmx_refusal *why, const char *what)
{
	return refuse(why, -EOPNOTSUPP, what,
		      cpu->leaf1_ecx & LEAF1_ECX_HYPERVISOR ?
		      "have the hypervisor underneath offer it to this virtual machine" :
		      "this CPU cannot run Carapace");
}

/* Whether VMXON could work at all, and whether anybody is there already */
static int check_vmxon(const struct cpu_values *cpu, struct vmx_refusal *why)
{
	u64 basic = vmx_msr(cpu, IA32_VMX_BASIC);
	u64 size = basic >> VMX_BASIC_SIZE_SHIFT & VMX_BASIC_SIZE_MASK;
	u64 cr4 = cpu->cr4 | CR4_VMXE;

	if (!(cpu->leaf1_ecx & LEAF1_ECX_VMX))
		return refuse(why, -ENODEV, "no VMX",
			      cpu->leaf1_ecx & LEAF1_ECX_HYPERVISOR ?
			      "turn on nested virtualisation for this virtual machine" :
			      "it takes an Intel CPU with VT-x, turned on in the firmware setup");
	if ((cpu->feature_control & FEATURE_CONTROL_LOCKED) &&
	    !(cpu->feature_control & FEATURE_CONTROL_VMX_OUTSIDE_SMX))
		return refuse(why, -EACCES, "VMX is locked off by the firmware",
			      "turn on VT-x (Intel Virtualization Technology) in the firmware setup");
	if (cpu->cr4 & CR4_VMXE)
		return refuse(why, -EBUSY, "VMX is in use, probably by KVM",
			      "unload it with 'modprobe -r kvm_intel'");
	if (cpu->cr4 & CR4_FRED)
		return refuse(why, -EOPNOTSUPP,
			      "the kernel has events delivered by FRED",
			      "boot with fred=off");
	if (!(cpu->ext1_edx & EXT1_EDX_LM) || !(cpu->efer & EFER_LMA))
		return refuse_feature(cpu, why, "no 64-bit mode");
	if (!(cpu->ext1_edx & EXT1_EDX_NX))
		return refuse_feature(cpu, why, "no execute-disable bit");

	if (!size || size > SIZE_4K)
		return refuse_feature(cpu, why, "no VMCS that fits a page");
	if ((basic >> VMX_BASIC_TYPE_SHIFT & VMX_BASIC_TYPE_MASK) != MEMTYPE_WB)
		return refuse_feature(cpu, why, "no VMCS in write-back memory");
	if (basic & VMX_BASIC_32BIT)
		return refuse_feature(cpu, why, "no VMCS above 4 GiB");

	/* VMXON raises #GP unless CR0 and CR4 are as they must stay */
	if ((cpu->cr0 & vmx_msr(cpu, IA32_VMX_CR0_FIXED0)) !=
	    vmx_msr(cpu, IA32_VMX_CR0_FIXED0) ||
	    (cpu->cr0 & ~vmx_msr(cpu, IA32_VMX_CR0_FIXED1)))
		return refuse_feature(cpu, why,
				      "no VMX with CR0 as Linux has it");
	if ((cr4 & vmx_msr(cpu, IA32_VMX_CR4_FIXED0)) !=
	    vmx_msr(cpu, IA32_VMX_CR4_FIXED0) ||
	    (cr4 & ~vmx_msr(cpu, IA32_VMX_CR4_FIXED1)))
		return refuse_feature(cpu, why,
				      "no VMX with CR4 as Linux has it");
	return 0;
}

/*
 * Rights to execute by the mode that an address belongs to, so that kernel mode
 * runs nothing but kernel code.
 *
 * A way to the shadow of return addresses and back that needs no exit.
 *
 * An Intel PT trace of Linux's need not tell of VMX; where the CPU can keep
 * quiet it does.  The three go together, each where it is offered.
 */
static void add_optional(const struct cpu_values *cpu,
			 const struct words *words, u64 *value)
{
	value[SECONDARY] |= words->allowed[SECONDARY] &
			    SECONDARY_MODE_BASED_EXEC;
	if (vmx_msr(cpu, IA32_VMX_VMFUNC) & VMFUNC_EPTP_SWITCHING)
		value[SECONDARY] |= words->allowed[SECONDARY] &
				    SECONDARY_ENABLE_VMFUNC;
	if (!(cpu->leaf7_ebx & LEAF7_EBX_INTEL_PT))
		return;
	value[SECONDARY] |= words->allowed[SECONDARY] &
			    SECONDARY_CONCEAL_VMX_FROM_PT;
	value[EXIT] |= words->allowed[EXIT] & VM_EXIT_CONCEAL_VMX_FROM_PT;
	value[ENTRY] |= words->allowed[ENTRY] & VM_ENTRY_CONCEAL_VMX_FROM_PT;
}

static int choose_controls(const struct cpu_values *cpu,
			   const struct words *words,
			   struct vmx_controls *controls,
			   struct vmx_refusal *why)
{
	u64 value[WORDS] = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requirements); i++) {
		const struct requirement *r = &requirements[i];

		if (!needed(cpu, r->need))
			continue;
		if (!(words->allowed[r->word] & r->bit))
			return refuse_feature(cpu, why, r->what);
		value[r->word] |= r->bit;
	}
	add_optional(cpu, words, value);

	for (i = 0; i < CONTROL_WORDS; i++) {
		value[i] &= ~set_later[i];
		if (words->forced[i] &
		    ~((value[i] | stuck[i].harmless) & words->allowed[i]))
			return refuse_feature(cpu, why, stuck[i].what);
		value[i] |= words->forced[i];
	}

	controls->pin = value[PIN];
	controls->primary = value[PRIMARY];
	controls->secondary = value[SECONDARY];
	controls->exit = value[EXIT];
	controls->entry = value[ENTRY];
	return 0;
}

/*
 * Four levels reach 2^48.  Above that, five are needed for what is there, and
 * wanted for what may appear there later, on CPUs that have the addresses.
 */
static int choose_ept(const struct cpu_values *cpu, const struct words *words,
		      struct vmx_controls *controls, struct vmx_refusal *why)
{
	bool five = words->allowed[EPT_VPID] & EPT_CAP_WALK_5;

	if (cpu->max_gpa > 1ULL << 48 && !five)
		return refuse_feature(cpu, why, "no EPT walks of five levels, and memory above 256 TiB");

	controls->ept_levels = five && cpu->phys_bits > 48 ? 5 : 4;
	controls->ept_1g = words->allowed[EPT_VPID] & EPT_CAP_1G;
	return 0;
}

static u64 find_capabilities(const struct cpu_values *cpu,
			     const struct words *words)
{
	const u64 ept = words->allowed[EPT_VPID];
	const u64 secondary = words->allowed[SECONDARY];
	const u64 tertiary = words->allowed[TERTIARY];
	const u64 misc = vmx_msr(cpu, IA32_VMX_MISC);
	const bool present[VMX_CAPABILITY_COUNT] = {
		[VMX_CAPABILITY_EPT_1G] = ept & EPT_CAP_1G,
		[VMX_CAPABILITY_EPT_5_LEVEL] = ept & EPT_CAP_WALK_5,
		[VMX_CAPABILITY_EPT_EXEC_ONLY] = ept & EPT_CAP_EXEC_ONLY,
		[VMX_CAPABILITY_EPT_ACCESSED_DIRTY] =
			ept & EPT_CAP_ACCESSED_DIRTY,
		[VMX_CAPABILITY_EPT_VIOLATION_VE] =
			secondary & SECONDARY_EPT_VIOLATION_VE,
		[VMX_CAPABILITY_EPT_PAGING_WRITE] =
			tertiary & TERTIARY_EPT_PAGING_WRITE,
		[VMX_CAPABILITY_INVEPT_SINGLE] = ept & EPT_CAP_INVEPT_SINGLE,
		[VMX_CAPABILITY_INVVPID_SINGLE] = ept & EPT_CAP_INVVPID_SINGLE,
		[VMX_CAPABILITY_MBEC] = secondary & SECONDARY_MODE_BASED_EXEC,
		[VMX_CAPABILITY_VMFUNC] =
			(secondary & SECONDARY_ENABLE_VMFUNC) &&
			(vmx_msr(cpu, IA32_VMX_VMFUNC) & VMFUNC_EPTP_SWITCHING),
		[VMX_CAPABILITY_UNRESTRICTED_GUEST] =
			secondary & SECONDARY_UNRESTRICTED_GUEST,
		[VMX_CAPABILITY_WAIT_FOR_SIPI] = misc & VMX_MISC_WAIT_FOR_SIPI,
		[VMX_CAPABILITY_PML] = secondary & SECONDARY_ENABLE_PML,
		[VMX_CAPABILITY_HLAT] = tertiary & TERTIARY_ENABLE_HLAT,
		[VMX_CAPABILITY_CET] = has_cet(cpu),
		[VMX_CAPABILITY_PKS] = needed(cpu, FOR_PKS),
		[VMX_CAPABILITY_PERF_GLOBAL_CTRL] = needed(cpu, FOR_PERFMON),
		[VMX_CAPABILITY_INTEL_PT] = misc & VMX_MISC_INTEL_PT,
	};
	u64 capabilities = 0;
	unsigned int i;

	for (i = 0; i < VMX_CAPABILITY_COUNT; i++)
		capabilities |= (u64)present[i] << i;
	return capabilities;
}

/**
 * vmx_read_cpuid() - what CPUID says
 * @cpu: set, as far as it comes from CPUID
 * @cpuid: executes the instruction; gives 0 for a leaf that the CPU doesn't have
 *
 * Context: pure but for @cpuid.
 */
void vmx_read_cpuid(struct cpu_values *cpu,
		    void (*cpuid)(u32 leaf, u32 subleaf, u32 regs[4]))
{
	u32 regs[4];

	cpuid(1, 0, regs);
	cpu->leaf1_ecx = regs[2];
	cpuid(7, 0, regs);
	cpu->leaf7_ebx = regs[1];
	cpu->leaf7_ecx = regs[2];
	cpu->leaf7_edx = regs[3];
	cpuid(0xa, 0, regs);
	cpu->perfmon_version = regs[0] & 0xff;
	cpuid(0xd, 1, regs);
	cpu->leafd_1_eax = regs[0];
	cpuid(0x80000001, 0, regs);
	cpu->ext1_edx = regs[3];
	cpuid(0x80000008, 0, regs);
	cpu->phys_bits = regs[0] & 0xff ? : 36;
}

/**
 * vmx_capabilities_check() - can this CPU do it, and how
 * @cpu: what the CPU says of itself
 * @controls: set when it can, cleared when it can't
 * @why: set when it can't
 *
 * Context: pure.
 *
 * Return: 0, or
 * -ENODEV for a CPU without VMX,
 * -EACCES when the firmware has locked VMX off (not -EPERM, which insmod also
 * reports for want of a privilege or a signature),
 * -EBUSY when VMX is in use,
 * -EOPNOTSUPP when anything else is missing or in the way.
 */
int vmx_capabilities_check(const struct cpu_values *cpu,
			   struct vmx_controls *controls,
			   struct vmx_refusal *why)
{
	struct vmx_controls found;
	struct words words;
	int err;

	__builtin_memset(controls, 0, sizeof(*controls));
	__builtin_memset(&found, 0, sizeof(found));

	err = check_vmxon(cpu, why);
	if (err)
		return err;
	read_words(cpu, &words);
	err = choose_controls(cpu, &words, &found, why);
	if (err)
		return err;
	err = choose_ept(cpu, &words, &found, why);
	if (err)
		return err;

	found.revision = vmx_msr(cpu, IA32_VMX_BASIC) & VMX_BASIC_REVISION;
	found.cr0_fixed0 = vmx_msr(cpu, IA32_VMX_CR0_FIXED0);
	found.cr0_fixed1 = vmx_msr(cpu, IA32_VMX_CR0_FIXED1);
	found.cr4_fixed0 = vmx_msr(cpu, IA32_VMX_CR4_FIXED0);
	found.cr4_fixed1 = vmx_msr(cpu, IA32_VMX_CR4_FIXED1);
	found.capabilities = find_capabilities(cpu, &words);
	__builtin_memcpy(controls, &found, sizeof(found));
	return 0;
}

/**
 * vmx_feature_control_unlocked() - must IA32_FEATURE_CONTROL be written first?
 * @cpu: what the CPU says of itself
 *
 * VMXON raises #GP while the MSR is not locked.  Firmware that leaves it so
 * leaves it to the operating system to set LOCKED and VMX_OUTSIDE_SMX, until
 * the next reset.  Not part of struct vmx_controls, for it is no property of
 * the CPU: once written it differs from a CPU not yet written.
 *
 * Context: pure.
 *
 * Return: true when VMXON needs it.
 */
bool vmx_feature_control_unlocked(const struct cpu_values *cpu)
{
	return !(cpu->feature_control & FEATURE_CONTROL_LOCKED);
}

static const char *const capability_names[VMX_CAPABILITY_COUNT] = {
#define X(constant, name)	name,
	VMX_CAPABILITIES(X)
#undef X
};

/**
 * vmx_capability_name() - an optional capability's name, for sysfs
 * @capability: below VMX_CAPABILITY_COUNT
 *
 * Context: pure.
 *
 * Return: the name, NULL for a number that is none.
 */
const char *vmx_capability_name(unsigned int capability)
{
	return capability < VMX_CAPABILITY_COUNT ?
	       capability_names[capability] : NULL;
}

/**
 * vmx_capability_present() - has the CPU an optional capability?
 * @controls: what vmx_capabilities_check() found
 * @capability: below VMX_CAPABILITY_COUNT
 *
 * Context: pure.
 *
 * Return: true when it has; that does not say that it is used.
 */
bool vmx_capability_present(const struct vmx_controls *controls,
			    unsigned int capability)
{
	return capability < VMX_CAPABILITY_COUNT &&
	       (controls->capabilities >> capability & 1);
}
