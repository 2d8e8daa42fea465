/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module with functions of every fate
 */
#ifndef CARAPACE_TESTS_USERSPACE_CRAFTED_H
#define CARAPACE_TESTS_USERSPACE_CRAFTED_H

#include "module_builder.h"

/* What builder_section() gave */
struct crafted {
	struct module_builder builder;
	size_t text;
	size_t unlikely;
	size_t mcount;
	size_t returns;
	size_t init_text;
	size_t undefined_fentry;
	size_t undefined_thunk;
	size_t undefined_other;
	size_t text_symbol;
	size_t unlikely_symbol;
	size_t init_symbol;
};

void craft(struct crafted *crafted);

#endif /* CARAPACE_TESTS_USERSPACE_CRAFTED_H */
