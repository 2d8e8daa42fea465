// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: all of the kernel's symbols at once, where one by one takes long
 *
 * Before 6.2, and the stable releases that have it, kallsyms_lookup_name()
 * expands one symbol after the other until one has the name: milliseconds each
 * time, and loading looks up more than a hundred. One walk takes no longer than
 * one such search, so that everything is noted then, in a hash table that is
 * there until the module is loaded.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/stringhash.h>

#include "kernel_symbols.h"
#include "symbol_index.h"

/* Room for twice as many symbols as a distribution's kernel has */
#define INDEX_BITS	19
#define INDEX_SIZE	(1UL << INDEX_BITS)

/* 64 bits of a hash stand for the name: of 200,000, no two are the same. */
struct entry {
	u64 name;
	unsigned long address;
};

static struct entry *entries;
static unsigned long nr_entries;

static u64 name_hash(const char *name)
{
	unsigned int length = strlen(name);

	return full_name_hash(NULL, name, length) |
	       (u64)full_name_hash(entries, name, length) << 32;
}

/* Where a name is, or belongs */
static struct entry *slot(u64 name)
{
	unsigned long i = hash_64(name, INDEX_BITS);

	while (entries[i].address && entries[i].name != name)
		i = (i + 1) % INDEX_SIZE;
	return &entries[i];
}

#define DONE	1

/*
 * The first of several with a name is what kallsyms_lookup_name() finds. Modules'
 * come behind the kernel's own.
 */
static int note(void *unused, const char *name, struct module *module,
		unsigned long address)
{
	u64 hash = name_hash(name);
	struct entry *entry = slot(hash);

	if (module)
		return DONE;
	if (!address || entry->address)
		return 0;
	entry->name = hash;
	entry->address = address;
	return ++nr_entries > INDEX_SIZE / 2 ? -ENOSPC : 0;
}

static int no_walk(int (*note)(void *data, const char *name,
			       struct module *module, unsigned long address),
		   void *data)
{
	return -ENOENT;
}

/* As it is where this calls it: its callback has lost an argument since. */
KERNEL_FUNCTION(kallsyms_on_each_symbol, no_walk);

/**
 * symbol_index_make() - note them all, where that is of use
 *
 * Context: may sleep; before those below. Without memory, each is looked up by
 *	itself.
 */
void symbol_index_make(void)
{
	struct mutex *modules;
	int err;

	/* The order of names is what a kernel looks up fast by. */
	if (kernel_symbol("kallsyms_seqs_of_names") ||
	    !kernel_function_found(kallsyms_on_each_symbol))
		return;
	modules = (struct mutex *)kernel_symbol("module_mutex");
	entries = kvcalloc(INDEX_SIZE, sizeof(*entries), GFP_KERNEL);
	nr_entries = 0;
	if (!modules || !entries)
		goto out_drop;
	mutex_lock(modules);
	err = kernel_call(kallsyms_on_each_symbol)(note, NULL);
	mutex_unlock(modules);
	if (err >= 0)
		return;
out_drop:
	symbol_index_drop();
}

/**
 * symbol_index_drop() - forget them
 *
 * Context: may sleep; not beside symbol_index_find().
 */
void symbol_index_drop(void)
{
	kvfree(entries);
	entries = NULL;
}

/**
 * symbol_index_find() - look up a symbol of the kernel itself
 * @name: its name
 * @address: set; 0 where there is none
 *
 * Context: any.
 *
 * Return: false where they are not noted.
 */
bool symbol_index_find(const char *name, unsigned long *address)
{
	if (!entries)
		return false;
	*address = slot(name_hash(name))->address;
	return true;
}
