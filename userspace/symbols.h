/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: the running kernel's symbols
 */
#ifndef CARAPACE_USERSPACE_SYMBOLS_H
#define CARAPACE_USERSPACE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "reason.h"
#include "types.h"

/**
 * struct symbol - a symbol
 * @va: its address
 * @type: as nm(1) has it
 * @name: its name
 * @module: whose it is, "" for the kernel's own
 * @next_name: number of the next one with this hash of the name, 0 for none
 * @next_va: the same of the address
 */
struct symbol {
	u64 va;
	char type;
	const char *name;
	const char *module;
	u32 next_name;
	u32 next_va;
};

/**
 * struct symbols - all of them; number 0 is none
 * @symbol: they
 * @count: how many
 * @names: the first one by hash of the name
 * @vas: the first one by hash of the address
 * @mask: of hashes
 * @text: what names are in
 */
struct symbols {
	struct symbol *symbol;
	u32 count;
	u32 *names;
	u32 *vas;
	u32 mask;
	struct bytes text;
};

bool symbols_parse(struct bytes *text, struct symbols *symbols,
		   struct reason *why);
bool symbols_read(struct symbols *symbols, struct reason *why);
void symbols_free(struct symbols *symbols);
const struct symbol *symbols_named(const struct symbols *symbols,
				   const char *name,
				   const struct symbol *before);
const struct symbol *symbols_at(const struct symbols *symbols, u64 va,
				const struct symbol *before);

#endif /* CARAPACE_USERSPACE_SYMBOLS_H */
