/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what the CPU records by itself, and the view in which it may
 */
#ifndef CARAPACE_VMX_PEBS_H
#define CARAPACE_VMX_PEBS_H

#include "types.h"

void pebs_fill_msr_bitmap(u8 bitmap[4096]);

#endif /* CARAPACE_VMX_PEBS_H */
