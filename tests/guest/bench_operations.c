// SPDX-License-Identifier: GPL-2.0
/*
 * The operations that bench.c measures
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
/* Before 5.15, it wants sys/socket.h. */
#include <linux/vm_sockets.h>

#include "bench.h"
#include "guest.h"

#define PAGE		4096
#define FAULTS_MAX	256
#define NO_SYSCALL	0x3fff

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	printf("# %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * A process that sends back each byte that it gets
 *
 * We and it are of the first in, first out class while they talk (struct operation):
 * whether who was woken runs before who woke it would be chance otherwise, and two
 * ways of different length.
 */
struct partner {
	int to, from;
	pid_t pid;
};

static struct partner near, far, peer, vsock;
static char *memory;
static const int on = 1;

/* The second keeps a program: there is always one that shares its memory. */
static int filtered[2];

static void schedule_as(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	must(!sched_setscheduler(0, policy, &param), "sched_setscheduler");
}

static void echo(int from, int to)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	schedule_as(SCHED_FIFO, 1);
	while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1)
		;
	_exit(0);
}

static void start_pipe_partner(struct partner *p, int cpu)
{
	int there[2], back[2];

	must(!pipe2(there, O_CLOEXEC) && !pipe2(back, O_CLOEXEC), "pipe");
	p->pid = fork();
	must(p->pid >= 0, "fork");
	if (!p->pid) {
		/* Our ends would keep it from seeing that we have gone. */
		close(there[1]);
		close(back[0]);
		pin_to_cpu(cpu);
		echo(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	p->to = there[1];
	p->from = back[0];
}

/* For one who connects to @address, which bind() may complete */
static void start_socket_partner(struct partner *p, struct sockaddr *address,
				 socklen_t length)
{
	int server, fd;

	server = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server >= 0 && !bind(server, address, length) &&
	     !listen(server, 1) && !getsockname(server, address, &length),
	     "listening");
	p->pid = fork();
	must(p->pid >= 0, "fork");
	if (!p->pid) {
		fd = accept(server, NULL, NULL);
		close(server);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		echo(fd, fd);
	}
	close(server);
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && !connect(fd, address, length), "connecting");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->to = fd;
	p->from = fd;
}

static void start_tcp_partner(struct partner *p)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	start_socket_partner(p, (struct sockaddr *)&address, sizeof(address));
}

/*
 * All of its way is through modules, and by a kernel thread that carries each
 * packet.
 */
static void start_vsock_partner(struct partner *p)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_LOCAL,
		.svm_port = VMADDR_PORT_ANY,
	};

	start_socket_partner(p, (struct sockaddr *)&address, sizeof(address));
}

static void stop_partner(struct partner *p)
{
	if (!p->pid)
		return;
	close(p->to);
	if (p->from != p->to)
		close(p->from);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

/*
 * A socket filter, which the kernel compiles. The one that it had is freed, by
 * others, after a grace period.
 */
static void set_filter(int socket, unsigned int length)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, length, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, length),
	};
	const struct sock_fprog program = {
		sizeof(code) / sizeof(*code), code,
	};

	must(!setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			 sizeof(program)), "a socket filter");
}

/* What has to be there before anything is attached */
void operations_prepare(void)
{
	must(!system("modprobe vsock_loopback"), "modprobe vsock_loopback");
}

void operations_start(int cpu, int other_cpu)
{
	memory = mmap(NULL, FAULTS_MAX * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(memory != MAP_FAILED, "mmap");
	/* One page, one fault */
	madvise(memory, FAULTS_MAX * PAGE, MADV_NOHUGEPAGE);
	start_pipe_partner(&near, cpu);
	if (other_cpu >= 0)
		start_pipe_partner(&far, other_cpu);
	start_tcp_partner(&peer);
	start_vsock_partner(&vsock);
	must(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, filtered),
	     "socketpair");
	set_filter(filtered[1], 1);
}

void operations_stop(void)
{
	stop_partner(&near);
	stop_partner(&far);
	stop_partner(&peer);
	stop_partner(&vsock);
	close(filtered[0]);
	close(filtered[1]);
	munmap(memory, FAULTS_MAX * PAGE);
}

static void ping_pong(const struct partner *p, unsigned int count)
{
	char byte = 0;

	while (count--)
		must(write(p->to, &byte, 1) == 1 &&
		     read(p->from, &byte, 1) == 1, "a byte there and back");
}

