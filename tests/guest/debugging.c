// SPDX-License-Identifier: GPL-2.0
/*
 * Debugging user programs works as on the bare CPU, also where they exit
 *
 * A tracer steps a child over instructions that exit, sets breakpoints on them
 * and in their shadow, and counts each trap. All of it once on the bare
 * CPUs, which is the control, and once attached.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "guest.h"

#define LOOPS		200

#define DR6_B0		(1UL << 0)
#define DR6_BS		(1UL << 14)
#define DR6_TRAPS	(0xfUL | DR6_BS)
#define DR7_L0		(1UL << 0)
#define DR7_EXECUTE	(0UL << 16)
#define DR7_WRITE	(1UL << 16)
#define DR7_ACCESS	(3UL << 16)
#define DR7_4_BYTES	(3UL << 18)

/*
 * What is stepped over. Labels sN are instructions that the tracer must see;
 * those that fault are skipped by the tracer.
 */
extern const char stepped[], s1[], s2[], s3[], s4[], s5[], s6[], s7[], s8[],
		  s9[], s10[], s11[], s12[], s13[];
/* CPUID in a loop of LOOPS, and the instruction behind it */
extern const char looped[], looped_cpuid[], looped_behind[];
/* MOV SS from memory, CPUID in its shadow, and the instruction behind it */
extern const char shadowed[], shadowed_behind[];
extern __u32 shadowed_ss;
/* A store, CPUID right behind it, and the instruction behind that */
extern const char stored[], stored_cpuid[];
extern __u32 stored_to;

asm(".pushsection .text\n"
	"stepped:	xor	%eax, %eax\n"
	"s1:	xor	%ecx, %ecx\n"
	"s2:	cpuid\n"
	"s3:	xor	%ecx, %ecx\n"
	"s4:	xgetbv\n"
	"s5:	xsetbv\n"			/* #GP */
	"s6:	rdtscp\n"
	"s7:	vmcall\n"			/* #UD */
	"s8:	cpuid\n"
	"s9:	vmxoff\n"			/* #UD */
	"s10:	rdtsc\n"
	"s11:	cpuid\n"
	"s12:	cpuid\n"
	"s13:	nop\n"
	"	ud2\n"

	"looped:	mov	$200, %esi\n"
	"1:	xor	%eax, %eax\n"
	"looped_cpuid:\n"
	"	cpuid\n"
	"looped_behind:\n"
	"	dec	%esi\n"
	"	jnz	1b\n"
	"	ud2\n"

	"shadowed:	xor	%eax, %eax\n"
	"	mov	shadowed_ss(%rip), %ss\n"
	"	cpuid\n"
	"shadowed_behind:\n"
	"	nop\n"
	"	ud2\n"

	"stored:	xor	%eax, %eax\n"
	"	movl	$1, stored_to(%rip)\n"
	"stored_cpuid:\n"
	"	cpuid\n"
	"	ud2\n"
	".popsection\n"
	".pushsection .data\n"
	".balign 64\n"
	"shadowed_ss:	.long	0x2b\n"
	".balign 64\n"
	"stored_to:		.long	0\n"
	".popsection");

/*
 * Bochs 3.0 with several CPUs: after the first #DB of an instruction breakpoint
 * the CPU raises the next ones at the same place for good, bare, too. (Where it
 * compares is moved on in its loop for one CPU only.)
 */
#define INSTRUCTION_BREAKPOINTS_LOST	"the emulator cannot, with several CPUs"

FIXTURE(debug)
{
	pid_t child;
	int nr_cpus;
	int cpus[CPUS_MAX];
};

FIXTURE_VARIANT(debug)
{
	bool attached;
};

FIXTURE_VARIANT_ADD(debug, bare) {
	.attached = false,
};

FIXTURE_VARIANT_ADD(debug, attached) {
	.attached = true,
};

