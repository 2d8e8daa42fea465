/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: where the pages are on which root keeps what it knows of stacks
 *
 * What is on such a page: stack_record.h.
 */
#ifndef CARAPACE_VMX_SHADOW_RECORD_H
#define CARAPACE_VMX_SHADOW_RECORD_H

#include "types.h"

struct vcpu;

u64 shadow_record(struct vcpu *vcpu, u64 stack);
u64 shadow_record_make(struct vcpu *vcpu, u64 stack);
u64 shadow_record_next(struct vcpu *vcpu, u64 *stack);
void shadow_record_miss(struct vcpu *vcpu, u64 stack, bool missed);
bool shadow_record_missed(struct vcpu *vcpu, u64 stack);

#endif /* CARAPACE_VMX_SHADOW_RECORD_H */
