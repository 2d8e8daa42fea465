/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: pages of the shadow whose stacks are gone
 */
#ifndef CARAPACE_VMX_SHADOW_RECLAIM_H
#define CARAPACE_VMX_SHADOW_RECLAIM_H

#include "types.h"

struct vcpu;

bool shadow_find_room(struct vcpu *vcpu);
void shadow_entry_replace(struct vcpu *vcpu, u64 pa, u64 page, u64 entry);

#endif /* CARAPACE_VMX_SHADOW_RECLAIM_H */
