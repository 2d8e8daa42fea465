// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl guard, unguard: whose returns are guarded
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "module_lines.h"
#include "sysfs.h"

/* One after the other; a module that cannot be does not concern the others. */
static int tell_all(const char *file, const char *done, char **modules)
{
	int status = STATUS_OK, lines, error;

	for (; *modules; modules++) {
		lines = module_lines_begin();
		error = sysfs_write("returns", file, *modules);
		if (error) {
			complain("%s: %s", *modules, strerror(error));
			module_lines_print(lines);
			status = status_of_error(error);
		} else {
			printf("%s %s\n", done, *modules);
		}
		module_lines_end(lines);
	}
	return status;
}

static int run(const struct command *command, const char *done, int argc,
	       char **argv)
{
	static const struct option options[] = { { } };
	char value[SYSFS_VALUE];

	if (command_options(command, argc, argv, "", options) != -1)
		return STATUS_USAGE;
	if (optind == argc) {
		complain("which modules?");
		return command_usage(command);
	}
	if (!sysfs_is_there())
		return not_attached();
	if (!sysfs_read("returns/modules", value, sizeof(value)) &&
	    errno == ENOENT) {
		complain("the Carapace that is attached has no return guard");
		return STATUS_FAILED;
	}
	return tell_all(command->name, done, argv + optind);
}

static int guard_run(int argc, char **argv)
{
	return run(&guard_command, "guarded", argc, argv);
}

static int unguard_run(int argc, char **argv)
{
	return run(&unguard_command, "no longer guarded", argc, argv);
}

const struct command guard_command = {
	.name = "guard",
	.arguments = "MODULE...",
	.summary = "guard the return addresses of modules' functions",
	.help =
	"MODULE is a loaded module's name; 'vmlinux' for the functions of the kernel's\n"
	"that exploits go through; or '*' for these and all modules, also those that\n"
	"are loaded later. What of a module can be guarded, 'carapacectl sites' says\n"
	"beforehand. It lasts until 'carapacectl unguard', or until the module is\n"
	"unloaded or Carapace detached. Once the policy is locked, nothing more can be\n"
	"guarded.\n",
	.run = guard_run,
};

const struct command unguard_command = {
	.name = "unguard",
	.arguments = "MODULE...",
	.summary = "guard them no longer",
	.help =
	"MODULE is as for 'carapacectl guard'; '*' is all of it.\n",
	.run = unguard_run,
};
