// SPDX-License-Identifier: GPL-2.0
/*
 * The driver and the core kernel call each other, one within the other
 *
 * The core kernel's part in it is bsearch(), which calls what compares for it.
 */
#include <linux/compiler.h>
#include <linux/errno.h>

#include "vuln_module.h"

/* As many words up from here the innermost of bsearch()'s return addresses lies. */
#define NEST_WORDS	64

/* Where the last search but this one returns to: an index that is not checked */
static noinline void overwrite_core(void)
{
	u64 *words = __builtin_frame_address(0);
	unsigned int i;

	for (i = 0; i < NEST_WORDS; i++) {
		if (READ_ONCE(words[i]) != (u64)vuln_nest_returned)
			continue;
		WRITE_ONCE(words[i], (u64)vuln_nest_strayed);
		break;
	}
}

/*
 * What bsearch() has in RBP while it calls what compares: where it is looking, and that
 * is what it returns then. It becomes the place of something else.
 */
static noinline void overwrite_saved(u64 *words, u64 element, u64 end)
{
	unsigned int i;

	for (i = 0; i < NEST_WORDS && READ_ONCE(words[i]) != end; i++) {
		if (READ_ONCE(words[i]) == element)
			WRITE_ONCE(words[i], element + sizeof(u64));
	}
}

/* Equal: the search is over. It saves RBP, as functions with more to do. */
noinline int vuln_nest_compare(const void *key, const void *element)
{
	struct vuln_nest *n = (void *)key;
	u64 room = 0;

	asm volatile("" : : : "rbp");
	barrier_data(&room);

	if (n->depth) {
		n->depth--;
		vuln_nest_search(n);
	} else if (n->saved) {
		overwrite_saved(&room, (u64)element,
				(u64)__builtin_return_address(0));
	} else {
		overwrite_core();
	}
	barrier();
	return 0;
}

int vuln_nest(struct vuln_nest *n)
{
	if (n->depth > VULN_DEPTH)
		return -EINVAL;
	n->strayed = 0;
	vuln_nest_search(n);
	return 0;
}
