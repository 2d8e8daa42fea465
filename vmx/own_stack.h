/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the shadow of stacks that belong to a CPU
 */
#ifndef CARAPACE_VMX_OWN_STACK_H
#define CARAPACE_VMX_OWN_STACK_H

#include "returns.h"
#include "types.h"

struct vcpu;

#define OWN_STACK_WORDS	64

/**
 * struct own_stack_word - a shadow of a word of a stack that is a CPU's own
 * @stack: where on the stack; 0 for none
 * @word: the shadow
 */
struct own_stack_word {
	u64 stack;
	struct shadow_word word;
};

bool own_stack_is(u64 stack);
void own_stack_write(struct vcpu *vcpu, u64 stack, struct shadow_word word);
bool own_stack_read(struct vcpu *vcpu, u64 stack, struct shadow_word *word);

#endif /* CARAPACE_VMX_OWN_STACK_H */
