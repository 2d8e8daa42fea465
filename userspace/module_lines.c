// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what the kernel's log says of what is being done just now
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"
#include "message.h"
#include "module_lines.h"
#include "types.h"

/* Of the module itself, and what the kernel says where it refuses a module */
static const char *const ours[] = {
	"carapace: ",
	"Module carapace is blacklisted",
	"Lockdown: ",
	"Loading of unsigned module",
	"Loading of module with ",
};

/* A kernel's remark on every module that is not its own */
static const char *const remarks[] = {
	"loading out-of-tree module",
	"module verification failed",
};

static bool is_ours(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(remarks); i++) {
		if (strstr(text, remarks[i]))
			return false;
	}
	for (i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!strncmp(text, ours[i], strlen(ours[i])))
			return true;
	}
	return false;
}

/**
 * module_lines_begin() - look at the log from now on
 *
 * Return: to be handed to the others; below 0 where the log cannot be read,
 * which they take as well.
 */
int module_lines_begin(void)
{
	return kmsg_open(true);
}

/**
 * module_lines_print() - print what has come since, on standard error
 * @lines: from module_lines_begin()
 *
 * Return: how many lines there were.
 */
int module_lines_print(int lines)
{
	struct kmsg_record record;
	enum kmsg_result result;
	int count = 0;

	while (lines >= 0) {
		result = kmsg_next(lines, &record);
		if (result == KMSG_NO_MORE || result == KMSG_ERROR)
			break;
		if (result == KMSG_RECORD && record.from_kernel &&
		    is_ours(record.text)) {
			make_printable(record.text);
			complain("the kernel says: %s", record.text);
			count++;
		}
	}
	return count;
}

/**
 * module_lines_explain() - say on standard error why something failed
 * @lines: from module_lines_begin()
 * @error: an errno
 * @meanings: what errors mean there
 * @count: how many
 */
void module_lines_explain(int lines, int error,
			  const struct error_meaning *meanings, size_t count)
{
	size_t i;

	/* Its own line names the cause; a meaning only guesses. */
	if (module_lines_print(lines))
		return;
	for (i = 0; i < count; i++) {
		if (meanings[i].error == error)
			complain("%s", meanings[i].meaning);
	}
}

/**
 * module_lines_end() - be done with it
 * @lines: from module_lines_begin()
 */
void module_lines_end(int lines)
{
	if (lines >= 0)
		close(lines);
}
