/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: writing JSON
 */
#ifndef CARAPACE_USERSPACE_JSON_H
#define CARAPACE_USERSPACE_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "types.h"

/**
 * struct json - a JSON text that is being written
 * @out: where to
 * @comma: something stands before, in what is open
 */
struct json {
	FILE *out;
	bool comma;
};

void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, u64 value);
void json_bool(struct json *json, const char *key, bool value);
void json_share(struct json *json, const char *key, u64 part, u64 whole);

#endif /* CARAPACE_USERSPACE_JSON_H */
