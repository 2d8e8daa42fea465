// SPDX-License-Identifier: GPL-2.0
/*
 * Who is told of an attack besides the log: uevents, a tracepoint, and whoever
 * polls "events"
 *
 * A child changes IA32_CSTAR. Controls: while what it writes is what is there
 * already nobody is told; and bare it changes the register, and lives.
 */
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "guest.h"

#define IA32_CSTAR	0xc0000083
#define BIT_OF_CSTAR	(1ULL << 4)
#define TRACING		"/sys/kernel/tracing"
#define TRACEPOINT	TRACING "/events/carapace/carapace_attack/enable"
#define TOLD_MS		10000
#define UNTOLD_MS	1000

FIXTURE(consumers)
{
	int device;
	int uevents;
	int events;
};

FIXTURE_SETUP(consumers)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1,
	};

	self->device = ring0_open();
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, attach());
	self->uevents = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			       NETLINK_KOBJECT_UEVENT);
	ASSERT_EQ(0, bind(self->uevents, (struct sockaddr *)&address,
			  sizeof(address)));
	self->events = open(SYSFS "/events", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->events);
}

FIXTURE_TEARDOWN(consumers)
{
	close(self->events);
	close(self->uevents);
	detach();
	close(self->device);
}

/* Sets and clears bits of the register; the child's status, its number in @pid */
static int change(int device, __u64 set, __u64 clear, pid_t *pid)
{
	struct ring0_request q = {
		.op = RING0_wrmsr,
		.arg = { IA32_CSTAR, set, clear },
	};
	int status;

	*pid = fork();
	if (!*pid) {
		ring0(device, &q);
		_exit(0);
	}
	waitpid(*pid, &status, 0);
	return status;
}

static int attack(int device, pid_t *pid)
{
	int status = change(device, BIT_OF_CSTAR, 0, pid);

	if (WIFEXITED(status))
		status = change(device, 0, BIT_OF_CSTAR, pid);
	return status;
}

static int no_attack(int device)
{
	pid_t pid;

	return change(device, 0, 0, &pid);
}

static const char *value_of(const char *message, ssize_t size, const char *key)
{
	const char *at;

	for (at = message; at < message + size; at += strlen(at) + 1) {
		if (!strncmp(at, key, strlen(key)) && at[strlen(key)] == '=')
			return at + strlen(key) + 1;
	}
	return "";
}

/* The next one of ours, or 0 where none comes in that time */
static ssize_t next_uevent(int fd, char *message, size_t room, int timeout)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t size;

	while (poll(&poll_fd, 1, timeout) == 1) {
		size = recv(fd, message, room - 1, 0);
		if (size < 0)
			return 0;
		message[size] = 0;
		if (!strcmp(value_of(message, size, "DEVPATH"),
			    "/module/carapace") &&
		    !strcmp(value_of(message, size, "ACTION"), "change"))
			return size;
	}
	return 0;
}

TEST_F(consumers, a_uevent_says_who_did_what)
{
	char message[4096];
	ssize_t size;
	pid_t pid;

	ASSERT_EQ(0, no_attack(self->device));
	ASSERT_EQ(0, next_uevent(self->uevents, message, sizeof(message),
				 UNTOLD_MS));
	ASSERT_EQ(SIGKILL, WTERMSIG(attack(self->device, &pid)));
	size = next_uevent(self->uevents, message, sizeof(message), TOLD_MS);
	ASSERT_LT(0, size);
	EXPECT_STREQ("register", value_of(message, size, "CARAPACE_KIND"));
	EXPECT_STREQ("block", value_of(message, size, "CARAPACE_ACTION"));
	EXPECT_EQ(pid, atoi(value_of(message, size, "CARAPACE_PID")));
	EXPECT_STREQ("consumers", value_of(message, size, "CARAPACE_COMM"));
	EXPECT_NE(NULL, strchr(value_of(message, size, "CARAPACE_FN"), '+'));
}

