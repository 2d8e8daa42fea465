/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: who calls a choke point
 */
#ifndef CARAPACE_VMX_CHOKE_CALL_H
#define CARAPACE_VMX_CHOKE_CALL_H

#include "types.h"

struct vcpu;

bool choke_call_known(struct vcpu *vcpu, u64 va, u64 function);

#endif /* CARAPACE_VMX_CHOKE_CALL_H */
