// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what it tells its user, and in which colours
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"

static bool colours_on;

/**
 * complain() - a line about what is wrong, on standard error
 * @format: as printf() has it, without a newline
 */
void complain(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("carapacectl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/**
 * out_of_memory() - say so and end
 */
void out_of_memory(void)
{
	complain("out of memory");
	exit(STATUS_FAILED);
}

/**
 * allocate() - memory for an array, all zero
 * @count: how many elements; for 0 there is still something to free
 * @size: of one
 *
 * Return: the memory; without any, the program has ended.
 */
void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		out_of_memory();
	return memory;
}

/**
 * make_printable() - what a terminal could take for an order becomes '?'
 * @text: names that somebody else chose are in it
 */
void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

/**
 * terminal_obeys() - whether a file is a terminal that takes orders
 * @fd: the file
 *
 * To move the cursor, say. A dumb one shows them.
 */
bool terminal_obeys(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && strcmp(term, "dumb");
}

/**
 * colour_setup() - find out whether standard output wants colours
 *
 * A terminal does, unless it is a dumb one or NO_COLOR is set.
 */
void colour_setup(void)
{
	const char *no_colour = getenv("NO_COLOR");

	colours_on = terminal_obeys(STDOUT_FILENO) &&
		     !(no_colour && *no_colour);
}

/**
 * colour() - what to print to change the colour on standard output
 * @which: the colour; COLOUR_NONE ends any
 *
 * Return: a string, empty where there are no colours.
 */
const char *colour(enum colour which)
{
	static const char *const sequences[COLOUR_COUNT] = {
		[COLOUR_NONE] = "\033[0m",
		[COLOUR_GOOD] = "\033[32m",
		[COLOUR_WARNING] = "\033[33m",
		[COLOUR_BAD] = "\033[31m",
		[COLOUR_FAINT] = "\033[2m",
		[COLOUR_STRONG] = "\033[1m",
	};

	return colours_on ? sequences[which] : "";
}
