/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: memory and addresses for the return addresses' shadow
 */
#ifndef CARAPACE_MODULE_SHADOW_MEMORY_H
#define CARAPACE_MODULE_SHADOW_MEMORY_H

#include <linux/types.h>

struct returns_config;

/* Where there was none, until it is asked for again */
#define RETRY_SECONDS	10

int shadow_memory_prepare(void);
void shadow_memory_describe(struct returns_config *config);
void shadow_memory_release(void);
int shadow_memory_start(void);
void shadow_memory_stop(void);
int shadow_memory_need(u32 pages);

#endif /* CARAPACE_MODULE_SHADOW_MEMORY_H */
