// SPDX-License-Identifier: GPL-2.0
/*
 * What Carapace costs: instructions and VM exits of what Linux does all the time
 *
 * usage: bench [FILE]
 *
 * Every operation is measured in every configuration: bare, attached with one
 * profile or another, and detached again; several rounds, so that what drifts
 * does so for all of them. A measurement is shorter than the time between two
 * timer ticks where the operation is, and the mean of the lower half counts: what
 * ticks, grace periods and kernel threads do meanwhile comes on top. (What exits,
 * how rarely ever, is counted by itself.) The difference between bare and detached
 * is the noise. The results are judged as KTAP, and FILE gets the figures.
 *
 * A loop of known length shows whether the clock counts instructions
 * (bench_meter.c). On silicon the TSC counts something else, and the first test
 * fails.
 *
 * BENCH_COLUMNS names configurations, with spaces between; without, it is
 * "balanced". BENCH_ONLY names operations.
 */
#include <time.h>

#include <kselftest.h>

#include "bench.h"
#include "bench_meter.h"

#define ROUNDS		3
#define BATCHES_MAX	200
#define OPERATIONS_MAX	32

/* To reach, in percent and bytes */
#define MORE_MAX	0.5
#define CODE_EXITS_MAX	64
/* Where the module is guarded, too: an exit a task, and three a function */
#define GUARD_EXITS_MAX	512
/* An operation, where a stack that is new has its first guarded function on it */
#define FIRST_MAX	0.25
/* What code that comes and goes leaves to others to free comes at any time. */
#define CODE_NOISE_MAX	5.0
#define POOL_MAX	(4ULL << 20)
#define POOL_MAX_CPU	(128ULL << 10)

/* Whose returns are guarded, for a file system and for a network */
static const char *const some[] = {
	"overlay", "vsock", "vmw_vsock_virtio_transport_common",
	"vsock_loopback", NULL,
};

static const char *const all[] = { "*", NULL };

/* Without VMFUNC each call of a guarded function exits. */
static bool calls_exit;

/*
 * What a column is; the first is what the others are compared with. What guarded
 * returns cost depends on how many functions an operation calls, so it is told,
 * and only that no call exits is a test: a stack's first one does.
 */
struct configuration {
	const char *name;
	const char *profile;
	const char *const *guard;
	bool no_code;		/* none can be made */
	bool parked;		/* each change to another task exits */
	bool frozen;		/* each call of a guarded function does, twice */
	bool used;
};

static struct configuration configurations[] = {
	{ .name = "bare", .used = true },
	{ .name = "monitor", .profile = "monitor" },
	{ .name = "balanced", .profile = "balanced" },
	{ .name = "strict", .profile = "strict", .no_code = true },
	{ .name = "parked", .profile = "balanced", .parked = true },
	{ .name = "returns", .profile = "balanced", .guard = some },
	{ .name = "frozen", .profile = "balanced", .guard = some, .frozen = true },
	{ .name = "returns=*", .profile = "balanced", .guard = all },
	{ .name = "detached", .used = true },
};

#define CONFIGURATIONS	(sizeof(configurations) / sizeof(*configurations))
#define BARE		0
#define DETACHED	(CONFIGURATIONS - 1)

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

static void measure_clock(void)
{
	const unsigned long long count = 50000;
	unsigned long long start, took;
	int i;

	loop_expected = 2 * count;
	meter_start();
	for (i = 0; i < BATCHES_MAX; i++) {
		start = executed();
		known_loop(count);
		took = executed() - start;
		if (!i || took < loop_instructions)
			loop_instructions = took;
	}
	meter_stop();
}

/* Where it takes no more CPUs than it needs: others only add noise. */
static bool wanted(const struct operation *operation)
{
	const char *only = getenv("BENCH_ONLY");

	if (operation == operations)
		return true;
	if (only)
		return strstr(only, operation->name);
	return operation->cpus == nr_cpus;
}

static bool measured(const struct operation *operation, int k)
{
	return wanted(operation) && configurations[k].used &&
	       !(configurations[k].no_code && operation->code_max);
}

