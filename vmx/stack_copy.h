/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: copies of what is on parked stacks
 */
#ifndef CARAPACE_VMX_STACK_COPY_H
#define CARAPACE_VMX_STACK_COPY_H

#include "types.h"

struct stack;

void stack_copy(struct stack *stack, u64 record_pa, u64 sp);
void stack_copy_undo(struct stack *stack, u64 record_pa, u64 sp, u64 slot);

#endif /* CARAPACE_VMX_STACK_COPY_H */
