/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: from when on parked stacks are compared
 */
#ifndef CARAPACE_VMX_STACK_SETTLE_H
#define CARAPACE_VMX_STACK_SETTLE_H

#include "types.h"

struct vcpu;

int stack_settle_note(struct vcpu *vcpu, u64 task);
int stack_settle(struct vcpu *vcpu, u64 done);
void stack_settle_cpu_changes(void);

#endif /* CARAPACE_VMX_STACK_SETTLE_H */
