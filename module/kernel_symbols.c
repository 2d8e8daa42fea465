// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the kernel's symbols that are not exported
 *
 * Among them is kallsyms_lookup_name(), which finds all others. A kprobe takes
 * a name, and tells the address; one that is registered as disabled does not
 * touch any code.
 *
 * Nobody calls kallsyms_lookup_name() by a pointer, so the kernel may have
 * taken its ENDBR away, and an indirect call of it would be a #CP where IBT is
 * on. A static call is a direct one.
 */
#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>

#include "compat.h"
#include "kernel_symbols.h"
#include "symbol_index.h"

static unsigned long no_lookup(const char *name)
{
	return 0;
}

KERNEL_FUNCTION(kallsyms_lookup_name, no_lookup);

static DEFINE_MUTEX(lookup_mutex);
static bool lookup_found;

static int find_lookup(void)
{
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int err;

	err = register_kprobe(&probe);
	if (err)
		return err;
	/* Behind the ENDBR, if there is one: a direct call needs none. */
	compat_static_call_update(carapace_kallsyms_lookup_name, probe.addr);
	unregister_kprobe(&probe);
	lookup_found = true;
	return 0;
}

/**
 * kernel_symbols_prepare() - many will be looked up
 *
 * Context: may sleep; before anybody else looks up one, and while Linux may still
 *	patch this module as it likes.
 */
void kernel_symbols_prepare(void)
{
	symbol_index_make();
}

/**
 * kernel_symbols_prepared() - those were all, but for some
 *
 * Context: may sleep.
 */
void kernel_symbols_prepared(void)
{
	mutex_lock(&lookup_mutex);
	symbol_index_drop();
	mutex_unlock(&lookup_mutex);
}

/**
 * kernel_symbol() - look up a symbol of the kernel
 * @name: its name, functions and data alike
 *
 * Context: may sleep. The first call has to be while Linux may still patch this
 * module as it likes.
 *
 * Return: its address, or 0.
 */
unsigned long kernel_symbol(const char *name)
{
	unsigned long address = 0;

	mutex_lock(&lookup_mutex);
	if (!symbol_index_find(name, &address) &&
	    (lookup_found || !find_lookup()))
		address = kernel_call(kallsyms_lookup_name)(name);
	mutex_unlock(&lookup_mutex);
	return address;
}
