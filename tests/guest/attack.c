// SPDX-License-Identifier: GPL-2.0
/*
 * attack --list		names of all attacks, one a line
 * attack NAME			perform one; its effect is printed
 * attack --last		effect of the last one, by whomever
 */
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "modules/attack.h"

static const char *const names[ATTACK_COUNT] = {
#define X(constant, name) #constant,
	ATTACKS(X)
#undef X
};

static const char *const effects[] = {
	[ATTACK_NOT_RUN] = "not-run",
	[ATTACK_SUCCEEDED] = "succeeded",
	[ATTACK_HAD_NO_EFFECT] = "no-effect",
	[ATTACK_RAISED_FAULT] = "fault",
	[ATTACK_NOT_HERE] = "not-here",
};

static int show(int fd, unsigned long command, struct attack_request *q)
{
	if (ioctl(fd, command, q)) {
		perror("/dev/attack");
		return 1;
	}
	printf("%s\n", effects[q->effect]);
	return 0;
}

int main(int argc, char **argv)
{
	struct attack_request q = { 0 };
	unsigned int i;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: attack --list | --last | NAME\n");
		return 2;
	}
	if (!strcmp(argv[1], "--list")) {
		for (i = 0; i < ATTACK_COUNT; i++)
			printf("%s\n", names[i]);
		return 0;
	}
	fd = open("/dev/attack", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror("/dev/attack");
		return 1;
	}
	if (!strcmp(argv[1], "--last"))
		return show(fd, ATTACK_LAST, &q);
	for (i = 0; i < ATTACK_COUNT; i++) {
		if (!strcmp(argv[1], names[i])) {
			q.attack = i;
			return show(fd, ATTACK_PERFORM, &q);
		}
	}
	fprintf(stderr, "attack: no attack '%s'\n", argv[1]);
	return 2;
}
