/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what root keeps of each stack of Linux's, on a page of its own
 */
#ifndef CARAPACE_VMX_STACK_RECORD_H
#define CARAPACE_VMX_STACK_RECORD_H

#include "frozen.h"
#include "types.h"

struct vcpu;

/*
 * Most stacks are not used for more. Of those that are, the innermost words and the
 * outermost: there is what user mode goes on with.
 */
#define STACK_COPIED		184
#define STACK_COPIED_INNERMOST	104

/* In the place of a stack pointer */
#define STACK_FREE	0	/* no task's, or its task has never run, or is dead */
#define STACK_RUNS	1

/**
 * struct stack_record - what root knows of a stack
 * @base: its lowest address
 * @next: the record of the next one in the same list (stack_task.c), or 0
 * @task: whose it is, unless it is free
 * @sp: where its task left it, or one of the above
 * @words: what is compared as it goes on
 * @copied: whether there is a @copy
 * @copy: what was on the stack, from @sp on and up to its end: to undo what was
 *	written together with such a word
 * @frozen: the frames of who has called a guarded function
 */
struct stack_record {
	u64 base;
	u64 next;
	u64 task;
	u64 sp;
	struct stack_words words;
	bool copied;
	u64 copy[STACK_COPIED];
	struct frozen frozen;
};

_Static_assert(sizeof(struct stack_record) <= PAGE_SIZE, "a page");

u64 stack_record_base(u64 sp);
u64 stack_record_make(struct vcpu *vcpu, u64 base);
u64 stack_record_hold_or_make(struct vcpu *vcpu, u64 base, bool left);
u64 stack_record_hold(struct vcpu *vcpu, u64 base);
bool stack_record_missed(struct vcpu *vcpu, u64 base);
struct stack_record *stack_record_show(struct vcpu *vcpu, u64 record_pa);
void stack_record_set(struct vcpu *vcpu, u64 record_pa, u64 task, u64 sp);
void stack_record_free(struct vcpu *vcpu, u64 record_pa);
void stack_record_free_all(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_STACK_RECORD_H */