/* A short trace in one piece */
static const char *read_trace(void)
{
	static char text[16384];
	size_t length = 0;
	ssize_t more;
	int fd;

	fd = open(TRACING "/trace", O_RDONLY | O_CLOEXEC);
	while ((more = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += more;
	close(fd);
	text[length] = 0;
	return text;
}

TEST_F(consumers, the_tracepoint_does)
{
	char pattern[64];
	pid_t pid;

	ASSERT_EQ(0, write_text(TRACING "/trace", ""));
	ASSERT_EQ(0, write_text(TRACEPOINT, "1"));
	ASSERT_EQ(0, no_attack(self->device));
	EXPECT_EQ(NULL, strstr(read_trace(), "kind="));
	ASSERT_EQ(SIGKILL, WTERMSIG(attack(self->device, &pid)));
	snprintf(pattern, sizeof(pattern),
		 "kind=register action=block pid=%d comm=consumers", pid);
	EXPECT_NE(NULL, strstr(read_trace(), pattern));
	EXPECT_EQ(0, write_text(TRACEPOINT, "0"));
}

TEST_F(consumers, who_polls_events_wakes)
{
	struct pollfd poll_fd = { .fd = self->events, .events = POLLPRI };
	char text[512] = "";
	pid_t pid;

	ASSERT_LT(0, read(self->events, text, sizeof(text) - 1));
	EXPECT_NE(NULL, strstr(text, "register 0\n"));
	ASSERT_EQ(0, no_attack(self->device));
	ASSERT_EQ(0, poll(&poll_fd, 1, UNTOLD_MS));
	ASSERT_EQ(SIGKILL, WTERMSIG(attack(self->device, &pid)));
	ASSERT_EQ(1, poll(&poll_fd, 1, TOLD_MS));
	ASSERT_LT(0, pread(self->events, text, sizeof(text) - 1, 0));
	EXPECT_NE(NULL, strstr(text, "register 1\n"));
}

#define FLOOD		100
#define LINES_MAX	32

/* How many, in a row, by one process that lives */
static void flood(int device, unsigned int count)
{
	struct ring0_request q = { .op = RING0_wrmsr };
	unsigned int i;

	for (i = 0; i < count; i++) {
		q.arg[0] = IA32_CSTAR;
		q.arg[1] = BIT_OF_CSTAR;
		q.arg[2] = 0;
		ring0(device, &q);
		q.arg[0] = IA32_CSTAR;
		q.arg[1] = 0;
		q.arg[2] = BIT_OF_CSTAR;
		ring0(device, &q);
	}
}

/* What the kernel's log has had since: lines of attacks, and of how many had none */
struct told {
	unsigned int lines;
	unsigned int floods;
	unsigned int untold;
};

static void read_log(int log, struct told *told)
{
	char record[4096];
	const char *at;
	ssize_t size;

	while ((size = read(log, record, sizeof(record) - 1)) > 0) {
		record[size] = 0;
		told->lines += !!strstr(record, "carapace: ATTACK ");
		told->floods += !!strstr(record, "too fast for a line each");
		at = strstr(record, " attacks before this one had no line");
		while (at && at > record && at[-1] >= '0' && at[-1] <= '9')
			at--;
		if (at)
			told->untold += atoi(at);
	}
}

/* More than there are lines for: all are counted, and the log says how many */
TEST_F(consumers, none_is_lost_in_a_flood)
{
	char text[512] = "", pattern[32];
	struct told told = { };
	int log;

	ASSERT_EQ(0, write_text(SYSFS "/policy/action", "log"));
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, log);
	lseek(log, 0, SEEK_END);

	flood(self->device, FLOOD);
	read_log(log, &told);
	EXPECT_GE(LINES_MAX, told.lines);
	EXPECT_EQ(1, told.floods);
	EXPECT_EQ(0, told.untold);

	/* What is limited is lines in five seconds. */
	sleep(6);
	flood(self->device, 1);
	read_log(log, &told);
	EXPECT_EQ(FLOOD + 1, told.lines + told.untold);
	EXPECT_EQ(1, told.floods);
	close(log);

	ASSERT_LT(0, pread(self->events, text, sizeof(text) - 1, 0));
	snprintf(pattern, sizeof(pattern), "register %u\n", FLOOD + 1);
	EXPECT_NE(NULL, strstr(text, pattern));
	EXPECT_NE(NULL, strstr(text, "missed 0\n"));
}

TEST(bare_it_has_its_effect)
{
	int device = ring0_open();
	pid_t pid;

	ASSERT_LE(0, device);
	EXPECT_EQ(0, attack(device, &pid));
	close(device);
}

TEST_HARNESS_MAIN
