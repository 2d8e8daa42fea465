// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: which function of a module a place in its code belongs to
 */
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "message.h"

#define COLD	".cold"

static bool begins_with(const char *string, const char *prefix)
{
	return !strncmp(string, prefix, strlen(prefix));
}

/* Padding in front of functions has symbols, too, which name no function */
static bool is_code(const struct elf_module *module,
		    const struct elf_symbol *symbol)
{
	const struct elf_section *section = &module->sections[symbol->section];

	return symbol->type == STT_FUNC && symbol->section && symbol->size &&
	       (section->flags & SHF_EXECINSTR) && section->data &&
	       !begins_with(symbol->name, "__pfx_") &&
	       !begins_with(symbol->name, "__cfi_");
}

/* By place; of those at one place the largest first, then as in the table */
static int by_place(const void *a, const void *b)
{
	const struct elf_symbol *x = ((const struct part *)a)->symbol;
	const struct elf_symbol *y = ((const struct part *)b)->symbol;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x < y ? -1 : x > y;
}

static bool covers(const struct elf_symbol *symbol, size_t section, u64 offset)
{
	return symbol->section == section && symbol->offset <= offset &&
	       offset - symbol->offset < symbol->size;
}

/* A name, and the part that it is a name of */
struct by_name {
	const struct elf_symbol *symbol;
	size_t part;
};

/* Several names for one place and size are one function */
static struct by_name *merge_aliases(struct parts *parts)
{
	struct by_name *names = allocate(parts->count, sizeof(*names));
	size_t from, to = 0;

	for (from = 0; from < parts->count; from++) {
		const struct elf_symbol *symbol = parts->part[from].symbol;
		const struct elf_symbol *last;

		last = to ? parts->part[to - 1].symbol : NULL;
		if (!last || last->section != symbol->section ||
		    last->offset != symbol->offset ||
		    last->size != symbol->size)
			parts->part[to++].symbol = symbol;
		names[from].symbol = symbol;
		names[from].part = to - 1;
	}
	parts->count = to;
	return names;
}

/* Those that begin before and are still open are a chain, outwards */
static void find_outer(struct parts *parts)
{
	size_t i, outer;

	for (i = 0; i < parts->count; i++) {
		const struct elf_symbol *symbol = parts->part[i].symbol;

		parts->part[i].owner = i;
		parts->part[i].outer = i;
		if (!i)
			continue;
		for (outer = i - 1; ; outer = parts->part[outer].outer) {
			if (covers(parts->part[outer].symbol, symbol->section,
				   symbol->offset)) {
				parts->part[i].outer = outer;
				break;
			}
			if (parts->part[outer].outer == outer)
				break;
		}
	}
}

static size_t cold_length(const char *name)
{
	const char *cold = strstr(name, COLD);

	return cold && (!cold[strlen(COLD)] || cold[strlen(COLD)] == '.') ?
	       (size_t)(cold - name) : 0;
}

/* By name, and those of one name as in the table */
static int by_name(const void *a, const void *b)
{
	const struct by_name *x = a, *y = b;
	int order = strcmp(x->symbol->name, y->symbol->name);

	if (order)
		return order;
	return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

/*
 * Static functions of several files may share a name. The compiler writes a
 * function's symbol right before that of its cold part, and the linker keeps
 * local ones in order, so the nearest one before it is meant; a global one
 * comes behind all local ones.
 */
static size_t cold_owner(const struct by_name *names, size_t count,
			 const struct by_name *cold, size_t length)
{
	size_t i, low = 0, high = count;
	size_t owner = cold->part;

	/* The first name that is not less than "NAME" */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *name = names[middle].symbol->name;

		if (strncmp(name, cold->symbol->name, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (i = low; i < count; i++) {
		const struct elf_symbol *symbol = names[i].symbol;

		if (strncmp(symbol->name, cold->symbol->name, length) ||
		    symbol->name[length])
			break;
		if (owner != cold->part && symbol > cold->symbol)
			break;
		owner = names[i].part;
	}
	return owner;
}

static void find_owners(struct parts *parts, struct by_name *names,
			size_t count)
{
	size_t i, length;

	qsort(names, count, sizeof(*names), by_name);
	for (i = 0; i < count; i++) {
		length = cold_length(names[i].symbol->name);
		if (length)
			parts->part[names[i].part].owner =
				cold_owner(names, count, &names[i], length);
	}
	/* Names can be such that an owner has an owner. */
	for (i = 0; i < parts->count; i++) {
		size_t owner = parts->part[i].owner;

		if (parts->part[owner].owner != owner)
			parts->part[i].owner = i;
	}
}

/**
 * parts_find() - find a module's functions and their parts
 * @module: the module; to stay while @parts is used
 * @parts: set
 */
void parts_find(const struct elf_module *module, struct parts *parts)
{
	struct by_name *names;
	size_t i, count;

	parts->part = allocate(module->nr_symbols, sizeof(*parts->part));
	parts->count = 0;
	for (i = 0; i < module->nr_symbols; i++) {
		if (is_code(module, &module->symbols[i]))
			parts->part[parts->count++].symbol =
				&module->symbols[i];
	}
	qsort(parts->part, parts->count, sizeof(*parts->part), by_place);
	count = parts->count;
	names = merge_aliases(parts);
	find_outer(parts);
	find_owners(parts, names, count);
	free(names);
}

/**
 * parts_free() - free them
 * @parts: the parts
 */
void parts_free(struct parts *parts)
{
	free(parts->part);
	memset(parts, 0, sizeof(*parts));
}

/**
 * parts_at() - the part that covers a place
 * @parts: the parts
 * @section: number of the section
 * @offset: in that section
 *
 * Return: the innermost one, or NULL.
 */
const struct part *parts_at(const struct parts *parts, size_t section,
			    u64 offset)
{
	size_t low = 0, high = parts->count;
	const struct part *part;

	/* The last one that begins at or before the place */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct elf_symbol *symbol = parts->part[middle].symbol;

		if (symbol->section < section ||
		    (symbol->section == section && symbol->offset <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	for (part = &parts->part[low - 1]; ; part = &parts->part[part->outer]) {
		if (covers(part->symbol, section, offset))
			return part;
		if (part == &parts->part[part->outer])
			return NULL;
	}
}
