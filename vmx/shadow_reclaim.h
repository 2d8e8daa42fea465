/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: pages of the shadow whose stacks are gone
 */
#ifndef CARAPACE_VMX_SHADOW_RECLAIM_H
#define CARAPACE_VMX_SHADOW_RECLAIM_H

#include "types.h"

struct vcpu;

bool shadow_find_room(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_SHADOW_RECLAIM_H */
