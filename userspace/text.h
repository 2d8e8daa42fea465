/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: whether a module's code in memory is what its file has
 *
 * Linux changes code when it loads it and later: it relocates, chooses among
 * alternatives, and patches what has a table. What may stand at each of these
 * places is a closed set; what stands there instead remains and is named.
 *
 * Pure: what is in memory, somebody else reads.
 */
#ifndef CARAPACE_USERSPACE_TEXT_H
#define CARAPACE_USERSPACE_TEXT_H

#include "elf_module.h"
#include "symbols.h"

/* X(kind, for JSON, for people) */
#define TEXT_KINDS(X)							\
	X(ALTERNATIVE,	"alternatives",		"alternatives")		\
	X(RETURN,	"returns",		"returns")		\
	X(RETPOLINE,	"retpolines",		"retpolines")		\
	X(ENDBR,	"endbr",		"sealed ENDBRs")	\
	X(JUMP_LABEL,	"jump_labels",		"jump labels")		\
	X(STATIC_CALL,	"static_calls",		"static calls")		\
	X(TRAMPOLINE,	"trampolines",		"static call trampolines") \
	X(FENTRY,	"fentry",		"function entries")	\
	X(LOCK,		"locks",		"lock prefixes")	\
	X(PARAVIRT,	"paravirt",		"paravirtual calls")	\
	X(GUARD,	"guarded_returns",	"guarded returns")	\
	X(GUARD_JUMP,	"guard_jumps",		"jumps for those")	\
	X(PROBE,	"probes",		"kprobes")

enum text_kind {
#define X(kind, name, words) TEXT_##kind,
	TEXT_KINDS(X)
#undef X
	TEXT_KIND_COUNT,
};

/**
 * struct text_site - an instruction that Linux exchanges
 * @section: number of its section
 * @offset: in that
 * @length: of it in the file; what is there is all in the section
 * @kind: enum text_kind
 * @to_section: of a jump label's target, or an alternative's replacement
 * @to_offset: in that
 * @to_length: of a replacement
 */
struct text_site {
	size_t section;
	u64 offset;
	u32 length;
	enum text_kind kind;
	size_t to_section;
	u64 to_offset;
	u32 to_length;
};

/**
 * struct text_sites - all of a module's, by section and offset
 * @site: they
 * @count: how many
 */
struct text_sites {
	struct text_site *site;
	size_t count;
	size_t room;
};

/**
 * struct text_world - the running kernel
 * @section: where a section of the module lies; false for nowhere
 * @read: copy bytes; false if it can't
 * @probed: whether a kprobe is at an address
 * @symbols: the kernel's
 * @context: for all
 */
struct text_world {
	bool (*section)(void *context, const char *name, u64 *va);
	bool (*read)(void *context, u64 va, u8 *bytes, size_t size);
	bool (*probed)(void *context, u64 va);
	const struct symbols *symbols;
	void *context;
};

#define TEXT_SHOWN	16

/**
 * struct text_difference - bytes that nothing explains
 * @section: name of their section
 * @offset: in that
 * @va: their address
 * @size: how many
 * @function: the one they are in, or NULL
 * @function_offset: in that
 * @expected: the first ones, as they were to be
 * @found: as they are
 */
struct text_difference {
	const char *section;
	u64 offset;
	u64 va;
	u64 size;
	const char *function;
	u64 function_offset;
	u8 expected[TEXT_SHOWN];
	u8 found[TEXT_SHOWN];
};

/**
 * struct text_result - what came of it
 * @bytes: that were compared
 * @patched: sites that are not as in the file, by kind
 * @differences: what remains
 * @nr_differences: how many
 * @not_read: names of sections that could not be read, with spaces between
 */
struct text_result {
	u64 bytes;
	u64 patched[TEXT_KIND_COUNT];
	struct text_difference *differences;
	size_t nr_differences;
	char not_read[128];
};

/* text_sites.c */
bool text_sites_find(const struct elf_module *module, struct text_sites *sites,
		     struct reason *why);
void text_sites_free(struct text_sites *sites);

/* text_compare.c */
bool text_compare(const struct elf_module *module,
		  const struct text_world *world, struct text_result *result,
		  struct reason *why);
void text_result_free(struct text_result *result);

#endif /* CARAPACE_USERSPACE_TEXT_H */
