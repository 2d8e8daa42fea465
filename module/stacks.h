/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: the guest half
 */
#ifndef CARAPACE_MODULE_STACKS_H
#define CARAPACE_MODULE_STACKS_H

#include <linux/types.h>

struct island_config;
struct kprobe;

int stacks_prepare(void);
void stacks_describe(struct island_config *config);
int stacks_arm(void);
int stacks_disarm(void);
int stacks_can_freeze(void);
bool stacks_jump_is_under(const struct kprobe *probe);
void stacks_unsettled(void);
void stacks_stop(void);

#endif /* CARAPACE_MODULE_STACKS_H */
