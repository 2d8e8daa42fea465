// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: calls of guarded functions, and by which words their callers go on
 */
#include "frozen.h"

static u32 first_word(const struct frozen *f, u32 call)
{
	return call ? f->call[call - 1].end : 0;
}

static void forget_behind(struct frozen *f)
{
	u32 i;

	for (i = f->nr; i < FROZEN_CALLS; i++)
		f->call[i].slot = 0;
}

/**
 * frozen_renew() - drop what does not hold any more
 * @f: what is noted
 * @epoch: what is older may have returned, or been called, without being seen
 * @tables: what was found by others than these may be wrong the next time
 *
 * Context: pure.
 */
void frozen_renew(struct frozen *f, u64 epoch, u64 tables)
{
	if (f->epoch != epoch)
		f->nr = 0;
	if (f->epoch != epoch || f->tables != tables)
		forget_behind(f);
	f->epoch = epoch;
	f->tables = tables;
}

/**
 * frozen_return_to() - calls that are deeper are over, and one at this place, too
 * @f: what is noted
 * @slot: a place in the stack
 *
 * Context: pure.
 */
void frozen_return_to(struct frozen *f, u16 slot)
{
	while (f->nr && f->call[f->nr - 1].slot <= slot)
		f->nr--;
}

/**
 * frozen_was() - whether a call is the one that was made at this depth the last time
 * @f: what is noted
 * @call: the call; @end and @shares are of no account
 *
 * Context: pure.
 *
 * Return: whether frozen_words() has its words at f->nr, and frozen_again() may do,
 * if all of them are as they were.
 */
bool frozen_was(const struct frozen *f, const struct frozen_call *call)
{
	const struct frozen_call *last = &f->call[f->nr];

	return f->nr < FROZEN_CALLS && last->slot && last->slot == call->slot &&
	       last->address == call->address && last->bp == call->bp;
}

/**
 * frozen_again() - that call is under way again
 * @f: what is noted
 *
 * Context: pure.
 */
void frozen_again(struct frozen *f)
{
	f->nr++;
}

/*
 * How many of a call's words are its own: all, or those up to the call before it,
 * where that one has noted the rest just as it is now
 */
static u32 count_own(const struct frozen *f, const struct stack_words *words)
{
	u32 own = 0, i = f->nr, k, n;

	while (i && own < words->nr && words->offset[own] <= f->call[i - 1].slot)
		own++;
	for (n = own; i--;) {
		for (k = first_word(f, i); k < f->call[i].end; k++, n++) {
			if (n == words->nr || words->offset[n] != f->offset[k] ||
			    words->value[n] != f->value[k])
				return words->nr;
		}
		if (!f->call[i].shares)
			break;
	}
	return n == words->nr ? own : words->nr;
}

/* Whether a call is still under way: what it returns by is among the words. */
static bool is_under_way(const struct frozen_call *call,
			 const struct stack_words *words)
{
	u32 i;

	for (i = 0; i < words->nr; i++) {
		if (words->offset[i] == call->slot)
			return words->value[i] == call->address;
	}
	return false;
}

/**
 * frozen_add() - a call
 * @f: what is noted
 * @call: the call; @end and @shares are of no account
 * @words: by which its callers go on
 * @whole: these are all
 *
 * Others may be over without frozen_end(): a function that ends by jumping to
 * another one does not return itself. They are dropped if that can be told.
 *
 * Context: pure.
 *
 * Return: false where there is no room, and it is not noted.
 */
bool frozen_add(struct frozen *f, const struct frozen_call *call,
		const struct stack_words *words, bool whole)
{
	u32 first, own, i;

	while (whole && f->nr && !is_under_way(&f->call[f->nr - 1], words))
		f->nr--;
	first = first_word(f, f->nr);
	own = count_own(f, words);
	if (f->nr == FROZEN_CALLS || first + own > FROZEN_WORDS)
		return false;
	for (i = 0; i < own; i++) {
		f->offset[first + i] = words->offset[i];
		f->value[first + i] = words->value[i];
	}
	f->call[f->nr] = *call;
	f->call[f->nr].end = first + own;
	f->call[f->nr].shares = own < words->nr;
	f->nr++;
	forget_behind(f);
	return true;
}

/**
 * frozen_end() - a function returns
 * @f: what is noted
 * @slot: where its return address is, in the stack
 *
 * Context: pure.
 *
 * Return: whether its call was noted: frozen_words() has it at f->nr.
 */
bool frozen_end(struct frozen *f, u16 slot)
{
	while (f->nr && f->call[f->nr - 1].slot < slot)
		f->nr--;
	if (!f->nr || f->call[f->nr - 1].slot != slot)
		return false;
	f->nr--;
	return true;
}

/**
 * frozen_ended() - whether the last one that has ended is of this place
 * @f: what is noted
 * @slot: where its return address was, in the stack
 *
 * Context: pure.
 *
 * Return: whether frozen_words() still has it at f->nr.
 */
bool frozen_ended(const struct frozen *f, u16 slot)
{
	return f->nr < FROZEN_CALLS && slot && f->call[f->nr].slot == slot;
}

/**
 * frozen_words() - the words of a call
 * @f: what is noted
 * @call: its number
 * @words: set to its own ones
 *
 * Context: pure.
 *
 * Return: whether those of the call before it are its, too.
 */
bool frozen_words(const struct frozen *f, u32 call, struct stack_words *words)
{
	u32 first = first_word(f, call), i;

	words->nr = f->call[call].end - first;
	for (i = 0; i < words->nr; i++) {
		words->offset[i] = f->offset[first + i];
		words->value[i] = f->value[first + i];
	}
	return f->call[call].shares;
}
