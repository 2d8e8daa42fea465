// SPDX-License-Identifier: GPL-2.0
/*
 * What a guarded call and its return cost, by the way that it takes; or how many
 * of the returns that are executed are guarded
 *
 * usage: bench_calls [share]
 *
 * On the vulnerable driver's functions: of two calls that differ by what they
 * call, the difference is what counts.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
/* Before 5.15, it wants sys/socket.h. */
#include <linux/vm_sockets.h>

#include <kselftest.h>

#include "bench_meter.h"
#include "modules/vuln.h"

#define TRACING		"/sys/kernel/tracing/"
#define MODULE		"carapace_vuln"
#define COUNT		2000
#define DEEP		16
#define THREADS		50
#define FILES		20

/* To reach, instructions; a choke point's 20 were not, and this is what they are */
#define CALL_MAX	40.5
#define CHOKE_MAX	48.5
/* One that ends by jumping to another: that is verified, and goes on */
#define CHOKE_JUMP_MAX	49.5
/* To reach, exits */
#define FROZEN_MAX	2.02	/* a call by core kernel code; others' are there, too */
#define PARKED_MAX	1.02	/* a change to another task */
/* As many as to trace the same functions, bare */
#define GUARD_TIMES_MAX	3

static int device;

static void must_write(const char *path, const char *text)
{
	int err = write_text(path, text);

	if (err)
		ksft_exit_fail_msg("%s: %s: %s\n", path, text, strerror(-err));
}

/* What was written before stays, unless the file is cut off. */
static void trace_all_functions(void)
{
	int fd = open(TRACING "set_ftrace_filter", O_WRONLY | O_TRUNC);

	if (fd < 0)
		ksft_exit_fail_msg("set_ftrace_filter: %s\n", strerror(errno));
	close(fd);
}

struct cost {
	double instructions;
	struct exits exits;
};

static void call(enum vuln_call kind, __u64 argument)
{
	struct vuln_calls c = { .call = kind, .argument = argument };

	if (ioctl(device, VULN_CALL, &c))
		ksft_exit_fail_msg("VULN_CALL: %s\n", strerror(errno));
}

/* So short that most have no timer tick in them */
#define PARTS		100

/* The least of several parts: what is left has no timer tick in it. */
static struct cost measure(void (*run)(void), unsigned int count)
{
	struct cost c = { .instructions = 1e300 };
	unsigned long long start;
	double took;
	int i, k;

	run();
	count_exits(&c.exits, -1);
	for (i = 0; i < PARTS; i++) {
		start = executed();
		for (k = 0; k < count / PARTS; k++)
			run();
		took = (double)(executed() - start) / (count / PARTS);
		if (took < c.instructions)
			c.instructions = took;
	}
	count_exits(&c.exits, 1);
	return c;
}

static void run_shallow(void)
{
	call(VULN_RECURSION, 0);
}

static void run_deep(void)
{
	call(VULN_RECURSION, DEEP);
}

static void run_pointer(void)
{
	call(VULN_POINTER, 3);
}

static void run_tail(void)
{
	call(VULN_TAIL, 3);
}

static void run_no_choke(void)
{
	call(VULN_CHOKE, 0);
}

/* call_usermodehelper_exec() */
static void run_choke(void)
{
	call(VULN_CHOKE, DEEP);
}

/* call_usermodehelper(), which ends by jumping there */
static void run_choke_tail(void)
{
	call(VULN_CHOKE_TAIL, DEEP);
}

static struct cost deep[2], shallow[2], pointer[2], tail[2], no_choke[2], choke[2],
	choke_tail[2], graph;

static void measure_all(int guarded)
{
	meter_start();
	shallow[guarded] = measure(run_shallow, COUNT);
	deep[guarded] = measure(run_deep, COUNT);
	pointer[guarded] = measure(run_pointer, COUNT);
	tail[guarded] = measure(run_tail, COUNT);
	no_choke[guarded] = measure(run_no_choke, COUNT / DEEP);
	choke[guarded] = measure(run_choke, COUNT / DEEP);
	choke_tail[guarded] = measure(run_choke_tail, COUNT / DEEP);
	meter_stop();
}

static void *thread_of_one_call(void *unused)
{
	call(VULN_EIGHT, 3);
	return NULL;
}

/* A stack is new, or was another's: its first call */
static void measure_threads(struct exits *e)
{
	pthread_t thread[THREADS];
	int i;

	memset(e, 0, sizeof(*e));
	count_exits(e, -1);
	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, thread_of_one_call, NULL))
			ksft_exit_fail_msg("thread: %s\n", strerror(errno));
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	count_exits(e, 1);
}

static void measure_graph(void)
{
	must_write(TRACING "set_ftrace_filter", "vuln_recursion");
	must_write(TRACING "current_tracer", "function_graph");
	graph = measure(run_deep, COUNT / 10);
	must_write(TRACING "current_tracer", "nop");
	trace_all_functions();
}

static struct cost frozen;

