// SPDX-License-Identifier: GPL-2.0
/*
 * Proof of non-root mode: CPUID exits there, and nowhere else
 *
 * Each CPUID counts as one exit of the CPU that executes it. Controls: another
 * instruction counts nothing, on no CPU; another CPU's counter stands still.
 */
#include <sys/mman.h>
#include <time.h>

#include <kselftest_harness.h>

#include "guest.h"

#define COUNT	1000

FIXTURE(attached)
{
	int nr_cpus;
	int cpus[CPUS_MAX];
};

FIXTURE_SETUP(attached)
{
	const struct sched_param param = { .sched_priority = 50 };

	ASSERT_TRUE(cpuid_shows_vmx());
	self->nr_cpus = online_cpus(self->cpus);
	ASSERT_EQ(0, attach());
	/* Nobody else may execute a CPUID on the same CPU meanwhile. */
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
}

FIXTURE_TEARDOWN(attached)
{
	detach();
}

TEST_F(attached, cpuid_hides_vmx_on_every_cpu)
{
	int i;

	for (i = 0; i < self->nr_cpus; i++) {
		pin_to_cpu(self->cpus[i]);
		EXPECT_FALSE(cpuid_shows_vmx());
	}
	EXPECT_EQ(0, detach());
	for (i = 0; i < self->nr_cpus; i++) {
		pin_to_cpu(self->cpus[i]);
		EXPECT_TRUE(cpuid_shows_vmx());
	}
}

TEST_F(attached, every_cpuid_is_an_exit)
{
	long long before, after;
	__u32 regs[4];
	int i, k;

	for (i = 0; i < self->nr_cpus; i++) {
		pin_to_cpu(self->cpus[i]);
		before = cpu_stat(self->cpus[i], "exits/cpuid");
		for (k = 0; k < COUNT; k++)
			cpuid(0, 0, regs);
		after = cpu_stat(self->cpus[i], "exits/cpuid");
		EXPECT_LE(0, before);
		EXPECT_EQ(COUNT, after - before);
	}
}

TEST_F(attached, nothing_else_is_a_cpuid_exit)
{
	long long before, after;
	int i, k;

	for (i = 0; i < self->nr_cpus; i++) {
		pin_to_cpu(self->cpus[i]);
		before = cpu_stat(self->cpus[i], "exits/cpuid");
		for (k = 0; k < COUNT; k++)
			syscall(SYS_getpid);
		after = cpu_stat(self->cpus[i], "exits/cpuid");
		EXPECT_EQ(0, after - before);
	}
}

/* What may not exit at all: CPUID and NMIs are the only ones that may. */
static const char * const quiet_reasons[] = {
	"exits/cr_access", "exits/rdmsr", "exits/wrmsr", "exits/ept_violation",
	"exits/ept_misconfig", "exits/xsetbv", "exits/vmcall",
	"exits/nmi_window", "exits/task_switch", "exits/invd",
};

#define QUIET_REASONS	(sizeof(quiet_reasons) / sizeof(*quiet_reasons))

/* System calls, page faults, timers, idle, switches */
static void work(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const size_t size = 1 << 16;
	char *memory;
	int i;

	for (i = 0; i < 20; i++) {
		nanosleep(&pause, NULL);
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(memory, 1, size);
		munmap(memory, size);
	}
}

/* Work on a CPU; the reason that it exited for, or NULL */
static const char *exits_of_work(int cpu)
{
	long long before[QUIET_REASONS];
	int k;

	for (k = 0; k < QUIET_REASONS; k++)
		before[k] = cpu_stat(cpu, quiet_reasons[k]);
	work();
	for (k = 0; k < QUIET_REASONS; k++) {
		if (before[k] < 0 || cpu_stat(cpu, quiet_reasons[k]) != before[k])
			return quiet_reasons[k];
	}
	return NULL;
}

/*
 * Linux frees the code that initialised the module in its own time, and that is
 * released then, once: so one round of work may see it.
 */
TEST_F(attached, ordinary_work_does_not_exit)
{
	int i, cpu, noisy = 0;
	const char *reason;

	for (i = 0; i < self->nr_cpus; i++) {
		cpu = self->cpus[i];
		pin_to_cpu(cpu);
		reason = exits_of_work(cpu);
		if (reason) {
			noisy++;
			reason = exits_of_work(cpu);
		}
		EXPECT_EQ(NULL, reason)
			TH_LOG("cpu%d: %s", cpu, reason);
	}
	EXPECT_LE(noisy, 1);
}

TEST_HARNESS_MAIN
