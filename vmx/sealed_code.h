/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what stands in sealed code, by the kernel's addresses
 */
#ifndef CARAPACE_VMX_SEALED_CODE_H
#define CARAPACE_VMX_SEALED_CODE_H

#include "types.h"

struct vcpu;

bool sealed_code_follows_call(struct vcpu *vcpu, u64 va);
bool sealed_code_has_endbr(struct vcpu *vcpu, u64 va);
bool sealed_code_begins_function(struct vcpu *vcpu, u64 va);
bool sealed_code_is_entry(struct vcpu *vcpu, u64 va);
bool is_return_thunk(u64 va);

#endif /* CARAPACE_VMX_SEALED_CODE_H */
