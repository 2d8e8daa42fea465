// SPDX-License-Identifier: GPL-2.0
/*
 * Users of guarded functions that a shell cannot be
 *
 * usage: returns_user sleepers COUNT	threads, each asleep in the vulnerable
 *					driver until this is killed, or woken by
 *					SIGUSR1; says "ready"
 *	  returns_user uring FILE COUNT	reads of a file, each by a worker of
 *					io_uring's
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "modules/vuln.h"

#define THREAD_STACK	16384

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static unsigned long nr_woken;

static void *sleep_in_driver(void *device)
{
	const struct vuln_sleep for_ever = { 0 };

	if (ioctl(*(int *)device, VULN_SLEEP, &for_ever))
		perror("VULN_SLEEP");
	__atomic_add_fetch(&nr_woken, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* One goes on each time. */
static int wake_all(int device, unsigned long count)
{
	while (__atomic_load_n(&nr_woken, __ATOMIC_RELAXED) < count) {
		if (ioctl(device, VULN_WAKE))
			return fail("VULN_WAKE");
		usleep(1000);
	}
	return 0;
}

static int sleepers(char **argv)
{
	int device = open(VULN_DEVICE, O_RDWR | O_CLOEXEC);
	unsigned long count = strtoul(argv[0], NULL, 0), i;
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t wake;
	int signal;

	if (device < 0)
		return fail(VULN_DEVICE);
	sigemptyset(&wake);
	sigaddset(&wake, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &wake, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	for (i = 0; i < count; i++) {
		if (pthread_create(&thread, &attributes, sleep_in_driver,
				   &device))
			return fail("thread");
	}
	printf("ready\n");
	fflush(stdout);
	sigwait(&wake, &signal);
	return wake_all(device, count);
}

struct ring {
	int fd;
	struct io_uring_params p;
	char *rings;
	struct io_uring_sqe *sqes;
};

static void *map(const struct ring *r, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, r->fd, what);
}

static int ring_make(struct ring *r)
{
	r->fd = syscall(SYS_io_uring_setup, 4, &r->p);
	if (r->fd < 0)
		return fail("io_uring_setup");
	r->rings = map(r, r->p.cq_off.cqes + r->p.cq_entries *
			  sizeof(struct io_uring_cqe), IORING_OFF_SQ_RING);
	r->sqes = map(r, r->p.sq_entries * sizeof(*r->sqes), IORING_OFF_SQES);
	if (r->rings == MAP_FAILED || r->sqes == MAP_FAILED)
		return fail("mmap");
	return 0;
}

static unsigned int *word(const struct ring *r, __u32 offset)
{
	return (unsigned int *)(r->rings + offset);
}

/* One read, and its result */
static int ring_read(const struct ring *r, int file, char *buffer, size_t size)
{
	const struct io_uring_cqe *cqes = (void *)(r->rings + r->p.cq_off.cqes);
	unsigned int *tail = word(r, r->p.sq_off.tail);
	unsigned int *head = word(r, r->p.cq_off.head);
	unsigned int at = *tail & *word(r, r->p.sq_off.ring_mask);
	int result;

	r->sqes[at] = (struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.flags = IOSQE_ASYNC,	/* by a worker, whatever it takes */
		.fd = file,
		.addr = (__u64)buffer,
		.len = size,
	};
	word(r, r->p.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -1;
	result = cqes[*head & *word(r, r->p.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static int uring(char **argv)
{
	unsigned long count = strtoul(argv[1], NULL, 0);
	int file = open(argv[0], O_RDONLY | O_CLOEXEC);
	struct ring r = { .fd = -1 };
	char expected[512], found[512];
	ssize_t size;

	if (file < 0)
		return fail(argv[0]);
	size = pread(file, expected, sizeof(expected), 0);
	if (ring_make(&r))
		return 1;
	while (count--) {
		if (ring_read(&r, file, found, sizeof(found)) != size ||
		    memcmp(found, expected, size))
			return fail("read");
	}
	return 0;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} commands[] = {
	{ "sleepers", 1, sleepers },
	{ "uring", 2, uring },
};

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (argc == 2 + commands[i].arguments &&
		    !strcmp(argv[1], commands[i].name))
			return commands[i].run(argv + 2);
	}
	fprintf(stderr, "usage: returns_user sleepers COUNT | uring FILE COUNT\n");
	return 2;
}
