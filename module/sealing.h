/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what of the kernel is code, as Linux knows it
 */
#ifndef CARAPACE_MODULE_SEALING_H
#define CARAPACE_MODULE_SEALING_H

#include <linux/types.h>

struct island_config;

int sealing_prepare(void);
void sealing_describe(struct island_config *config);
u32 sealing_max_sites(void);
void sealing_prepared(void);
int sealing_seal_own(void);
int sealing_start(void);
int sealing_seal_existing(void);
void sealing_stop(void);

#endif /* CARAPACE_MODULE_SEALING_H */
