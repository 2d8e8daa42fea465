/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: which function of a module a place in its code belongs to
 */
#ifndef CARAPACE_USERSPACE_FUNCTIONS_H
#define CARAPACE_USERSPACE_FUNCTIONS_H

#include "elf_module.h"

/**
 * struct part - a stretch of code that one symbol covers
 * @symbol: the symbol, one of those that cover just this
 * @owner: number of the part that is the function this belongs to
 * @outer: number of the part around this, or its own
 */
struct part {
	const struct elf_symbol *symbol;
	size_t owner;
	size_t outer;
};

/**
 * struct parts - a module's, by section and place
 * @part: they
 * @count: how many
 */
struct parts {
	struct part *part;
	size_t count;
};

void parts_find(const struct elf_module *module, struct parts *parts);
void parts_free(struct parts *parts);
const struct part *parts_at(const struct parts *parts, size_t section,
			    u64 offset);

#endif /* CARAPACE_USERSPACE_FUNCTIONS_H */