/* The driver's ioctl is what core kernel code calls. */
static void measure_frozen(void)
{
	must_write(SYSFS "/policy/frozen_frames", "on");
	meter_start();
	frozen = measure(run_shallow, COUNT);
	meter_stop();
	must_write(SYSFS "/policy/frozen_frames", "off");
}

/* Two processes that wake each other: exits a change */
static double measure_parked(void)
{
	int there[2], back[2], i;
	struct exits e = { 0 };
	char byte = 0;
	pid_t pid;

	if (pipe(there) || pipe(back))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	pid = fork();
	if (!pid) {
		while (read(there[0], &byte, 1) == 1 && byte != 'e' &&
		       write(back[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	must_write(SYSFS "/policy/parked_stacks", "on");
	count_exits(&e, -1);
	for (i = 0; i < COUNT; i++) {
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	}
	count_exits(&e, 1);
	must_write(SYSFS "/policy/parked_stacks", "off");
	if (write(there[1], "e", 1) != 1)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return e.switches > COUNT ? (double)e.other / e.switches : 1e9;
}

/* Function calls that ftrace has seen on all CPUs */
static long long seen(void)
{
	char path[128], line[128];
	long long count = 0, value;
	FILE *file;
	int i;

	for (i = 0; i < nr_cpus; i++) {
		snprintf(path, sizeof(path), TRACING "per_cpu/cpu%d/stats",
			 cpus[i]);
		file = fopen(path, "r");
		while (file && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "entries: %lld", &value) == 1 ||
			    sscanf(line, "overrun: %lld", &value) == 1)
				count += value;
		}
		if (file)
			fclose(file);
	}
	return count;
}

static void use_files(void)
{
	struct stat s;
	int i, fd;

	for (i = 0; i < FILES; i++) {
		fd = open("/root/carapace-bench", O_CREAT | O_RDWR, 0600);
		if (fd < 0 || write(fd, &s, sizeof(s)) != sizeof(s) ||
		    fstat(fd, &s) || close(fd) || unlink("/root/carapace-bench"))
			ksft_exit_fail_msg("a file: %s\n", strerror(errno));
	}
}

static void use_network(void)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL,
		.svm_port = VMADDR_PORT_ANY,
	};
	socklen_t length = sizeof(address);
	int server = socket(AF_VSOCK, SOCK_STREAM, 0);
	int client = socket(AF_VSOCK, SOCK_STREAM, 0);
	int i, fd;
	char byte = 0;

	if (bind(server, (struct sockaddr *)&address, length) ||
	    listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&address, &length) ||
	    connect(client, (struct sockaddr *)&address, length))
		ksft_exit_fail_msg("vsock: %s\n", strerror(errno));
	fd = accept(server, NULL, NULL);
	for (i = 0; i < FILES; i++) {
		if (write(client, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			ksft_exit_fail_msg("vsock: %s\n", strerror(errno));
	}
	close(fd);
	close(client);
	close(server);
}

/* What ftrace takes for it, bare, and what guarding takes: once there and back */
static struct cost traced, guarding;

static void measure_guarding(struct cost *c, const char *on, const char *on_word,
			     const char *off, const char *off_word)
{
	memset(c, 0, sizeof(*c));
	meter_start();
	count_exits(&c->exits, -1);
	c->instructions = executed();
	must_write(on, on_word);
	must_write(off, off_word);
	c->instructions = executed() - c->instructions;
	count_exits(&c->exits, 1);
	meter_stop();
}

/* The first time differs. */
static void measure_tracing(void)
{
	int i;

	must_write(TRACING "set_ftrace_filter", ":mod:" MODULE);
	for (i = 0; i < 2; i++)
		measure_guarding(&traced, TRACING "current_tracer", "function",
				 TRACING "current_tracer", "nop");
	trace_all_functions();
}

static const struct share {
	const char *name;
	void (*run)(void);
	const char *modules[4];
} shares[] = {
	{ "files on overlay", use_files, { ":mod:overlay" } },
	{ "vsock", use_network, { ":mod:vsock", ":mod:vsock_loopback",
				  ":mod:vmw_vsock_virtio_transport_common" } },
};

#define SHARES	((int)(sizeof(shares) / sizeof(*shares)))

static void trace_calls(const char *const *patterns, int nr)
{
	int i, err;

	trace_all_functions();
	for (i = 0; i < nr && patterns[i]; i++) {
		err = append_text(TRACING "set_ftrace_filter", patterns[i]);
		if (err)
			ksft_exit_fail_msg("%s: %s\n", patterns[i],
					   strerror(-err));
	}
	must_write(TRACING "current_tracer", "function");
}

static long long calls_of(void (*run)(void))
{
	long long before = seen();

	run();
	return seen() - before;
}

/*
 * Of functions that can be traced, in this process: a return each, but for tail
 * calls'. To trace all there are takes a minute.
 */
static void tell_shares(void)
{
	long long guarded[SHARES], total[SHARES];
	char pid[16];
	int i;

	snprintf(pid, sizeof(pid), "%d", getpid());
	must_write(TRACING "tracing_on", "1");
	must_write(TRACING "options/function-fork", "0");
	must_write(TRACING "set_ftrace_pid", pid);
	for (i = 0; i < SHARES; i++) {
		shares[i].run();
		trace_calls(shares[i].modules, 4);
		guarded[i] = calls_of(shares[i].run);
		must_write(TRACING "current_tracer", "nop");
	}
	trace_all_functions();
	must_write(TRACING "current_tracer", "function");
	for (i = 0; i < SHARES; i++)
		total[i] = calls_of(shares[i].run);
	must_write(TRACING "current_tracer", "nop");
	for (i = 0; i < SHARES; i++)
		ksft_test_result(guarded[i] > 0 && guarded[i] < total[i],
				 "%s: %lld of %lld calls are of guarded functions, %.1f %%\n",
				 shares[i].name, guarded[i], total[i],
				 100.0 * guarded[i] / total[i]);
	must_write(TRACING "set_ftrace_pid", "");
}

static double more(const struct cost c[2])
{
	return c[1].instructions - c[0].instructions;
}

/* A page of the stack may be used for the first time. */
static bool few(const struct cost *c)
{
	return c->exits.other < COUNT / 100;
}

int main(int argc, char **argv)
{
	double direct, others, point, parked, frozen_exits;
	struct exits threads;
	bool share = argc > 1 && !strcmp(argv[1], "share");
	int i, err;

	ksft_print_header();
	ksft_set_plan(share ? SHARES : 10);
	meter_prepare();
	err = load_test_module(MODULE);
	device = open(VULN_DEVICE, O_RDWR | O_CLOEXEC);
	if (err || device < 0 || system("modprobe vsock_loopback"))
		ksft_exit_fail_msg("modules: %s\n", strerror(errno));
	if (share) {
		tell_shares();
		ksft_finished();
	}
	must_write(TRACING "tracing_on", "1");
	measure_tracing();

	err = attach();
	if (err)
		ksft_exit_fail_msg("attach: %s\n", strerror(-err));
	measure_all(0);
	for (i = 0; i < 2; i++)
		measure_guarding(&guarding, SYSFS "/returns/guard", MODULE,
				 SYSFS "/returns/unguard", MODULE);
	must_write(SYSFS "/returns/guard", MODULE);
	must_write(SYSFS "/returns/guard", "vmlinux");
	measure_all(1);
	measure_threads(&threads);
	measure_graph();
	measure_frozen();
	parked = measure_parked();

	direct = (more(deep) - more(shallow)) / DEEP;
	others = more(shallow) - direct;
	ksft_test_result(few(&deep[1]) && direct > 0 && direct < CALL_MAX,
			 "called directly: %.1f instructions, %.3f exits\n",
			 direct, (double)deep[1].exits.other / COUNT);
	ksft_test_result(few(&pointer[1]) &&
			 more(pointer) - others < 2 * CALL_MAX,
			 "called by pointer, and its tail call: %.1f instructions, %.3f exits\n",
			 more(pointer) - others,
			 (double)pointer[1].exits.other / COUNT);
	ksft_test_result(few(&tail[1]) &&
			 more(tail) - others < 2 * CALL_MAX,
			 "called directly, and its tail call: %.1f instructions, %.3f exits\n",
			 more(tail) - others, (double)tail[1].exits.other / COUNT);
	point = (more(choke) - more(no_choke)) / DEEP;
	ksft_test_result(few(&choke[1]) && point > 0 && point < CHOKE_MAX,
			 "a choke point by name: %.1f instructions, %.3f exits\n",
			 point, (double)choke[1].exits.other / COUNT);
	point = (more(choke_tail) - more(no_choke)) / DEEP - point;
	ksft_test_result(few(&choke_tail[1]) && point > 0 && point < CHOKE_JUMP_MAX,
			 "a choke point by a tail call: %.1f instructions, %.3f exits\n",
			 point, (double)choke_tail[1].exits.other / COUNT);
	ksft_test_result(threads.other <= 3 * THREADS,
			 "a thread's first call: %.2f exits, %.2f INVEPTs\n",
			 (double)threads.other / THREADS,
			 (double)threads.invepts / THREADS);
	ksft_test_result(graph.exits.other > 0,
			 "while function_graph traces it: %.2f exits a call\n",
			 (double)graph.exits.other / (COUNT / 10) / (DEEP + 1));
	frozen_exits = (double)frozen.exits.other / COUNT;
	ksft_test_result(frozen_exits > 1.9 && frozen_exits < FROZEN_MAX,
			 "with frozen frames, by core kernel code: %.1f instructions more, %.3f exits\n",
			 frozen.instructions - shallow[1].instructions, frozen_exits);
	ksft_test_result(parked > 0.9 && parked < PARKED_MAX,
			 "with parked stacks, a change to another task: %.3f exits\n",
			 parked);
	ksft_test_result(guarding.instructions < GUARD_TIMES_MAX * traced.instructions,
			 "to guard the driver and no longer: %.0f instructions, %lld exits, %lld INVEPTs; to trace it: %.0f\n",
			 guarding.instructions, guarding.exits.other,
			 guarding.exits.invepts, traced.instructions);
	detach();
	ksft_finished();
}
