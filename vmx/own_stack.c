// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the shadow of stacks that belong to a CPU
 *
 * What exceptions run on, and what the first CPU idles on, are not in the window. Guarded
 * functions are seldom called there, and not many one within the other; so each CPU has
 * some words, and root keeps them. No two CPUs have the same such stack, so there is no
 * lock. They stay when the CPU leaves, as stacks do.
 */
#include "own_stack.h"
#include "vcpu.h"

/**
 * own_stack_is() - whether an address is in such a stack
 * @stack: the address
 *
 * Context: root.
 */
bool own_stack_is(u64 stack)
{
	const struct returns_config *c = &island.config.returns;

	return stack - c->percpu < c->percpu_size ||
	       stack - c->boot_stack < c->stack_size;
}

/* Where a word is, or may be; NULL where all places are taken */
static struct own_stack_word *place_of(struct vcpu *vcpu, u64 stack)
{
	struct own_stack_word *w = vcpu->own_stack, *place = NULL;
	u32 i;

	for (i = 0; i < OWN_STACK_WORDS; i++) {
		if (w[i].stack == stack)
			return &w[i];
		if (!w[i].stack)
			place = &w[i];
	}
	return place;
}

/*
 * For good: what is missed now is asked for when there are places again, and one mark
 * for all has no end that is known.
 */
static void note_missed(struct vcpu *vcpu, u64 stack)
{
	if (!vcpu->own_stack_missed || stack < vcpu->own_stack_missed)
		vcpu->own_stack_missed = stack;
	if (stack > vcpu->own_stack_missed_to)
		vcpu->own_stack_missed_to = stack;
}

/**
 * own_stack_write() - store the shadow of a word
 * @vcpu: the CPU
 * @stack: where the word is; deeper words in that page are of the past
 * @word: its shadow
 *
 * Context: root, on that CPU.
 *
 * Return: false where all places are taken.
 */
bool own_stack_write(struct vcpu *vcpu, u64 stack, struct shadow_word word)
{
	struct own_stack_word *w = vcpu->own_stack;
	struct own_stack_word *place;
	u32 i;

	for (i = 0; i < OWN_STACK_WORDS; i++) {
		if (w[i].stack < stack && !((w[i].stack ^ stack) >> PAGE_SHIFT))
			w[i].stack = 0;
	}
	place = place_of(vcpu, stack);
	if (place)
		*place = (struct own_stack_word){ .stack = stack, .word = word };
	else
		note_missed(vcpu, stack);
	return place;
}

/**
 * own_stack_read() - the shadow of a word
 * @vcpu: the CPU
 * @stack: where the word is
 * @word: set
 *
 * Context: root, on that CPU.
 *
 * Return: false where there is none.
 */
bool own_stack_read(struct vcpu *vcpu, u64 stack, struct shadow_word *word)
{
	const struct own_stack_word *place = place_of(vcpu, stack);

	if (!place || !place->stack)
		return false;
	*word = place->word;
	return true;
}

/**
 * own_stack_missed() - whether a word has no shadow because there was no place, maybe
 * @vcpu: the CPU
 * @stack: where the word is
 *
 * Context: root, on that CPU.
 */
bool own_stack_missed(const struct vcpu *vcpu, u64 stack)
{
	return stack >= vcpu->own_stack_missed && stack <= vcpu->own_stack_missed_to;
}
