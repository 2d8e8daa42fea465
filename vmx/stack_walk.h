/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: a look at a stack of Linux's: what is on it, and where it leads
 */
#ifndef CARAPACE_VMX_STACK_WALK_H
#define CARAPACE_VMX_STACK_WALK_H

#include "types.h"
#include "unwind.h"

struct stack_words;
struct vcpu;

/* Of the largest stack that a kernel has */
#define STACK_PAGES_MAX	8

/**
 * struct stack - a stack
 * @vcpu: the CPU that looks
 * @base: its lowest address
 * @frame: the physical addresses of its pages, as far as they were needed; 0
 */
struct stack {
	struct vcpu *vcpu;
	u64 base;
	u64 frame[STACK_PAGES_MAX];
};

/* Pages that the core kernel's unwind tables share with something else */
enum unwind_edge {
	UNWIND_FIRST,
	UNWIND_LAST,
	UNWIND_EDGES,
};

/* Which words are noted: also those that an exception has saved, or not */
enum stack_walk_words {
	STACK_WALK_ALL,
	STACK_WALK_CALLS,
};

int stack_walk_init(void);
bool stack_read(struct stack *stack, u64 va, u64 *word);
u32 stack_read_words(struct stack *stack, u64 va, u64 *words, u32 nr);
bool stack_write(struct stack *stack, u64 va, u64 word);
bool stack_note(struct stack *stack, struct stack_words *words, u64 at);
bool stack_walk(struct stack *stack, struct unwind_frame *frame,
		struct stack_words *words, enum stack_walk_words which);
bool stack_is_entry(struct vcpu *vcpu, u64 ip);
int stack_unwind_request(struct vcpu *vcpu, u64 va);

#endif /* CARAPACE_VMX_STACK_WALK_H */
