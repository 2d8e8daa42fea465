/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: whether an address can be one that a call returns to
 */
#ifndef CARAPACE_PROTECT_CALL_SITE_H
#define CARAPACE_PROTECT_CALL_SITE_H

#include "types.h"

/* The longest call that a kernel has: prefix, REX, opcode, ModRM, SIB, disp32 */
#define CALL_LONGEST	9
/* A direct one */
#define CALL_NEAR	5

bool call_ends_here(const u8 bytes[CALL_LONGEST]);
bool call_target(const u8 bytes[CALL_NEAR], u64 va, u64 *target);
bool jump_target(const u8 bytes[CALL_NEAR], u64 va, u64 *target);

#endif /* CARAPACE_PROTECT_CALL_SITE_H */
