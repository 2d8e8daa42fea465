// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of guarded functions while everything interrupts them and moves them about
 *
 * usage: returns_storm
 *
 * On all CPUs: the vulnerable driver's work and that of the file system that this
 * runs from, by tasks that are moved from CPU to CPU all the time; NMIs, one after
 * the other to each CPU in turn; interrupts to all CPUs, for memory barriers, TLBs
 * and code that changes. Says "ready", and ends when standard input does. Then it
 * says how many there were of each. The exit status says whether all results were
 * right.
 */
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>

#include "guest.h"
#include "modules/vuln.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))

#define WORKERS_MAX	16
#define WORKERS_PER_CPU	2
#define NMIS		20	/* to one CPU, then to the next one */
#define NMI_PAUSE_US	4000	/* or nothing else gets anywhere */
#define PAUSE_US	200

static int ring0_device, vuln;
static int cpus[CPUS_MAX], nr_cpus;
static bool stop, failed;
static unsigned long calls, files, moves, nmis, barriers, flushes, patches;

static struct worker {
	pthread_t thread;
	pid_t tid;
	unsigned int number;
} workers[WORKERS_MAX];
static unsigned int nr_workers;

static bool goes_on(void)
{
	return !__atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void add(unsigned long *counter, unsigned long count)
{
	__atomic_fetch_add(counter, count, __ATOMIC_RELAXED);
}

static void fail(const char *what)
{
	perror(what);
	__atomic_store_n(&failed, true, __ATOMIC_RELAXED);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
}

/* vuln_work.c knows the results, too. */
static void call_driver(__u64 a)
{
	const struct vuln_calls expected[] = {
		{ VULN_EIGHT, a, 36 * a },
		{ VULN_VARIABLE, a, 511 * a },
		{ VULN_STRUCTURE, a, 6 * a },
		{ VULN_RECURSION, a, a * (a + 1) / 2 },
		{ VULN_TAIL, a, (a + 1) * a },
		{ VULN_POINTER, a, (a + 1) * a },
		{ VULN_CHOKE, a % 4, a % 4 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		struct vuln_calls c = expected[i];

		c.result = ~c.result;
		if (ioctl(vuln, VULN_CALL, &c) || c.result != expected[i].result)
			fail("a call of the driver's");
	}
	add(&calls, i);
}

static void use_files(unsigned int number)
{
	char path[64], byte;
	int fd;

	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &byte, 1) != 1)
		fail("/etc/passwd");
	close(fd);
	snprintf(path, sizeof(path), "/root/returns-storm-%u", number);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "", 1) != 1 || close(fd) || unlink(path))
		fail(path);
	add(&files, 1);
}

static void *work(void *worker)
{
	struct worker *w = worker;
	__u64 round;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	for (round = 0; goes_on(); round++) {
		call_driver(round % VULN_DEPTH + 1);
		if (round % 8 == w->number % 8)
			use_files(w->number);
	}
	return NULL;
}

/* Preempted, it goes on elsewhere: wherever it was. */
static void *move(void *unused)
{
	unsigned int i, turn;
	cpu_set_t set;
	pid_t tid;

	for (turn = 0; goes_on(); turn++) {
		for (i = 0; i < nr_workers; i++) {
			tid = __atomic_load_n(&workers[i].tid, __ATOMIC_ACQUIRE);
			CPU_ZERO(&set);
			CPU_SET(cpus[(turn + i) % nr_cpus], &set);
			/* At the end it may be gone. */
			if (tid && sched_setaffinity(tid, sizeof(set), &set) &&
			    goes_on())
				fail("sched_setaffinity");
			add(&moves, 1);
		}
		usleep(PAUSE_US);
	}
	return NULL;
}

static void *send_nmis(void *unused)
{
	struct ring0_request q = { .op = RING0_nmi_storm };
	unsigned int i;

	for (i = 0; goes_on(); i = (i + 1) % nr_cpus) {
		pin_to_cpu(cpus[(i + 1) % nr_cpus]);
		q.arg[0] = NMIS;
		q.arg[1] = cpus[i];
		q.arg[2] = RING0_BUSY_NOT;
		ring0(ring0_device, &q);
		if (q.result[0] != NMIS)
			fail("an NMI is lost");
		add(&nmis, NMIS);
		usleep(NMI_PAUSE_US);
	}
	return NULL;
}

static void *send_interrupts(void *unused)
{
	static const char file[] = "/proc/sys/kernel/sched_schedstats";
	const size_t page = getpagesize();
	unsigned int i;
	char *memory;

	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	for (i = 0; goes_on(); i++) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			fail("membarrier");
		add(&barriers, 1);
		memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (memory == MAP_FAILED || munmap(memory, page))
			fail("mmap");
		add(&flushes, 1);
		/* A static key */
		if (i % 64 == 0) {
			write_text(file, i % 128 ? "0" : "1");
			add(&patches, 1);
		}
		usleep(PAUSE_US);
	}
	write_text(file, "0");
	return NULL;
}

int main(void)
{
	static void *(*const others[])(void *) = {
		move, send_nmis, send_interrupts,
	};
	const size_t nr_others = ARRAY_SIZE(others);
	pthread_t thread[ARRAY_SIZE(others)];
	struct pollfd input = { .fd = STDIN_FILENO };
	unsigned int i;

	ring0_device = ring0_open();
	vuln = open(VULN_DEVICE, O_RDWR | O_CLOEXEC);
	nr_cpus = online_cpus(cpus);
	if (ring0_device < 0 || vuln < 0 || nr_cpus < 2) {
		fprintf(stderr, "returns_storm: a device is missing, or a CPU\n");
		return 1;
	}
	nr_workers = nr_cpus * WORKERS_PER_CPU;
	if (nr_workers > WORKERS_MAX)
		nr_workers = WORKERS_MAX;
	for (i = 0; i < nr_workers; i++) {
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 1;
	}
	for (i = 0; i < nr_others; i++) {
		if (pthread_create(&thread[i], NULL, others[i], NULL))
			return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (goes_on() && poll(&input, 1, 100) == 0)
		;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < nr_others; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < nr_workers; i++)
		pthread_join(workers[i].thread, NULL);
	printf("%lu calls, %lu files, %lu moves, %lu NMIs, %lu barriers, %lu flushes, %lu patches\n",
	       calls, files, moves, nmis, barriers, flushes, patches);
	return failed || !calls || !files || !moves || !nmis || !barriers ||
	       !flushes || !patches;
}
