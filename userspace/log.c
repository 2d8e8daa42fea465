// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl log: the attacks that the kernel's log tells of
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack_line.h"
#include "command.h"
#include "json.h"
#include "kmsg.h"
#include "message.h"
#include "sysfs.h"
#include "when.h"

#define DETAILS_MAX	32
/* Details come right behind; after this long, in ms, none are to come */
#define DETAILS_WAIT	100

struct log {
	bool json;
	bool follow;
	s64 since;
	s64 booted;
	/* One that may get more details */
	bool pending;
	s64 when;
	struct attack_line attack;
	char *details[DETAILS_MAX];
	size_t nr_details;
};

/* Names are the attacker's, and this is somebody's terminal. */
static void clean(struct log *log)
{
	size_t i;

	for (i = 0; i < log->attack.count; i++)
		make_printable(log->attack.value[i]);
	for (i = 0; i < log->nr_details; i++)
		make_printable(log->details[i]);
}

static void print_attack(const struct log *log)
{
	static const char *const in_front[] = {
		"kind", "pid", "comm", "action",
	};
	const struct attack_line *attack = &log->attack;
	char when[32];
	size_t i, j;

	when_print(log->when, when, sizeof(when));
	printf("%s%s%s  %s%s%s by %s (pid %s), action %s\n   ",
	       colour(COLOUR_FAINT), when, colour(COLOUR_NONE),
	       colour(COLOUR_BAD), attack_line_value(attack, "kind"),
	       colour(COLOUR_NONE), attack_line_value(attack, "comm"),
	       attack_line_value(attack, "pid"),
	       attack_line_value(attack, "action"));
	for (i = 0; i < attack->count; i++) {
		for (j = 0; j < ARRAY_SIZE(in_front); j++) {
			if (!strcmp(attack->key[i], in_front[j]))
				break;
		}
		if (j == ARRAY_SIZE(in_front))
			printf(" %s=%s", attack->key[i], attack->value[i]);
	}
	putchar('\n');
	for (i = 0; i < log->nr_details; i++)
		printf("      %s%s%s\n", colour(COLOUR_FAINT),
		       log->details[i], colour(COLOUR_NONE));
}

static void write_attack(const struct log *log)
{
	struct json json = { .out = stdout };
	size_t i;

	json_open(&json, NULL, '{');
	json_number(&json, "time_usec", log->when);
	for (i = 0; i < log->attack.count; i++)
		json_string(&json, log->attack.key[i], log->attack.value[i]);
	json_open(&json, "details", '[');
	for (i = 0; i < log->nr_details; i++)
		json_string(&json, NULL, log->details[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	putchar('\n');
}

static void finish_pending(struct log *log)
{
	size_t i;

	if (!log->pending)
		return;
	if (log->json) {
		write_attack(log);
	} else {
		clean(log);
		print_attack(log);
	}
	fflush(stdout);
	for (i = 0; i < log->nr_details; i++)
		free(log->details[i]);
	log->nr_details = 0;
	log->pending = false;
}

static void add_detail(struct log *log, const char *detail)
{
	char *copy;

	if (log->nr_details == DETAILS_MAX)
		return;
	copy = strdup(detail);
	if (!copy)
		out_of_memory();
	log->details[log->nr_details++] = copy;
}

static void take_record(struct log *log, const struct kmsg_record *record)
{
	struct attack_line attack;
	const char *detail;
	s64 when = log->booted + record->usec;

	if (!record->from_kernel || when < log->since)
		return;
	if (attack_line_parse(record->text, &attack)) {
		finish_pending(log);
		log->attack = attack;
		log->when = when;
		log->pending = true;
		return;
	}
	detail = attack_detail(record->text);
	if (log->pending && detail)
		add_detail(log, detail);
}

/* Whether there is more, after waiting where it is to be followed */
static bool wait_for_more(struct log *log, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	if (!log->follow || ferror(stdout)) {
		finish_pending(log);
		return false;
	}
	if (log->pending && !poll(&poll_fd, 1, DETAILS_WAIT))
		finish_pending(log);
	return poll(&poll_fd, 1, -1) >= 0 || errno == EINTR;
}

static int read_log(struct log *log, int fd)
{
	struct kmsg_record record;

	for (;;) {
		switch (kmsg_next(fd, &record)) {
		case KMSG_RECORD:
			take_record(log, &record);
			break;
		case KMSG_LOST:
			finish_pending(log);
			complain("the kernel's log was overwritten before it was read: some may be missing");
			break;
		case KMSG_NO_MORE:
			if (!wait_for_more(log, fd))
				return STATUS_OK;
			break;
		case KMSG_ERROR:
			complain("/dev/kmsg: %s", strerror(errno));
			return STATUS_FAILED;
		}
	}
}

static int log_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "follow", no_argument, NULL, 'f' },
		{ "since", required_argument, NULL, 's' },
		{ }
	};
	struct log log = { .booted = when_booted() };
	int option, fd, error, status;

	while ((option = command_options(&log_command, argc, argv, "Jfs:",
					 options)) != -1) {
		switch (option) {
		case 'J':
			log.json = true;
			break;
		case 'f':
			log.follow = true;
			break;
		case 's':
			if (!when_parse(optarg, when_now(), &log.since)) {
				complain("--since: '%s' is no time", optarg);
				return command_usage(&log_command);
			}
			break;
		default:
			return STATUS_USAGE;
		}
	}
	if (optind != argc)
		return command_usage(&log_command);
	fd = kmsg_open(false);
	if (fd < 0) {
		error = errno;
		complain("/dev/kmsg: %s", strerror(error));
		return status_of_error(error);
	}
	status = read_log(&log, fd);
	close(fd);
	return status;
}

const struct command log_command = {
	.name = "log",
	.arguments = "[--json] [--follow] [--since TIME]",
	.summary = "show the attacks that the kernel's log tells of",
	.help =
	"Only lines of the kernel's own count: no process can write one that shows\n"
	"here. The log is a ring: what it forgot, 'carapacectl status' still counts.\n"
	"\n"
	"  -J, --json        each as one line of JSON\n"
	"  -f, --follow      go on with those that come\n"
	"  -s, --since TIME  no older ones; TIME is an age like 90s, 5m, 2h, 1d, or\n"
	"                    a local time like '2026-11-25 10:00'\n",
	.run = log_run,
};