FIXTURE_SETUP(debug)
{
	int status;

	self->nr_cpus = online_cpus(self->cpus);
	ASSERT_EQ(0, pin_to_cpu(self->cpus[self->nr_cpus - 1]));
	if (variant->attached)
		ASSERT_EQ(0, attach());
	self->child = fork();
	if (!self->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(1);
	}
	ASSERT_EQ(self->child, waitpid(self->child, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
}

FIXTURE_TEARDOWN(debug)
{
	kill(self->child, SIGKILL);
	waitpid(self->child, NULL, 0);
	if (variant->attached)
		EXPECT_TRUE(state_is("attached"));
	detach();
}

static __u64 rip_of(pid_t child)
{
	return ptrace(PTRACE_PEEKUSER, child,
		      offsetof(struct user, regs.rip), 0);
}

static void set_rip(pid_t child, const char *to)
{
	ptrace(PTRACE_POKEUSER, child, offsetof(struct user, regs.rip), to);
	/* It was in a system call, which is not to be restarted. */
	ptrace(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax),
	       -1L);
}

static __u64 debug_register(pid_t child, int number)
{
	return ptrace(PTRACE_PEEKUSER, child,
		      offsetof(struct user, u_debugreg) + 8 * number, 0);
}

static long set_debug_register(pid_t child, int number, const void *value)
{
	return ptrace(PTRACE_POKEUSER, child,
		      offsetof(struct user, u_debugreg) + 8 * number, value);
}

static long set_breakpoint(pid_t child, const void *where, unsigned long how)
{
	set_debug_register(child, 6, NULL);
	return set_debug_register(child, 0, where) ?:
	       set_debug_register(child, 7, (void *)(DR7_L0 | how));
}

/* Let it go on, without the signal that stopped it; the next one that does */
static int resume(pid_t child, enum __ptrace_request how)
{
	int status;

	ptrace(how, child, 0, 0);
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return -1;
	return WSTOPSIG(status);
}

struct step {
	const char *to;		/* where it stops */
	int signal;
	const char *from;	/* where the tracer has it go on, if not there */
};

static const struct step steps[] = {
	{ s1, SIGTRAP }, { s2, SIGTRAP }, { s3, SIGTRAP }, { s4, SIGTRAP },
	{ s5, SIGTRAP }, { s5, SIGSEGV, s6 }, { s7, SIGTRAP },
	{ s7, SIGILL, s8 }, { s9, SIGTRAP }, { s9, SIGILL, s10 },
	{ s11, SIGTRAP }, { s12, SIGTRAP }, { s13, SIGTRAP },
};

#define STEPS	(sizeof(steps) / sizeof(*steps))

TEST_F(debug, single_steps)
{
	int i, k;

	for (k = 0; k < LOOPS; k++) {
		set_rip(self->child, stepped);
		for (i = 0; i < STEPS; i++) {
			set_debug_register(self->child, 6, NULL);
			ASSERT_EQ(steps[i].signal,
				  resume(self->child, PTRACE_SINGLESTEP));
			ASSERT_EQ((__u64)steps[i].to, rip_of(self->child))
				TH_LOG("step %d", i);
			ASSERT_EQ(steps[i].signal == SIGTRAP ? DR6_BS : 0,
				  debug_register(self->child, 6) & DR6_TRAPS)
				TH_LOG("step %d", i);
			if (steps[i].from)
				set_rip(self->child, steps[i].from);
		}
	}
}

/* A breakpoint at @where in the loop is met each time around. */
static void count_breaks(struct __test_metadata *_metadata, pid_t child,
			 const char *where)
{
	int i;

	ASSERT_EQ(0, set_breakpoint(child, where, DR7_EXECUTE));
	set_rip(child, looped);
	for (i = 0; i < LOOPS; i++) {
		ASSERT_EQ(SIGTRAP, resume(child, PTRACE_CONT));
		ASSERT_EQ((__u64)where, rip_of(child));
		ASSERT_EQ(DR6_B0, debug_register(child, 6) & DR6_TRAPS);
		set_debug_register(child, 6, NULL);
	}
	EXPECT_EQ(SIGILL, resume(child, PTRACE_CONT));
}

TEST_F(debug, breakpoint_on_cpuid)
{
	if (self->nr_cpus > 1)
		SKIP(return, INSTRUCTION_BREAKPOINTS_LOST);
	count_breaks(_metadata, self->child, looped_cpuid);
}

TEST_F(debug, breakpoint_behind_cpuid)
{
	if (self->nr_cpus > 1)
		SKIP(return, INSTRUCTION_BREAKPOINTS_LOST);
	count_breaks(_metadata, self->child, looped_behind);
}

/* Step and breakpoint at once: the step's trap, then the breakpoint's fault. */
TEST_F(debug, steps_onto_a_breakpoint_behind_cpuid)
{
	if (self->nr_cpus > 1)
		SKIP(return, INSTRUCTION_BREAKPOINTS_LOST);
	set_rip(self->child, looped_cpuid);
	ASSERT_EQ(0, set_breakpoint(self->child, looped_behind, DR7_EXECUTE));
	ASSERT_EQ(SIGTRAP, resume(self->child, PTRACE_SINGLESTEP));
	EXPECT_EQ((__u64)looped_behind, rip_of(self->child));
	EXPECT_EQ(DR6_BS, debug_register(self->child, 6) & DR6_BS);
	set_debug_register(self->child, 6, NULL);
	ASSERT_EQ(SIGTRAP, resume(self->child, PTRACE_CONT));
	EXPECT_EQ((__u64)looped_behind, rip_of(self->child));
	EXPECT_EQ(DR6_B0, debug_register(self->child, 6) & DR6_TRAPS);
}

TEST_F(debug, watched_store_before_cpuid)
{
	int i;

	ASSERT_EQ(0, set_breakpoint(self->child, &stored_to,
				    DR7_WRITE | DR7_4_BYTES));
	for (i = 0; i < LOOPS; i++) {
		set_rip(self->child, stored);
		ASSERT_EQ(SIGTRAP, resume(self->child, PTRACE_CONT));
		EXPECT_EQ((__u64)stored_cpuid, rip_of(self->child));
		EXPECT_EQ(DR6_B0, debug_register(self->child, 6) & DR6_TRAPS);
		set_debug_register(self->child, 6, NULL);
	}
}

/*
 * MOV SS holds traps back for one instruction: here one that exits with the
 * breakpoint's trap pending, and root has to leave it so.
 */
TEST_F(debug, watched_load_of_ss_before_cpuid)
{
	int i;

	ASSERT_EQ(0, set_breakpoint(self->child, &shadowed_ss,
				    DR7_ACCESS | DR7_4_BYTES));
	for (i = 0; i < LOOPS; i++) {
		set_rip(self->child, shadowed);
		ASSERT_EQ(SIGTRAP, resume(self->child, PTRACE_CONT));
		EXPECT_EQ((__u64)shadowed_behind, rip_of(self->child));
		EXPECT_EQ(DR6_B0, debug_register(self->child, 6) & DR6_TRAPS);
		set_debug_register(self->child, 6, NULL);
	}
}

/* The same with TF set: both causes, one trap */
TEST_F(debug, stepped_and_watched_load_of_ss_before_cpuid)
{
	int i;

	ASSERT_EQ(0, set_breakpoint(self->child, &shadowed_ss,
				    DR7_ACCESS | DR7_4_BYTES));
	for (i = 0; i < LOOPS; i++) {
		set_rip(self->child, shadowed);
		ASSERT_EQ(SIGTRAP, resume(self->child, PTRACE_SINGLESTEP));
		set_debug_register(self->child, 6, NULL);
		ASSERT_EQ(SIGTRAP, resume(self->child, PTRACE_SINGLESTEP));
		EXPECT_EQ((__u64)shadowed_behind, rip_of(self->child));
		EXPECT_EQ(DR6_B0 | DR6_BS,
			  debug_register(self->child, 6) & DR6_TRAPS);
	}
}

TEST_HARNESS_MAIN
