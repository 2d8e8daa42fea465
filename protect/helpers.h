/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the programs that the kernel itself starts, as root
 *
 * Pure. Their names are strings in the kernel's memory, and whoever writes to one
 * of them has the kernel start a program of his own. So what may be started is
 * kept here: the values that such strings had at load, and what administrators
 * made of them since.
 *
 * Not only programs are compared but their arguments, too: a core_pattern that
 * was made "|/sbin/modprobe -C /tmp/mine x" names a program that may be started,
 * but not with that. The same goes for the environment: with LD_PRELOAD in it, the
 * right program runs an attacker's code.
 */
#ifndef CARAPACE_PROTECT_HELPERS_H
#define CARAPACE_PROTECT_HELPERS_H

#include "types.h"

/*
 * X(constant, split, pipe, specifiers, drivers, arguments)
 *
 * split: the value is a command, program and arguments; else a program's name,
 *	spaces and all, and the kernel adds the arguments that follow here
 * pipe: it counts only behind a '|' (man 5 core)
 * specifiers: a '%' and a letter stand for what the kernel puts there
 * drivers: they add variables to the environment
 * arguments: as such a command; NULL for any arguments
 *
 * The first kinds have one value each; of the others, the last ones are kept.
 */
#define HELPER_KINDS(X)						\
	X(CORE_PATTERN,	1, 1, 1, 0, "")				\
	X(MODPROBE,	0, 0, 0, 0, "-q -- %*")			\
	X(POWEROFF,	1, 0, 0, 0, "")				\
	X(UEVENT,	0, 0, 0, 1, "%*")			\
	X(RELEASE_AGENT, 0, 0, 0, 0, "%*")			\
	X(PROGRAM,	0, 0, 0, 0, NULL)			\
	X(BUILT_IN,	1, 0, 1, 0, "")

enum helper_kind {
#define X(constant, split, pipe, specifiers, drivers, arguments)	\
	HELPER_##constant,
	HELPER_KINDS(X)
#undef X
	HELPER_KIND_COUNT,
};

#define HELPER_SINGLE_KINDS	(HELPER_UEVENT + 1)
#define HELPER_TEXT		256	/* as long as any such string can be */
#define HELPER_OTHERS		12

/**
 * struct helper_value - one vetted value
 * @kind: enum helper_kind
 * @length: of @text; 0 where there is none
 * @text: what the kernel's string shall be
 */
struct helper_value {
	u32 kind;
	u32 length;
	char text[HELPER_TEXT];
};

/**
 * struct helper_table - all of them
 * @single: by kind
 * @other: of the other kinds, in a ring
 * @next: the place in it for the next one
 */
struct helper_table {
	struct helper_value single[HELPER_SINGLE_KINDS];
	struct helper_value other[HELPER_OTHERS];
	u32 next;
};

/**
 * struct helper_write - what an administrator writes to such a string
 * @kind: enum helper_kind
 * @position: of the file; text before it stays
 * @room: size of the kernel's string
 * @length: of @text
 * @text: the bytes written
 */
struct helper_write {
	u32 kind;
	u32 position;
	u32 room;
	u32 length;
	char text[HELPER_TEXT];
};

/**
 * struct helper_call - what is about to be started
 * @path: the file
 * @nr_words: number of arguments, the program's name among them
 * @words: the arguments, one behind the other's NUL; NULL where only the file's
 *	name is known
 * @nr_variables: number of variables in the environment
 * @variables: these, in the same way
 */
struct helper_call {
	const char *path;
	u32 nr_words;
	const char *words;
	u32 nr_variables;
	const char *variables;
};

int helper_vet(struct helper_table *table, const struct helper_write *write);
bool helper_allowed(const struct helper_table *table,
		    const struct helper_call *call, const char **foreign);

#endif /* CARAPACE_PROTECT_HELPERS_H */
