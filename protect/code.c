// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what memory may be run in kernel mode, and written
 */
#include "code.h"

static const struct class_rights rights[CLASS_COUNT] = {
#define X(constant, name, r, w, xs, xu) [CLASS_##constant] = { r, w, xs, xu },
	PAGE_CLASSES(X)
#undef X
};

static const char *const names[CLASS_COUNT] = {
#define X(constant, name, r, w, xs, xu) [CLASS_##constant] = name,
	PAGE_CLASSES(X)
#undef X
};

/**
 * class_name() - what a class is called where people read it
 * @class: enum page_class; "unknown" for another number
 *
 * Context: pure.
 */
const char *class_name(u64 class)
{
	return class < CLASS_COUNT ? names[class] : "unknown";
}

/**
 * class_rights() - what may be done with a page
 * @class: of the page
 *
 * Context: pure.
 */
struct class_rights class_rights(enum page_class class)
{
	return rights[class];
}

/**
 * fetch_is_new_code() - whether a page that is run for the first time is code
 * @fetch: what was tried
 * @policy: what policy says of new code
 *
 * Linux makes code by writing it while it is data, and then maps it executable
 * and read-only, in a range of addresses that holds nothing else. A stray jump
 * does not find that; an attacker who writes page-table entries can make it so,
 * and only DYNAMIC_CODE_DENY stops him.
 *
 * Context: pure.
 */
bool fetch_is_new_code(const struct fetch *fetch, enum dynamic_code policy)
{
	return policy == DYNAMIC_CODE_SEAL && fetch->class == CLASS_DATA &&
	       fetch->cpl == 0 && !fetch->user && !fetch->writable &&
	       fetch->in_range;
}
