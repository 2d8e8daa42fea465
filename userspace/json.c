// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: writing JSON
 *
 * A key is NULL in arrays and outermost.
 */
#include <inttypes.h>

#include "json.h"

/*
 * Names in files and in the log need not be UTF-8, JSON has to be: what is not
 * ASCII is taken for Latin-1, so that every byte can be told.
 */
static void write_string(FILE *out, const char *string)
{
	const unsigned char *c;

	fputc('"', out);
	for (c = (const unsigned char *)string; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < 0x20 || *c >= 0x7f)
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void begin(struct json *json, const char *key)
{
	if (json->comma)
		fputc(',', json->out);
	json->comma = true;
	if (!key)
		return;
	write_string(json->out, key);
	fputc(':', json->out);
}

/**
 * json_open() - begin an object or an array
 * @json: the text
 * @key: its key, or NULL
 * @bracket: '{' or '['
 */
void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->out);
	json->comma = false;
}

/**
 * json_close() - end an object or an array
 * @json: the text
 * @bracket: '}' or ']'
 */
void json_close(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->comma = true;
}

/**
 * json_string() - add a string
 * @json: the text
 * @key: its key, or NULL
 * @value: the string; NULL is null
 */
void json_string(struct json *json, const char *key, const char *value)
{
	begin(json, key);
	if (value)
		write_string(json->out, value);
	else
		fputs("null", json->out);
}

/**
 * json_number() - add a number
 * @json: the text
 * @key: its key, or NULL
 * @value: the number
 */
void json_number(struct json *json, const char *key, u64 value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

/**
 * json_bool() - add true or false
 * @json: the text
 * @key: its key, or NULL
 * @value: which
 */
void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}

/**
 * json_share() - add a share, from 0 to 1
 * @json: the text
 * @key: its key, or NULL
 * @part: how many
 * @whole: of how many; of 0 it is null
 */
void json_share(struct json *json, const char *key, u64 part, u64 whole)
{
	begin(json, key);
	if (whole)
		fprintf(json->out, "%.4f", (double)part / (double)whole);
	else
		fputs("null", json->out);
}
