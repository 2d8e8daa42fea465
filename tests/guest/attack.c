// SPDX-License-Identifier: GPL-2.0
/*
 * attack --list [GROUP]	names of attacks, one a line
 * attack NAME [CONTEXT]		perform one; its effect is printed. CONTEXT: by whom
 * attack --last		effect of the last one, by whomever
 *
 * What an attack needs in user space, before and after, is attack_user.c.
 */
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attack_user.h"
#include "context_user.h"

static const char *const names[ATTACK_COUNT] = {
#define X(constant, name) #constant,
	ATTACKS(X)
#undef X
};

static const char *const effects[ATTACK_EFFECTS] = {
	[ATTACK_NOT_RUN] = "not-run",
	[ATTACK_SUCCEEDED] = "succeeded",
	[ATTACK_HAD_NO_EFFECT] = "no-effect",
	[ATTACK_RAISED_FAULT] = "fault",
	[ATTACK_NOT_HERE] = "not-here",
};

static void list(const char *group)
{
	size_t length = strlen(group);
	unsigned int i;

	for (i = 0; i < ATTACK_COUNT; i++) {
		if (!strncmp(names[i], group, length) &&
		    (!length || names[i][length] == '_'))
			printf("%s\n", names[i]);
	}
}

static int fail(void)
{
	perror("/dev/attack");
	return 1;
}

static int perform_by_init(struct attack_request *q)
{
	q->context = CONTEXT_TASK;
	return ioctl_by_init("/dev/attack", ATTACK_PERFORM, q, sizeof(*q));
}

static int perform(int fd, unsigned int attack, const char *context)
{
	struct attack_request q = {
		.attack = attack,
		.context = context_named(context),
	};
	bool init = !strcmp(context, "init");

	if (attack_prepare(fd, &q) ||
	    (init ? perform_by_init(&q) : ioctl(fd, ATTACK_PERFORM, &q)))
		return fail();
	if (attack_goes_on(attack) && q.effect == ATTACK_HAD_NO_EFFECT) {
		if (attack_go_on(fd, &q))
			q.effect = ATTACK_SUCCEEDED;
		if (ioctl(fd, ATTACK_CONFIRM, &q))
			return fail();
	}
	printf("%s\n", effects[q.effect]);
	return 0;
}

int main(int argc, char **argv)
{
	struct attack_request q = { 0 };
	unsigned int i;
	int fd;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: attack --list [GROUP] | --last | NAME [CONTEXT]\n");
		return 2;
	}
	if (!strcmp(argv[1], "--list")) {
		list(argc > 2 ? argv[2] : "");
		return 0;
	}
	fd = open("/dev/attack", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail();
	if (!strcmp(argv[1], "--last")) {
		if (ioctl(fd, ATTACK_LAST, &q))
			return fail();
		printf("%s\n", effects[q.effect]);
		return 0;
	}
	for (i = 0; i < ATTACK_COUNT; i++) {
		if (!strcmp(argv[1], names[i]))
			return perform(fd, i, argc > 2 ? argv[2] : "task");
	}
	fprintf(stderr, "attack: no attack '%s'\n", argv[1]);
	return 2;
}
