// SPDX-License-Identifier: GPL-2.0
/*
 * What ring 3 can execute does what it does on the bare CPU
 *
 * Each case runs in a process of its own, bare and attached: the same signal
 * with the same code, or the same result. The bare runs are the control.
 */
#include <asm/prctl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#include <kselftest_harness.h>

#include "guest.h"

#define X86_EFLAGS_TF	0x100
#define USER32_CS	0x23
#define USER64_CS	0x33

/* What came of a case, in memory shared with the process that tried it */
struct outcome {
	int signal;
	int code;
	__u64 result[4];
};

static struct outcome *shared;
static sigjmp_buf escape;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	shared->signal = signal;
	shared->code = info->si_code;
	siglongjmp(escape, 1);
}

/* Steps: count them, and remember where the first one was */
static __u64 steps, first_step;

static void on_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	if (!steps++)
		first_step = u->uc_mcontext.gregs[REG_RIP];
	u->uc_mcontext.gregs[REG_EFL] &= ~X86_EFLAGS_TF;
}

static void catch(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	sigaction(signal, &action, NULL);
}

static void try_nothing(void)
{
}

#define DEFINE_TRY(name, instruction, ...)				\
static void try_##name(void)						\
{									\
	asm volatile(instruction : : __VA_ARGS__ : "memory", "cc");	\
}

static __u64 memory[2];

DEFINE_TRY(vmxon, "vmxon %0", "m" (memory[0]))
DEFINE_TRY(vmxoff, "vmxoff")
DEFINE_TRY(vmclear, "vmclear %0", "m" (memory[0]))
DEFINE_TRY(vmptrld, "vmptrld %0", "m" (memory[0]))
DEFINE_TRY(vmptrst, "vmptrst %0", "m" (memory[0]))
DEFINE_TRY(vmread, "vmread %0, %1", "r" (0x681eUL), "r" (0UL))
DEFINE_TRY(vmwrite, "vmwrite %0, %1", "r" (0UL), "r" (0x681eUL))
DEFINE_TRY(vmlaunch, "vmlaunch")
DEFINE_TRY(vmresume, "vmresume")
DEFINE_TRY(invept, "invept %0, %1", "m" (memory), "r" (2UL))
DEFINE_TRY(invvpid, "invvpid %0, %1", "m" (memory), "r" (2UL))
DEFINE_TRY(vmfunc, "vmfunc", "a" (0), "c" (0))
DEFINE_TRY(getsec, ".byte 0x0f, 0x37", "a" (0), "b" (0))
DEFINE_TRY(seamcall, ".byte 0x66, 0x0f, 0x01, 0xcf", "a" (0))
DEFINE_TRY(tdcall, ".byte 0x66, 0x0f, 0x01, 0xcc", "a" (0))
DEFINE_TRY(vmcall, "vmcall", "a" (0), "D" (0))
DEFINE_TRY(vmcall_ping, "vmcall", "a" (HYPERCALL_MAGIC), "D" (HYPERCALL_PING))
DEFINE_TRY(vmcall_detach, "vmcall", "a" (HYPERCALL_MAGIC),
	   "D" (HYPERCALL_DETACH))
DEFINE_TRY(vmcall_test_fault, "vmcall", "a" (HYPERCALL_MAGIC),
	   "D" (HYPERCALL_TEST_FAULT))
DEFINE_TRY(invd, "invd")
DEFINE_TRY(wbinvd, "wbinvd")
DEFINE_TRY(xsetbv, "xsetbv", "c" (0), "a" (3), "d" (0))
DEFINE_TRY(rdmsr, "rdmsr", "c" (0xc0000080))
DEFINE_TRY(rdmsr_vmx, "rdmsr", "c" (0x480))
DEFINE_TRY(wrmsr, "wrmsr", "c" (0x10), "a" (0), "d" (0))
DEFINE_TRY(clts, "clts")
DEFINE_TRY(write_cr4, "mov %0, %%cr4", "r" (0UL))
DEFINE_TRY(read_cr0, "mov %%cr0, %%rax", "i" (0))
DEFINE_TRY(hlt, "hlt")
DEFINE_TRY(int3, "int3")
DEFINE_TRY(icebp, ".byte 0xf1")
DEFINE_TRY(undefined, "ud2")

static void try_cpuid(void)
{
	__u32 regs[4];
	int i;

	cpuid(0, 0, regs);
	for (i = 0; i < 4; i++)
		shared->result[i] = regs[i];
}

static void try_xgetbv(void)
{
	asm volatile("xgetbv" : "=a" (shared->result[0]),
		     "=d" (shared->result[1]) : "c" (0));
}

/* The kernel has the CPU refuse CPUID in ring 3, where the CPU can. */
static void try_cpuid_faulting(void)
{
	__u32 regs[4];

	if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) {
		shared->result[0] = errno;
		return;
	}
	cpuid(0, 0, regs);
}

static void try_step_cpuid(void)
{
	__u64 expected;

	catch(SIGTRAP, on_step);
	steps = 0;
	asm volatile("lea 1f(%%rip), %0\n\t"
		     "sub $128, %%rsp\n\t"
		     "pushfq\n\t"
		     "orq $0x100, (%%rsp)\n\t"
		     "popfq\n\t"
		     "cpuid\n"
		     "1:\tnop\n\t"
		     "add $128, %%rsp"
		     : "=&r" (expected) : "a" (0), "c" (0)
		     : "rbx", "rdx", "memory", "cc");
	shared->result[0] = steps;
	shared->result[1] = first_step - expected;
}

