// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl sites: what of modules the return guard can guard
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "coverage.h"
#include "json.h"
#include "message.h"
#include "module_files.h"
#include "workers.h"

enum format {
	FORMAT_FUNCTIONS,
	FORMAT_SUMMARY,
	FORMAT_JSON,
};

struct sites {
	enum format format;
	struct module_files files;
	bool progress;
	bool any_bad;
	struct coverage_sums sums;
	size_t nr_modules;
	struct json json;
};

/* What a worker finds besides text */
struct result {
	bool good;
	struct reason why;
	struct coverage_sums sums;
};

static void print_share(FILE *out, const struct coverage_sums *sums)
{
	u64 whole = coverage_staying_returns(sums);
	u64 part = sums->returns[FATE_GUARDABLE];

	fprintf(out, "%" PRIu64 " of %" PRIu64 " return sites", part, whole);
	if (whole)
		fprintf(out, " (%.2f %%)", 100.0 * (double)part / (double)whole);
}

static u64 all_functions(const struct coverage_sums *sums)
{
	enum fate fate;
	u64 count = 0;

	for (fate = 0; fate < FATE_COUNT; fate++)
		count += sums->functions[fate];
	return count;
}

static void print_module(FILE *out, const char *path,
			 const struct coverage *coverage, bool functions)
{
	size_t i;

	fprintf(out, "%s%s%s: %" PRIu64 " of %zu functions, ",
		colour(COLOUR_STRONG), path, colour(COLOUR_NONE),
		coverage->sums.functions[FATE_GUARDABLE],
		coverage->nr_functions);
	print_share(out, &coverage->sums);
	fputc('\n', out);
	for (i = 0; functions && i < coverage->nr_functions; i++) {
		const struct function *function = &coverage->functions[i];
		bool guardable = function->fate == FATE_GUARDABLE;

		fprintf(out, "  %s%-9s%s %-40s ",
			colour(guardable ? COLOUR_GOOD : COLOUR_WARNING),
			guardable ? "guardable" : "not",
			colour(COLOUR_NONE), function->name);
		if (guardable)
			fprintf(out, "%u return site%s\n", function->returns,
				function->returns == 1 ? "" : "s");
		else
			fprintf(out, "%s\n", fate_meaning(function->fate));
	}
}

static void write_sums(struct json *json, const struct coverage_sums *sums)
{
	u64 staying = coverage_staying_returns(sums);
	enum fate fate;

	json_open(json, "functions", '{');
	for (fate = 0; fate < FATE_COUNT; fate++)
		json_number(json, fate_name(fate), sums->functions[fate]);
	json_close(json, '}');
	json_open(json, "returns", '{');
	for (fate = 0; fate < FATE_COUNT; fate++)
		json_number(json, fate_name(fate), sums->returns[fate]);
	json_number(json, "stray", sums->stray_returns);
	json_close(json, '}');
	json_number(json, "staying_returns", staying);
	json_share(json, "share", sums->returns[FATE_GUARDABLE], staying);
	json_open(json, "tail_calls", '{');
	for (fate = 0; fate < FATE_COUNT; fate++)
		json_number(json, fate_name(fate), sums->tail_calls[fate]);
	json_close(json, '}');
}

