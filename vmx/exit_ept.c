// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: exits of accesses that EPT does not allow
 */
#include "cpu_ops.h"
#include "ept.h"
#include "exit.h"
#include "vcpu.h"
#include "x86.h"

static u64 access_of(u64 qualification)
{
	u64 access = 0;

	if (qualification & EPT_VIOLATION_READ)
		access |= EPT_READ;
	if (qualification & EPT_VIOLATION_WRITE)
		access |= EPT_WRITE;
	if (qualification & EPT_VIOLATION_FETCH)
		access |= EPT_EXEC;
	return access;
}

static bool hidden(u64 gpa)
{
	return table_pool_contains(&island.config.pool, gpa & ~(PAGE_SIZE - 1),
				   PAGE_SIZE);
}

/*
 * Memory of root's own reads as zeros, and cannot be written or run: #GP(0),
 * which makes whoever did it oops as a wild pointer would. Where that happened
 * in the delivery of an event, event_plan() makes a double fault of it, as the
 * CPU does.
 *
 * What has no mapping lies above the part that was mapped beforehand, and is
 * mapped now. A read there finds what the bus has. Where EPT cannot map it,
 * no device or memory was known at load: #GP(0).
 *
 * Another CPU may have mapped the page meanwhile, so permission is looked up
 * afresh; and as rights are only added here, no other CPU has to be told
 * (SDM 3C, 29.4.3.1: the violation itself drops what this CPU had cached).
 */
struct exit_result handle_ept_violation(struct vcpu *vcpu)
{
	u64 gpa = vmread(GUEST_PHYSICAL_ADDRESS);
	u64 access = access_of(vmread(EXIT_QUALIFICATION));
	struct exit_result result = RESULT_RESUME;

	if (hidden(gpa)) {
		vcpu->config.public->pool_writes++;
		return RESULT_GP(0);
	}

	/* With TME-MK the bits above are no address: an alias of the pool, say */
	if (gpa >= island.config.phys_limit)
		return RESULT_GP(0);

	island_lock(vcpu);
	if (!ept_permits(&island.ept, gpa, access)) {
		if (ept_map_lazy(&island.ept, gpa, EPT_ALL, &island.config.mtrr))
			result = RESULT_GP(0);
		island_publish();
	}
	island_unlock();
	return result;
}

/* Root alone writes EPT entries, so only a fault of root's comes here. */
struct exit_result handle_ept_misconfig(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_LEAVE(LEAVE_EPT_MISCONFIG);
}
