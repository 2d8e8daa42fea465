// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl top: exits and violations as they happen
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "sysfs.h"

struct sample {
	double when;
	struct pairs exits;
	struct pairs events;
	struct pairs counts;
};

struct top {
	double interval;
	unsigned long rounds;	/* 0: until somebody has had enough */
	bool screen;
};

static volatile sig_atomic_t enough;

static void on_signal(int number)
{
	(void)number;
	enough = 1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void take_sample(struct sample *sample)
{
	sample->when = now();
	sysfs_exits(&sample->exits);
	sysfs_lines("events", &sample->events);
	sysfs_cpu_sums(&sample->counts);
}

static void free_sample(struct sample *sample)
{
	pairs_free(&sample->exits);
	pairs_free(&sample->events);
	pairs_free(&sample->counts);
}

static void print_table(const char *title, const struct pairs *before,
			const struct pairs *after, double seconds)
{
	size_t i;

	printf("%s%-24s %14s %14s%s\n", colour(COLOUR_STRONG), title,
	       "a second", "in all", colour(COLOUR_NONE));
	for (i = 0; i < after->count; i++) {
		const struct pair *pair = &after->pair[i];
		u64 old = pair_number(pairs_find(before, pair->name));
		u64 new = pair_number(pair);

		/* Reasons that do not occur would fill the screen. */
		if (!new)
			continue;
		printf("%-24s %14.1f %14" PRIu64 "\n", pair->name,
		       new < old ? 0 : (double)(new - old) / seconds, new);
	}
}

static void print_round(const struct top *top, const struct sample *before,
			const struct sample *after)
{
	double seconds = after->when - before->when;
	char state[SYSFS_VALUE], cpus[SYSFS_VALUE];

	sysfs_read("state", state, sizeof(state));
	sysfs_read("cpus", cpus, sizeof(cpus));
	if (top->screen)
		printf("\033[H\033[J");
	printf("carapace %s, CPUs %s, over %.1f s\n\n", state, cpus, seconds);
	print_table("VM exits", &before->exits, &after->exits, seconds);
	printf("\n");
	print_table("violations", &before->events, &after->events, seconds);
	printf("\n");
	print_table("CPUs' counts", &before->counts, &after->counts, seconds);
	if (!top->screen)
		printf("\n");
	fflush(stdout);
}

static void pause_for(double seconds)
{
	struct timespec time = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (time_t)seconds) * 1e9),
	};

	nanosleep(&time, NULL);
}

static int watch(const struct top *top)
{
	struct sample before, after;
	unsigned long round;
	int status = STATUS_OK;

	take_sample(&before);
	for (round = 0; !top->rounds || round < top->rounds; round++) {
		pause_for(top->interval);
		if (enough || ferror(stdout))
			break;
		if (!sysfs_is_there()) {
			status = not_attached();
			break;
		}
		take_sample(&after);
		print_round(top, &before, &after);
		free_sample(&before);
		before = after;
	}
	free_sample(&before);
	return status;
}

static bool parse_interval(const char *text, double *interval)
{
	char *end;

	*interval = strtod(text, &end);
	return *text && !*end && *interval >= 0.1 && *interval <= 86400;
}

static bool parse_rounds(const char *text, unsigned long *rounds)
{
	char *end;

	*rounds = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *rounds;
}

static int top_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "rounds", required_argument, NULL, 'n' },
		{ }
	};
	struct top top = {
		.interval = 1,
		.screen = terminal_obeys(STDOUT_FILENO),
	};
	int option;

	while ((option = command_options(&top_command, argc, argv, "i:n:",
					 options)) != -1) {
		switch (option) {
		case 'i':
			if (parse_interval(optarg, &top.interval))
				break;
			complain("--interval: seconds, from 0.1 to 86400");
			return command_usage(&top_command);
		case 'n':
			if (parse_rounds(optarg, &top.rounds))
				break;
			complain("--rounds: a number from 1");
			return command_usage(&top_command);
		default:
			return STATUS_USAGE;
		}
	}
	if (optind != argc)
		return command_usage(&top_command);
	if (!sysfs_is_there())
		return not_attached();
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	return watch(&top);
}

const struct command top_command = {
	.name = "top",
	.arguments = "[--interval SECONDS] [--rounds N]",
	.summary = "watch exits and violations as they happen",
	.help =
	"Until interrupted. On a terminal each round takes the last one's place.\n"
	"\n"
	"  -i, --interval SECONDS  between rounds; 1 if not given\n"
	"  -n, --rounds N          end after so many\n",
	.run = top_run,
};
