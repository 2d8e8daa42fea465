// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return guard: who calls choke points by way of another function
 *
 * Most callers of a choke point call a function that ends by jumping to it. To see
 * that takes root some thousand instructions, and an exit. So what it has seen it
 * writes to a table of the guest half's, read-only data that only root can write,
 * and the stub looks there before it asks. An entry is one word, for a CPU may read
 * it while another is writing: the address that is returned to in its lower half,
 * the choke point in its upper half, of which the upper halves are the same for all
 * code.
 *
 * What was seen is true until code changes. Then the whole table goes, before the
 * change: it is full again after some calls.
 */
#include "choke_callers.h"
#include "cpu_ops.h"
#include "region.h"
#include "vcpu.h"

static bool write_entry(struct vcpu *vcpu, u64 number, u64 entry)
{
	u64 table = island.config.returns.callers;

	return table && region_write_word(vcpu, table + number * sizeof(entry),
					  entry);
}

/**
 * choke_callers_note() - a call leads to a choke point
 * @vcpu: the CPU
 * @address: where it returns to
 * @function: where the call in the choke point's slot returns to
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void choke_callers_note(struct vcpu *vcpu, u64 address, u64 function)
{
	if (write_entry(vcpu, address % CHOKE_CALLERS,
			function << 32 | (u32)address))
		island.choke_callers = true;
}

/**
 * choke_callers_forget() - code changes, and calls may lead elsewhere
 * @vcpu: the CPU
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void choke_callers_forget(struct vcpu *vcpu)
{
	u32 i;

	if (!island.choke_callers)
		return;
	for (i = 0; i < CHOKE_CALLERS; i++)
		write_entry(vcpu, i, 0);
	island.choke_callers = false;
}
