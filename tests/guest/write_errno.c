// SPDX-License-Identifier: GPL-2.0
/*
 * Write a text to a file in one go, for scripts: the exit status is the errno
 *
 * usage: write_errno FILE TEXT
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3)
		return EINVAL;
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	/* sysfs does not hear of a write of nothing. */
	if (!*argv[2])
		return write(fd, "\n", 1) < 0 ? errno : 0;
	return write(fd, argv[2], strlen(argv[2])) < 0 ? errno : 0;
}
