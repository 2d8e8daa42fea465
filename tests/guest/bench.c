// SPDX-License-Identifier: GPL-2.0
/*
 * What Carapace costs: instructions and VM exits of what Linux does all the time
 *
 * usage: bench [FILE]
 *
 * Every operation is measured in every configuration: bare, attached, and
 * detached again; several rounds, so that what drifts does so for all of them.
 * The mean of the middle half of all measurements counts: some meet more of other
 * people's work than others; and of two that are equally likely, for one timer
 * tick more has come, a median would be either. The difference between bare and
 * detached is the noise. The results are judged as KTAP, and FILE gets the figures.
 *
 * The clock is the emulator's TSC, which counts the instructions that all CPUs
 * executed, root's included, divided by the number of CPUs; a CPU that is halted
 * goes on counting. So none is halted while we measure: on each a process
 * of the lowest priority counts what nobody else wanted, and that is taken off.
 * A loop of known length shows whether the sum is right. On silicon the TSC
 * counts something else, and the first test fails.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <kselftest.h>

#include "bench.h"
#include "guest.h"

#define ROUNDS		3
#define BATCHES_MAX	30
#define OPERATIONS_MAX	32

/* To reach, in percent and bytes */
#define MORE_MAX	0.5
#define CODE_EXITS_MAX	64
/* An operation, where a stack that is new has its first guarded function on it */
#define FIRST_MAX	0.1
#define CODE_MORE_MAX	25.0
#define POOL_MAX	(4ULL << 20)
#define POOL_MAX_CPU	(128ULL << 10)

/*
 * BENCH_GUARD: whose returns are guarded while attached, as in returns/guard.
 * What that costs depends on how many of these functions an operation calls, so
 * it is told, and only that no call exits is a test: a stack's first one does.
 */
static const char *guard;

static int nothing(void)
{
	return 0;
}

/* Without VMFUNC each call of a guarded function exits. */
static bool calls_exit;

/*
 * Linux frees the code that initialised the module after a grace period, and that
 * is released then, once. Unloading another module takes longer than that.
 */
static int attach_and_settle(void)
{
	int err = attach();
	size_t i;

	if (!err && guard)
		err = write_text(SYSFS "/returns/guard", guard);
	calls_exit = guard && !system("grep -q '^vmfunc-eptp-switching no' "
				      SYSFS "/capabilities");

	for (i = 0; !err && i < nr_operations; i++) {
		if (operations[i].makes_code)
			operations[i].run(1);
	}
	return err;
}

/* What a column is; the first is what the others are compared with. */
struct configuration {
	const char *name;
	int (*enter)(void);
	int (*leave)(void);
};

static const struct configuration configurations[] = {
	{ "bare",	nothing,	nothing },
	{ "attached",	attach_and_settle, detach },
	{ "detached",	nothing,	nothing },
};

enum { BARE, ATTACHED, DETACHED };

#define CONFIGURATIONS	(sizeof(configurations) / sizeof(*configurations))

/* Exits, by what is asked of them */
struct exits {
	long long cpuid, nmi, other;
};

struct result {
	double instructions;	/* of one operation */
	double samples[ROUNDS * BATCHES_MAX];
	unsigned int nr_samples;
	struct exits exits;	/* of all that were run */
	unsigned long long runs;
};

static struct result results[OPERATIONS_MAX][CONFIGURATIONS];
static unsigned long long loop_instructions, loop_expected;
static double attach_instructions, detach_instructions;
static long long pool_bytes, pool_used;
static int cpus[CPUS_MAX], nr_cpus;

/* Those who count what nobody else wanted: two instructions for each one */
struct idler {
	volatile unsigned long long count;
	char line[56];
};

static struct idler *idlers;		/* memory that they share with us */
static pid_t idler_pids[CPUS_MAX];

