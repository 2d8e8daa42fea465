/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: the line that reports an attack
 */
#ifndef CARAPACE_USERSPACE_ATTACK_LINE_H
#define CARAPACE_USERSPACE_ATTACK_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define ATTACK_KEYS	16
#define ATTACK_KEY	24
#define ATTACK_VALUE	160

/**
 * struct attack_line - a line, decoded
 * @key: its keys, in order
 * @value: their values
 * @count: how many
 */
struct attack_line {
	char key[ATTACK_KEYS][ATTACK_KEY];
	char value[ATTACK_KEYS][ATTACK_VALUE];
	size_t count;
};

bool attack_line_parse(const char *text, struct attack_line *line);
const char *attack_line_value(const struct attack_line *line, const char *key);
const char *attack_detail(const char *text);

#endif /* CARAPACE_USERSPACE_ATTACK_LINE_H */
