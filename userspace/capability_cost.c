// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what it costs that a CPU lacks an optional capability
 */
#include <string.h>

#include "capabilities.h"
#include "capability_cost.h"

/* Those that are missing here cost nothing in this version. */
static const char *const costs[VMX_CAPABILITY_COUNT] = {
	[VMX_CAPABILITY_EPT_1G] =
		"EPT maps 2 MiB at most at once: it takes more memory, and more time where the TLB misses",
	[VMX_CAPABILITY_EPT_5_LEVEL] =
		"memory above 256 TiB would be out of reach: such a machine is refused",
	[VMX_CAPABILITY_MBEC] =
		"kernel mode is kept from running data by SMEP and NX alone, which are pinned, and not by EPT",
	[VMX_CAPABILITY_VMFUNC] =
		"a guarded call takes an exit, some 4,200 instructions instead of 40",
	[VMX_CAPABILITY_INTEL_PT] =
		"Intel PT cannot trace while attached",
};

/**
 * capability_cost() - what it costs that a capability is missing
 * @name: the capability, as sysfs calls it
 *
 * Return: what, in half a line, or NULL for nothing.
 */
const char *capability_cost(const char *name)
{
	unsigned int i;

	for (i = 0; i < VMX_CAPABILITY_COUNT; i++) {
		if (!strcmp(vmx_capability_name(i), name))
			return costs[i];
	}
	return NULL;
}
