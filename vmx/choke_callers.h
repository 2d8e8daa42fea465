/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: who calls choke points by way of another function
 */
#ifndef CARAPACE_VMX_CHOKE_CALLERS_H
#define CARAPACE_VMX_CHOKE_CALLERS_H

#include "types.h"

struct vcpu;

void choke_callers_note(struct vcpu *vcpu, u64 address, u64 function);
void choke_callers_forget(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_CHOKE_CALLERS_H */
