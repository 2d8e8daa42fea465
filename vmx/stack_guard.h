/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: parked stacks
 */
#ifndef CARAPACE_VMX_STACK_GUARD_H
#define CARAPACE_VMX_STACK_GUARD_H

#include "exit.h"
#include "types.h"

struct vcpu;

struct exit_result stack_guard_switch(struct vcpu *vcpu);
int stack_guard_arm(struct vcpu *vcpu, u64 on);

#endif /* CARAPACE_VMX_STACK_GUARD_H */
