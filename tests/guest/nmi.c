// SPDX-License-Identifier: GPL-2.0
/*
 * NMIs arrive while attached: every one, and none twice
 *
 * They are sent one after the other, each once the last has arrived, to a CPU
 * that idles, that spins in the guest or that is in root mode most of the time.
 * The same on the bare CPUs is the control.
 */
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
		EXPECT_EQ(COUNT, after.seen - before.seen);
		EXPECT_EQ(COUNT, after.injected - before.injected);
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
		EXPECT_EQ(COUNT, after.seen - before.seen);
		EXPECT_EQ(COUNT, after.injected - before.injected);
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

TEST_HARNESS_MAIN