static void start_idlers(void)
{
	const struct sched_param none = { };
	int i;

	for (i = 0; i < nr_cpus; i++) {
		/* It starts where we are, and we give no CPU away. */
		pin_to_cpu(cpus[i]);
		idler_pids[i] = fork();
		if (idler_pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sched_setscheduler(0, SCHED_IDLE, &none);
		asm volatile("1: incq %0\n\t"
			     "jmp 1b" : "+m" (idlers[i].count));
	}
	pin_to_cpu(cpus[0]);
	/* Each is on its CPU before we measure. */
	for (i = 1; i < nr_cpus; i++) {
		while (!idlers[i].count)
			;
	}
}

static void stop_idlers(void)
{
	int i;

	for (i = 0; i < nr_cpus; i++) {
		kill(idler_pids[i], SIGKILL);
		waitpid(idler_pids[i], NULL, 0);
		idlers[i].count = 0;
	}
}

/* Instructions that all CPUs have executed but for the idlers' */
static unsigned long long executed(void)
{
	unsigned long long idle = 0;
	unsigned int low, high;
	int i;

	for (i = 0; i < nr_cpus; i++)
		idle += 2 * idlers[i].count;
	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return (low | (unsigned long long)high << 32) * nr_cpus - idle;
}

static void known_loop(unsigned long long count)
{
	asm volatile("1: dec %0\n\t"
		     "jnz 1b" : "+r" (count));
}

static void measure_clock(void)
{
	const unsigned long long count = 50000;
	unsigned long long start, took;
	int i;

	loop_expected = 2 * count;
	start_idlers();
	for (i = 0; i < BATCHES_MAX; i++) {
		start = executed();
		known_loop(count);
		took = executed() - start;
		if (!i || took < loop_instructions)
			loop_instructions = took;
	}
	stop_idlers();
}

static void count_exits(struct exits *sum, int sign)
{
	char path[512];
	struct dirent *entry;
	long long *class;
	DIR *directory;
	int i;

	for (i = 0; i < nr_cpus; i++) {
		snprintf(path, sizeof(path), SYSFS "/stats/cpu%d/exits", cpus[i]);
		directory = opendir(path);
		if (!directory)
			return;
		while ((entry = readdir(directory))) {
			if (*entry->d_name == '.')
				continue;
			class = !strcmp(entry->d_name, "cpuid") ? &sum->cpuid :
				!strcmp(entry->d_name, "nmi") ? &sum->nmi :
				&sum->other;
			snprintf(path, sizeof(path), "exits/%s", entry->d_name);
			*class += sign * cpu_stat(cpus[i], path);
		}
		closedir(directory);
		sum->other += sign * cpu_stat(cpus[i], "unknown_exits");
	}
}

/* Where it takes no more CPUs than it needs: others only add noise. */
static bool measured(const struct operation *operation)
{
	return operation->cpus == nr_cpus || operation == operations;
}

static void measure(const struct operation *operation, struct result *result)
{
	unsigned long long start;
	int i;

	count_exits(&result->exits, -1);
	/* Also with CPUs that have nothing to do: an idle one may not exit. */
	operation->run(operation->batch);
	start_idlers();
	for (i = 0; i < operation->batches; i++) {
		start = executed();
		operation->run(operation->batch);
		result->samples[result->nr_samples++] =
			(double)(executed() - start) / operation->batch;
	}
	stop_idlers();
	count_exits(&result->exits, 1);
	result->runs += (operation->batches + 1) * operation->batch;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void take_middle(struct result *result)
{
	int quarter = result->nr_samples / 4;
	int i;

	qsort(result->samples, result->nr_samples, sizeof(*result->samples),
	      compare);
	for (i = quarter; i < result->nr_samples - quarter; i++)
		result->instructions += result->samples[i];
	result->instructions /= result->nr_samples - 2 * quarter;
}

/* Nanoseconds are the TSC's, in whatever unit Linux thinks that it counts. */
static double ticks_of_ns(double ns)
{
	static double rate;
	struct timespec time;
	unsigned int low, high, i;
	double tsc[2], at[2];

	for (i = 0; !rate && i < 2; i++) {
		clock_gettime(CLOCK_MONOTONIC_RAW, &time);
		asm volatile("rdtsc" : "=a" (low), "=d" (high));
		tsc[i] = low + 0x1p32 * high;
		at[i] = time.tv_sec * 1e9 + time.tv_nsec;
		known_loop(1000000);
	}
	if (!rate)
		rate = (tsc[1] - tsc[0]) / (at[1] - at[0]);
	return ns * rate;
}

static void read_machine(void)
{
	if (nr_cpus == 1)
		attach_instructions =
			ticks_of_ns(cpu_stat(cpus[0], "attach_ns"));
	pool_bytes = atoll(read_text(SYSFS "/stats/pool_bytes"));
	pool_used = atoll(read_text(SYSFS "/stats/pool_used_bytes"));
}

/*
 * A CPU's last detaching is known once it has attached again. The last CPU does
 * both when the machine suspends; then nobody else moves the clock.
 */
static void measure_detach(void)
{
	int fd, err;

	if (nr_cpus > 1)
		return;
	err = attach();
	if (err)
		ksft_exit_fail_msg("attach: %s\n", strerror(-err));
	fd = open("/sys/power/state", O_WRONLY | O_CLOEXEC);
	if (write(fd, "mem", 3) != 3)
		ksft_exit_fail_msg("suspend: %s\n", strerror(errno));
	close(fd);
	detach_instructions = ticks_of_ns(cpu_stat(cpus[0], "detach_ns"));
	detach();
}

static void measure_in(int k)
{
	const struct configuration *c = &configurations[k];
	int i, err;

	err = c->enter();
	if (err)
		ksft_exit_fail_msg("%s: %s\n", c->name, strerror(-err));
	if (k == ATTACHED)
		read_machine();
	operations_start(cpus[0], nr_cpus > 1 ? cpus[1] : -1);
	for (i = 0; i < nr_operations; i++) {
		if (measured(&operations[i]))
			measure(&operations[i], &results[i][k]);
	}
	operations_stop();
	err = c->leave();
	if (err)
		ksft_exit_fail_msg("leaving %s: %s\n", c->name, strerror(-err));
}

static void measure_all(void)
{
	int round, k;

	/* The first time differs from all that come after: it does not count. */
	measure_in(BARE);
	memset(results, 0, sizeof(results));
	for (round = 0; round < ROUNDS; round++) {
		for (k = 0; k < CONFIGURATIONS; k++)
			measure_in(k);
	}
}

static void take_middles(void)
{
	int i, k;

	for (i = 0; i < nr_operations; i++) {
		for (k = 0; measured(&operations[i]) && k < CONFIGURATIONS; k++)
			take_middle(&results[i][k]);
	}
}

static double percent(double value, double base)
{
	return 100 * (value - base) / base;
}

static double each(long long count, const struct result *r)
{
	return (double)count / r->runs;
}

/* What a CPUID costs is known: that of the others is what is left. */
static double without_cpuid(const struct result *r)
{
	const struct result *cpuid = results[0];

	return r[ATTACHED].instructions - each(r[ATTACHED].exits.cpuid,
					       &r[ATTACHED]) *
	       (cpuid[ATTACHED].instructions - cpuid[BARE].instructions);
}

/* Nothing but CPUID and NMIs exits, and nothing else takes longer. */
static void judge_steady(const char *name, const struct result *attached,
			 double more, double bare)
{
	double other = each(attached->exits.other, attached);

	if (calls_exit && other > FIRST_MAX)
		ksft_print_msg("%s: %.1f calls that exit, %.1f instructions each\n",
			       name, other, more * bare / 100 / other);
	ksft_test_result(calls_exit || (guard ? other < FIRST_MAX :
						!attached->exits.other),
			 "%s: %lld exits that are neither CPUID's nor NMIs', %.1f and %.1f that are\n",
			 name, attached->exits.other,
			 each(attached->exits.cpuid, attached),
			 each(attached->exits.nmi, attached));
	ksft_test_result(guard || more < MORE_MAX,
			 "%s: %+.3f %% instructions but for CPUID's: %.1f to %.1f, %.1f with them\n",
			 name, more, bare, bare + more * bare / 100,
			 attached->instructions);
}

static void judge_operation(const struct operation *operation,
			    const struct result *r)
{
	const struct result *attached = &r[ATTACHED];
	const double bare = r[BARE].instructions;
	double more = percent(without_cpuid(r), bare);
	double left = percent(r[DETACHED].instructions, bare);
	double other = each(attached->exits.other, attached);
	const char *name = operation->name;

	if (operation->makes_code)
		ksft_test_result(guard || (other > 0 && other < CODE_EXITS_MAX &&
					   more < CODE_MORE_MAX),
				 "%s: %.1f exits to seal and release code, %+.3f %% instructions: %.1f to %.1f\n",
				 name, other, more, bare, without_cpuid(r));
	else
		judge_steady(name, attached, more, bare);
	ksft_test_result(left < MORE_MAX && left > -MORE_MAX,
			 "%s: %+.3f %% instructions left after detaching: %.1f\n",
			 name, left, r[DETACHED].instructions);
}

static void judge(void)
{
	const unsigned long long pool_max = POOL_MAX + nr_cpus * POOL_MAX_CPU;
	double clock = (double)loop_instructions / loop_expected;
	int i;

	ksft_test_result(clock > 0.999 && clock < 1.001,
			 "the clock counts instructions: %llu in a loop of %llu\n",
			 loop_instructions, loop_expected);
	ksft_test_result(pool_bytes > 0 && pool_bytes < pool_max,
			 "the pool has %lld KiB (%lld KiB used), under %llu KiB\n",
			 pool_bytes >> 10, pool_used >> 10, pool_max >> 10);
	if (nr_cpus == 1)
		ksft_test_result(attach_instructions > 0 && detach_instructions > 0,
				 "a CPU attaches in %.0f instructions and detaches in %.0f\n",
				 attach_instructions, detach_instructions);
	for (i = 0; i < nr_operations; i++) {
		if (measured(&operations[i]))
			judge_operation(&operations[i], results[i]);
	}
}

static void write_figures(const char *path)
{
	FILE *file = fopen(path, "w");
	const struct result *r;
	int i, k;

	if (!file)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	fprintf(file, "machine\tcpus\t%d\n", nr_cpus);
	fprintf(file, "machine\tram\t%lld\n",
		(long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	fprintf(file, "machine\tclock\t%.6f\n",
		(double)loop_instructions / loop_expected);
	fprintf(file, "machine\tpool\t%lld\n", pool_bytes);
	fprintf(file, "machine\tpool used\t%lld\n", pool_used);
	if (nr_cpus == 1) {
		fprintf(file, "machine\tattach\t%.0f\n", attach_instructions);
		fprintf(file, "machine\tdetach\t%.0f\n", detach_instructions);
	}
	for (i = 0; i < nr_operations; i++) {
		for (k = 0; measured(&operations[i]) && k < CONFIGURATIONS; k++) {
			r = &results[i][k];
			fprintf(file, "%s\t%s\t%.2f\t%.3f\t%.3f\t%.6f\n",
				operations[i].name, configurations[k].name,
				r->instructions, each(r->exits.cpuid, r),
				each(r->exits.nmi, r), each(r->exits.other, r));
		}
	}
	fclose(file);
}

int main(int argc, char **argv)
{
	int i, tests = 2;

	ksft_print_header();
	nr_cpus = online_cpus(cpus);
	guard = getenv("BENCH_GUARD");
	tests += nr_cpus == 1;
	for (i = 0; i < nr_operations; i++)
		tests += measured(&operations[i]) *
			 (operations[i].makes_code ? 2 : 3);
	ksft_set_plan(tests);

	idlers = mmap(NULL, sizeof(*idlers) * nr_cpus, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/*
	 * Before others, but not before what the kernel does for us: what we
	 * free would pile up.
	 */
	if (idlers == MAP_FAILED || pin_to_cpu(cpus[0]) ||
	    setpriority(PRIO_PROCESS, 0, -20))
		ksft_exit_fail_msg("setting up: %s\n", strerror(errno));

	measure_clock();
	measure_all();
	measure_detach();
	take_middles();
	judge();
	if (argc > 1)
		write_figures(argv[1]);
	ksft_finished();
}
