// SPDX-License-Identifier: GPL-2.0
/*
 * Attaching and detaching leave every CPU's architectural state as it was
 *
 * One process records all of it on every CPU before, during and after. It does
 * not exec or fork in between, so that its own part is the same, too.
 *
 * Controls: a hardware breakpoint set in between is found as a difference; what
 * is documented to differ while attached does.
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stddef.h>

#include <kselftest_harness.h>

#include "cpu_state.h"
#include "guest.h"

enum phase { BEFORE, DURING, AFTER, PHASES };

/* CPUID.1: ECX lies above EDX */
static bool vmx_and_smx_hidden(const struct value *a, const struct value *b)
{
	const __u64 hidden = (__u64)(1 << 5 | 1 << 6) << 32;

	return b->number == (a->number & ~hidden);
}

static bool raises_gp(const struct value *a, const struct value *b)
{
	return !a->fault && b->fault;
}

/* What is different while attached, by design */
static const struct difference documented[] = {
	{ "msr.tsc",	grows },
	{ "cr3",	pcid_differs },
	{ "cr2",	anything },
	{ "cpuid.00000001.0.ecx_edx",	vmx_and_smx_hidden },
	{ "msr.vmx_basic",		raises_gp },
	{ "msr.vmx_pinbased_ctls",	raises_gp },
	{ "msr.vmx_procbased_ctls",	raises_gp },
	{ "msr.vmx_exit_ctls",		raises_gp },
	{ "msr.vmx_entry_ctls",		raises_gp },
	{ "msr.vmx_misc",		raises_gp },
	{ "msr.vmx_cr0_fixed0",		raises_gp },
	{ "msr.vmx_cr0_fixed1",		raises_gp },
	{ "msr.vmx_cr4_fixed0",		raises_gp },
	{ "msr.vmx_cr4_fixed1",		raises_gp },
	{ "msr.vmx_vmcs_enum",		raises_gp },
	{ "msr.vmx_procbased_ctls2",	raises_gp },
	{ "msr.vmx_ept_vpid_cap",	raises_gp },
	{ "msr.vmx_true_pinbased_ctls",	raises_gp },
	{ "msr.vmx_true_procbased_ctls", raises_gp },
	{ "msr.vmx_true_exit_ctls",	raises_gp },
	{ "msr.vmx_true_entry_ctls",	raises_gp },
	{ "msr.vmx_vmfunc",		raises_gp },
	{ "msr.vmx_procbased_ctls3",	raises_gp },
	{ "msr.vmx_exit_ctls2",		raises_gp },
	{ }
};

static int count_values(const char *text, const char *prefix, bool readable)
{
	struct value v;
	int count = 0;

	while ((text = next_value(text, &v)))
		count += !strncmp(v.name, prefix, strlen(prefix)) &&
			 (!readable || !v.fault);
	return count;
}

FIXTURE(machine)
{
	int nr_cpus;
	int cpus[CPUS_MAX];
	char *state[PHASES][CPUS_MAX];
};

FIXTURE_SETUP(machine)
{
	ASSERT_EQ(0, load_test_module("cpu_state"));
	self->nr_cpus = online_cpus(self->cpus);
	record_states(self->state[BEFORE], self->cpus, self->nr_cpus);
	ASSERT_EQ(0, attach());
	record_states(self->state[DURING], self->cpus, self->nr_cpus);
	ASSERT_TRUE(state_is("attached"));
	ASSERT_EQ(0, detach());
	record_states(self->state[AFTER], self->cpus, self->nr_cpus);
}

FIXTURE_TEARDOWN(machine)
{
	detach();
}

TEST_F(machine, is_the_same_after_as_before)
{
	int i;

	for (i = 0; i < self->nr_cpus; i++)
		EXPECT_EQ(0, count_differences(self->state[BEFORE][i],
					       self->state[AFTER][i], varies,
					       self->cpus[i], false));
}

