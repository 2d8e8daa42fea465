// SPDX-License-Identifier: GPL-2.0
/*
 * Linux's probes and counters work as on the bare CPU, also where it exits
 *
 * kprobes, kretprobes, uprobes and perf's watchpoints around CPUID, and perf's
 * software events. All of it once on the bare CPUs, which is the control, and
 * once attached.
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <kselftest_harness.h>

#include "guest.h"

#define LOOPS		500
#define TRACING		"/sys/kernel/tracing/"
#define PAGE		4096

FIXTURE(tracing)
{
	int nr_cpus;
	int cpus[CPUS_MAX];
};

FIXTURE_VARIANT(tracing)
{
	bool attached;
};

FIXTURE_VARIANT_ADD(tracing, bare) {
	.attached = false,
};

FIXTURE_VARIANT_ADD(tracing, attached) {
	.attached = true,
};

FIXTURE_SETUP(tracing)
{
	self->nr_cpus = online_cpus(self->cpus);
	ASSERT_EQ(0, pin_to_cpu(self->cpus[0]));
	if (variant->attached)
		ASSERT_EQ(0, attach());
}

FIXTURE_TEARDOWN(tracing)
{
	if (variant->attached)
		EXPECT_TRUE(state_is("attached"));
	detach();
}

static int open_event(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	return syscall(SYS_perf_event_open, attr, 0, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static void start(int event)
{
	ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

static long long stop(int event)
{
	long long count = -1;

	ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
	if (read(event, &count, sizeof(count)) != sizeof(count))
		count = -1;
	return count;
}

/* A CPUID with a name */
extern const char traced_cpuid[];
void run_traced(void);
asm(".pushsection .text\n"
	"run_traced:	push %rbx\n"
	"	xor	%eax, %eax\n"
	"	xor	%ecx, %ecx\n"
	"traced_cpuid:\n"
	"	cpuid\n"
	"	pop	%rbx\n"
	"	ret\n"
	".popsection");

/*
 * Breakpoints on instructions are debugging.c's: bare, the emulator notices them
 * only where flags and debug registers have just been loaded, so that a counter
 * of perf's, which goes on without, misses most.
 */
static volatile int watched;

TEST_F(tracing, perf_watchpoint_before_cpuid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (unsigned long)&watched,
		.bp_len = HW_BREAKPOINT_LEN_4,
	};
	int event, i;

	event = open_event(&attr);
	ASSERT_LE(0, event);
	start(event);
	for (i = 0; i < LOOPS; i++) {
		watched = i;
		asm volatile("cpuid" : : "a" (0), "c" (0)
			     : "rbx", "rdx", "memory");
	}
	EXPECT_EQ(LOOPS, stop(event));
	close(event);
}

static long offset_in_file(const void *address)
{
	unsigned long first, last, offset, wanted = (unsigned long)address;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	long found = -1;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &first, &last, &offset) == 3 &&
		    wanted >= first && wanted < last)
			found = wanted - first + offset;
	}
	if (maps)
		fclose(maps);
	return found;
}

/* The instruction runs out of line, single-stepped by Linux. */
TEST_F(tracing, uprobe_on_cpuid)
{
	struct perf_event_attr attr = {
		.type = atoi(read_text("/sys/bus/event_source/devices/uprobe/type")),
		.config1 = (unsigned long)"/proc/self/exe",
		.config2 = offset_in_file(traced_cpuid),
	};
	int event, i;

	ASSERT_LT(0, attr.type);
	event = open_event(&attr);
	ASSERT_LE(0, event);
	start(event);
	for (i = 0; i < LOOPS; i++)
		run_traced();
	EXPECT_EQ(LOOPS, stop(event));
	close(event);
}

