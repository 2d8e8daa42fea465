// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: the line that reports an attack
 *
 * "carapace: ATTACK kind=... cpu=... pid=... comm=... context=... fn=... ...",
 * and lines of detail, "carapace:   ...".
 *
 * A value goes on to the next key: functions in modules have a space in them.
 * What comm says is the attacker's choice, keys included, but no more than 15
 * bytes of it, and what follows it is not.
 */
#include <stdio.h>
#include <string.h>

#include "attack_line.h"

#define PREFIX		"carapace: ATTACK "
#define DETAIL		"carapace:   "
#define COMM_MAX	15
#define AFTER_COMM	" context="

/* The length of "key=" without its "=", 0 where that is none */
static size_t key_length(const char *at)
{
	size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_-");

	return at[length] == '=' && length < ATTACK_KEY ? length : 0;
}

/* The last that could be: an earlier one is part of the name */
static const char *end_of_comm(const char *value)
{
	const char *end = NULL, *at = value;

	while ((at = strstr(at, AFTER_COMM)) && at - value <= COMM_MAX) {
		end = at;
		at++;
	}
	return end;
}

static const char *end_of_value(const char *value)
{
	const char *at = value;

	while ((at = strchr(at, ' '))) {
		if (key_length(at + 1))
			return at;
		at++;
	}
	return value + strlen(value);
}

/**
 * attack_line_parse() - decode a line
 * @text: the line, as the kernel logged it
 * @line: set
 *
 * Return: whether it reports an attack.
 */
bool attack_line_parse(const char *text, struct attack_line *line)
{
	const char *end;
	size_t length;

	memset(line, 0, sizeof(*line));
	if (strncmp(text, PREFIX, strlen(PREFIX)))
		return false;
	text += strlen(PREFIX);
	while (line->count < ATTACK_KEYS && (length = key_length(text))) {
		char *key = line->key[line->count];

		memcpy(key, text, length);
		text += length + 1;
		end = strcmp(key, "comm") ? NULL : end_of_comm(text);
		if (!end)
			end = end_of_value(text);
		snprintf(line->value[line->count], ATTACK_VALUE, "%.*s",
			 (int)(end - text), text);
		line->count++;
		text = *end ? end + 1 : end;
	}
	return line->count;
}

/**
 * attack_line_value() - a value by its key
 * @line: the line
 * @key: the key
 *
 * Return: the value, "?" where there is none.
 */
const char *attack_line_value(const struct attack_line *line, const char *key)
{
	size_t i;

	for (i = 0; i < line->count; i++) {
		if (!strcmp(line->key[i], key))
			return line->value[i];
	}
	return "?";
}

/**
 * attack_detail() - what a line of detail says
 * @text: the line, as the kernel logged it
 *
 * Return: what, or NULL where it is no line of detail.
 */
const char *attack_detail(const char *text)
{
	return strncmp(text, DETAIL, strlen(DETAIL)) ? NULL :
						       text + strlen(DETAIL);
}
