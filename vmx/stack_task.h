/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: which stack is a task's
 */
#ifndef CARAPACE_VMX_STACK_TASK_H
#define CARAPACE_VMX_STACK_TASK_H

#include "types.h"

struct vcpu;

void stack_task_link(struct vcpu *vcpu, u64 record_pa, u64 task);
void stack_task_unlink(struct vcpu *vcpu, u64 record_pa, u64 task);
u64 stack_task_find(struct vcpu *vcpu, u64 task, u64 *base);
void stack_task_none(void);
void stack_task_let_go(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_STACK_TASK_H */
