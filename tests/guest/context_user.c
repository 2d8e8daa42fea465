// SPDX-License-Identifier: GPL-2.0
/*
 * Who is to do something in the kernel: context_user.h
 *
 * Process 1 does it as a debugger's: it sleeps in a system call, is made to execute
 * another one at that place, and then goes on with the one that it was in.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "context_user.h"

/* Of a system call: the instruction, and what tells that it is to begin anew */
#define SYSCALL_SIZE	2
#define ERESTARTSYS	512

#define NAME_SIZE	32
#define ROOM		1024	/* below its stack, and what it may have there */

static const char *const names[CONTEXT_COUNT] = {
#define X(constant, name) [CONTEXT_##constant] = name,
	CONTEXTS(X)
#undef X
};

enum context context_named(const char *name)
{
	enum context context;

	for (context = 0; context < CONTEXT_COUNT; context++) {
		if (!strcmp(name, names[context]))
			break;
	}
	return context;
}

/* -1 where it was not made; what it returned otherwise */
static long call_by_init(const struct user_regs_struct *was, long number, long first,
			 long second, long third)
{
	struct user_regs_struct regs = *was;
	int status, stops;

	regs.rip -= SYSCALL_SIZE;
	regs.orig_rax = -1;
	regs.rax = number;
	regs.rdi = first;
	regs.rsi = second;
	regs.rdx = third;
	if (ptrace(PTRACE_SETREGS, 1, NULL, &regs))
		return -1;
	/* At its beginning and at its end */
	for (stops = 0; stops < 2; stops++) {
		if (ptrace(PTRACE_SYSCALL, 1, NULL, NULL) ||
		    waitpid(1, &status, 0) != 1 || !WIFSTOPPED(status))
			return -1;
	}
	return ptrace(PTRACE_GETREGS, 1, NULL, &regs) ? -1 : (long)regs.rax;
}

static bool put(unsigned long at, const void *data, size_t size)
{
	const long *words = data;

	for (size /= sizeof(*words); size--; at += sizeof(*words)) {
		if (ptrace(PTRACE_POKEDATA, 1, at, *words++))
			return false;
	}
	return true;
}

static void get(unsigned long at, void *data, size_t size)
{
	long *words = data;

	for (size /= sizeof(*words); size--; at += sizeof(*words))
		*words++ = ptrace(PTRACE_PEEKDATA, 1, at, NULL);
}

/* Nobody else has what it was interrupted in begin anew any more. */
static void let_go(struct user_regs_struct *regs)
{
	if ((long)regs->rax == -ERESTARTSYS) {
		regs->rip -= SYSCALL_SIZE;
		regs->rax = regs->orig_rax;
		regs->orig_rax = -1;
	}
	ptrace(PTRACE_SETREGS, 1, NULL, regs);
	ptrace(PTRACE_DETACH, 1, NULL, NULL);
}

long ioctl_by_init(const char *device, unsigned long request, void *argument,
		   size_t size)
{
	char name[NAME_SIZE] = "";
	struct user_regs_struct regs;
	unsigned long room;
	long fd, err = -1;
	int status;

	snprintf(name, sizeof(name), "%s", device);
	if (ptrace(PTRACE_ATTACH, 1, NULL, NULL) || waitpid(1, &status, 0) != 1 ||
	    ptrace(PTRACE_GETREGS, 1, NULL, &regs))
		return -1;
	room = (regs.rsp - ROOM) & -16;
	if (put(room, name, sizeof(name)) &&
	    put(room + sizeof(name), argument, size)) {
		fd = call_by_init(&regs, SYS_open, room, O_RDWR, 0);
		if (fd >= 0) {
			err = call_by_init(&regs, SYS_ioctl, fd, request,
					   room + sizeof(name));
			call_by_init(&regs, SYS_close, fd, 0, 0);
		}
	}
	get(room + sizeof(name), argument, size);
	let_go(&regs);
	return err;
}
