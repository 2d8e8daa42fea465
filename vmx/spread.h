/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: which list, or which lock, something has among many
 */
#ifndef CARAPACE_VMX_SPREAD_H
#define CARAPACE_VMX_SPREAD_H

#include "types.h"

/**
 * spread() - one of some, by a number
 * @number: of the thing
 * @of: how many there are, a power of two
 *
 * What Linux allocates lies at like distances: of the numbers modulo a power of two only
 * some would come up. So they are multiplied by 2^64 divided by the golden ratio, and
 * the highest bits decide.
 *
 * Context: pure.
 *
 * Return: less than @of.
 */
static inline u64 spread(u64 number, u64 of)
{
	return number * 0x9e3779b97f4a7c15ULL / (~0ULL / of + 1);
}

#endif /* CARAPACE_VMX_SPREAD_H */
