// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: look at Carapace, put it on and take it off
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "message.h"
#include "types.h"

static const struct command *const commands[] = {
	&status_command,
	&doctor_command,
	&attach_command,
	&detach_command,
	&policy_command,
	&lock_command,
	&guard_command,
	&unguard_command,
	&log_command,
	&top_command,
	&sites_command,
	&verify_command,
	&help_command,
};

static void print_usage(FILE *out, const struct command *command)
{
	fprintf(out, "usage: carapacectl %s%s%s\n", command->name,
		*command->arguments ? " " : "", command->arguments);
}

/**
 * command_usage() - say how a command is used, after saying what was wrong
 * @command: the command
 *
 * Return: the exit status for that.
 */
int command_usage(const struct command *command)
{
	print_usage(stderr, command);
	fprintf(stderr, "'carapacectl %s --help' says more\n", command->name);
	return STATUS_USAGE;
}

static int command_help(const struct command *command)
{
	print_usage(stdout, command);
	printf("\n%s.\n", command->summary);
	if (*command->help)
		printf("\n%s", command->help);
	return STATUS_OK;
}

/**
 * command_options() - the next option of a command
 * @command: the command
 * @argc: its arguments
 * @argv: its arguments
 * @letters: short options, as getopt_long() has them
 * @options: long options
 *
 * Return: as getopt_long(), '?' with usage printed.
 */
int command_options(const struct command *command, int argc, char **argv,
		    const char *letters, const struct option *options)
{
	int option = getopt_long(argc, argv, letters, options, NULL);

	if (option == '?')
		command_usage(command);
	return option;
}

static int help_all(void)
{
	size_t i;

	printf("usage: carapacectl COMMAND [ARGUMENT...]\n\n"
	       "Look at Carapace, put it on and take it off.\n\n"
	       "commands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n'carapacectl COMMAND --help' says more about one.\n"
	       "\noptions:\n"
	       "  -h, --help     this\n"
	       "  -V, --version  the version\n"
	       "\nexit status:\n");
#define X(name, number, meaning) printf("  %d  %s\n", number, meaning);
	EXIT_STATUSES(X)
#undef X
	return STATUS_OK;
}

static int version(void)
{
	printf("carapacectl %s\n", CARAPACE_VERSION);
	return STATUS_OK;
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

/* Also for "carapacectl COMMAND --help" */
static bool wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	}
	return false;
}

static int unknown(const char *name)
{
	if (*name)
		complain("no command '%s'", name);
	fprintf(stderr, "usage: carapacectl COMMAND [ARGUMENT...]\n"
		"'carapacectl --help' lists the commands\n");
	return STATUS_USAGE;
}

static int help_run(int argc, char **argv)
{
	static const struct option options[] = { { } };
	const struct command *command;

	if (command_options(&help_command, argc, argv, "", options) != -1)
		return STATUS_USAGE;
	if (argc - optind > 1)
		return command_usage(&help_command);
	if (optind == argc)
		return help_all();
	command = find(argv[optind]);
	return command ? command_help(command) : unknown(argv[optind]);
}

const struct command help_command = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "say how carapacectl, or a command, is used",
	.help = "",
	.run = help_run,
};

/* Output that was not written is not done. */
static int finish(int status)
{
	int error = 0;

	if (fflush(stdout))
		error = errno;
	if ((error || ferror(stdout)) && error != EPIPE) {
		complain("cannot write: %s", strerror(error));
		return status ? status : STATUS_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *current;

	setlocale(LC_TIME, "");
	colour_setup();
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return finish(help_all());
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return finish(version());
	current = find(name);
	if (!current)
		return unknown(name);
	if (wants_help(argc - 1, argv + 1))
		return finish(command_help(current));
	return finish(current->run(argc - 1, argv + 1));
}
