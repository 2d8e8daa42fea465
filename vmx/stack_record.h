/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what root keeps of each stack of Linux's, on a page of its own
 */
#ifndef CARAPACE_VMX_STACK_RECORD_H
#define CARAPACE_VMX_STACK_RECORD_H

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

/* Calls into guarded functions, one within the other, and words of all of them */
#define FREEZES		6
#define FROZEN_WORDS	160

/**
 * struct freeze - a call of a guarded function by core kernel code
 * @address: where it returns to
 * @bp: its caller's RBP
 * @slot: offset of its return address in the stack; 0 where there is none
 * @end: number of the first word that is not its own
 * @shares: its callers further out are those that the call before it has noted
 */
struct freeze {
	u64 address;
	u64 bp;
	u16 slot;
	u16 end;
	bool shares;
};

/**
 * struct frozen_frames - words that its callers go on by
 * @epoch: since when all this holds
 * @tables: of which unwind tables it was found by
 * @nr: of @freeze: calls that are under way, outermost first. What comes behind them
 *	was, and may be again.
 * @freeze: calls
 * @offset: of each word, in the stack
 * @value: what is there
 */
struct frozen_frames {
	u64 epoch;
	u64 tables;
	u32 nr;
	struct freeze freeze[FREEZES];
	u16 offset[FROZEN_WORDS];
	u64 value[FROZEN_WORDS];
};

/* Of the innermost frames; most stacks are not used for more. */
#define STACK_COPIED	184

/* In the place of a stack pointer */
#define STACK_FREE	0	/* no task's, or its task has never run, or is dead */
#define STACK_RUNS	1

/**
 * struct stack_record - what root knows of a stack
 * @task: whose it is
 * @sp: where its task left it, or one of the above
 * @words: what is compared as it goes on
 * @copied: how many words there are of @copy
 * @copy: what was on the stack, from @sp on: to undo what was written together with
 *	such a word
 * @frozen: the frames of who has called a guarded function
 */
struct stack_record {
	u64 task;
	u64 sp;
	struct stack_words words;
	u32 copied;
	u64 copy[STACK_COPIED];
	struct frozen_frames frozen;
};

_Static_assert(sizeof(struct stack_record) <= PAGE_SIZE, "a page");

u64 stack_record_base(u64 sp);
u64 stack_record(struct vcpu *vcpu, u64 base);
u64 stack_record_make(struct vcpu *vcpu, u64 base);
u64 stack_record_made(struct vcpu *vcpu, u64 base);
struct stack_record *stack_record_show(struct vcpu *vcpu, u64 record_pa);

#endif /* CARAPACE_VMX_STACK_RECORD_H */
