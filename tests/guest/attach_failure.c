// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU fails to attach: all CPUs go back
 *
 * The testing build fails on the CPU and at the step that it is told. For each
 * of both: the errno, one line, every CPU's state as before, nothing left in
 * sysfs, and the next attempt works (which is the control: the same module
 * without the failure).
 */
#include <kselftest_harness.h>

#include "cpu_state.h"
#include "guest.h"

/* How often to fail in a row, and what may be missing afterwards */
#define REPEATS		10
#define POOL_PAGES	512

FIXTURE(failure)
{
	int nr_cpus;
	int cpus[CPUS_MAX];
	int log;
};

FIXTURE_VARIANT(failure)
{
	int fail_at;
};

FIXTURE_VARIANT_ADD(failure, vmxon) {
	.fail_at = 1,
};

FIXTURE_VARIANT_ADD(failure, vmlaunch) {
	.fail_at = 2,
};

FIXTURE_VARIANT_ADD(failure, vm_entry) {
	.fail_at = 3,
};

FIXTURE_SETUP(failure)
{
	ASSERT_EQ(0, load_test_module("cpu_state"));
	self->nr_cpus = online_cpus(self->cpus);
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	/* Once before anything is measured or compared */
	ASSERT_EQ(0, load_module(carapace_testing_ko(), ""));
	ASSERT_EQ(0, detach());
	lseek(self->log, 0, SEEK_END);
}

FIXTURE_TEARDOWN(failure)
{
	detach();
	close(self->log);
}

static int load_failing(int cpu, int fail_at)
{
	char parameters[64];

	snprintf(parameters, sizeof(parameters), "fail_cpu=%d fail_at=%d", cpu,
		 fail_at);
	return load_module(carapace_testing_ko(), parameters);
}

/* Lines of ours since the last time; the last one in @line */
static int log_lines(int log, char line[512])
{
	const char *text;
	char record[1024];
	int count = 0;
	ssize_t length;

	for (;;) {
		length = read(log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return count;
		record[length] = 0;
		text = strchr(record, ';');
		if (!text || strncmp(text, ";carapace: ", 11))
			continue;
		snprintf(line, 512, "%s", text + 1);
		count++;
	}
}

static bool module_is_loaded(void)
{
	return !access("/sys/module/carapace", F_OK);
}

TEST_F(failure, takes_all_cpus_back)
{
	char *before[CPUS_MAX], *after[CPUS_MAX];
	char line[512], expected[64];
	int i, k;

	for (k = 0; k < self->nr_cpus; k++) {
		record_states(before, self->cpus, self->nr_cpus);
		EXPECT_EQ(-EIO, load_failing(self->cpus[k], variant->fail_at));
		record_states(after, self->cpus, self->nr_cpus);

		EXPECT_FALSE(module_is_loaded());
		EXPECT_NE(0, access(SYSFS, F_OK));
		EXPECT_EQ(1, log_lines(self->log, line));
		snprintf(expected, sizeof(expected),
			 "carapace: CPU %d cannot attach: ", self->cpus[k]);
		EXPECT_EQ(0, strncmp(expected, line, strlen(expected)))
			TH_LOG("%s", line);

		for (i = 0; i < self->nr_cpus; i++) {
			EXPECT_EQ(0, count_differences(before[i], after[i],
						       varies, self->cpus[i],
						       false));
			free(before[i]);
			free(after[i]);
		}
	}
}

TEST_F(failure, is_followed_by_success)
{
	int i;

	for (i = 0; i < self->nr_cpus; i++) {
		EXPECT_EQ(-EIO, load_failing(self->cpus[i], variant->fail_at));
		EXPECT_EQ(0, load_module(carapace_testing_ko(), ""));
		EXPECT_TRUE(state_is("attached"));
		EXPECT_EQ(0, detach());
	}
}

static long long vmstat(const char *name)
{
	long long value = -1;
	char line[128];
	FILE *file;

	file = fopen("/proc/vmstat", "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)) &&
		    line[strlen(name)] == ' ')
			value = atoll(line + strlen(name));
	}
	if (file)
		fclose(file);
	return value;
}

/* Without tasks' stacks, which are kept for the next, and what is free again */
static int count_vmalloc_areas(void)
{
	char line[512];
	int count = 0;
	FILE *file;

	file = fopen("/proc/vmallocinfo", "r");
	while (file && fgets(line, sizeof(line), file))
		count += !strstr(line, "kernel_clone") &&
			 !strstr(line, "unpurged");
	if (file)
		fclose(file);
	return count;
}

/* Free pages that CPUs keep for themselves, blocks of 2 MiB among them */
static long long pages_of_cpus(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	long long count, total = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " count: %lld", &count) == 1)
			total += count;
	}
	if (file)
		fclose(file);
	return total;
}

static long long free_pages(void)
{
	sync();
	write_text("/proc/sys/vm/drop_caches", "3");
	write_text("/proc/sys/vm/compact_memory", "1");
	write_text("/proc/sys/vm/stat_refresh", "1");
	return vmstat("nr_free_pages") + pages_of_cpus();
}

/*
 * A pool that is lost each time shows, for it is 512 pages at least; less does
 * not, for what else happens in the machine. An area of vmalloc's shows exactly.
 * Each load finds out what the kernel's code is, which takes a second here.
 */
TEST_F_TIMEOUT(failure, keeps_no_memory, 120)
{
	long long before, after;
	int areas, i;

	EXPECT_EQ(-EIO, load_failing(self->cpus[0], variant->fail_at));
	areas = count_vmalloc_areas();
	before = free_pages();
	for (i = 0; i < REPEATS; i++)
		EXPECT_EQ(-EIO, load_failing(self->cpus[i % self->nr_cpus],
					     variant->fail_at));
	after = free_pages();
	EXPECT_EQ(areas, count_vmalloc_areas());
	EXPECT_LT(before - after, REPEATS * POOL_PAGES / 4);
	TH_LOG("%lld pages fewer are free", before - after);

	/* Control: while it is loaded, both are missed. */
	before = free_pages();
	EXPECT_EQ(0, load_module(carapace_testing_ko(), ""));
	EXPECT_LE(POOL_PAGES * 3 / 4, before - free_pages());
	EXPECT_LT(areas, count_vmalloc_areas());
}

TEST_HARNESS_MAIN
