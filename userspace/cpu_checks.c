// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: whether this machine's CPUs would do
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capability_cost.h"
#include "checks.h"
#include "cpu_values.h"
#include "kernel_module.h"
#include "x86.h"

static void check_vendor(struct finding *finding)
{
	char vendor[CPU_VENDOR];

	if (cpu_vendor(vendor))
		found(finding, CHECK_GOOD, "", "%s", vendor);
	else
		found(finding, CHECK_BAD, "it takes an Intel CPU with VT-x",
		      "%s, which has no VMX", vendor);
}

/* Whom Linux makes hypercalls to, which only KVM gets: module/main.c refuses them. */
static bool takes_hypercalls(const char *name)
{
	static const char *const names[] = {
		"Microsoft Hv", "XenVMMXenVMM", "VMwareVMware", "Jailhouse",
		"ACRNACRNACRN", "bhyve bhyve ",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static void check_hypervisor(struct finding *finding)
{
	char name[CPU_VENDOR];

	if (!cpu_hypervisor(name))
		found(finding, CHECK_GOOD, "", "none that shows");
	else if (takes_hypercalls(name))
		found(finding, CHECK_BAD,
		      "take a guest of KVM's with nested virtualisation, or the bare machine",
		      "this is a virtual machine of %s, and what Linux asks of that would not get there",
		      name);
	else
		found(finding, CHECK_NOTE,
		      "it has to offer nested virtualisation, and everything is slower",
		      "this is a virtual machine of %s",
		      *name ? name : "a hypervisor without a name");
}

/* What a CPU's capability MSRs say; false where they cannot be read */
static bool judge_cpu(unsigned int cpu, struct vmx_controls *controls,
		      struct vmx_refusal *why, int *error)
{
	struct cpu_values values;

	if (!cpu_values_read(cpu, &values))
		return false;
	*error = vmx_capabilities_check(&values, controls, why);
	return true;
}

static void no_msrs(struct finding *finding)
{
	found(finding, CHECK_UNKNOWN,
	      geteuid() ? "ask as root" : "'modprobe msr', then ask again",
	      "the CPU's capabilities cannot be read");
}

static bool no_vmx(struct finding *finding)
{
	if (cpu_has_vmx())
		return false;
	found(finding, CHECK_UNKNOWN, "", "there is no VMX");
	return true;
}

static bool hidden(struct finding *finding)
{
	if (!module_is_loaded("carapace"))
		return false;
	found(finding, CHECK_GOOD, "",
	      "Carapace is attached, and hides VMX from others");
	return true;
}

/* Where there is a hypervisor, it hides what the firmware has turned on, too. */
static const char *how_to_have_vmx(void)
{
	char name[CPU_VENDOR];

	if (!cpu_vendor(name))
		return "it takes an Intel CPU with VT-x";
	if (cpu_hypervisor(name))
		return "have the hypervisor underneath offer it (nested virtualisation)";
	return "turn it on in the firmware setup";
}

static void check_vmx(struct finding *finding)
{
	struct vmx_controls controls;
	struct vmx_refusal why = { "", "" };
	int error;

	if (hidden(finding))
		return;
	if (!cpu_has_vmx()) {
		found(finding, CHECK_BAD, how_to_have_vmx(),
		      "the CPU does not show VMX");
		return;
	}
	if (!judge_cpu(0, &controls, &why, &error))
		no_msrs(finding);
	else if (error)
		found(finding, CHECK_BAD, why.advice, "%s (%s)", why.what,
		      strerror(-error));
	else
		found(finding, CHECK_GOOD, "", "has all that Carapace needs");
}

static void check_lock(struct finding *finding)
{
	struct cpu_values values;

	if (hidden(finding) || no_vmx(finding))
		return;
	if (!cpu_values_read(0, &values))
		no_msrs(finding);
	else if (vmx_feature_control_unlocked(&values))
		found(finding, CHECK_GOOD, "",
		      "not locked: attaching locks VMX on until the next reset");
	else if (values.feature_control & FEATURE_CONTROL_VMX_OUTSIDE_SMX)
		found(finding, CHECK_GOOD, "", "VMX is locked on");
	else
		found(finding, CHECK_BAD,
		      "turn on VT-x (Intel Virtualization Technology) in the firmware setup",
		      "VMX is locked off");
}

/* All share one set of controls */
static void check_equal(struct finding *finding)
{
	struct vmx_controls first, controls;
	struct vmx_refusal why;
	long cpu, count = sysconf(_SC_NPROCESSORS_CONF);
	int error;

	if (hidden(finding) || no_vmx(finding))
		return;
	if (!judge_cpu(0, &first, &why, &error)) {
		no_msrs(finding);
		return;
	}
	for (cpu = 1; cpu < count; cpu++) {
		/* One that is offline has no such file. */
		if (!judge_cpu(cpu, &controls, &why, &error))
			continue;
		if (memcmp(&controls, &first, sizeof(first))) {
			found(finding, CHECK_BAD,
			      "update the firmware's microcode, or take that CPU offline",
			      "CPU %ld has other VMX capabilities than CPU 0",
			      cpu);
			return;
		}
	}
	found(finding, CHECK_GOOD, "", "%ld, with the same capabilities",
	      count);
}

static void check_optional(struct finding *finding)
{
	struct vmx_controls controls;
	struct vmx_refusal why;
	unsigned int i, present = 0;
	const char *name;
	int error;

	if (hidden(finding) || no_vmx(finding))
		return;
	if (!judge_cpu(0, &controls, &why, &error)) {
		no_msrs(finding);
		return;
	}
	if (error) {
		found(finding, CHECK_UNKNOWN, "", "those that it takes come first");
		return;
	}
	for (i = 0; i < VMX_CAPABILITY_COUNT; i++)
		present += vmx_capability_present(&controls, i);
	found(finding, CHECK_GOOD, "", "%u of %u optional capabilities",
	      present, VMX_CAPABILITY_COUNT);
	for (i = 0; i < VMX_CAPABILITY_COUNT; i++) {
		name = vmx_capability_name(i);
		if (vmx_capability_present(&controls, i) ||
		    !capability_cost(name))
			continue;
		finding->verdict = CHECK_NOTE;
		found_detail(finding, "%s is missing: %s", name,
			     capability_cost(name));
	}
}

const struct check cpu_checks[] = {
	{ "CPU", check_vendor },
	{ "hypervisor underneath", check_hypervisor },
	{ "VMX", check_vmx },
	{ "firmware lock", check_lock },
	{ "all CPUs", check_equal },
	{ "optional capabilities", check_optional },
	{ }
};
