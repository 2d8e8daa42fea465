// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the return addresses' shadow
 *
 * A stack gets its shadow page by page, when it is first needed. The page stays until
 * memory is short (shadow_reclaim.c).
 *
 * Where there is none even so, what could not be stored is not known when it is asked
 * for, and memory may have come by then. So it is noted that something was missed
 * (shadow_window.c). A page that is made later says it of each word that a function
 * further out may have missed, until something is stored there; and of a record it is
 * true until its task goes on, or has one.
 *
 * Who fills memory on purpose has all of this while it is full, for everybody. Later he
 * has it where calls and tasks of that time still are, or have been and none came since.
 * What a call has stored is compared as ever; and whoever goes on elsewhere finds a
 * place where nothing was missed, but for a stack that he has had Linux give him there.
 */
#include "guest_walk.h"
#include "shadow.h"
#include "shadow_pages.h"
#include "shadow_reclaim.h"
#include "shadow_record.h"
#include "shadow_window.h"
#include "stack_record.h"
#include "vcpu.h"
#include "window.h"
#include "x86.h"

static u64 in_memory(struct shadow_word word)
{
	return word.address | (u64)word.function << 32;
}

/* The frame of a stack's shadow, at the word */
static u64 frame(struct vcpu *vcpu, u64 stack)
{
	u64 pa, entry;

	if (!shadow_window_covers(stack) ||
	    !shadow_window_entry(vcpu, shadow_window_of(stack), false, &pa))
		return 0;
	entry = shadow_entry(vcpu, pa);
	if (!(entry & PTE_P) || !shadow_owns(entry & PTE_ADDR_MASK))
		return 0;
	return (entry & PTE_ADDR_MASK) + stack % PAGE_SIZE;
}

/**
 * shadow_has() - whether there is a shadow of a word
 * @vcpu: the CPU
 * @stack: the word's address
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool shadow_has(struct vcpu *vcpu, u64 stack)
{
	return frame(vcpu, stack);
}

/**
 * shadow_is_seen() - whether the page tables in use show a word's shadow
 * @vcpu: the CPU
 * @stack: the word's address
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether the stubs see what root does; not where there is no shadow.
 */
bool shadow_is_seen(struct vcpu *vcpu, u64 stack)
{
	u64 pa = frame(vcpu, stack);
	struct guest_mapping m;

	return pa && guest_walk(vcpu, shadow_window_of(stack), &m) && m.pa == pa;
}

/**
 * shadow_missed() - whether a page has no shadow because there was no memory for it
 * @vcpu: the CPU
 * @stack: an address in it
 *
 * Or because none was made: a CPU that is bare stores where there is one already.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool shadow_missed(struct vcpu *vcpu, u64 stack)
{
	return shadow_window_covers(stack) &&
	       (island_any_degraded() ||
		shadow_window_missed(vcpu, shadow_window_of(stack)));
}

/*
 * Whether its page is the one below a stack that is there, and so is no stack's. Linux's
 * tables can be made to say that it is not there; so what is known of it is asked, too,
 * where that is known of all.
 */
static bool is_below_stack(struct vcpu *vcpu, u64 stack)
{
	u64 above = (stack | (PAGE_SIZE - 1)) + 1;
	u64 record_pa = shadow_record(vcpu, above);
	struct guest_mapping m;

	if (!record_pa)
		return false;
	return (island.stacks_settled &&
		stack_record_show(vcpu, record_pa)->sp != STACK_FREE) ||
	       guest_walk(vcpu, above, &m);
}

/**
 * shadow_make() - have one made
 * @vcpu: the CPU
 * @stack: an address in a stack, in the window's reach
 *
 * For what is stored at @stack; what lies further in is of the past.
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether there is one now; not where there is no memory, which is noted, and
 * not for the page below another stack.
 */
bool shadow_make(struct vcpu *vcpu, u64 stack)
{
	const struct shadow_word missed = { .function = SHADOW_MISSED };
	bool was_missed;
	u64 pa, page = 0;

	if (shadow_has(vcpu, stack))
		return true;
	if (!shadow_window_covers(stack) || is_below_stack(vcpu, stack))
		return false;
	was_missed = shadow_missed(vcpu, stack);
	if (shadow_find_room(vcpu) &&
	    shadow_window_entry(vcpu, shadow_window_of(stack), true, &pa))
		page = shadow_page(vcpu, SHADOW_STACKS);
	if (!page) {
		shadow_window_miss(vcpu, shadow_window_of(stack), true);
		return false;
	}
	if (was_missed)
		shadow_page_fill(vcpu, page + stack % PAGE_SIZE, in_memory(missed));
	shadow_entry_replace(vcpu, pa, stack & ~(PAGE_SIZE - 1), page | WINDOW_PAGE_FLAGS);
	return true;
}

/**
 * shadow_read() - the shadow of a word
 * @vcpu: the CPU
 * @stack: the word's address
 * @word: set
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: false where there is none, as half a word off.
 */
bool shadow_read(struct vcpu *vcpu, u64 stack, struct shadow_word *word)
{
	u64 pa = frame(vcpu, stack);

	if (!pa || stack % sizeof(*word))
		return false;
	*word = *(struct shadow_word *)window_at(vcpu, pa);
	return true;
}

/**
 * shadow_write() - change it
 * @vcpu: the CPU
 * @stack: the word's address, aligned
 * @word: what to store
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: false where there is none.
 */
bool shadow_write(struct vcpu *vcpu, u64 stack, struct shadow_word word)
{
	u64 pa = frame(vcpu, stack);

	if (!pa || stack % sizeof(word))
		return false;
	shadow_entry_set(vcpu, pa, in_memory(word));
	return true;
}
