// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: copies of what is on parked stacks
 *
 * Where a task goes on is compared (stack_guard.c). Who writes such a word mostly writes
 * those next to it, too. Others write to the stack for good reasons, so a copy cannot
 * tell that something is wrong; where that is known it tells what to undo.
 */
#include "memory.h"
#include "stack_copy.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vcpu.h"

/* As many at a time: the window shows either the one page or the other */
#define COPY_AT_ONCE	64

static u64 stack_end(u64 base)
{
	return base + island.config.returns.stack_size;
}

/* How many words there are from there to the stack's end */
static u64 words_from(u64 base, u64 at)
{
	return (stack_end(base) - at) / sizeof(u64);
}

/* How many are copied behind the innermost: up to the stack's end */
static u32 nr_outermost(u64 total)
{
	const u32 room = STACK_COPIED - STACK_COPIED_INNERMOST;

	if (total <= STACK_COPIED_INNERMOST)
		return 0;
	total -= STACK_COPIED_INNERMOST;
	return total < room ? total : room;
}

/* Where a copy of a word is; STACK_COPIED where there is none */
static u32 copy_number(u64 base, u64 sp, u64 at)
{
	u64 total = words_from(base, sp), number = (at - sp) / sizeof(u64);
	u32 outermost = nr_outermost(total);

	if (at < sp || number >= total)
		return STACK_COPIED;
	if (number < STACK_COPIED_INNERMOST)
		return number;
	return total - number <= outermost ?
	       STACK_COPIED_INNERMOST + outermost - (total - number) : STACK_COPIED;
}

/* All of them to where copy_number() says of the first */
static bool copy_words(struct stack *stack, u64 record_pa, u64 sp, u64 at, u32 nr)
{
	u32 number = copy_number(stack->base, sp, at), done, piece;
	u64 words[COPY_AT_ONCE];

	for (done = 0; done < nr; done += piece) {
		piece = nr - done < COPY_AT_ONCE ? nr - done : COPY_AT_ONCE;
		piece = stack_read_words(stack, at + done * sizeof(u64), words, piece);
		if (!piece)
			return false;
		memcpy(stack_record_show(stack->vcpu, record_pa)->copy + number + done,
		       words, piece * sizeof(u64));
	}
	return true;
}

/**
 * stack_copy() - copy what is on a stack to its record, as far as there is room
 * @stack: the stack
 * @record_pa: its record
 * @sp: from here on, up to its end
 *
 * Context: root, after stack_record_hold(), or with the lock and stack_lock(). Ends what
 *	the window showed.
 */
void stack_copy(struct stack *stack, u64 record_pa, u64 sp)
{
	u64 total = words_from(stack->base, sp);
	u32 outermost = nr_outermost(total);
	u32 innermost = outermost ? STACK_COPIED_INNERMOST : total;
	bool copied;

	copied = copy_words(stack, record_pa, sp, sp, innermost) &&
		 copy_words(stack, record_pa, sp,
			    stack_end(stack->base) - outermost * sizeof(u64),
			    outermost);
	stack_record_show(stack->vcpu, record_pa)->copied = copied;
}

/* One word, as it was; false where it is, or where there is no copy of it */
static bool undo_word(struct stack *stack, u64 record_pa, u64 sp, u64 at)
{
	const struct stack_record *record = stack_record_show(stack->vcpu, record_pa);
	u32 number = copy_number(stack->base, sp, at);
	u64 copy, found;

	if (!record->copied || number == STACK_COPIED)
		return false;
	copy = record->copy[number];
	return stack_read(stack, at, &found) && found != copy &&
	       stack_write(stack, at, copy);
}

/*
 * What was written from a word on, outwards. Of the registers that entering the kernel
 * has saved all goes back: a chain of returns that reaches them has words in common
 * with them (zeros), and user mode would go on with what is beyond those.
 */
static void undo_outwards(struct stack *stack, u64 record_pa, u64 sp, u64 at)
{
	const u64 entry = stack->base + island.config.stacks.fork_slot + sizeof(u64);

	while (at < stack_end(stack->base) &&
	       (undo_word(stack, record_pa, sp, at) || at >= entry))
		at += sizeof(u64);
}

/**
 * stack_copy_undo() - undo what was written together with a word
 * @stack: the stack
 * @record_pa: its record
 * @sp: where its task left it, and stack_copy() began
 * @slot: the word's address; the word itself is left alone
 *
 * Next to it on both sides, as far as it is not as it was. What Linux has written stays:
 * that is apart from it.
 *
 * Context: as stack_copy().
 */
void stack_copy_undo(struct stack *stack, u64 record_pa, u64 sp, u64 slot)
{
	u64 at;

	for (at = slot - sizeof(u64); undo_word(stack, record_pa, sp, at);)
		at -= sizeof(u64);
	undo_outwards(stack, record_pa, sp, slot + sizeof(u64));
}
