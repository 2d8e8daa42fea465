// SPDX-License-Identifier: GPL-2.0
/*
 * NMIs arrive while attached: every one, and none twice
 *
 * They are sent one after the other, each once the last has arrived, to a CPU
 * that idles, that spins in the guest, that is in root mode most of the time or
 * that has page faults; and in a storm together with those of sysrq-l, for
 * backtraces of all CPUs. The same on the bare CPUs is the control.
 *
 * The environment's STORM is how many are sent in a storm (100).
 */
#include <signal.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "guest.h"

#define COUNT	500

FIXTURE(nmi)
{
	int device;
	int nr_cpus;
	int cpus[CPUS_MAX];
};

FIXTURE_VARIANT(nmi)
{
	bool attached;
};

FIXTURE_VARIANT_ADD(nmi, bare) {
	.attached = false,
};

FIXTURE_VARIANT_ADD(nmi, attached) {
	.attached = true,
};

FIXTURE_SETUP(nmi)
{
	self->device = ring0_open();
	ASSERT_LE(0, self->device);
	self->nr_cpus = online_cpus(self->cpus);
	if (variant->attached)
		ASSERT_EQ(0, attach());
}

FIXTURE_TEARDOWN(nmi)
{
	detach();
	close(self->device);
}

/* How often root has seen one, and handed one on: that counts at the next exit */
struct counts {
	long long seen;
	long long in_root;
	long long injected;
	long long kicks;	/* root's own */
};

static struct counts count(int cpu)
{
	struct counts c;
	__u32 regs[4];

	pin_to_cpu(cpu);
	cpuid(0, 0, regs);
	c.in_root = cpu_stat(cpu, "nmis_in_root");
	c.seen = c.in_root + cpu_stat(cpu, "exits/nmi");
	c.injected = cpu_stat(cpu, "nmis_injected");
	c.kicks = cpu_stat(cpu, "nmis_sent");
	return c;
}

static __u64 send(int device, int to, enum ring0_busy busy)
{
	struct ring0_request q = {
		.op = RING0_nmi_other,
		.arg = { COUNT, to, busy },
	};

	ring0(device, &q);
	return q.result[0];
}

TEST_F(nmi, to_itself)
{
	struct ring0_request q = { .op = RING0_nmi_self, .arg = { COUNT } };
	struct counts before, after;
	int i, cpu;

	for (i = 0; i < self->nr_cpus; i++) {
		cpu = self->cpus[i];
		before = count(cpu);
		ring0(self->device, &q);
		EXPECT_EQ(COUNT, q.result[0]);
		if (!variant->attached)
			continue;
		after = count(cpu);
		/* Root's own are handed on, too, for they may be Linux's. */
		EXPECT_EQ(COUNT + after.kicks - before.kicks,
			  after.seen - before.seen);
		EXPECT_EQ(COUNT + after.kicks - before.kicks,
			  after.injected - before.injected);
	}
}

static void to_another(struct __test_metadata *_metadata, int device,
		       int nr_cpus, const int *cpus, bool attached,
		       enum ring0_busy busy)
{
	struct counts before, after;
	int i, to;

	if (nr_cpus < 2)
		SKIP(return, "needs two CPUs");
	for (i = 0; i < 2; i++) {
		to = cpus[!i];
		before = count(to);
		pin_to_cpu(cpus[i]);
		EXPECT_EQ(COUNT, send(device, to, busy));
		if (!attached)
			continue;
		after = count(to);
		/* Root's own are handed on, too, for they may be Linux's. */
		EXPECT_EQ(COUNT + after.kicks - before.kicks,
			  after.seen - before.seen);
		EXPECT_EQ(COUNT + after.kicks - before.kicks,
			  after.injected - before.injected);
		after.in_root -= before.in_root;
		/* Or this has not tried what it is for. */
		if (busy == RING0_BUSY_CPUID)
			EXPECT_LT(0, after.in_root);
		TH_LOG("cpu%d: %lld of %d came while root ran", to,
		       after.in_root, COUNT);
	}
}

#define TO_ANOTHER(name, busy)						\
TEST_F(nmi, name)							\
{									\
	to_another(_metadata, self->device, self->nr_cpus, self->cpus,	\
		   variant->attached, busy);				\
}

TO_ANOTHER(to_a_cpu_that_may_idle, RING0_BUSY_NOT)
TO_ANOTHER(to_a_cpu_that_spins, RING0_BUSY_PAUSE)
TO_ANOTHER(to_a_cpu_that_exits_all_the_time, RING0_BUSY_CPUID)

/* A program that has hardly a thing but exceptions delivered: how many went wrong */
static int take_faults(int cpu)
{
	const size_t page = getpagesize(), pages = 64;
	unsigned char *memory;
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to_cpu(cpu);
	memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	madvise(memory, pages * page, MADV_NOHUGEPAGE);
	for (;;) {
		for (i = 0; i < pages; i++) {
			if (((volatile unsigned char *)memory)[i * page])
				return 1;
			memory[i * page] = 1;
		}
		if (madvise(memory, pages * page, MADV_DONTNEED))
			return 1;
	}
}

/*
 * One may come when an exception has been delivered and its handler has not had an
 * instruction yet: the guest's RIP, RSP, CS and RFLAGS have to be those of the
 * handler.
 */
TEST_F(nmi, while_exceptions_are_delivered)
{
	int i, k, to, status;
	pid_t pid;

	if (self->nr_cpus < 2)
		SKIP(return, "needs two CPUs");
	for (i = 0; i < 2; i++) {
		to = self->cpus[!i];
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(take_faults(to));
		pin_to_cpu(self->cpus[i]);
		for (k = 0; k < 10; k++)
			EXPECT_EQ(COUNT, send(self->device, to, RING0_BUSY_NOT));
		EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
		kill(pid, SIGKILL);
		EXPECT_EQ(pid, waitpid(pid, &status, 0));
	}
}

