// SPDX-License-Identifier: GPL-2.0
/*
 * No new code in the kernel, with policy/dynamic_code at "deny": what would make some
 * is told no, and does without where it can; what there was before goes on; and
 * nobody is taken for an attacker
 *
 * Controls: the same with "seal", before or afterwards.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "guest.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENTS		TRACING "kprobe_events"
#define ENABLE		TRACING "events/denied/%s/enable"
#define FUNCTION	"vfs_read"
#define FURTHEST	64	/* into it, for a kprobe */
#define LIVES		7

/* What kernels say that insist on compiling (6.1, in the emulator); no header has it */
#define NO_COMPILER	524

static int policy(const char *word)
{
	return write_text(SYSFS "/policy/dynamic_code", word);
}

/* Attached once; how it ends, the last test says. */
FIXTURE(denied) {
	int sockets[2];
};

FIXTURE_SETUP(denied)
{
	int err = attach();

	ASSERT_TRUE(!err || err == -EEXIST);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, self->sockets));
}

FIXTURE_TEARDOWN(denied)
{
	close(self->sockets[0]);
	close(self->sockets[1]);
	policy("seal");
}

/* Attaches a filter to the socket: errno */
static int cut_to(int fd, int length)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_RET | BPF_K, length),
	};
	struct sock_fprog program = { 2, code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program)) ? errno : 0;
}

static int arrives(const int sockets[2])
{
	char text[] = "as long as this";

	if (send(sockets[0], text, sizeof(text), 0) != sizeof(text))
		return -1;
	return recv(sockets[1], text, sizeof(text), MSG_DONTWAIT);
}

/* Not compiled, they are interpreted; or refused, where the kernel will not have that. */
TEST_F(denied, socket_filters)
{
	int new[2], err;

	ASSERT_EQ(0, write_text("/proc/sys/net/core/bpf_jit_enable", "1"));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, new));
	ASSERT_EQ(0, cut_to(self->sockets[1], 3));
	ASSERT_EQ(3, arrives(self->sockets));

	ASSERT_EQ(0, policy("deny"));
	err = cut_to(new[1], 4);
	EXPECT_TRUE(!err || err == NO_COMPILER);
	EXPECT_EQ(3, arrives(self->sockets));
	EXPECT_EQ(err ? 16 : 4, arrives(new));
	EXPECT_EQ(err, cut_to(self->sockets[1], 5));
	EXPECT_EQ(err ? 3 : 5, arrives(self->sockets));

	ASSERT_EQ(0, policy("seal"));
	EXPECT_EQ(0, cut_to(new[1], 6));
	EXPECT_EQ(6, arrives(new));
	close(new[0]);
	close(new[1]);
}

/* A process that had a filter ends, and its program is freed, under "deny". */
TEST_F(denied, filter_of_a_process)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 1, code };
	int status, ready[2], go[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			_exit(1);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(2);
		/* One filter more */
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) &&
		    errno != NO_COMPILER)
			_exit(3);
		_exit(getppid() ? LIVES : 4);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, policy("deny"));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(LIVES, WEXITSTATUS(status));
}

static int add_kprobe(const char *name, int offset)
{
	char text[64];

	snprintf(text, sizeof(text), "p:denied/%s %s+%d", name, FUNCTION, offset);
	return append_text(EVENTS, text);
}

static int remove_kprobe(const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "-:denied/%s", name);
	return append_text(EVENTS, text);
}

static int enable_kprobe(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), ENABLE, name);
	return write_text(path, value);
}

/* For the time of something that calls FUNCTION; reading the trace would, too. */
static bool traces(const char *name)
{
	char line[512];
	bool found = false;
	FILE *trace;
	int fd;

	fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	close(fd);
	write_text(TRACING "tracing_on", "1");
	read_text("/proc/version");
	write_text(TRACING "tracing_on", "0");
	trace = fopen(TRACING "trace", "r");
	while (trace && fgets(line, sizeof(line), trace))
		found = found || (*line != '#' && strstr(line, name));
	if (trace)
		fclose(trace);
	return found;
}

static bool hits(const char *name)
{
	bool hit;

	if (enable_kprobe(name, "1"))
		return false;
	hit = traces(name);
	return !enable_kprobe(name, "0") && hit;
}

