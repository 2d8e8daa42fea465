/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: the words that the stubs compute with
 */
#ifndef CARAPACE_VMX_STUB_WORDS_H
#define CARAPACE_VMX_STUB_WORDS_H

#include "types.h"

struct vcpu;

void stub_words_set(struct vcpu *vcpu);
void stub_callers_note(struct vcpu *vcpu, u64 address, u64 function);
void stub_callers_forget(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_STUB_WORDS_H */
