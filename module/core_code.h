/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what of the core kernel is code, as root is told when it is loaded
 */
#ifndef CARAPACE_MODULE_CORE_CODE_H
#define CARAPACE_MODULE_CORE_CODE_H

#include <linux/types.h>

struct island_config;

int core_code_find(void);
void core_code_describe(struct island_config *config);
u32 core_code_max_sites(void);
void core_code_forget(void);
bool is_mapped_as_code(u64 va, u64 *size);

#endif /* CARAPACE_MODULE_CORE_CODE_H */