TEST_F(denied, kprobe_at_an_entry)
{
	ASSERT_EQ(0, policy("deny"));
	ASSERT_EQ(0, add_kprobe("entry", 0));
	EXPECT_TRUE(hits("entry"));
	EXPECT_EQ(0, remove_kprobe("entry"));
}

/* Where an instruction begins that can be probed: the first two such places */
static int place_within(const char *name, int from)
{
	int offset;

	for (offset = from; offset < FURTHEST; offset++) {
		if (!add_kprobe(name, offset))
			return offset;
	}
	return FURTHEST;
}

TEST_F(denied, kprobe_within_a_function)
{
	int first, second;

	first = place_within("old", 10);
	ASSERT_GT(FURTHEST, first);
	second = place_within("new", first + 1);
	ASSERT_GT(FURTHEST, second);
	EXPECT_TRUE(hits("old"));
	ASSERT_EQ(0, remove_kprobe("new"));

	ASSERT_EQ(0, policy("deny"));
	EXPECT_EQ(-EILSEQ, add_kprobe("new", second));
	EXPECT_TRUE(hits("old"));
	EXPECT_EQ(0, remove_kprobe("old"));
}

TEST_F(denied, function_tracers)
{
	const char *const tracers[] = { "function", "function_graph" };
	unsigned int i;

	ASSERT_EQ(0, policy("deny"));
	ASSERT_EQ(0, write_text(TRACING "set_ftrace_filter", FUNCTION));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, write_text(TRACING "current_tracer", tracers[i]));
		EXPECT_TRUE(traces(FUNCTION));
		EXPECT_EQ(0, write_text(TRACING "current_tracer", "nop"));
	}
	write_text(TRACING "set_ftrace_filter", "\n");
}

TEST_F(denied, modules)
{
	ASSERT_EQ(0, policy("deny"));
	EXPECT_EQ(-EPERM, load_test_module("carapace_vuln"));
	ASSERT_EQ(0, policy("seal"));
	EXPECT_EQ(0, load_test_module("carapace_vuln"));
	EXPECT_EQ(0, unload_module("carapace_vuln"));
}

/* 5.10 takes one function after the other. */
TEST_F_TIMEOUT(denied, a_module_guarded, 200)
{
	ASSERT_EQ(0, load_test_module("carapace_vuln"));
	ASSERT_EQ(0, policy("deny"));
	EXPECT_EQ(0, write_text(SYSFS "/returns/guard", "carapace_vuln"));
	EXPECT_EQ(0, system("./vuln_work 2"));
	EXPECT_STREQ("0", read_text(SYSFS "/stats/returns_unverified"));
	EXPECT_EQ(0, write_text(SYSFS "/returns/unguard", "carapace_vuln"));
	EXPECT_EQ(0, system("./vuln_work 2"));
	EXPECT_EQ(0, unload_module("carapace_vuln"));
}

/* How many reports there were, of whatever kind; -1 where nothing tells */
static long reports(void)
{
	char line[128];
	long count, sum = 0;
	FILE *events = fopen(SYSFS "/events", "r");

	if (!events)
		return -1;
	while (fgets(line, sizeof(line), events)) {
		if (sscanf(line, "%*s %ld", &count) == 1)
			sum += count;
	}
	fclose(events);
	return sum;
}

TEST_F(denied, nobody_was_taken_for_an_attacker)
{
	EXPECT_EQ(0, reports());
	EXPECT_TRUE(state_is("attached"));
	EXPECT_EQ(0, detach());
}

/* A process that has a filter; with @busy it makes system calls until it is told */
static pid_t start_filtered(int go, bool busy)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 1, code };
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			_exit(1);
		if (busy)
			fcntl(go, F_SETFL, O_NONBLOCK);
		if (write(ready[1], "", 1) != 1)
			_exit(2);
		while (read(go, &byte, 1) != 1) {
			if (!busy)
				_exit(3);
		}
		_exit(getppid() ? LIVES : 4);
	}
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static bool lives(pid_t pid, int go)
{
	int status;

	return pid > 0 && write(go, "", 1) == 1 && waitpid(pid, &status, 0) == pid &&
	       WIFEXITED(status) && WEXITSTATUS(status) == LIVES;
}

/*
 * Code that is there before Carapace is, or before it denies more: some of it has run
 * meanwhile, some has not
 */
