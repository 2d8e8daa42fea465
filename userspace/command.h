/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: its commands, and what its exit statuses mean
 */
#ifndef CARAPACE_USERSPACE_COMMAND_H
#define CARAPACE_USERSPACE_COMMAND_H

#include <getopt.h>

/*
 * These are an interface: --help and the man page list them, scripts go by
 * them. None changes its meaning; new ones come at the end.
 */
#define EXIT_STATUSES(X)						\
	X(OK,		0, "done")					\
	X(FAILED,	1, "what was asked for could not be done, or is not so") \
	X(USAGE,	2, "the command line makes no sense")		\
	X(NOT_ATTACHED,	3, "Carapace is not attached")			\
	X(PRIVILEGE,	4, "it takes more privileges; try as root")	\
	X(BAD_FILE,	5, "a file was missing or malformed; the others were done") \
	X(DEGRADED,	6, "a CPU runs bare: the hypervisor had a fault of its own there")

enum exit_status {
#define X(name, number, meaning) STATUS_##name = number,
	EXIT_STATUSES(X)
#undef X
};

/**
 * struct command - one of carapacectl's commands
 * @name: its name
 * @arguments: what comes after the name, for the usage line
 * @summary: what it does, in half a line
 * @help: its options and what else there is to know, lines of text
 * @run: do it; @argv[0] is the name. Return: enum exit_status
 */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};

extern const struct command attach_command;
extern const struct command detach_command;
extern const struct command doctor_command;
extern const struct command guard_command;
extern const struct command help_command;
extern const struct command lock_command;
extern const struct command log_command;
extern const struct command policy_command;
extern const struct command sites_command;
extern const struct command status_command;
extern const struct command top_command;
extern const struct command unguard_command;
extern const struct command verify_command;

int command_usage(const struct command *command);
int command_options(const struct command *command, int argc, char **argv,
		    const char *letters, const struct option *options);

#endif /* CARAPACE_USERSPACE_COMMAND_H */
