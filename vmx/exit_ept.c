// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: exits of accesses that EPT does not allow
 *
 * Another CPU may have made permitted meanwhile what was not, or an entry's old
 * rights may have been cached: so the rights are looked up afresh, with the
 * lock, before anything is called a violation. The violation itself drops what
 * this CPU had cached for the address (SDM 3C, 29.4.3.1).
 */
#include "cpu_ops.h"
#include "decoy.h"
#include "ept.h"
#include "exit.h"
#include "fetch.h"
#include "guest_walk.h"
#include "pins.h"
#include "seal.h"
#include "shootdown.h"
#include "store_write.h"
#include "string_write.h"
#include "vcpu.h"
#include "x86.h"

/*
 * Which right to execute counts is decided by the mode that the address belongs
 * to, not by the CPU's (SDM 3C, 29.3.3.2). Not every CPU's exit says which.
 */
static u64 exec_right(struct vcpu *vcpu)
{
	struct guest_mapping m;

	if (!(island.config.controls.secondary & SECONDARY_MODE_BASED_EXEC))
		return EPT_EXEC;
	if (guest_walk(vcpu, vmread(GUEST_LINEAR_ADDRESS), &m) && m.user)
		return EPT_EXEC_USER;
	return EPT_EXEC;
}

static u64 access_of(struct vcpu *vcpu, u64 qualification)
{
	u64 access = 0;

	if (qualification & EPT_VIOLATION_READ)
		access |= EPT_READ;
	if (qualification & EPT_VIOLATION_WRITE)
		access |= EPT_WRITE;
	if (qualification & EPT_VIOLATION_FETCH)
		access |= exec_right(vcpu);
	return access;
}

/*
 * An instruction that exits for its operand's sake, and writes where it may
 * not, needs both at once: else one would undo what the other prepared.
 */
static struct exit_result write_violation(struct vcpu *vcpu, u64 gpa)
{
	struct exit_result result;

	if (string_write(vcpu, gpa, &result) || store_write(vcpu, gpa, &result))
		return result;
	result = decoy_begin(vcpu, gpa);
	if (vcpu->decoy.active && vcpu->retried)
		return pins_try(vcpu);
	return result;
}

/*
 * Memory of root's own reads as zeros. What has no mapping lies above the part
 * that was mapped beforehand, and is mapped now; a read there finds what the bus
 * has. Where EPT cannot map it, no device or memory was known at load: #GP(0).
 */
static struct exit_result violation(struct vcpu *vcpu, u64 gpa, u64 access)
{
	if (ept_permits(&island.ept, gpa, access))
		return RESULT_RESUME;
	if (root_owns(gpa))
		vcpu->config.public->pool_accesses++;
	else if (!ept_lookup(&island.ept, gpa, NULL))
		return ept_map_lazy(&island.ept, gpa, seal_rights(CLASS_DATA),
				    &island.config.mtrr) ?
		       RESULT_GP(0) : RESULT_RESUME;

	if (ept_class(&island.ept, gpa) == CLASS_RELEASED) {
		seal_flush_released(vcpu);
		if (ept_permits(&island.ept, gpa, access))
			return RESULT_RESUME;
	}
	if (access & EPT_WRITE)
		return write_violation(vcpu, gpa);
	if (access & (EPT_EXEC | EPT_EXEC_USER))
		return fetch_violation(vcpu, gpa, access);
	/* Everything that is mapped can be read. */
	return RESULT_GP(0);
}

struct exit_result handle_ept_violation(struct vcpu *vcpu)
{
	u64 gpa = vmread(GUEST_PHYSICAL_ADDRESS);
	u64 access = access_of(vcpu, vmread(EXIT_QUALIFICATION));
	struct exit_result result;

	/* With TME-MK the bits above are no address: an alias of the pool, say */
	if (gpa >= island.config.phys_limit)
		return RESULT_GP(0);

	island_lock(vcpu);
	result = violation(vcpu, gpa, access);
	island_publish();
	island_unlock();
	return result;
}

/* Root alone writes EPT entries, so only a fault of root's comes here. */
struct exit_result handle_ept_misconfig(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_LEAVE(LEAVE_EPT_MISCONFIG);
}