FIXTURE(existing) {
	int ran[2];		/* sockets */
	int never_ran[2];
	int waits[2];		/* pipes */
	int is_busy[2];
};

FIXTURE_VARIANT(existing) {
	const char *parameters;
	const char *profile;	/* afterwards */
};

FIXTURE_VARIANT_ADD(existing, sealed) {
	.parameters = "",
};

FIXTURE_VARIANT_ADD(existing, denied) {
	.parameters = "dynamic_code=deny",
};

FIXTURE_VARIANT_ADD(existing, strict) {
	.parameters = "profile=strict",
};

FIXTURE_VARIANT_ADD(existing, strict_later) {
	.parameters = "",
	.profile = "strict",
};

FIXTURE_SETUP(existing)
{
	ASSERT_EQ(0, write_text("/proc/sys/net/core/bpf_jit_enable", "1"));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, self->ran));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, self->never_ran));
	ASSERT_EQ(0, pipe(self->waits));
	ASSERT_EQ(0, pipe(self->is_busy));
}

FIXTURE_TEARDOWN(existing)
{
	detach();
}

static int attach_to_existing(const char *parameters, const char *profile)
{
	int err = load_module(carapace_ko(), parameters);

	if (!err && profile)
		err = write_text(SYSFS "/policy/profile", profile);
	return err;
}

TEST_F(existing, filters)
{
	int new[2], err;
	pid_t waits, is_busy;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, new));
	ASSERT_EQ(0, cut_to(self->ran[1], 3));
	ASSERT_EQ(3, arrives(self->ran));
	ASSERT_EQ(0, cut_to(self->never_ran[1], 5));
	waits = start_filtered(self->waits[0], false);
	is_busy = start_filtered(self->is_busy[0], true);

	ASSERT_EQ(0, attach_to_existing(variant->parameters, variant->profile));
	EXPECT_EQ(3, arrives(self->ran));
	EXPECT_EQ(5, arrives(self->never_ran));
	EXPECT_TRUE(lives(waits, self->waits[1]));
	EXPECT_TRUE(lives(is_busy, self->is_busy[1]));
	err = cut_to(new[1], 4);
	EXPECT_TRUE(!err || err == NO_COMPILER);
	EXPECT_EQ(err ? 16 : 4, arrives(new));
	EXPECT_EQ(0, reports());
}

/*
 * Armed again at once after it was optimised: Linux, which was to take the jump away,
 * leaves it with an INT3 in front.
 */
TEST_F(existing, kprobe)
{
	ASSERT_GT(FURTHEST, place_within("existing", 10));
	EXPECT_TRUE(hits("existing"));
	EXPECT_EQ(0, enable_kprobe("existing", "1"));
	ASSERT_EQ(0, attach_to_existing(variant->parameters, variant->profile));
	EXPECT_TRUE(traces("existing"));
	EXPECT_EQ(0, enable_kprobe("existing", "0"));
	EXPECT_EQ(0, remove_kprobe("existing"));
	EXPECT_EQ(0, reports());
}

/* The trampoline that it had stays, and is written to again. */
TEST_F(existing, kprobe_at_an_entry)
{
	ASSERT_EQ(0, add_kprobe("existing", 0));
	EXPECT_TRUE(hits("existing"));
	ASSERT_EQ(0, attach_to_existing(variant->parameters, variant->profile));
	EXPECT_TRUE(hits("existing"));
	EXPECT_EQ(0, remove_kprobe("existing"));
	EXPECT_EQ(0, reports());
}

TEST_F(existing, tracer)
{
	ASSERT_EQ(0, write_text(TRACING "set_ftrace_filter", FUNCTION));
	ASSERT_EQ(0, write_text(TRACING "current_tracer", "function"));
	ASSERT_EQ(0, attach_to_existing(variant->parameters, variant->profile));
	EXPECT_TRUE(traces(FUNCTION));
	EXPECT_EQ(0, write_text(TRACING "current_tracer", "nop"));
	EXPECT_EQ(0, write_text(TRACING "current_tracer", "function"));
	EXPECT_TRUE(traces(FUNCTION));
	EXPECT_EQ(0, write_text(TRACING "current_tracer", "nop"));
	write_text(TRACING "set_ftrace_filter", "\n");
	EXPECT_EQ(0, reports());
}

TEST_HARNESS_MAIN