TEST_F(machine, differs_while_attached_only_as_documented)
{
	int i;

	for (i = 0; i < self->nr_cpus; i++)
		EXPECT_EQ(0, count_differences(self->state[BEFORE][i],
					       self->state[DURING][i],
					       documented, self->cpus[i],
					       false));
}

/* Control: had it never attached, the last test would have passed, too. */
TEST_F(machine, differs_while_attached_as_documented)
{
	static const char * const hidden[] = {
		"cpuid.00000001.0.ecx_edx", "msr.vmx_basic", "msr.vmx_misc",
		"msr.vmx_true_entry_ctls",
	};
	struct value before, during;
	int i, k;

	for (i = 0; i < self->nr_cpus; i++) {
		for (k = 0; k < sizeof(hidden) / sizeof(*hidden); k++) {
			ASSERT_TRUE(find(self->state[BEFORE][i], hidden[k],
					 &before));
			ASSERT_TRUE(find(self->state[DURING][i], hidden[k],
					 &during));
			EXPECT_FALSE(same(&before, &during));
		}
	}
}

TEST_F(machine, has_vmx_off_before_and_after)
{
	const __u64 vmxe = 1 << 13;
	struct value v;
	int i, phase;

	for (i = 0; i < self->nr_cpus; i++) {
		for (phase = BEFORE; phase < PHASES; phase++) {
			ASSERT_TRUE(find(self->state[phase][i], "cr4", &v));
			EXPECT_EQ(0, v.number & vmxe);
			ASSERT_TRUE(find(self->state[phase][i], "linux_cr4",
					 &v));
			EXPECT_EQ(0, v.number & vmxe);
		}
	}
}

/* Control: the comparison has enough to compare. */
TEST_F(machine, is_recorded)
{
	struct value v;
	int i;

	for (i = 0; i < self->nr_cpus; i++) {
		ASSERT_TRUE(find(self->state[BEFORE][i], "cpu", &v));
		EXPECT_EQ(self->cpus[i], v.number);
		EXPECT_LE(40, count_values(self->state[BEFORE][i], "msr.",
					   true));
		EXPECT_LE(40, count_values(self->state[BEFORE][i], "cpuid.",
					   true));
		EXPECT_EQ(16, count_values(self->state[BEFORE][i], "gdt.",
					   true));
	}
}

/* What a write breakpoint watches */
static int watched;

static void write_watched(int value)
{
	__atomic_store_n(&watched, value, __ATOMIC_SEQ_CST);
}

static int break_on_write(int cpu, int *address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_len = HW_BREAKPOINT_LEN_4,
		.bp_addr = (uintptr_t)address,
		.pinned = 1,
	};

	/* For the CPU: for a task, each switch would load DR7 anew. */
	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static long long hits(int fd)
{
	long long count = -1;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : -1;
}

/*
 * Debug registers in use: an exit clears DR7, an entry loads it. And the
 * control for the comparison: it finds the breakpoint.
 */
TEST(breakpoint_lives_through_attach_and_detach)
{
	char *without, *before, *during, *after;
	struct value v;
	int fd;

	ASSERT_EQ(0, load_test_module("cpu_state"));
	ASSERT_EQ(0, pin_to_cpu(0));
	without = read_state();
	fd = break_on_write(0, &watched);
	ASSERT_LE(0, fd) TH_LOG("perf_event_open: %m");
	before = read_state();
	EXPECT_LT(0, count_differences(without, before, varies, 0, true));
	ASSERT_TRUE(find(before, "dr7", &v));
	EXPECT_NE(0x400, v.number);

	write_watched(1);
	EXPECT_EQ(1, hits(fd));
	ASSERT_EQ(0, attach());
	during = read_state();
	EXPECT_EQ(0, count_differences(before, during, documented, 0, false));
	write_watched(2);
	EXPECT_EQ(2, hits(fd));
	EXPECT_EQ(0, detach());
	after = read_state();
	write_watched(3);
	EXPECT_EQ(3, hits(fd));
	EXPECT_EQ(0, count_differences(before, after, varies, 0, false));
	close(fd);
}

TEST_HARNESS_MAIN