/* Two that come while an NMI is handled are one, on any CPU. */
struct storm {
	long sent;		/* by us */
	long backtraces;	/* by sysrq-l, one at a time to each CPU */
	long arrived;		/* of both, as the NMI handler counts */
	bool stop;
};

static __u64 arrived(int device, int cpu)
{
	struct ring0_request q = { .op = RING0_nmi_arrived };

	pin_to_cpu(cpu);
	ring0(device, &q);
	return q.result[0];
}

static void backtraces(struct storm *storm)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	while (!__atomic_load_n(&storm->stop, __ATOMIC_ACQUIRE)) {
		if (write(fd, "l", 1) != 1)
			_exit(1);
		storm->backtraces++;
	}
	_exit(0);
}

static int run_storm(struct storm *storm, int device, int from, int to,
		     enum ring0_busy busy)
{
	const char *count = getenv("STORM");
	struct ring0_request q = {
		.op = RING0_nmi_storm,
		.arg = { count ? atoi(count) : 100, to, busy },
	};
	__u64 before = arrived(device, to);
	int status;
	pid_t pid;

	pin_to_cpu(from);
	pid = fork();
	if (!pid)
		backtraces(storm);
	/* The first one is on its way or over. */
	while (!__atomic_load_n(&storm->backtraces, __ATOMIC_ACQUIRE))
		sched_yield();
	ring0(device, &q);
	__atomic_store_n(&storm->stop, true, __ATOMIC_RELEASE);
	if (waitpid(pid, &status, 0) != pid || status)
		return -1;
	storm->sent = q.arg[0];
	storm->arrived = arrived(device, to) - before;
	return q.result[0] == q.arg[0] ? 0 : -1;
}

static void in_a_storm(struct __test_metadata *_metadata, int device,
		       int nr_cpus, const int *cpus, bool attached,
		       enum ring0_busy busy)
{
	struct counts before, after;
	struct storm *storm;
	long long most;
	int i, to;

	if (nr_cpus < 2)
		SKIP(return, "needs two CPUs");
	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, storm);
	/* The backtraces' text is not for the console. */
	klogctl(8, NULL, 1);
	for (i = 0; i < 2; i++) {
		to = cpus[!i];
		memset(storm, 0, sizeof(*storm));
		before = count(to);
		EXPECT_EQ(0, run_storm(storm, device, cpus[i], to, busy));
		TH_LOG("cpu%d: %ld sent, %ld backtraces, %ld arrived", to,
		       storm->sent, storm->backtraces, storm->arrived);
		after = attached ? count(to) : before;
		EXPECT_LE(storm->sent, storm->arrived);
		/* Root's own are handed on, too, for they may be Linux's. */
		most = storm->sent + storm->backtraces +
		       after.kicks - before.kicks;
		EXPECT_GE(most, storm->arrived);
		if (!attached)
			continue;
		TH_LOG("cpu%d: %lld seen, %lld of them in root, %lld handed on, %lld sent by root",
		       to, after.seen - before.seen,
		       after.in_root - before.in_root,
		       after.injected - before.injected,
		       after.kicks - before.kicks);
		/* What root has handed on is what the handler got. */
		EXPECT_EQ(storm->arrived, after.injected - before.injected);
		EXPECT_GE(after.seen - before.seen, storm->arrived);
		EXPECT_GE(most, after.seen - before.seen);
	}
	munmap(storm, sizeof(*storm));
}

#define IN_A_STORM(name, busy)						\
TEST_F(nmi, name)							\
{									\
	in_a_storm(_metadata, self->device, self->nr_cpus, self->cpus,	\
		   variant->attached, busy);				\
}

IN_A_STORM(in_a_storm_while_it_may_idle, RING0_BUSY_NOT)
IN_A_STORM(in_a_storm_during_cpuid, RING0_BUSY_CPUID)
IN_A_STORM(in_a_storm_during_xsetbv, RING0_BUSY_XSETBV)


/*
 * An NMI that comes while root steps over an instruction, with the step's trap
 * due: first the trap, then the NMI, as on a bare CPU, and each once.
 */
TEST(nmi_in_root_while_stepping)
{
	struct ring0_request q = { .op = RING0_step_nmi };
	int device = ring0_open();
	int i, k, nr_cpus, cpus[CPUS_MAX];
	unsigned long long sent;

	ASSERT_LE(0, device);
	ASSERT_EQ(0, load_module(carapace_testing_ko(), ""));
	nr_cpus = online_cpus(cpus);
	for (i = 0; i < nr_cpus; i++) {
		pin_to_cpu(cpus[i]);
		for (k = 0; k < COUNT; k++) {
			sent = cpu_stat(cpus[i], "nmis_sent");
			ring0(device, &q);
			sent = cpu_stat(cpus[i], "nmis_sent") - sent;
			EXPECT_EQ(RING0_NO_FAULT, q.vector);
			EXPECT_EQ(1, q.result[0]);
			EXPECT_EQ(0, q.result[1]);
			EXPECT_EQ(1 << 14, q.result[2]);
			/* Root's own are handed on, too, where it needed a CPU. */
			EXPECT_LE(1, q.result[3]);
			EXPECT_GE(1 + sent, q.result[3]);
		}
	}
	EXPECT_TRUE(state_is("attached"));
	EXPECT_EQ(0, detach());
	close(device);
}

TEST_HARNESS_MAIN
