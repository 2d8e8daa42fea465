/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what a CPU must have, what it may have, and the controls from that
 *
 * Every requirement is checked here and nowhere else, against values that are
 * passed in, so that unit tests can try any CPU.
 */
#ifndef CARAPACE_VMX_CAPABILITIES_H
#define CARAPACE_VMX_CAPABILITIES_H

#include "types.h"

/* IA32_VMX_BASIC … IA32_VMX_EXIT_CTLS2 */
#define VMX_MSR_COUNT	0x14

/**
 * struct cpu_values - what a CPU says of itself, raw
 * @leaf1_ecx: CPUID.1:ECX
 * @leaf7_ebx: CPUID.(7,0):EBX
 * @leaf7_ecx: CPUID.(7,0):ECX
 * @leaf7_edx: CPUID.(7,0):EDX
 * @leafd_1_eax: CPUID.(0DH,1):EAX
 * @ext1_edx: CPUID.80000001H:EDX
 * @perfmon_version: CPUID.0AH:EAX[7:0]
 * @phys_bits: MAXPHYADDR, 36 where CPUID does not tell
 * @cr0: CR0
 * @cr4: CR4
 * @efer: IA32_EFER
 * @feature_control: IA32_FEATURE_CONTROL
 * @max_gpa: end of all memory and MMIO that is known
 * @vmx: the capability MSRs from IA32_VMX_BASIC on
 *
 * A leaf or MSR that isn't there is 0, which always means "does not have it".
 */
struct cpu_values {
	u32 leaf1_ecx;
	u32 leaf7_ebx;
	u32 leaf7_ecx;
	u32 leaf7_edx;
	u32 leafd_1_eax;
	u32 ext1_edx;
	u32 perfmon_version;
	u32 phys_bits;
	u64 cr0;
	u64 cr4;
	u64 efer;
	u64 feature_control;
	u64 max_gpa;
	u64 vmx[VMX_MSR_COUNT];
};

/* Optional capabilities: X(constant, name in sysfs) */
#define VMX_CAPABILITIES(X)					\
	X(EPT_1G,		"ept-1g")			\
	X(EPT_5_LEVEL,		"ept-5-level")			\
	X(EPT_EXEC_ONLY,	"ept-execute-only")		\
	X(EPT_ACCESSED_DIRTY,	"ept-accessed-dirty")		\
	X(EPT_VIOLATION_VE,	"ept-violation-ve")		\
	X(EPT_PAGING_WRITE,	"ept-paging-write")		\
	X(INVEPT_SINGLE,	"invept-single-context")	\
	X(INVVPID_SINGLE,	"invvpid-single-context")	\
	X(MBEC,			"mode-based-execute-control")	\
	X(VMFUNC,		"vmfunc-eptp-switching")	\
	X(UNRESTRICTED_GUEST,	"unrestricted-guest")		\
	X(WAIT_FOR_SIPI,	"wait-for-sipi")		\
	X(PML,			"page-modification-log")	\
	X(HLAT,			"hlat")				\
	X(CET,			"cet")				\
	X(PKS,			"pks")				\
	X(PERF_GLOBAL_CTRL,	"perf-global-ctrl")		\
	X(INTEL_PT,		"intel-pt-in-vmx")

enum vmx_capability {
#define X(constant, name) VMX_CAPABILITY_##constant,
	VMX_CAPABILITIES(X)
#undef X
	VMX_CAPABILITY_COUNT
};

/**
 * struct vmx_controls - how to run on such a CPU
 * @revision: VMCS revision identifier
 * @pin: pin-based VM-execution controls
 * @primary: primary processor-based VM-execution controls
 * @secondary: secondary processor-based VM-execution controls
 * @exit: VM-exit controls
 * @entry: VM-entry controls
 * @cr0_fixed0: bits of CR0 that must be 1
 * @cr0_fixed1: bits of CR0 that may be 1
 * @cr4_fixed0: bits of CR4 that must be 1
 * @cr4_fixed1: bits of CR4 that may be 1
 * @capabilities: bit n for VMX_CAPABILITY n
 * @ept_levels: 4 or 5
 * @ept_1g: EPT has 1 GiB pages
 *
 * Equal for CPUs that can share one EPT and one set of controls, byte by byte.
 */
struct vmx_controls {
	u32 revision;
	u32 pin;
	u32 primary;
	u32 secondary;
	u32 exit;
	u32 entry;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 capabilities;
	u8 ept_levels;
	bool ept_1g;
};

/**
 * struct vmx_refusal - why a CPU won't do
 * @what: what is missing or in the way
 * @advice: what to do
 *
 * Both for one line of log: "<what>; <advice>".
 */
struct vmx_refusal {
	const char *what;
	const char *advice;
};

void vmx_read_cpuid(struct cpu_values *cpu,
		    void (*cpuid)(u32 leaf, u32 subleaf, u32 regs[4]));
int vmx_capabilities_check(const struct cpu_values *cpu,
			   struct vmx_controls *controls,
			   struct vmx_refusal *why);
bool vmx_feature_control_unlocked(const struct cpu_values *cpu);
const char *vmx_capability_name(unsigned int capability);
bool vmx_capability_present(const struct vmx_controls *controls,
			    unsigned int capability);

#endif /* CARAPACE_VMX_CAPABILITIES_H */
