// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl status: what Carapace is doing
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capability_cost.h"
#include "command.h"
#include "json.h"
#include "message.h"
#include "sysfs.h"
#include "types.h"

struct status {
	char state[SYSFS_VALUE];
	char version[SYSFS_VALUE];
	char cpus[SYSFS_VALUE];
	char online[SYSFS_VALUE];
	struct pairs capabilities;
	struct pairs policy;
	struct pairs events;
	struct pairs coverage;
	struct pairs stats;
	struct pairs cpu_sums;
	struct pairs exits;
};

static void read_status(struct status *status)
{
	sysfs_read("state", status->state, sizeof(status->state));
	sysfs_read("version", status->version, sizeof(status->version));
	sysfs_read("cpus", status->cpus, sizeof(status->cpus));
	file_read("/sys/devices/system/cpu/online", status->online,
		  sizeof(status->online));
	sysfs_lines("capabilities", &status->capabilities);
	sysfs_directory("policy", &status->policy);
	sysfs_lines("events", &status->events);
	sysfs_lines("returns/coverage", &status->coverage);
	sysfs_directory("stats", &status->stats);
	sysfs_cpu_sums(&status->cpu_sums);
	sysfs_exits(&status->exits);
}

static void free_status(struct status *status)
{
	pairs_free(&status->capabilities);
	pairs_free(&status->policy);
	pairs_free(&status->events);
	pairs_free(&status->coverage);
	pairs_free(&status->stats);
	pairs_free(&status->cpu_sums);
	pairs_free(&status->exits);
}

static bool is_attached(const struct status *status)
{
	return !strcmp(status->state, "attached");
}

/* Those that are not 0 */
static void print_pairs(const char *title, const struct pairs *pairs)
{
	const char *separator = "";
	size_t i;

	printf("%-13s ", title);
	for (i = 0; i < pairs->count; i++) {
		if (!strcmp(pairs->pair[i].value, "0"))
			continue;
		printf("%s%s %s", separator, pairs->pair[i].name,
		       pairs->pair[i].value);
		separator = ", ";
	}
	printf("%s\n", *separator ? "" : "none");
}

/* The profile in front: it is what the rest comes to. */
static void print_policy(const struct pairs *policy)
{
	const struct pair *profile = pairs_find(policy, "profile");
	const char *separator = ": ";
	size_t i;

	printf("%-13s %s", "policy", profile ? profile->value : "custom");
	for (i = 0; i < policy->count; i++) {
		if (&policy->pair[i] == profile)
			continue;
		printf("%s%s %s", separator, policy->pair[i].name,
		       policy->pair[i].value);
		separator = ", ";
	}
	putchar('\n');
}

static void print_capabilities(const struct pairs *capabilities)
{
	size_t i, present = 0;
	const char *cost;

	for (i = 0; i < capabilities->count; i++)
		present += !strcmp(capabilities->pair[i].value, "yes");
	printf("%-13s %zu of %zu optional ones\n", "capabilities", present,
	       capabilities->count);
	for (i = 0; i < capabilities->count; i++) {
		cost = capability_cost(capabilities->pair[i].name);
		if (cost && strcmp(capabilities->pair[i].value, "yes"))
			printf("%14s%s%s is missing%s: %s\n", "",
			       colour(COLOUR_WARNING),
			       capabilities->pair[i].name, colour(COLOUR_NONE),
			       cost);
	}
}

/*
 * Of a line like "functions 3 of 4 returns 5 of 6 shared 1", each number by its
 * name, the one behind "of" by that with "_of". @rest is what is left of the line.
 */
static bool next_number(char **rest, char name[SYSFS_NAME], u64 *number)
{
	char *word = strtok_r(NULL, " ", rest);
	size_t length = strlen(name);

	if (!word)
		return false;
	if (strcmp(word, "of"))
		length = 0;
	else
		word = "_of";
	snprintf(name + length, SYSFS_NAME - length, "%s", word);
	word = strtok_r(NULL, " ", rest);
	if (!word)
		return false;
	*number = strtoull(word, NULL, 10);
	return true;
}

static void print_coverage(const struct pairs *coverage)
{
	static const char *const names[] = {
		"functions", "functions_of", "returns", "returns_of",
		"jumps", "jumps_of",
	};
	u64 totals[ARRAY_SIZE(names)] = { 0 };
	char name[SYSFS_NAME], text[SYSFS_VALUE];
	size_t i, k;
	char *rest;
	u64 number;

	for (i = 0; i < coverage->count; i++) {
		snprintf(text, sizeof(text), "%s", coverage->pair[i].value);
		*name = 0;
		for (rest = text; next_number(&rest, name, &number);) {
			for (k = 0; k < ARRAY_SIZE(names); k++)
				totals[k] += strcmp(name, names[k]) ? 0 : number;
		}
	}
	printf("%-13s ", "guarded");
	if (coverage->count)
		printf("%zu modules and the like: %" PRIu64 " of %" PRIu64
		       " functions, %" PRIu64 " of %" PRIu64 " returns\n",
		       coverage->count, totals[0], totals[1], totals[2] + totals[4],
		       totals[3] + totals[5]);
	else
		printf("no module's returns\n");
}

