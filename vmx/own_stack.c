// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the shadow of stacks that belong to a CPU
 *
 * What exceptions run on, and what the first CPU idles on, are not in the window. Guarded
 * functions are seldom called there, and not many one within the other; so each CPU has
 * some words, and root keeps them. No two CPUs have the same such stack, so there is no
 * lock. They stay when the CPU leaves, as stacks do.
 *
 * Where all places are taken, what was stored first has to go, which mostly is what
 * has been returned from long ago: several stacks' words would have to be in use at the
 * same time for that not to be so. Nothing is let through for want of a place: who
 * jumps to the stub takes as many as he likes.
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

/* Where a word is; NULL where it has no place. 0 is none's: a free one, then. */
static struct own_stack_word *find(struct vcpu *vcpu, u64 stack)
{
	struct own_stack_word *w = vcpu->own_stack;
	u32 i;

	for (i = 0; i < OWN_STACK_WORDS; i++) {
		if (w[i].stack == stack)
			return &w[i];
	}
	return NULL;
}

/**
 * own_stack_write() - store the shadow of a word
 * @vcpu: the CPU
 * @stack: where the word is; deeper words in that page are of the past
 * @word: its shadow
 *
 * Context: root, on that CPU.
 */
void own_stack_write(struct vcpu *vcpu, u64 stack, struct shadow_word word)
{
	struct own_stack_word *w = vcpu->own_stack;
	struct own_stack_word *place;
	u32 i;

	for (i = 0; i < OWN_STACK_WORDS; i++) {
		if (w[i].stack < stack && !((w[i].stack ^ stack) >> PAGE_SHIFT))
			w[i].stack = 0;
	}
	place = find(vcpu, stack) ? : find(vcpu, 0);
	if (!place)
		place = &w[vcpu->own_stack_oldest++ % OWN_STACK_WORDS];
	*place = (struct own_stack_word){ .stack = stack, .word = word };
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
	const struct own_stack_word *place = find(vcpu, stack);

	if (place)
		*word = place->word;
	return place;
}
