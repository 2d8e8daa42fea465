// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: whether a module's code in memory is what its file has
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text_parts.h"

#define LONGEST_SITE	255
#define JUMP		5
#define PROBE		5	/* what an optimised kprobe overwrites */

/* One section that is compared */
struct comparison {
	struct text_layout layout;
	struct text_sites sites;
	struct text_result *result;
	size_t section;
	u64 size;
	u8 *live;
	u8 *expected;
};

/* Code that is there from the time when the module is loaded on, and stays */
static bool is_staying_code(const struct elf_section *section)
{
	return section->flags & SHF_ALLOC && section->flags & SHF_EXECINSTR &&
	       section->data && strncmp(section->name, ".init", strlen(".init"));
}

static struct text_place place_at(const struct comparison *c, u64 offset)
{
	return (struct text_place){
		.va = c->layout.va[c->section] + offset,
		.live = c->live + offset,
		.expected = c->expected + offset,
		.left = c->size - offset,
	};
}

/* The number of the first site behind an offset */
static size_t first_behind(const struct comparison *c, u64 offset)
{
	size_t low = 0, high = c->sites.count, middle;
	const struct text_site *site;

	while (low < high) {
		middle = low + (high - low) / 2;
		site = &c->sites.site[middle];
		if (site->section < c->section ||
		    (site->section == c->section && site->offset <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A site that has the byte at @offset and explains it: where it ends, or 0 */
static u64 explained_by_site(struct comparison *c, u64 offset)
{
	const struct text_site *site;
	struct text_place place;
	enum text_kind kind;
	size_t i;
	u32 length;

	for (i = first_behind(c, offset); i-- > 0; ) {
		site = &c->sites.site[i];
		if (site->section != c->section ||
		    site->offset + LONGEST_SITE < offset)
			break;
		if (offset - site->offset >= site->length)
			continue;
		place = place_at(c, site->offset);
		length = text_explains(&c->layout, site, &place, &kind);
		if (!length)
			continue;
		c->result->patched[kind]++;
		return site->offset + length;
	}
	return 0;
}

/* INT3, or where the kernel could do without it, a jump; or 0 */
static u64 explained_by_probe(struct comparison *c, u64 offset)
{
	const struct text_world *world = c->layout.world;
	struct text_place place = place_at(c, offset);

	if ((place.live[0] != 0xcc && place.live[0] != 0xe9) ||
	    !world->probed(world->context, place.va))
		return 0;
	c->result->patched[TEXT_PROBE]++;
	if (place.live[0] == 0xe9 && place.left >= PROBE)
		return offset + PROBE;
	return offset + 1;
}

/* What is not the same there is where a jump leads to, and that may be all of it. */
static u64 explained_by_jump(struct comparison *c, u64 offset)
{
	struct text_place place;
	enum text_kind kind;
	u32 length, back;

	for (back = 0; back < JUMP && back <= offset; back++) {
		place = place_at(c, offset - back);
		length = text_explains_jump(&c->layout, &place, &kind);
		if (length <= back)
			continue;
		c->result->patched[kind]++;
		return offset - back + length;
	}
	return 0;
}

static void name_function(const struct comparison *c,
			  struct text_difference *difference)
{
	const struct elf_module *module = c->layout.module;
	const struct elf_symbol *symbol, *best = NULL;
	size_t i;

	for (i = 1; i < module->nr_symbols; i++) {
		symbol = &module->symbols[i];
		if (symbol->section != c->section || symbol->type != STT_FUNC ||
		    symbol->offset > difference->offset)
			continue;
		if (!best || symbol->offset > best->offset)
			best = symbol;
	}
	if (!best)
		return;
	difference->function = best->name;
	difference->function_offset = difference->offset - best->offset;
}

static void add_difference(struct comparison *c, u64 offset, u64 size)
{
	struct text_result *result = c->result;
	u64 shown = size < TEXT_SHOWN ? size : TEXT_SHOWN;
	struct text_difference *difference;

	result->differences = realloc(result->differences,
				      (result->nr_differences + 1) *
				      sizeof(*difference));
	if (!result->differences)
		out_of_memory();
	difference = &result->differences[result->nr_differences++];
	*difference = (struct text_difference){
		.section = c->layout.module->sections[c->section].name,
		.offset = offset,
		.va = c->layout.va[c->section] + offset,
		.size = size,
	};
	memcpy(difference->expected, c->expected + offset, shown);
	memcpy(difference->found, c->live + offset, shown);
	name_function(c, difference);
}

static void compare(struct comparison *c)
{
	u64 offset = 0, start, end;

	while (offset < c->size) {
		if (c->live[offset] == c->expected[offset]) {
			offset++;
			continue;
		}
		/* All up to the next byte that is explained, or the same */
		for (start = offset, end = 0; offset < c->size; offset++) {
			if (c->live[offset] == c->expected[offset])
				break;
			end = explained_by_site(c, offset);
			if (!end)
				end = explained_by_jump(c, offset);
			if (!end)
				end = explained_by_probe(c, offset);
			if (end)
				break;
		}
		if (offset > start)
			add_difference(c, start, offset - start);
		if (end)
			offset = end;
	}
}

/* What stands in a section of code and is data, as the file says, may change. */
static void expect_data(struct comparison *c)
{
	const struct elf_module *module = c->layout.module;
	const struct elf_symbol *symbol;
	size_t i;

	for (i = 1; i < module->nr_symbols; i++) {
		symbol = &module->symbols[i];
		if (symbol->section == c->section && symbol->type == STT_OBJECT &&
		    symbol->offset <= c->size &&
		    symbol->size <= c->size - symbol->offset)
			memcpy(c->expected + symbol->offset,
			       c->live + symbol->offset, symbol->size);
	}
}

static void note_not_read(struct text_result *result, const char *name)
{
	size_t length = strlen(result->not_read);

	if (length + strlen(name) + 2 > sizeof(result->not_read))
		return;
	if (length)
		strcat(result->not_read, " ");
	strcat(result->not_read, name);
}

static void compare_section(struct comparison *c)
{
	const struct text_world *world = c->layout.world;
	const struct elf_section *section;
	u64 va = c->layout.va[c->section];

	section = &c->layout.module->sections[c->section];
	c->size = section->size;
	if (!c->size)
		return;
	c->live = allocate(c->size, 1);
	c->expected = allocate(c->size, 1);
	if (va && world->read(world->context, va, c->live, c->size)) {
		memcpy(c->expected, section->data, c->size);
		text_relocate(&c->layout, c->section, 0, c->size, va,
			      c->expected, c->live);
		expect_data(c);
		compare(c);
		c->result->bytes += c->size;
	} else {
		note_not_read(c->result, section->name);
	}
	free(c->live);
	free(c->expected);
}

/**
 * text_compare() - compare a module's code in memory with its file
 * @module: the file
 * @world: the running kernel
 * @result: set
 * @why: set where the file's tables are malformed
 *
 * Return: whether they are not.
 */
bool text_compare(const struct elf_module *module,
		  const struct text_world *world, struct text_result *result,
		  struct reason *why)
{
	struct comparison c = { .result = result };

	memset(result, 0, sizeof(*result));
	if (!text_sites_find(module, &c.sites, why))
		return false;
	text_layout_find(&c.layout, module, world);
	for (c.section = 1; c.section < module->nr_sections; c.section++) {
		if (is_staying_code(&module->sections[c.section]))
			compare_section(&c);
	}
	text_layout_free(&c.layout);
	text_sites_free(&c.sites);
	return true;
}

/**
 * text_result_free() - free it
 * @result: the result
 */
void text_result_free(struct text_result *result)
{
	free(result->differences);
	memset(result, 0, sizeof(*result));
}
