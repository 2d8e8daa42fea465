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

/* KEY=VALUE, taken apart */
struct change {
	char *key;
	char *value;
	const struct pair *before;
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
	change->before = pairs_find(policy, change->key);
	if (!change->before)
		complain("no key '%s'; 'carapacectl policy' shows those that there are",
			 change->key);
	return change->before;
}

/* What was changed before the one that failed goes back. */
static void undo(const struct change *changes, int count)
{
	int error;

	while (count-- > 0) {
		error = sysfs_write("policy", changes[count].key,
				    changes[count].before->value);
		if (error)
			complain("%s cannot be put back to %s: %s",
				 changes[count].key,
				 changes[count].before->value,
				 strerror(error));
	}
}

static int apply(const struct change *changes, int count)
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
		undo(changes, i);
		if (count > 1)
			complain("nothing has been changed");
	}
	module_lines_end(lines);
	if (i == count)
		return STATUS_OK;
	return error == EPERM || error == EACCES ? STATUS_PRIVILEGE :
						   STATUS_FAILED;
}

/* What cannot be taken back comes last, when all else has been taken. */
static void put_lock_last(struct change *changes, int count)
{
	struct change moved;
	int i, end = count;

	for (i = 0; i < end; ) {
		if (strcmp(changes[i].key, "lock")) {
			i++;
			continue;
		}
		moved = changes[i];
		memmove(changes + i, changes + i + 1,
			(count - i - 1) * sizeof(*changes));
		changes[count - 1] = moved;
		end--;
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
		put_lock_last(changes, argc);
		status = apply(changes, argc);
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
	"order (lock last), and all of them or none: when one is refused, those before\n"
	"it are taken back. They hold until Carapace is detached.\n"
	"\n"
	"  action=log|block|panic  what is done about an attack\n"
	"  code=on|off             kernel code and read-only data cannot be written\n"
	"  dynamic_code=seal|deny  what becomes of kernel code made from now on\n"
	"  exec=on|off             kernel mode runs nothing but kernel code\n"
	"  lock=on                 no way back: see 'carapacectl lock --help'\n"
	"  registers=on|off        the register guard\n"
	"\n"
	"  -J, --json              show it as one JSON object\n",
	.run = policy_run,
};
