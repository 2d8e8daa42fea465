// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl doctor: whether Carapace would attach to this machine
 */
#include <getopt.h>
#include <stdio.h>

#include "checks.h"
#include "command.h"
#include "json.h"
#include "message.h"

static const struct {
	const char *word;
	enum colour colour;
} verdicts[] = {
	[CHECK_GOOD] = { "good", COLOUR_GOOD },
	[CHECK_NOTE] = { "note", COLOUR_WARNING },
	[CHECK_UNKNOWN] = { "unknown", COLOUR_WARNING },
	[CHECK_BAD] = { "bad", COLOUR_BAD },
};

static const struct check *const groups[] = {
	cpu_checks, kernel_checks, module_checks,
};

static void print_finding(const char *name, const struct finding *finding)
{
	unsigned int i;

	printf("%s%-7s%s  %-21s  %s%s%s\n",
	       colour(verdicts[finding->verdict].colour),
	       verdicts[finding->verdict].word, colour(COLOUR_NONE), name,
	       finding->what, *finding->advice ? "; " : "", finding->advice);
	for (i = 0; i < finding->nr_details; i++)
		printf("%32s%s\n", "", finding->details[i]);
}

static void write_finding(struct json *json, const char *name,
			  const struct finding *finding)
{
	unsigned int i;

	json_open(json, NULL, '{');
	json_string(json, "check", name);
	json_string(json, "verdict", verdicts[finding->verdict].word);
	json_string(json, "what", finding->what);
	json_string(json, "advice", *finding->advice ? finding->advice : NULL);
	json_open(json, "details", '[');
	for (i = 0; i < finding->nr_details; i++)
		json_string(json, NULL, finding->details[i]);
	json_close(json, ']');
	json_close(json, '}');
}

static void print_end(enum verdict_of_check worst)
{
	static const char *const ends[] = {
		[CHECK_GOOD] = "Carapace would attach.",
		[CHECK_NOTE] = "Carapace would attach; see the notes.",
		[CHECK_UNKNOWN] = "Nothing speaks against it; not everything could be looked at.",
		[CHECK_BAD] = "Carapace would not attach.",
	};

	printf("\n%s%s%s\n", colour(verdicts[worst].colour), ends[worst],
	       colour(COLOUR_NONE));
}

static enum verdict_of_check look(struct json *json, bool *certain)
{
	enum verdict_of_check worst = CHECK_GOOD;
	const struct check *check;
	struct finding finding;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		for (check = groups[i]; check->name; check++) {
			check->look(&finding);
			*certain &= finding.verdict != CHECK_UNKNOWN;
			if (finding.verdict > worst)
				worst = finding.verdict;
			if (json)
				write_finding(json, check->name, &finding);
			else
				print_finding(check->name, &finding);
		}
	}
	return worst;
}

static int doctor_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ }
	};
	struct json json = { .out = stdout };
	enum verdict_of_check worst;
	bool as_json = false, certain = true;
	int option;

	while ((option = command_options(&doctor_command, argc, argv, "J",
					 options)) != -1) {
		if (option != 'J')
			return STATUS_USAGE;
		as_json = true;
	}
	if (optind != argc)
		return command_usage(&doctor_command);
	if (as_json) {
		json_open(&json, NULL, '{');
		json_open(&json, "checks", '[');
		worst = look(&json, &certain);
		json_close(&json, ']');
		json_bool(&json, "would_attach", worst != CHECK_BAD);
		json_bool(&json, "certain", certain);
		json_close(&json, '}');
		putchar('\n');
	} else {
		worst = look(NULL, &certain);
		print_end(worst);
	}
	return worst == CHECK_BAD ? STATUS_FAILED : STATUS_OK;
}

const struct command doctor_command = {
	.name = "doctor",
	.arguments = "[--json]",
	.summary = "say whether Carapace would attach to this machine, and what is in the way",
	.help =
	"It only looks. As root, and with the module msr loaded, it sees all that the\n"
	"module would look at. The exit status is 1 where something is in the way.\n"
	"\n"
	"  -J, --json  all of it as one JSON object\n",
	.run = doctor_run,
};
