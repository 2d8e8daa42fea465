// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: running other programs
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "program.h"

/* For who has no /sbin in his path, or somebody else's first */
const char *program_path = "/usr/sbin:/usr/bin:/sbin:/bin";

static pid_t start(const char *const *arguments, int output, bool quiet)
{
	pid_t pid;
	int null;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	if (output >= 0)
		dup2(output, STDOUT_FILENO);
	null = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	setenv("PATH", program_path, 1);
	execvp(arguments[0], (char *const *)arguments);
	_exit(127);
}

static bool ended_well(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/**
 * program_run() - run a program
 * @arguments: its name and arguments, then NULL
 *
 * Return: whether it ended with 0.
 */
bool program_run(const char *const *arguments)
{
	pid_t pid = start(arguments, -1, false);

	return pid > 0 && ended_well(pid);
}

/**
 * program_output() - run a program, without its messages, for its output
 * @arguments: its name and arguments, then NULL
 * @output: set to its output, the beginning where that is too long
 * @size: of @output
 *
 * Return: whether it ended with 0.
 */
bool program_output(const char *const *arguments, char *output, size_t size)
{
	size_t length = 0;
	ssize_t count;
	int ends[2];
	pid_t pid;

	*output = 0;
	if (pipe2(ends, O_CLOEXEC))
		return false;
	pid = start(arguments, ends[1], true);
	close(ends[1]);
	while (pid > 0 && length < size - 1) {
		count = read(ends[0], output + length, size - 1 - length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			break;
		length += count;
	}
	output[length] = 0;
	close(ends[0]);
	return pid > 0 && ended_well(pid);
}
