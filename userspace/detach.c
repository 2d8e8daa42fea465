// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl detach: unload the module
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "kernel_module.h"
#include "kvm.h"
#include "message.h"
#include "module_lines.h"
#include "sysfs.h"

static const struct error_meaning meanings[] = {
	{ EBUSY, "it is being loaded or unloaded" },
	{ EAGAIN, "somebody uses its tracepoint; or a CPU had to leave it while stacks or returns were guarded, and then it is there until the next boot" },
	{ EPERM, "only root can unload modules, and not where kernel.modules_disabled is set" },
};

static bool is_locked(void)
{
	char value[SYSFS_VALUE];

	return sysfs_read("policy/lock", value, sizeof(value)) &&
	       !strcmp(value, "on");
}

static int explain(int error, int lines)
{
	if (is_locked()) {
		complain("Carapace does not detach: it is locked until the next boot");
		return STATUS_FAILED;
	}
	complain("Carapace does not detach: %s", strerror(error));
	module_lines_explain(lines, error, meanings, ARRAY_SIZE(meanings));
	return status_of_error(error);
}

static int unload(void)
{
	int lines = module_lines_begin();
	int error = module_unload("carapace");
	int status = error ? explain(error, lines) : STATUS_OK;

	module_lines_end(lines);
	if (!status)
		printf("detached\n");
	return status;
}

static int detach_run(int argc, char **argv)
{
	static const struct option options[] = { { } };
	int status;

	if (command_options(&detach_command, argc, argv, "", options) != -1)
		return STATUS_USAGE;
	if (optind != argc)
		return command_usage(&detach_command);
	if (module_is_loaded("carapace")) {
		status = unload();
	} else {
		complain("Carapace is not attached");
		status = STATUS_NOT_ATTACHED;
	}
	/* Also where somebody else has unloaded it meanwhile */
	if (!geteuid() && !module_is_loaded("carapace"))
		kvm_bring_back();
	return status;
}

const struct command detach_command = {
	.name = "detach",
	.arguments = "",
	.summary = "unload the module: Linux has the bare machine back",
	.help =
	"A KVM that attach unloaded is loaded again.\n",
	.run = detach_run,
};
