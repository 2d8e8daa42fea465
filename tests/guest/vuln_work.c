// SPDX-License-Identifier: GPL-2.0
/*
 * What the vulnerable driver is there for, done as it is meant: no attacks
 *
 * usage: vuln_work [ROUNDS]
 *
 * By ordinary users, several on each CPU. The exit status says whether all
 * results were right; what was not is on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules/vuln.h"

#define NOBODY		65534
#define WORKERS_PER_CPU	2
#define WORKERS_MAX	128

static int device;

static bool wrong(const char *what, __u64 found, __u64 expected)
{
	if (found == expected)
		return false;
	fprintf(stderr, "vuln_work: %s: %#llx, not %#llx\n", what, found,
		expected);
	return true;
}

/* As long as the buffer, and not longer */
static bool send_bytes(enum vuln_handler handler, unsigned int round)
{
	unsigned char in[VULN_BUFFER], out[VULN_BUFFER];
	size_t size = round % VULN_BUFFER + 1;
	struct vuln_message m = { handler, (__u64)in, size, (__u64)out, size };
	__u64 sum = handler == VULN_FRAME;
	size_t i;

	for (i = 0; i < size; i++) {
		in[i] = 1 + round + i;
		sum += in[i];
	}
	if (wrong("message", ioctl(device, VULN_MESSAGE, &m), 0))
		return false;
	return !wrong("sum", m.sum, sum) &&
	       !wrong("answer", memcmp(in, out, size), 0);
}

static bool send_words(unsigned int round)
{
	struct vuln_word words[VULN_BUFFER / sizeof(__u64)];
	const size_t count = sizeof(words) / sizeof(*words);
	struct vuln_message m = { VULN_SCATTER, (__u64)words, sizeof(words) };
	__u64 sum = 1;
	size_t i;

	for (i = 0; i < count; i++) {
		words[i].index = (round + 3 * i) % count;
		words[i].value = round + i;
		sum += words[i].value;
	}
	if (wrong("words", ioctl(device, VULN_MESSAGE, &m), 0))
		return false;
	return !wrong("sum of words", m.sum, sum);
}

static bool call(enum vuln_call call, __u64 argument, __u64 expected)
{
	struct vuln_calls c = { call, argument };

	if (wrong("call", ioctl(device, VULN_CALL, &c), 0))
		return false;
	return !wrong("result of a call", c.result, expected);
}

static bool make_calls(unsigned int round)
{
	__u64 a = round % VULN_DEPTH + 1;

	return call(VULN_EIGHT, a, 36 * a) &&
	       call(VULN_VARIABLE, a, 511 * a) &&
	       call(VULN_STRUCTURE, a, 6 * a) &&
	       call(VULN_RECURSION, a, a * (a + 1) / 2) &&
	       call(VULN_TAIL, a, (a + 1) * a) &&
	       call(VULN_POINTER, a, (a + 1) * a) &&
	       call(VULN_CHOKE, a % 8, a % 8) &&
	       call(VULN_CHOKE_TAIL, a % 8, a % 8);
}

static void on_alarm(int signal)
{
}

/* To the end, and until a signal comes */
static bool sleep_twice(unsigned int round)
{
	/* Again and again: one alone may come before it sleeps. */
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	const struct itimerval never = { 0 };
	const struct vuln_sleep short_time = { 1, round % 8 };
	const struct vuln_sleep jump = { .milliseconds = 1, .jump = true };
	const struct vuln_sleep long_time = { 60000, round % VULN_DEPTH };

	if (wrong("sleep", ioctl(device, VULN_SLEEP, &short_time), -1) ||
	    wrong("sleep's errno", errno, ETIME) ||
	    wrong("sleep and jump", ioctl(device, VULN_SLEEP, &jump), 0))
		return false;
	setitimer(ITIMER_REAL, &often, NULL);
	if (wrong("signal", ioctl(device, VULN_SLEEP, &long_time), -1) ||
	    wrong("signal's errno", errno, EINTR))
		return false;
	return !setitimer(ITIMER_REAL, &never, NULL);
}

static void *deliver(void *unused)
{
	struct vuln_result r = { 0, 1 };

	while (ioctl(device, VULN_DELIVER, &r))
		usleep(500);
	for (r.index = 1; r.index < VULN_RESULTS; r.index++)
		ioctl(device, VULN_DELIVER, &r);
	ioctl(device, VULN_WAKE);
	return NULL;
}

/* All results come in time. */
static bool watch(void)
{
	struct vuln_watch w = { .milliseconds = 0 };
	pthread_t thread;
	int err;

	if (wrong("thread", pthread_create(&thread, NULL, deliver, NULL), 0))
		return false;
	err = ioctl(device, VULN_WATCH, &w);
	pthread_join(thread, NULL);
	return !wrong("watch", err, 0) &&
	       !wrong("results", w.sum, VULN_RESULTS);
}

static bool work(unsigned int rounds)
{
	const struct sigaction interrupt = { .sa_handler = on_alarm };
	unsigned int i;

	sigaction(SIGALRM, &interrupt, NULL);
	for (i = 0; i < rounds; i++) {
		if (!send_bytes(VULN_PLAIN, i) ||
		    !send_bytes(VULN_CANARY, i) ||
		    !send_bytes(VULN_LEVEL, i) ||
		    !send_bytes(VULN_FRAME, i) ||
		    !send_words(i) || !make_calls(i) || !sleep_twice(i) ||
		    !watch())
			return false;
	}
	return true;
}

static void run_worker(unsigned int rounds)
{
	device = open(VULN_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror(VULN_DEVICE);
		_exit(1);
	}
	_exit(work(rounds) ? 0 : 1);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	long workers = sysconf(_SC_NPROCESSORS_ONLN) * WORKERS_PER_CPU, i;
	int status, failed = 0;

	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)) {
		perror("setuid");
		return 1;
	}
	if (workers > WORKERS_MAX)
		workers = WORKERS_MAX;
	for (i = 0; i < workers; i++) {
		if (!fork())
			run_worker(rounds);
	}
	while (wait(&status) > 0) {
		if (status)
			failed = 1;
	}
	return failed;
}