TEST_F(tracing, counts_page_faults)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
	};
	char *memory;
	int event, i;

	memory = mmap(NULL, LOOPS * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	madvise(memory, LOOPS * PAGE, MADV_NOHUGEPAGE);
	event = open_event(&attr);
	ASSERT_LE(0, event);
	start(event);
	for (i = 0; i < LOOPS; i++)
		((volatile char *)memory)[i * PAGE] = 1;
	EXPECT_EQ(LOOPS, stop(event));
	close(event);
	munmap(memory, LOOPS * PAGE);
}

/* The scheduler's own count, of this task */
static long long context_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

TEST_F(tracing, counts_context_switches)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CONTEXT_SWITCHES,
	};
	const struct timespec pause = { .tv_nsec = 100000 };
	long long count, switches;
	int event, i;

	event = open_event(&attr);
	ASSERT_LE(0, event);
	switches = context_switches();
	start(event);
	for (i = 0; i < LOOPS; i++)
		nanosleep(&pause, NULL);
	count = stop(event);
	switches = context_switches() - switches;
	/* A timer may be over before its task is off the CPU. */
	EXPECT_LE(LOOPS / 2, count);
	EXPECT_LE(count, switches);
	/* Between the two counts and the loop */
	EXPECT_GE(count + 2, switches);
	close(event);
}

/* A timer of its own, in a CPU that exits all the time */
TEST_F(tracing, samples_the_cpu_clock)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
		.sample_type = PERF_SAMPLE_IP,
	};
	const struct perf_event_header *header;
	struct perf_event_mmap_page *control;
	unsigned long long ns, at, samples = 0;
	char *data;
	int event;

	event = open_event(&attr);
	ASSERT_LE(0, event);
	control = mmap(NULL, 17 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       event, 0);
	ASSERT_NE(MAP_FAILED, control);
	data = (char *)control + PAGE;
	start(event);
	do {
		run_traced();
		if (read(event, &ns, sizeof(ns)) != sizeof(ns))
			break;
	} while (ns < 200000000);
	ns = stop(event);
	for (at = 0; at < control->data_head; at += header->size) {
		header = (const void *)(data + at);
		samples += header->type == PERF_RECORD_SAMPLE;
	}
	TH_LOG("%llu samples in %llu us", samples, ns / 1000);
	EXPECT_LE(200, ns / 1000000);
	/* A few may be late. */
	EXPECT_LE(ns / 1000000 * 9 / 10, samples);
	EXPECT_GE(ns / 1000000 * 11 / 10, samples);
	munmap(control, 17 * PAGE);
	close(event);
}

/* How often the probe said that the instruction of ring 0 was there */
static int count_hits(const char *probe, int device)
{
	struct ring0_request q = { .op = RING0_cpuid_probed };
	char text[256], line[256];
	FILE *profile;
	int i, hits = -1;

	snprintf(text, sizeof(text), "%s\n", probe);
	if (append_text(TRACING "kprobe_events", text))
		return -1;
	append_text(TRACING "events/carapace/hit/enable", "1");
	for (i = 0; i < LOOPS; i++)
		ring0(device, &q);
	profile = fopen(TRACING "kprobe_profile", "r");
	while (profile && fgets(line, sizeof(line), profile))
		sscanf(line, " hit %d 0", &hits);
	if (profile)
		fclose(profile);
	append_text(TRACING "events/carapace/hit/enable", "0");
	append_text(TRACING "kprobe_events", "-:carapace/hit\n");
	return hits;
}

TEST_F(tracing, kprobes_around_cpuid)
{
	static const char * const probes[] = {
		"p:carapace/hit ring0_exec:probed_cpuid",
		"r:carapace/hit ring0_exec:probed_cpuid",
	};
	int device = ring0_open();
	int i, k;

	ASSERT_LE(0, device);
	for (i = 0; i < self->nr_cpus; i++) {
		pin_to_cpu(self->cpus[i]);
		for (k = 0; k < sizeof(probes) / sizeof(*probes); k++)
			EXPECT_EQ(LOOPS, count_hits(probes[k], device));
	}
	close(device);
}

TEST_HARNESS_MAIN
