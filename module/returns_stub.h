/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: what runs at a guarded function's entry and return
 */
#ifndef CARAPACE_MODULE_RETURNS_STUB_H
#define CARAPACE_MODULE_RETURNS_STUB_H

#include <linux/types.h>

/* Addresses of code, for jumps and calls; not to be called from C */
extern const char returns_ask_choke[], returns_ask[], returns_stored[];
extern const char returns_shadow_begin[], returns_shadow_choke[];
extern const char returns_entry[], returns_entry_ask[], returns_entry_choke[],
		  returns_entry_choke_ask[], returns_check[], returns_blocked[];
extern const char returns_jumps[], returns_check_jump[], returns_blocked_jump[];

/* What the stubs compute with, in their page: vmx/stub_words.c */
extern const char returns_words[];

/* What those that block call: blocked.c */
void return_was_blocked(u64 address);

#endif /* CARAPACE_MODULE_RETURNS_STUB_H */
