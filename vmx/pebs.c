// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what the CPU records by itself, and the view in which it may
 *
 * Records of the debug store (PEBS, BTS) are written to linear addresses, by the page
 * tables and by the EPT that are in force: with the rights of the stub, in the shadow
 * view.
 */
#include "emulate.h"
#include "pebs.h"
#include "vcpu.h"
#include "x86.h"

/**
 * pebs_fill_msr_bitmap() - have writes exit that matter where there are two views
 * @bitmap: the MSR bitmaps, with what else exits
 *
 * Context: before the first CPU enters, after shadow_init().
 */
void pebs_fill_msr_bitmap(u8 bitmap[4096])
{
	if (island.eptp_list_pa)
		emulate_intercept_write(bitmap, IA32_DS_AREA);
}