static void run_cpuid(unsigned int count)
{
	__u32 regs[4];

	while (count--)
		cpuid(0, 0, regs);
}

static void run_null_syscall(unsigned int count)
{
	while (count--)
		syscall(NO_SYSCALL);
}

static void run_getppid(unsigned int count)
{
	while (count--)
		syscall(SYS_getppid);
}

static void run_pipe_near(unsigned int count)
{
	ping_pong(&near, count);
}

static void run_pipe_far(unsigned int count)
{
	ping_pong(&far, count);
}

static void run_tcp(unsigned int count)
{
	ping_pong(&peer, count);
}

static void run_vsock(unsigned int count)
{
	ping_pong(&vsock, count);
}

static void run_fork(unsigned int count)
{
	pid_t pid;
	int status;

	while (count--) {
		pid = fork();
		if (!pid)
			_exit(0);
		must(waitpid(pid, &status, 0) == pid && !status, "fork");
	}
}

static void run_exec(unsigned int count)
{
	static char *const arguments[] = { "true", NULL };
	static char *const environment[] = { NULL };
	pid_t pid;
	int status;

	while (count--) {
		pid = fork();
		if (!pid) {
			execve("/usr/bin/true", arguments, environment);
			_exit(1);
		}
		must(waitpid(pid, &status, 0) == pid && !status, "exec");
	}
}

static void run_page_fault(unsigned int count)
{
	unsigned int i;

	must(!madvise(memory, FAULTS_MAX * PAGE, MADV_DONTNEED), "madvise");
	for (i = 0; i < count; i++)
		((volatile char *)memory)[i * PAGE] = 1;
}

static void run_mmap(unsigned int count)
{
	void *page;

	while (count--) {
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(page != MAP_FAILED && !munmap(page, PAGE), "mmap");
	}
}

static void make_file(const char *name, unsigned int count)
{
	int fd;

	while (count--) {
		fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		must(fd >= 0 && !close(fd) && !unlink(name), name);
	}
}

static void run_file(unsigned int count)
{
	make_file("/tmp/carapace-bench", count);
}

static void run_overlay_file(unsigned int count)
{
	make_file("/root/carapace-bench", count);
}

static void run_sleep(unsigned int count)
{
	const struct timespec pause = { .tv_nsec = 50000 };

	while (count--)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void run_module(unsigned int count)
{
	while (count--) {
		errno = -load_test_module("cpu_state");
		must(!errno, "loading cpu_state.ko");
		errno = -unload_module("cpu_state");
		must(!errno, "unloading cpu_state.ko");
	}
}

static void run_filter(unsigned int count)
{
	while (count--)
		set_filter(filtered[0], count + 1);
}

/**
 * operation_begin() - what is to be so while an operation is measured
 * @operation: which
 */
void operation_begin(const struct operation *operation)
{
	if (operation->talks)
		schedule_as(SCHED_FIFO, 1);
}

/**
 * operation_end() - undoes that
 * @operation: which
 */
void operation_end(const struct operation *operation)
{
	if (operation->talks)
		schedule_as(SCHED_OTHER, 0);
}

const struct operation operations[] = {
	/*					batch batches CPUs, code_max */
	{ "CPUID",		run_cpuid,	100,	40,	1 },
	{ "null system call",	run_null_syscall, 200,	100,	1 },
	{ "getppid",		run_getppid,	100,	100,	1 },
	{ "pipe, one CPU",	run_pipe_near,	2,	200,	1, .talks = true },
	{ "pipe, two CPUs",	run_pipe_far,	2,	200,	2, .talks = true },
	{ "fork, exit",		run_fork,	1,	40,	1 },
	{ "fork, exec, exit",	run_exec,	1,	40,	1 },
	{ "page fault",		run_page_fault,	FAULTS_MAX, 20,	1 },
	{ "mmap, munmap",	run_mmap,	4,	200,	1 },
	{ "create, unlink",	run_file,	1,	200,	1 },
	{ "create, unlink, overlay", run_overlay_file, 1,	200,	1 },
	{ "TCP round trip",	run_tcp,	1,	200,	1, .talks = true },
	{ "vsock round trip",	run_vsock,	1,	200,	1, .talks = true },
	{ "sleep",		run_sleep,	4,	200,	1 },
	{ "load, unload module", run_module,	1,	5,	1, 400000 },
	{ "load BPF program",	run_filter,	1,	100,	1, 100000 },
};

const size_t nr_operations = sizeof(operations) / sizeof(*operations);
