/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what it tells its user, and in which colours
 */
#ifndef CARAPACE_USERSPACE_MESSAGE_H
#define CARAPACE_USERSPACE_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>

enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_WARNING,
	COLOUR_BAD,
	COLOUR_FAINT,
	COLOUR_STRONG,
	COLOUR_COUNT,
};

void complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void out_of_memory(void) __attribute__((noreturn));
void *allocate(size_t count, size_t size);
void make_printable(char *text);
bool terminal_obeys(int fd);
void colour_setup(void);
const char *colour(enum colour which);

#endif /* CARAPACE_USERSPACE_MESSAGE_H */
