// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: the running kernel's symbols
 *
 * There are some 200,000, and what is asked for is names and addresses that are
 * known exactly. So they are hashed, not sorted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "symbols.h"

#define KALLSYMS	"/proc/kallsyms"

static u32 hash_name(const char *name)
{
	u32 hash = 2166136261;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 16777619;
	return hash;
}

static u32 hash_va(u64 va)
{
	return (va * 0x9e3779b97f4a7c15) >> 32;
}

static size_t count_lines(const struct bytes *text)
{
	const u8 *at = text->data, *end = text->data + text->size;
	size_t count = 0;

	while (at < end) {
		at = memchr(at, '\n', end - at);
		if (!at)
			break;
		at++;
		count++;
	}
	return count;
}

/* "ffffffff81000000 T _text" and at times "\t[module]" */
static bool parse_line(char *line, struct symbol *symbol)
{
	char *end, *bracket;

	symbol->va = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return false;
	symbol->type = end[1];
	symbol->name = end + 3;
	symbol->module = "";
	bracket = strchr(end + 3, '\t');
	if (bracket) {
		*bracket++ = 0;
		if (*bracket == '[')
			bracket++;
		bracket[strcspn(bracket, "]")] = 0;
		symbol->module = bracket;
	}
	return true;
}

static void insert(struct symbols *symbols, u32 number)
{
	struct symbol *symbol = &symbols->symbol[number];
	u32 *name = &symbols->names[hash_name(symbol->name) & symbols->mask];
	u32 *va = &symbols->vas[hash_va(symbol->va) & symbols->mask];

	symbol->next_name = *name;
	*name = number;
	symbol->next_va = *va;
	*va = number;
}

/**
 * symbols_parse() - take them from a text as /proc/kallsyms is one
 * @text: the text, which @symbols keeps
 * @symbols: set
 * @why: set where they are not shown
 *
 * Return: whether they are.
 */
bool symbols_parse(struct bytes *text, struct symbols *symbols,
		   struct reason *why)
{
	size_t room = count_lines(text) + 1;
	char *at = (char *)text->data, *end = at + text->size, *line;
	bool shown = false;

	memset(symbols, 0, sizeof(*symbols));
	symbols->text = *text;
	text->data = NULL;
	for (symbols->mask = 1; symbols->mask < room; symbols->mask <<= 1)
		;
	symbols->symbol = allocate(room + 1, sizeof(*symbols->symbol));
	symbols->names = allocate(symbols->mask, sizeof(u32));
	symbols->vas = allocate(symbols->mask, sizeof(u32));
	symbols->mask--;
	while (at < end) {
		line = at;
		at = memchr(at, '\n', end - at);
		if (!at)
			break;
		*at++ = 0;
		if (!parse_line(line, &symbols->symbol[symbols->count + 1]))
			continue;
		insert(symbols, ++symbols->count);
		shown = shown || symbols->symbol[symbols->count].va;
	}
	if (shown)
		return true;
	symbols_free(symbols);
	return refuse(why, "the kernel does not show its symbols' addresses (kernel.kptr_restrict, or not root)");
}

/* Its size is not known before it is read. */
static bool read_stream(int fd, struct bytes *text, struct reason *why)
{
	size_t done = 0;
	ssize_t count;

	do {
		if (done == text->size && !bytes_grow(text, why))
			return false;
		count = read(fd, text->data + done, text->size - done);
		if (count < 0)
			return refuse(why, KALLSYMS ": %s", strerror(errno));
		done += count;
	} while (count);
	text->size = done;
	return true;
}

/**
 * symbols_read() - read /proc/kallsyms
 * @symbols: set
 * @why: set where that is not possible
 *
 * Return: whether it was.
 */
bool symbols_read(struct symbols *symbols, struct reason *why)
{
	struct bytes text = { NULL, 0 };
	int fd = open(KALLSYMS, O_RDONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return refuse(why, KALLSYMS ": %s", strerror(errno));
	good = read_stream(fd, &text, why) &&
	       symbols_parse(&text, symbols, why);
	close(fd);
	bytes_free(&text);
	return good;
}

/**
 * symbols_free() - free them
 * @symbols: they
 */
void symbols_free(struct symbols *symbols)
{
	free(symbols->symbol);
	free(symbols->names);
	free(symbols->vas);
	bytes_free(&symbols->text);
	memset(symbols, 0, sizeof(*symbols));
}

/**
 * symbols_named() - the next symbol of a name
 * @symbols: all
 * @name: the name
 * @before: the one before, NULL for the first
 *
 * Return: it, or NULL. Names of static functions are not unique.
 */
const struct symbol *symbols_named(const struct symbols *symbols,
				   const char *name,
				   const struct symbol *before)
{
	u32 number;

	if (!symbols->count)
		return NULL;
	number = before ? before->next_name :
			  symbols->names[hash_name(name) & symbols->mask];
	while (number && strcmp(symbols->symbol[number].name, name))
		number = symbols->symbol[number].next_name;
	return number ? &symbols->symbol[number] : NULL;
}

/**
 * symbols_at() - the next symbol that begins at an address
 * @symbols: all
 * @va: the address
 * @before: the one before, NULL for the first
 *
 * Return: it, or NULL.
 */
const struct symbol *symbols_at(const struct symbols *symbols, u64 va,
				const struct symbol *before)
{
	u32 number;

	if (!symbols->count)
		return NULL;
	number = before ? before->next_va :
			  symbols->vas[hash_va(va) & symbols->mask];
	while (number && symbols->symbol[number].va != va)
		number = symbols->symbol[number].next_va;
	return number ? &symbols->symbol[number] : NULL;
}
