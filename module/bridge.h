/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the bridge: a page table with both Linux and the island
 *
 * Entering and leaving need both mapped at once. Each CPU has a page of its
 * own, made a copy of the top-level table that it uses at that moment, plus the
 * island's slot; it is in CR3 for the time of one call. No table that Linux
 * uses is changed, so other CPUs see nothing, and nothing has to be undone.
 */
#ifndef CARAPACE_MODULE_BRIDGE_H
#define CARAPACE_MODULE_BRIDGE_H

#include <linux/types.h>

int bridge_allocate(void);
void bridge_free(void);
bool bridge_exists(unsigned int cpu);
bool bridge_slot_is_free(void);

u64 bridge_call(u64 slot_entry, u64 function, u64 argument);
long bridge_hypercall(u64 slot_entry, u64 number);
void bridge_flush_all_cpus(void);

/* bridge_entry.S */
u64 bridge_call_asm(u64 cr3, u64 function, u64 argument);
long bridge_hypercall_asm(u64 cr3, u64 number);
long hypercall(u64 number, u64 first, u64 second);
void flush_all_translations(void);

#endif /* CARAPACE_MODULE_BRIDGE_H */