static void measure(const struct operation *operation, struct result *result)
{
	unsigned long long start;
	int i;

	count_exits(&result->exits, -1);
	/* Also with CPUs that have nothing to do: an idle one may not exit. */
	operation->run(operation->batch);
	meter_start();
	/* Not before: an idler begins with the class that we have. */
	operation_begin(operation);
	for (i = 0; i < operation->batches; i++) {
		start = executed();
		operation->run(operation->batch);
		result->samples[result->nr_samples++] =
			(double)(executed() - start) / operation->batch;
	}
	operation_end(operation);
	meter_stop();
	count_exits(&result->exits, 1);
	result->runs += (operation->batches + 1) * operation->batch;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Without those few that found more done already than others do */
static void take_low(struct result *result)
{
	int first = result->nr_samples / 10, end = result->nr_samples / 2;
	int i;

	qsort(result->samples, result->nr_samples, sizeof(*result->samples),
	      compare);
	for (i = first; i < end; i++)
		result->instructions += result->samples[i];
	result->instructions /= end - first;
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

static void must_write(const char *file, const char *word)
{
	int err = write_text(file, word);

	if (err)
		ksft_exit_fail_msg("%s: %s: %s\n", file, word, strerror(-err));
}

static void attach_for(const struct configuration *c)
{
	const char *const *name;
	int err = attach();

	if (err)
		ksft_exit_fail_msg("attach: %s\n", strerror(-err));
	calls_exit = !system("grep -q '^vmfunc-eptp-switching no' "
			     SYSFS "/capabilities");
	for (name = c->guard; name && *name; name++)
		must_write(SYSFS "/returns/guard", *name);
}

/*
 * Linux frees the code that initialised the module after a grace period, and that
 * is released then, once. Unloading another module takes longer than that. Only
 * then there may be no new code any more.
 */
static void settle(const struct configuration *c)
{
	static struct result unused;
	size_t i;

	unused.nr_samples = 0;
	for (i = nr_operations; i-- > 0;) {
		if (operations[i].code_max)
			operations[i].run(1);
	}
	usleep(100000);
	/* What was code becomes data when it is written to: an exit, once. */
	measure(operations, &unused);
	must_write(SYSFS "/policy/profile", c->profile);
	must_write(SYSFS "/policy/parked_stacks", c->parked ? "on" : "off");
	must_write(SYSFS "/policy/frozen_frames", c->frozen ? "on" : "off");
}

static void measure_in(int k)
{
	const struct configuration *c = &configurations[k];
	int i, err;

	if (c->profile)
		attach_for(c);
	operations_start(cpus[0], nr_cpus > 1 ? cpus[1] : -1);
	if (c->profile) {
		settle(c);
		read_machine();
	}
	for (i = 0; i < nr_operations; i++) {
		if (measured(&operations[i], k))
			measure(&operations[i], &results[i][k]);
	}
	operations_stop();
	err = c->profile ? detach() : 0;
	if (err)
		ksft_exit_fail_msg("detach: %s\n", strerror(-err));
}

static void measure_all(void)
{
	int round, k;

	/* The first time differs from all that come after: it does not count. */
	measure_in(BARE);
	memset(results, 0, sizeof(results));
	for (round = 0; round < ROUNDS; round++) {
		for (k = 0; k < CONFIGURATIONS; k++) {
			if (configurations[k].used)
				measure_in(k);
		}
	}
}

static void take_all(void)
{
	int i, k;

	for (i = 0; i < nr_operations; i++) {
		for (k = 0; k < CONFIGURATIONS; k++) {
			if (measured(&operations[i], k))
				take_low(&results[i][k]);
		}
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
static double without_cpuid(const struct result *r, int k)
{
	const struct result *cpuid = results[0];

	return r->instructions - each(r->exits.cpuid, r) *
	       (cpuid[k].instructions - cpuid[BARE].instructions);
}

/* One exit at each change to another task, and no others */
static void judge_parked(const char *name, const struct result *r, double more)
{
	const struct exits *e = &r->exits;

	ksft_test_result(e->other <= e->switches && !e->invepts && !e->kicks,
			 "parked, %s: %.2f exits for %.2f changes of the task, %lld INVEPTs, %lld CPUs kicked, %+.3f %% instructions\n",
			 name, each(e->other, r), each(e->switches, r),
			 e->invepts, e->kicks, more);
}

/* Nothing but CPUID and NMIs exits, and nothing else takes longer. */
static void judge_steady(const char *name, int k, const struct result *r,
			 double more, double bare)
{
	const struct configuration *c = &configurations[k];
	const struct exits *e = &r->exits;

	ksft_test_result(c->guard ? calls_exit || c->frozen ||
				    each(e->other, r) < FIRST_MAX : !e->other,
			 "%s, %s: %lld exits that are neither CPUID's nor NMIs', %.1f and %.1f that are\n",
			 c->name, name, e->other, each(e->cpuid, r),
			 each(e->nmi, r));
	ksft_test_result(!e->kicks && (c->guard || !e->invepts),
			 "%s, %s: %lld INVEPTs, %lld CPUs kicked\n", c->name, name,
			 e->invepts, e->kicks);
	ksft_test_result(c->guard || more < MORE_MAX,
			 "%s, %s: %+.3f %% instructions but for CPUID's: %.1f to %.1f, %.1f with them\n",
			 c->name, name, more, bare, bare + more * bare / 100,
			 r->instructions);
}

static void judge_code(const struct operation *operation, int k,
		       const struct result *r, double value, double bare)
{
	const struct configuration *c = &configurations[k];
	double other = each(r->exits.other, r);

	ksft_test_result(other > 0 &&
			 other < (c->guard ? GUARD_EXITS_MAX : CODE_EXITS_MAX) &&
			 (c->guard || value - bare < operation->code_max),
			 "%s, %s: %.1f exits to seal and release code, %.1f INVEPTs, %.1f CPUs kicked, %.0f instructions more: %.1f to %.1f\n",
			 c->name, operation->name, other,
			 each(r->exits.invepts, r), each(r->exits.kicks, r),
			 value - bare, bare, value);
}

static void judge_operation(const struct operation *operation, int k,
			    const struct result *results)
{
	const struct result *r = &results[k];
	const double bare = results[BARE].instructions;
	double value = without_cpuid(r, k);
	double more = percent(value, bare);
	double noise = operation->code_max ? CODE_NOISE_MAX : MORE_MAX;

	if (k == DETACHED)
		ksft_test_result(more < noise && more > -noise,
				 "%s: %+.3f %% instructions left after detaching: %.1f\n",
				 operation->name, more, r->instructions);
	else if (operation->code_max)
		judge_code(operation, k, r, value, bare);
	else if (configurations[k].parked)
		judge_parked(operation->name, r, more);
	else
		judge_steady(operation->name, k, r, more, bare);
}

static int tests_of(const struct operation *operation, int k)
{
	if (!measured(operation, k) || k == BARE)
		return 0;
	return k == DETACHED || operation->code_max ||
	       configurations[k].parked ? 1 : 3;
}

static void judge(void)
{
	const unsigned long long pool_max = POOL_MAX + nr_cpus * POOL_MAX_CPU;
	double clock = (double)loop_instructions / loop_expected;
	int i, k;

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
		for (k = BARE + 1; k < CONFIGURATIONS; k++) {
			if (measured(&operations[i], k))
				judge_operation(&operations[i], k, results[i]);
		}
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
		for (k = 0; k < CONFIGURATIONS; k++) {
			if (!measured(&operations[i], k))
				continue;
			r = &results[i][k];
			fprintf(file, "%s\t%s\t%.2f\t%.3f\t%.3f\t%.6f\t%.3f\t%.3f\n",
				operations[i].name, configurations[k].name,
				r->instructions, each(r->exits.cpuid, r),
				each(r->exits.nmi, r), each(r->exits.other, r),
				each(r->exits.invepts, r),
				each(r->exits.kicks, r));
		}
	}
	fclose(file);
}

/* The words of BENCH_COLUMNS; one that does not exist is not taken for another */
static void choose_columns(void)
{
	const char *wish = getenv("BENCH_COLUMNS");
	char *words = strdup(wish ? wish : "balanced");
	char *word;
	int k;

	for (word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		for (k = 0; k < CONFIGURATIONS; k++) {
			if (!strcmp(word, configurations[k].name))
				break;
		}
		if (k == CONFIGURATIONS)
			ksft_exit_fail_msg("there is no column %s\n", word);
		configurations[k].used = true;
	}
	free(words);
}

int main(int argc, char **argv)
{
	int i, k, tests = 2;

	ksft_print_header();
	meter_prepare();
	choose_columns();
	tests += nr_cpus == 1;
	for (i = 0; i < nr_operations; i++) {
		for (k = 0; k < CONFIGURATIONS; k++)
			tests += tests_of(&operations[i], k);
	}
	ksft_set_plan(tests);
	operations_prepare();

	measure_clock();
	measure_all();
	measure_detach();
	take_all();
	judge();
	if (argc > 1)
		write_figures(argv[1]);
	ksft_finished();
}
