// SPDX-License-Identifier: GPL-2.0
/*
 * Counting instructions and VM exits
 *
 * The clock is the emulator's TSC, which counts the instructions that all CPUs
 * executed, root's included, divided by the number of CPUs; a CPU that is halted
 * goes on counting. So none is halted while we measure: on each a process
 * of the lowest priority counts what nobody else wanted, and that is taken off.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <kselftest.h>

#include "bench_meter.h"

int cpus[CPUS_MAX], nr_cpus;

/* Those who count what nobody else wanted: two instructions for each one */
struct idler {
	volatile unsigned long long count;
	char line[56];
};

static struct idler *idlers;		/* memory that they share with us */
static pid_t idler_pids[CPUS_MAX];

void meter_start(void)
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

void meter_stop(void)
{
	int i;

	for (i = 0; i < nr_cpus; i++) {
		kill(idler_pids[i], SIGKILL);
		waitpid(idler_pids[i], NULL, 0);
		idlers[i].count = 0;
	}
}

/* Instructions that all CPUs have executed but for the idlers' */
unsigned long long executed(void)
{
	unsigned long long idle = 0;
	unsigned int low, high;
	int i;

	for (i = 0; i < nr_cpus; i++)
		idle += 2 * idlers[i].count;
	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return (low | (unsigned long long)high << 32) * nr_cpus - idle;
}

void known_loop(unsigned long long count)
{
	asm volatile("1: dec %0\n\t"
		     "jnz 1b" : "+r" (count));
}

static long long *class_of(struct exits *sum, const char *reason)
{
	if (!strcmp(reason, "cpuid"))
		return &sum->cpuid;
	return strcmp(reason, "nmi") ? &sum->other : &sum->nmi;
}

static long long count_switches(void)
{
	FILE *stat = fopen("/proc/stat", "re");
	long long count = 0;
	char line[4096];

	while (stat && fgets(line, sizeof(line), stat)) {
		if (sscanf(line, "ctxt %lld", &count) == 1)
			break;
	}
	if (stat)
		fclose(stat);
	return count;
}

static void count_by_reason(struct exits *sum, int sign)
{
	char path[512];
	struct dirent *entry;
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
			snprintf(path, sizeof(path), "exits/%s", entry->d_name);
			*class_of(sum, entry->d_name) +=
				sign * cpu_stat(cpus[i], path);
		}
		closedir(directory);
		sum->other += sign * cpu_stat(cpus[i], "unknown_exits");
		sum->invepts += sign * cpu_stat(cpus[i], "invepts");
		sum->kicks += sign * cpu_stat(cpus[i], "nmis_sent");
	}
}

/*
 * Adds what was counted so far, or takes it off. Linux's own count is around that of
 * the exits, so that none of those is without a switch for its being read.
 */
void count_exits(struct exits *sum, int sign)
{
	if (sign < 0)
		sum->switches -= count_switches();
	count_by_reason(sum, sign);
	if (sign > 0)
		sum->switches += count_switches();
}

/**
 * meter_prepare() - before anything else
 *
 * Ahead of others, but not of what the kernel does for us: what we free would
 * pile up.
 */
void meter_prepare(void)
{
	nr_cpus = online_cpus(cpus);
	idlers = mmap(NULL, sizeof(*idlers) * nr_cpus, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (idlers == MAP_FAILED || pin_to_cpu(cpus[0]) ||
	    setpriority(PRIO_PROCESS, 0, -20))
		ksft_exit_fail_msg("setting up: %s\n", strerror(errno));
}