/* With a breakpoint's instruction right behind, both must be seen. */
static void try_step_cpuid_icebp(void)
{
	catch(SIGTRAP, on_step);
	steps = 0;
	asm volatile("sub $128, %%rsp\n\t"
		     "pushfq\n\t"
		     "orq $0x100, (%%rsp)\n\t"
		     "popfq\n\t"
		     "cpuid\n"
		     ".byte 0xf1\n\t"
		     "add $128, %%rsp"
		     : : "a" (0), "c" (0) : "rbx", "rdx", "memory", "cc");
	shared->result[0] = steps;
}

/*
 * Compatibility mode: 32-bit code, entered and left by far jumps, in memory
 * below 4 GiB. It ends in an INT3, whose handler brings us back.
 */
static void run_32bit(const __u8 *code, size_t length)
{
	struct { __u32 offset; __u16 selector; } __attribute__((packed)) to;
	__u8 *page;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	memcpy(page, code, length);
	to.offset = (__u32)(unsigned long)page;
	to.selector = USER32_CS;
	asm volatile("ljmp *%0" : : "m" (to), "a" (0), "c" (0), "D" (0)
		     : "rbx", "rdx", "memory");
}

static void try_cpuid_32bit(void)
{
	static const __u8 code[] = { 0x0f, 0xa2, 0x0f, 0xa2, 0xcc };

	run_32bit(code, sizeof(code));
}

static void try_vmcall_32bit(void)
{
	static const __u8 code[] = { 0x0f, 0x01, 0xc1, 0xcc };

	run_32bit(code, sizeof(code));
}

/* X(case, signal), or ANY_SIGNAL where it depends on the CPU */
#define ANY_SIGNAL	(-1)
#define CASES(X)							\
	X(nothing, 0)							\
	X(undefined, SIGILL)						\
	X(vmxon, SIGILL)						\
	X(vmxoff, SIGILL)						\
	X(vmclear, SIGILL)						\
	X(vmptrld, SIGILL)						\
	X(vmptrst, SIGILL)						\
	X(vmread, SIGILL)						\
	X(vmwrite, SIGILL)						\
	X(vmlaunch, SIGILL)						\
	X(vmresume, SIGILL)						\
	X(invept, SIGILL)						\
	X(invvpid, SIGILL)						\
	X(vmfunc, SIGILL)						\
	X(getsec, SIGILL)						\
	X(seamcall, SIGILL)						\
	X(tdcall, SIGILL)						\
	X(vmcall, SIGILL)						\
	X(vmcall_ping, SIGILL)						\
	X(vmcall_detach, SIGILL)					\
	X(vmcall_test_fault, SIGILL)					\
	X(invd, SIGSEGV)						\
	X(wbinvd, SIGSEGV)						\
	X(xsetbv, SIGSEGV)						\
	X(xgetbv, 0)							\
	X(rdmsr, SIGSEGV)						\
	X(rdmsr_vmx, SIGSEGV)						\
	X(wrmsr, SIGSEGV)						\
	X(clts, SIGSEGV)						\
	X(write_cr4, SIGSEGV)						\
	X(read_cr0, SIGSEGV)						\
	X(hlt, SIGSEGV)							\
	X(int3, SIGTRAP)						\
	X(icebp, SIGTRAP)						\
	X(cpuid, 0)							\
	X(cpuid_faulting, ANY_SIGNAL)					\
	X(step_cpuid, 0)						\
	X(step_cpuid_icebp, 0)						\
	X(cpuid_32bit, SIGTRAP)						\
	X(vmcall_32bit, SIGILL)

/* In a child, because what it does to itself is not to be undone. */
static void run(void (*try)(void), struct outcome *outcome)
{
	static const int signals[] = { SIGILL, SIGSEGV, SIGTRAP, SIGBUS };
	static char stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	int status;
	pid_t pid;
	int i;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (!pid) {
		sigaltstack(&alternative, NULL);
		for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
			catch(signals[i], on_signal);
		if (!sigsetjmp(escape, 1))
			try();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	*outcome = *shared;
	if (WIFSIGNALED(status))
		outcome->signal = WTERMSIG(status);
}

static int cpus[CPUS_MAX];
static int nr_cpus;

FIXTURE(ring3) {};

FIXTURE_SETUP(ring3)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	nr_cpus = online_cpus(cpus);
}

FIXTURE_TEARDOWN(ring3)
{
	detach();
}

FIXTURE_VARIANT(ring3)
{
	void (*try)(void);
	int signal;
};

#define X(name, expected)						\
FIXTURE_VARIANT_ADD(ring3, name) {					\
	.try = try_##name,						\
	.signal = expected,						\
};
CASES(X)
#undef X

TEST_F(ring3, as_bare)
{
	struct outcome bare, attached;

	/* A CPU for each case is enough: ring 0 has been on all of them. */
	pin_to_cpu(cpus[nr_cpus - 1]);
	run(variant->try, &bare);
	ASSERT_EQ(0, attach());
	run(variant->try, &attached);
	EXPECT_TRUE(state_is("attached"));
	EXPECT_EQ(0, detach());

	if (variant->signal != ANY_SIGNAL)
		EXPECT_EQ(variant->signal, bare.signal);
	EXPECT_EQ(bare.signal, attached.signal);
	EXPECT_EQ(bare.code, attached.code);
	EXPECT_EQ(0, memcmp(bare.result, attached.result, sizeof(bare.result)));

	if (variant->try == try_step_cpuid) {
		EXPECT_EQ(1, attached.result[0]);
		EXPECT_EQ(0, attached.result[1]);
	}
	if (variant->try == try_cpuid_faulting && !bare.signal)
		SKIP(return, "this CPU cannot make CPUID fault");
}

TEST_HARNESS_MAIN
