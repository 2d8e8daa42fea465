/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the kernel's symbols that are not exported
 */
#ifndef CARAPACE_MODULE_KERNEL_SYMBOLS_H
#define CARAPACE_MODULE_KERNEL_SYMBOLS_H

#include <linux/static_call.h>

#include "compat.h"

void kernel_symbols_prepare(void);
void kernel_symbols_prepared(void);
unsigned long kernel_symbol(const char *name);

/**
 * KERNEL_FUNCTION() - a function that is not exported, to be called in this file
 * @name: its name
 * @absent: one of the same type, called until it is found
 *
 * See kernel_symbols.c for why it is a static call.
 */
#define KERNEL_FUNCTION(name, absent)	DEFINE_STATIC_CALL(carapace_##name, absent)

/**
 * kernel_function_found_as() - look it up
 * @name: as in KERNEL_FUNCTION()
 * @symbol: the symbol to look for
 *
 * Context: may sleep; while Linux may still patch this module as it likes.
 *
 * Return: whether there is one.
 */
#define kernel_function_found_as(name, symbol)				\
({									\
	unsigned long found_ = kernel_symbol(symbol);			\
									\
	if (found_)							\
		compat_static_call_update(carapace_##name, found_);	\
	found_ != 0;							\
})

/* The same, by its own name */
#define kernel_function_found(name)	kernel_function_found_as(name, #name)

/* kernel_call(name)(ARGUMENT...) */
#define kernel_call(name)		static_call(carapace_##name)

#endif /* CARAPACE_MODULE_KERNEL_SYMBOLS_H */