static u64 count_events(const struct pairs *events)
{
	u64 count = 0;
	size_t i;

	for (i = 0; i < events->count; i++)
		count += pair_number(&events->pair[i]);
	return count;
}

static void print_status(const struct status *status)
{
	bool attached = is_attached(status);

	printf("%-13s %s%s%s, version %s\n", "state",
	       colour(attached ? COLOUR_GOOD : COLOUR_BAD), status->state,
	       colour(COLOUR_NONE), status->version);
	if (!attached)
		printf("%14sa CPU runs bare: dmesg says why; detach and attach to have it back\n",
		       "");
	printf("%-13s %s of %s online\n", "CPUs", status->cpus,
	       status->online);
	print_policy(&status->policy);
	print_coverage(&status->coverage);
	printf("%s", count_events(&status->events) ? colour(COLOUR_BAD) : "");
	print_pairs("violations", &status->events);
	printf("%s", colour(COLOUR_NONE));
	print_pairs("VM exits", &status->exits);
	print_pairs("CPUs' counts", &status->cpu_sums);
	printf("%-13s %" PRIu64 " KiB taken, %" PRIu64 " KiB of it used\n",
	       "memory",
	       pair_number(pairs_find(&status->stats, "pool_bytes")) / 1024,
	       pair_number(pairs_find(&status->stats, "pool_used_bytes")) /
	       1024);
	print_capabilities(&status->capabilities);
}

static void write_pairs(struct json *json, const char *key,
			const struct pairs *pairs, bool numbers)
{
	size_t i;

	json_open(json, key, '{');
	for (i = 0; i < pairs->count; i++) {
		if (numbers)
			json_number(json, pairs->pair[i].name,
				    pair_number(&pairs->pair[i]));
		else
			json_string(json, pairs->pair[i].name,
				    pairs->pair[i].value);
	}
	json_close(json, '}');
}

static void write_capabilities(struct json *json, const struct pairs *pairs)
{
	size_t i;

	json_open(json, "capabilities", '{');
	for (i = 0; i < pairs->count; i++) {
		bool present = !strcmp(pairs->pair[i].value, "yes");

		json_open(json, pairs->pair[i].name, '{');
		json_bool(json, "present", present);
		json_string(json, "cost", present ? NULL :
			    capability_cost(pairs->pair[i].name));
		json_close(json, '}');
	}
	json_close(json, '}');
}

static void write_coverage(struct json *json, const struct pairs *coverage)
{
	char name[SYSFS_NAME], text[SYSFS_VALUE];
	char *rest;
	u64 number;
	size_t i;

	json_open(json, "coverage", '{');
	for (i = 0; i < coverage->count; i++) {
		json_open(json, coverage->pair[i].name, '{');
		snprintf(text, sizeof(text), "%s", coverage->pair[i].value);
		*name = 0;
		for (rest = text; next_number(&rest, name, &number);)
			json_number(json, name, number);
		json_close(json, '}');
	}
	json_close(json, '}');
}

static void write_status(const struct status *status)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "state", status->state);
	json_string(&json, "version", status->version);
	json_string(&json, "cpus", status->cpus);
	json_string(&json, "online", status->online);
	write_pairs(&json, "policy", &status->policy, false);
	write_coverage(&json, &status->coverage);
	write_pairs(&json, "events", &status->events, true);
	write_pairs(&json, "exits", &status->exits, true);
	write_pairs(&json, "cpu_stats", &status->cpu_sums, true);
	write_pairs(&json, "stats", &status->stats, true);
	write_capabilities(&json, &status->capabilities);
	json_close(&json, '}');
	printf("\n");
}

static int say_not_attached(bool as_json)
{
	if (as_json)
		printf("{\"state\":\"not attached\"}\n");
	else
		printf("%-13s not attached ('carapacectl doctor' says whether it could be)\n",
		       "state");
	return STATUS_NOT_ATTACHED;
}

static int status_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ }
	};
	struct status status = { };
	bool as_json = false;
	int option, result;

	while ((option = command_options(&status_command, argc, argv, "J",
					 options)) != -1) {
		if (option != 'J')
			return STATUS_USAGE;
		as_json = true;
	}
	if (optind != argc)
		return command_usage(&status_command);
	if (!sysfs_is_there())
		return say_not_attached(as_json);
	read_status(&status);
	if (as_json)
		write_status(&status);
	else
		print_status(&status);
	result = is_attached(&status) ? STATUS_OK : STATUS_DEGRADED;
	free_status(&status);
	return result;
}

const struct command status_command = {
	.name = "status",
	.arguments = "[--json]",
	.summary = "show what Carapace is doing",
	.help =
	"Anybody may ask. The exit status tells attached (0), degraded (6) and not\n"
	"attached (3) apart.\n"
	"\n"
	"  -J, --json  all of it as one JSON object\n",
	.run = status_run,
};
