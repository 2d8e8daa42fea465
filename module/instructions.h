/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: where an instruction ends
 */
#ifndef CARAPACE_MODULE_INSTRUCTIONS_H
#define CARAPACE_MODULE_INSTRUCTIONS_H

#include <linux/types.h>

int instructions_prepare(void);
u32 instruction_length(unsigned long va);

#endif /* CARAPACE_MODULE_INSTRUCTIONS_H */