static void write_module(FILE *out, const char *path,
			 const struct elf_module *module,
			 const struct coverage *coverage)
{
	struct json json = { .out = out };
	size_t i;

	json_open(&json, NULL, '{');
	json_string(&json, "file", path);
	json_string(&json, "module", module->name);
	json_open(&json, "totals", '{');
	write_sums(&json, &coverage->sums);
	json_close(&json, '}');
	json_open(&json, "list", '[');
	for (i = 0; i < coverage->nr_functions; i++) {
		const struct function *function = &coverage->functions[i];

		json_open(&json, NULL, '{');
		json_string(&json, "name", function->name);
		json_string(&json, "section",
			    module->sections[function->section].name);
		json_number(&json, "offset", function->offset);
		json_number(&json, "size", function->size);
		json_string(&json, "fate", fate_name(function->fate));
		json_number(&json, "returns", function->returns);
		json_number(&json, "tail_calls", function->tail_calls);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
}

static bool examine(struct sites *sites, const char *path, FILE *out,
		    struct result *result)
{
	struct elf_module module;
	struct coverage coverage;
	struct bytes bytes;
	bool good;

	good = bytes_read(path, &bytes, &result->why) &&
	       bytes_decompress(&bytes, &result->why) &&
	       elf_module_open(&module, &bytes, &result->why);
	if (good) {
		good = coverage_find(&module, &coverage, &result->why);
		if (good) {
			if (sites->format == FORMAT_JSON)
				write_module(out, path, &module, &coverage);
			else
				print_module(out, path, &coverage,
					     sites->format == FORMAT_FUNCTIONS);
			result->sums = coverage.sums;
			coverage_free(&coverage);
		}
		elf_module_close(&module);
	}
	bytes_free(&bytes);
	return good;
}

static void perform(void *context, size_t number, FILE *out, void *result)
{
	struct sites *sites = context;
	struct result *of = result;

	of->good = examine(sites, sites->files.path[number], out, of);
}

static void clear_progress(const struct sites *sites)
{
	if (sites->progress)
		fputs("\r\033[K", stderr);
}

static void deliver_bad(struct sites *sites, const char *path, const char *why)
{
	sites->any_bad = true;
	clear_progress(sites);
	complain("%s: %s", path, why);
	if (sites->format != FORMAT_JSON)
		return;
	json_open(&sites->json, NULL, '{');
	json_string(&sites->json, "file", path);
	json_string(&sites->json, "error", why);
	json_close(&sites->json, '}');
}

static void deliver(void *context, size_t number, const char *text,
		    const void *result)
{
	struct sites *sites = context;
	const char *path = sites->files.path[number];
	const struct result *of = result;

	if (sites->format == FORMAT_JSON && number)
		fputc('\n', stdout);
	if (!of) {
		deliver_bad(sites, path, "its examination crashed; please report this");
		return;
	}
	if (!of->good) {
		deliver_bad(sites, path, of->why.text);
		return;
	}
	sites->nr_modules++;
	coverage_add(&sites->sums, &of->sums);
	clear_progress(sites);
	if (sites->format == FORMAT_JSON && sites->json.comma)
		fputc(',', stdout);
	sites->json.comma = true;
	fputs(text, stdout);
}

static void progress(void *context, size_t done)
{
	const struct sites *sites = context;

	if (sites->progress && (done % 16 == 0 || done == sites->files.count))
		fprintf(stderr, "\r%zu of %zu modules", done,
			sites->files.count);
}

static void print_totals(const struct sites *sites)
{
	const struct coverage_sums *sums = &sites->sums;
	enum fate fate;

	if (sites->format == FORMAT_FUNCTIONS)
		fputc('\n', stdout);
	printf("%s%zu module%s, %" PRIu64 " functions%s\n",
	       colour(COLOUR_STRONG), sites->nr_modules,
	       sites->nr_modules == 1 ? "" : "s", all_functions(sums),
	       colour(COLOUR_NONE));
	printf("%10s %14s\n", "functions", "return sites");
	for (fate = FATE_COUNT; fate-- > 0;) {
		if (!sums->functions[fate])
			continue;
		printf("%10" PRIu64 " %14" PRIu64 "  %s\n",
		       sums->functions[fate], sums->returns[fate],
		       fate_meaning(fate));
	}
	if (sums->stray_returns)
		printf("%10s %14" PRIu64 "  in no function\n", "",
		       sums->stray_returns);
	print_share(stdout, sums);
	printf(" of code that stays loaded can be guarded\n");
	printf("%" PRIu64 " jumps leave functions that can be guarded, and %" PRIu64 " those without a return,\n"
	       "for functions outside the module, which return in their place\n",
	       sums->tail_calls[FATE_GUARDABLE],
	       sums->tail_calls[FATE_NO_RETURN]);
}

static void end_json(struct sites *sites)
{
	json_close(&sites->json, ']');
	json_number(&sites->json, "modules_read", sites->nr_modules);
	json_open(&sites->json, "totals", '{');
	write_sums(&sites->json, &sites->sums);
	json_close(&sites->json, '}');
	json_close(&sites->json, '}');
	fputc('\n', stdout);
}

static bool examine_all(struct sites *sites, unsigned int jobs)
{
	struct work work = {
		.count = sites->files.count,
		.result_size = sizeof(struct result),
		.perform = perform,
		.deliver = deliver,
		.progress = progress,
		.context = sites,
	};

	if (sites->format == FORMAT_JSON) {
		json_open(&sites->json, NULL, '{');
		json_open(&sites->json, "modules", '[');
	}
	if (!work_do(&work, jobs)) {
		complain("cannot start processes to examine modules");
		return false;
	}
	clear_progress(sites);
	if (sites->format == FORMAT_JSON)
		end_json(sites);
	else
		print_totals(sites);
	return true;
}

static unsigned int online(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? count : 1;
}

static bool parse_jobs(const char *text, unsigned int *jobs)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || !value || value > 1024)
		return false;
	*jobs = value;
	return true;
}

static int sites_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "summary", no_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ }
	};
	struct sites sites = {
		.json = { .out = stdout },
		.progress = terminal_obeys(STDERR_FILENO),
	};
	unsigned int jobs = online();
	int option;
	bool good;

	while ((option = command_options(&sites_command, argc, argv, "Jsj:",
					 options)) != -1) {
		switch (option) {
		case 'J':
			sites.format = FORMAT_JSON;
			break;
		case 's':
			sites.format = FORMAT_SUMMARY;
			break;
		case 'j':
			if (!parse_jobs(optarg, &jobs)) {
				complain("--jobs: a number from 1 to 1024");
				return command_usage(&sites_command);
			}
			break;
		default:
			return STATUS_USAGE;
		}
	}
	if (optind == argc) {
		complain("which modules?");
		return command_usage(&sites_command);
	}
	sites.any_bad = !module_files_find(argv + optind, &sites.files);
	good = examine_all(&sites, jobs);
	module_files_free(&sites.files);
	if (!good)
		return STATUS_FAILED;
	return sites.any_bad ? STATUS_BAD_FILE : STATUS_OK;
}

const struct command sites_command = {
	.name = "sites",
	.arguments = "[--json | --summary] [--jobs N] FILE...",
	.summary = "say which functions of modules can have their returns guarded",
	.help =
	"FILE is a module's file, compressed or not, or a directory with modules\n"
	"in it. Nothing has to be loaded or attached.\n"
	"\n"
	"  -J, --json     all of it as one JSON object\n"
	"  -s, --summary  a line for each module, and not for each function\n"
	"  -j, --jobs N   use N processes; default is one for each CPU\n",
	.run = sites_run,
};
