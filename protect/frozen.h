/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: calls of guarded functions, and by which words their callers go on
 *
 * Pure. For each stack: calls that are under way, one within the other. What was
 * noted for one that is over stays until another takes its place, for mostly the
 * next one is the same.
 */
#ifndef CARAPACE_PROTECT_FROZEN_H
#define CARAPACE_PROTECT_FROZEN_H

#include "types.h"

/*
 * Of a stack. Of a deeper one that is parked, what is in the middle is left out: the
 * innermost words stay, the outermost take turns in what is left.
 */
#define STACK_WORDS	72
#define STACK_INNERMOST	32

/**
 * struct stack_words - words of a stack, in the order of their addresses
 * @nr: how many
 * @left_out: how many more there were, and then the last ones are in no order
 * @offset: of each, in the stack
 * @value: what is there
 */
struct stack_words {
	u32 nr;
	u32 left_out;
	u16 offset[STACK_WORDS];
	u64 value[STACK_WORDS];
};

/* Calls, and words of all of them */
#define FROZEN_CALLS	6
#define FROZEN_WORDS	160

/**
 * struct frozen_call - a call of a guarded function
 * @address: where it returns to
 * @bp: its caller's RBP
 * @slot: offset of its return address in the stack; 0 where there is none
 * @end: number of the first word that is not its own
 * @shares: its callers further out are those that the call before it has noted
 */
struct frozen_call {
	u64 address;
	u64 bp;
	u16 slot;
	u16 end;
	bool shares;
};

/**
 * struct frozen - all that is noted of a stack
 * @epoch: since when it holds
 * @tables: of which unwind tables it was found by
 * @nr: calls that are under way, outermost first
 * @call: they, and behind them those that were
 * @offset: of each word, in the stack
 * @value: what is there
 */
struct frozen {
	u64 epoch;
	u64 tables;
	u32 nr;
	struct frozen_call call[FROZEN_CALLS];
	u16 offset[FROZEN_WORDS];
	u64 value[FROZEN_WORDS];
};

void frozen_renew(struct frozen *f, u64 epoch, u64 tables);
void frozen_return_to(struct frozen *f, u16 slot);
bool frozen_was(const struct frozen *f, const struct frozen_call *call);
void frozen_again(struct frozen *f);
bool frozen_add(struct frozen *f, const struct frozen_call *call,
		const struct stack_words *words, bool whole);
bool frozen_end(struct frozen *f, u16 slot);
bool frozen_ended(const struct frozen *f, u16 slot);
bool frozen_words(const struct frozen *f, u32 call, struct stack_words *words);

#endif /* CARAPACE_PROTECT_FROZEN_H */
