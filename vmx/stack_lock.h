/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: whose turn it is with what root keeps of a stack
 */
#ifndef CARAPACE_VMX_STACK_LOCK_H
#define CARAPACE_VMX_STACK_LOCK_H

#include "types.h"

struct vcpu;

void stack_lock(struct vcpu *vcpu, u64 base);
void stack_unlock(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_STACK_LOCK_H */
