/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: parked stacks
 */
#ifndef CARAPACE_VMX_STACK_GUARD_H
#define CARAPACE_VMX_STACK_GUARD_H

#include "exit.h"
#include "types.h"

struct vcpu;

/* Of a stack: deeper ones have their outer frames left out */
#define STACK_WORDS	72

/**
 * struct stack_words - words of a stack, in the order of their addresses
 * @nr: how many
 * @offset: of each, in the stack
 * @value: what is there
 */
struct stack_words {
	u32 nr;
	u16 offset[STACK_WORDS];
	u64 value[STACK_WORDS];
};

struct exit_result stack_guard_switch(struct vcpu *vcpu);
int stack_guard_arm(struct vcpu *vcpu, u64 on);
int stack_guard_note(struct vcpu *vcpu, u64 task);
int stack_guard_settle(struct vcpu *vcpu, u64 unused);
void stack_guard_cpu_changes(void);

#endif /* CARAPACE_VMX_STACK_GUARD_H */
