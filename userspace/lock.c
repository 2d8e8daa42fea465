// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl lock: no way back until the next boot
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

static int lock(void)
{
	int lines = module_lines_begin();
	int error = sysfs_write("policy", "lock", "on");

	if (error) {
		complain("not locked: %s", strerror(error));
		module_lines_print(lines);
	} else {
		printf("locked until the next boot\n");
	}
	module_lines_end(lines);
	return status_of_error(error);
}

static int lock_run(int argc, char **argv)
{
	static const struct option options[] = { { } };

	if (command_options(&lock_command, argc, argv, "", options) != -1)
		return STATUS_USAGE;
	if (optind != argc)
		return command_usage(&lock_command);
	return sysfs_is_there() ? lock() : not_attached();
}

const struct command lock_command = {
	.name = "lock",
	.arguments = "",
	.summary = "let nobody weaken the policy or detach, until the next boot",
	.help =
	"There is no way back but a reboot. Meanwhile no policy can be weakened,\n"
	"Carapace cannot be detached, no CPU can go offline, and there is no suspend,\n"
	"hibernation, kexec or kdump. No module can be unloaded, and no more can be guarded:\n"
	"change the policy first, and guard what is to be guarded.\n",
	.run = lock_run,
};
