/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: KVM's steal time, where KVM is underneath
 */
#ifndef CARAPACE_VMX_STEAL_TIME_H
#define CARAPACE_VMX_STEAL_TIME_H

#include "exit.h"
#include "types.h"

struct vcpu;

void steal_time_take(struct vcpu *vcpu);
struct exit_result steal_time_write(struct vcpu *vcpu, u64 value);
void steal_time_give_back(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_STEAL_TIME_H */
