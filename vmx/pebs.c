// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what the CPU records by itself, and the view in which it may
 *
 * Records of the debug store (PEBS, BTS) are written to linear addresses, by the page
 * tables and by the EPT that are in force: with the rights of the stub, in the shadow
 * view. There nearly all is read-only, so that PEBS of before Ice Lake servers, which
 * takes no EPT violation, does what the manual does not define. And where ring 0 has
 * the buffer lie over the shadow, a record with registers of its choice gets there,
 * whatever the CPU.
 *
 * So while PEBS is on, the CPU may not switch views by itself. Its VMFUNC exits, and
 * root does what the stub would have done (return_guard_vmfunc()).
 */
#include "cpu_ops.h"
#include "emulate.h"
#include "pebs.h"
#include "vcpu.h"
#include "x86.h"

/* For machines without PEBS: the MSR is not written, and all else is as if it were. */
static bool is_pretended(void)
{
#ifdef CARAPACE_TESTING
	return island.config.pebs_pretended;
#else
	return false;
#endif
}

/**
 * pebs_fill_msr_bitmap() - have writes exit that matter where there are two views
 * @bitmap: the MSR bitmaps, with what else exits
 *
 * Context: before the first CPU enters, after shadow_init().
 */
void pebs_fill_msr_bitmap(u8 bitmap[4096])
{
	if (!island.eptp_list_pa)
		return;
	emulate_intercept_write(bitmap, IA32_DS_AREA);
	if (perf_msr_count() > PERF_PEBS_ENABLE || is_pretended())
		emulate_intercept_write(bitmap, IA32_PEBS_ENABLE);
}

static void allow_views(bool allow)
{
	vmwrite(VM_FUNCTION_CONTROLS, allow ? VMFUNC_EPTP_SWITCHING : 0);
}

/**
 * pebs_enter() - allow a CPU to switch views, unless PEBS is on already
 * @vcpu: the CPU, with the MSRs that entries load
 *
 * Context: the CPU is about to enter.
 */
void pebs_enter(struct vcpu *vcpu)
{
	if (island.eptp_list_pa)
		allow_views(perf_msr_count() <= PERF_PEBS_ENABLE ||
			    !vcpu->perf_guest[PERF_PEBS_ENABLE].value);
}

/**
 * pebs_wrmsr() - WRMSR to IA32_PEBS_ENABLE
 * @vcpu: the CPU
 * @value: what the guest wants to write
 *
 * It is in force from the next entry on, which loads it. One that is not allowed would
 * have that entry fail, so the CPU is asked; no counter counts in root.
 *
 * Context: root, at the exit of the WRMSR.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result pebs_wrmsr(struct vcpu *vcpu, u64 value)
{
	if (!is_pretended()) {
		if (wrmsr_safe(IA32_PEBS_ENABLE, value))
			return RESULT_GP(0);
		wrmsr(IA32_PEBS_ENABLE, 0);
		vcpu->perf_guest[PERF_PEBS_ENABLE].value = value;
	}
	allow_views(!value);
	return RESULT_SKIP;
}
