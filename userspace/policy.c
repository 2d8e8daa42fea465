// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl policy: show and change what is guarded, and what happens then
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "json.h"
#include "message.h"
#include "module_lines.h"
#include "sysfs.h"

#define PROFILE	"profile"
#define LOCK	"lock"

/* KEY=VALUE, taken apart */
struct change {
	char *key;
	char *value;
};

static int show(const struct pairs *policy, bool as_json)
{
	struct json json = { .out = stdout };
	size_t i;

	if (!as_json) {
		for (i = 0; i < policy->count; i++)
			printf("%s=%s\n", policy->pair[i].name,
			       policy->pair[i].value);
		return STATUS_OK;
	}
	json_open(&json, NULL, '{');
	for (i = 0; i < policy->count; i++)
		json_string(&json, policy->pair[i].name,
			    policy->pair[i].value);
	json_close(&json, '}');
	putchar('\n');
	return STATUS_OK;
}

static bool parse(const struct pairs *policy, char *argument,
		  struct change *change)
{
	char *equals = strchr(argument, '=');

	if (!equals || equals == argument || !equals[1]) {
		complain("'%s' is not KEY=VALUE", argument);
		return false;
	}
	*equals = 0;
	change->key = argument;
	change->value = equals + 1;
	if (pairs_find(policy, change->key))
		return true;
	complain("no key '%s'; 'carapacectl policy' shows those that there are",
		 change->key);
	return false;
}

/*
 * What was changed before the one that failed goes back. A profile changes many
 * values, and may have been none before, so it is the values that go back.
 */
static bool undo(const struct pairs *before)
{
	const struct pair *pair, *now;
	struct pairs after;
	bool done = true;
	size_t i;
	int error;

	sysfs_directory("policy", &after);
	for (i = 0; i < before->count; i++) {
		pair = &before->pair[i];
		now = pairs_find(&after, pair->name);
		if (!strcmp(pair->name, PROFILE) ||
		    (now && !strcmp(pair->value, now->value)))
			continue;
		error = sysfs_write("policy", pair->name, pair->value);
		if (error) {
			complain("%s cannot be put back to %s: %s", pair->name,
				 pair->value, strerror(error));
			done = false;
		}
	}
	pairs_free(&after);
	return done;
}

static int apply(const struct pairs *policy, const struct change *changes,
		 int count)
{
	int i, error, lines = module_lines_begin();

	for (i = 0; i < count; i++) {
		error = sysfs_write("policy", changes[i].key,
				    changes[i].value);
		if (error)
			break;
	}
	if (i < count) {
		complain("%s=%s: %s", changes[i].key, changes[i].value,
			 strerror(error));
		module_lines_print(lines);
		if (undo(policy) && count > 1)
			complain("nothing has been changed");
	}
	module_lines_end(lines);
	return i == count ? STATUS_OK : status_of_error(error);
}

/* A profile before what differs from it; then what cannot be taken back */
static int rank(const struct change *change)
{
	if (!strcmp(change->key, PROFILE))
		return 0;
	return strcmp(change->key, LOCK) ? 1 : 2;
}

/* Those of one rank stay in their order. */
static void put_in_order(struct change *changes, int count)
{
	struct change moved;
	int i, at;

	for (i = 1; i < count; i++) {
		moved = changes[i];
		for (at = i; at && rank(&changes[at - 1]) > rank(&moved); at--)
			changes[at] = changes[at - 1];
		changes[at] = moved;
	}
}

static int change_policy(const struct pairs *policy, int argc, char **argv)
{
	struct change *changes = allocate(argc, sizeof(*changes));
	int i, status = STATUS_USAGE;

	for (i = 0; i < argc; i++) {
		if (!parse(policy, argv[i], &changes[i]))
			break;
	}
	if (i == argc) {
		put_in_order(changes, argc);
		status = apply(policy, changes, argc);
	}
	free(changes);
	return status;
}

static int policy_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ }
	};
	struct pairs policy;
	bool as_json = false;
	int option, status;

	while ((option = command_options(&policy_command, argc, argv, "J",
					 options)) != -1) {
		if (option != 'J')
			return STATUS_USAGE;
		as_json = true;
	}
	if (!sysfs_is_there())
		return not_attached();
	sysfs_directory("policy", &policy);
	if (optind == argc)
		status = show(&policy, as_json);
	else
		status = change_policy(&policy, argc - optind, argv + optind);
	pairs_free(&policy);
	return status;
}

const struct command policy_command = {
	.name = "policy",
	.arguments = "[--json] [KEY=VALUE...]",
	.summary = "show or change what is guarded, and what is done about attacks",
	.help =
	"Without KEY=VALUE it shows all of the policy. Several changes are made in\n"
	"order (profile first, lock last), and all of them or none: when one is refused,\n"
	"those before it are taken back. They hold until Carapace is detached; those in\n"
	"/etc/modprobe.d/carapace.conf are there from the beginning.\n"
	"\n"
	"  profile=monitor         attacks are reported, nothing is stopped\n"
	"  profile=balanced        attacks have no effect\n"
	"  profile=strict          the same, sleeping tasks' stacks and callers' frames are\n"
	"                          guarded, and there is no new kernel code\n"
	"\n"
	"What differs from a profile makes it 'custom':\n"
	"\n"
	"  action=log|block|panic  what is done about an attack\n"
	"  code=on|off             kernel code and read-only data cannot be written\n"
	"  dynamic_code=seal|deny  what becomes of kernel code made from now on\n"
	"  exec=on|off             kernel mode runs nothing but kernel code\n"
	"  frozen_frames=on|off    who calls a guarded function goes on as he would have\n"
	"  helpers=on|off          the kernel starts named programs only\n"
	"  parked_stacks=on|off    a task goes on with the stack that it was left with\n"
	"  registers=on|off        the register guard\n"
	"  returns=on|off          guarded functions return to where they were called from\n"
	"\n"
	"  lock=on                 no way back: see 'carapacectl lock --help'\n"
	"\n"
	"  -J, --json              show it as one JSON object\n",
	.run = policy_run,
};
