// SPDX-License-Identifier: GPL-2.0
/*
 * What ring 0 can execute does what it does on the bare CPU
 *
 * Every instruction in the table runs on every CPU three times: bare, attached
 * and bare again. Exception and results are the same but where the table says
 * otherwise, and none of them makes a CPU leave. The bare runs are the control.
 */
#include <kselftest_harness.h>

#include "guest.h"

/* For the vectors in the table */
#define NONE		RING0_NO_FAULT
#define UD		VECTOR_UD
#define GP		VECTOR_GP
#define ANY		(~1U)	/* as the CPU has it */
#define NOT_RUN		(~2U)	/* harmful on the bare CPU */

#define CR0_PE		(1UL << 0)
#define CR0_EM		(1UL << 2)
#define CR0_TS		(1UL << 3)
#define CR0_ET		(1UL << 4)
#define CR0_NE		(1UL << 5)
#define CR0_RESERVED_6	(1UL << 6)
#define CR0_WP		(1UL << 16)
#define CR0_AM		(1UL << 18)
#define CR0_NW		(1UL << 29)
#define CR0_CD		(1UL << 30)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define CR4_PGE		(1UL << 7)
#define CR4_UMIP	(1UL << 11)
#define CR4_LA57	(1UL << 12)
#define CR4_VMXE	(1UL << 13)
#define CR4_SMXE	(1UL << 14)
#define CR4_OSXSAVE	(1UL << 18)
#define CR4_SMEP	(1UL << 20)
#define CR4_SMAP	(1UL << 21)
#define CR4_PKE		(1UL << 22)
#define BIT_60		(1UL << 60)
#define ALL		(~0UL)
#define NOT_CANONICAL	0x8000000000000000UL

/* MSRs, and some that no CPU has */
#define FEATURE_CONTROL	0x3a
#define BIOS_UPDT_TRIG	0x79
#define TSC_ADJUST	0x3b
#define SPEC_CTRL	0x48
#define APIC_BASE	0x1b
#define SYSENTER_EIP	0x176
#define DEBUGCTL	0x1d9
#define MTRR_PHYSBASE0	0x200
#define MTRR_PHYSMASK7	0x20f
#define MTRR_FIX64K	0x250
#define MTRR_FIX4K_F8	0x26f
#define PAT		0x277
#define MTRR_DEF_TYPE	0x2ff
#define S_CET		0x6a2
#define XSS		0xda0
#define EFER		0xc0000080
#define LSTAR		0xc0000082
#define FS_BASE		0xc0000100

/*
 * X(name, operation, arguments, vector on the bare CPU, vector attached)
 *
 * Where both are the same, so must be the results. The comments say why where
 * they are not.
 */
#define INSTRUCTIONS(X)							\
	X(nop, nop, A0, NONE, NONE)					\
	X(undefined_opcode, mov_cr1, A0, UD, UD)			\
	/* No VMX, no SMX */						\
	X(vmxon, vmxon, A0, UD, UD)					\
	X(vmxoff, vmxoff, A0, UD, UD)					\
	X(vmclear, vmclear, A0, UD, UD)					\
	X(vmptrld, vmptrld, A0, UD, UD)					\
	X(vmptrst, vmptrst, A0, UD, UD)					\
	X(vmread, vmread, A1(0x681e), UD, UD)				\
	X(vmwrite, vmwrite, A1(0x681e), UD, UD)				\
	X(vmlaunch, vmlaunch, A0, UD, UD)				\
	X(vmresume, vmresume, A0, UD, UD)				\
	X(invept, invept, A1(2), UD, UD)				\
	X(invvpid, invvpid, A1(2), UD, UD)				\
	X(vmfunc_switch, vmfunc, A0, UD, UD)				\
	X(vmfunc_unknown, vmfunc, A1(63), UD, UD)			\
	X(getsec_capabilities, getsec, A0, UD, UD)			\
	X(getsec_senter, getsec, A1(4), UD, UD)				\
	X(seamcall, seamcall, A0, UD, UD)				\
	X(tdcall, tdcall, A0, UD, UD)					\
	/* Hypercalls: the one that is answered needs the magic number */ \
	X(vmcall_nothing, vmcall, A2(0, 0), UD, UD)			\
	X(vmcall_no_magic, vmcall, A2(0, HYPERCALL_PING), UD, UD)	\
	X(vmcall_wrong_magic, vmcall,					\
	  A2(HYPERCALL_MAGIC + 1, HYPERCALL_PING), UD, UD)		\
	X(vmcall_magic_cut, vmcall,					\
	  A2((__u32)HYPERCALL_MAGIC, HYPERCALL_PING), UD, UD)		\
	X(vmcall_number_0, vmcall, A2(HYPERCALL_MAGIC, 0), UD, UD)	\
	X(vmcall_unknown, vmcall, A2(HYPERCALL_MAGIC, 0x1234), UD, UD)	\
	X(vmcall_high_half, vmcall,					\
	  A2(HYPERCALL_MAGIC, 1UL << 32 | HYPERCALL_PING), UD, UD)	\
	X(vmcall_ping, vmcall,						\
	  A2(HYPERCALL_MAGIC, HYPERCALL_PING), UD, NONE)		\
	/* Caches: INVD would lose what Linux wrote */			\
	X(invd, invd, A0, NOT_RUN, NONE)				\
	X(wbinvd, wbinvd, A0, NONE, NONE)				\
	/* XCR0 */							\
	X(xgetbv, xgetbv, A1(0), NONE, NONE)				\
	X(xgetbv_index, xgetbv, A1(7), GP, GP)				\
	X(xsetbv_same, xsetbv, A3(0, 0, 0), NONE, NONE)			\
	X(xsetbv_only_sse, xsetbv, A3(0, 3, ALL), NONE, NONE)		\
	X(xsetbv_no_x87, xsetbv, A3(0, 0, 1), GP, GP)			\
	X(xsetbv_avx_no_sse, xsetbv, A3(0, 4, 2), GP, GP)		\
	X(xsetbv_reserved, xsetbv, A3(0, 1UL << 63, 0), GP, GP)		\
	X(xsetbv_index, xsetbv, A3(1, 0, 0), GP, GP)			\
	X(xsetbv_index_high, xsetbv, A3(0x80000000, 0, 0), GP, GP)	\
	/* MSRs: VMX has none */					\
	X(rdmsr_vmx_basic, rdmsr, A1(0x480), NONE, GP)			\
	X(rdmsr_vmx_true_entry, rdmsr, A1(0x490), NONE, GP)		\
	X(rdmsr_vmx_vmfunc, rdmsr, A1(0x491), NONE, GP)			\
	/* ANY: refused on both, but bare it can be read back */	\
	X(wrmsr_vmx_basic, wrmsr, A3(0x480, 0, 0), ANY, GP)		\
	X(rdmsr_pebs_base, rdmsr, A1(0x3f4), ANY, GP)			\
	X(wrmsr_pebs_base, wrmsr, A3(0x3f4, 0, 0), ANY, GP)		\
	X(wrmsr_pebs_index, wrmsr, A3(0x3f5, 0, 0), ANY, GP)		\
	X(rdmsr_efer, rdmsr, A1(EFER), NONE, NONE)			\
	/* What no CPU has, at the borders of what the bitmaps cover */	\
	X(rdmsr_low_end, rdmsr, A1(0x1fff), ANY, ANY)			\
	X(rdmsr_above_low, rdmsr, A1(0x2000), ANY, ANY)			\
	X(rdmsr_hypervisor, rdmsr, A1(0x40000000), ANY, ANY)		\
	X(rdmsr_below_high, rdmsr, A1(0xbfffffff), ANY, ANY)		\
	X(rdmsr_high_end, rdmsr, A1(0xc0001fff), ANY, ANY)		\
	X(rdmsr_above_high, rdmsr, A1(0xc0002000), ANY, ANY)		\
	X(rdmsr_last, rdmsr, A1(0xffffffff), ANY, ANY)			\
	X(wrmsr_low_end, wrmsr, A3(0x1fff, 1, 0), ANY, ANY)		\
	X(wrmsr_above_low, wrmsr, A3(0x2000, 1, 0), ANY, ANY)		\
	X(wrmsr_hypervisor, wrmsr, A3(0x40000000, 1, 0), ANY, ANY)	\
	X(wrmsr_below_high, wrmsr, A3(0xbfffffff, 1, 0), ANY, ANY)	\
	X(wrmsr_above_high, wrmsr, A3(0xc0002000, 1, 0), ANY, ANY)	\
	X(wrmsr_last, wrmsr, A3(0xffffffff, 1, 0), ANY, ANY)		\
	/* Microcode: root ignores it, a bare CPU would load it */	\
	X(wrmsr_microcode, wrmsr, A3(BIOS_UPDT_TRIG, 0, 0), NOT_RUN, NONE) \
	X(wrmsr_feature_control, wrmsr, A3(FEATURE_CONTROL, 2, 0), GP, GP) \
	X(wrmsr_apic_base_same, wrmsr, A3(APIC_BASE, 0, 0), NONE, NONE)	\
	X(wrmsr_tsc_adjust_same, wrmsr, A3(TSC_ADJUST, 0, 0), ANY, ANY)	\
	X(wrmsr_spec_ctrl_same, wrmsr, A3(SPEC_CTRL, 0, 0), ANY, ANY)	\
	X(wrmsr_sysenter_same, wrmsr, A3(SYSENTER_EIP, 0, 0), NONE, NONE) \
	X(wrmsr_sysenter_bad, wrmsr,					\
	  A3(SYSENTER_EIP, NOT_CANONICAL, ALL), GP, GP)			\
	X(wrmsr_debugctl_same, wrmsr, A3(DEBUGCTL, 0, 0), NONE, NONE)	\
	X(wrmsr_pat_same, wrmsr, A3(PAT, 0, 0), NONE, NONE)		\
	X(wrmsr_pat_bad, wrmsr, A3(PAT, 2, ALL), GP, GP)		\
	X(wrmsr_s_cet_same, wrmsr, A3(S_CET, 0, 0), ANY, ANY)		\
	X(wrmsr_xss_same, wrmsr, A3(XSS, 0, 0), ANY, ANY)		\
	X(wrmsr_xss_bad, wrmsr, A3(XSS, 1UL << 63, 0), ANY, ANY)	\
	X(wrmsr_efer_same, wrmsr, A3(EFER, 0, 0), NONE, NONE)		\
	X(wrmsr_efer_no_lme, wrmsr, A3(EFER, 0, 1 << 8), GP, GP)	\
	X(wrmsr_efer_no_sce, wrmsr, A3(EFER, 0, 1), NONE, NONE)		\
	X(wrmsr_efer_reserved, wrmsr, A3(EFER, 1UL << 63, 0), GP, GP)	\
	X(wrmsr_lstar_same, wrmsr, A3(LSTAR, 0, 0), NONE, NONE)		\
	X(wrmsr_lstar_bad, wrmsr, A3(LSTAR, NOT_CANONICAL, ALL), GP, GP) \
	X(wrmsr_fs_base, wrmsr, A3(FS_BASE, 0x1000, ALL), NONE, NONE)	\
	X(wrmsr_fs_base_bad, wrmsr, A3(FS_BASE, NOT_CANONICAL, ALL), GP, GP) \
	/* MTRRs: written through, and EPT follows */			\
	X(wrmsr_mtrr_base_same, wrmsr, A3(MTRR_PHYSBASE0, 0, 0), NONE, NONE) \
	X(wrmsr_mtrr_mask_same, wrmsr, A3(MTRR_PHYSMASK7, 0, 0), NONE, NONE) \
	X(wrmsr_mtrr_mask, wrmsr,					\
	  A3(MTRR_PHYSMASK7, 0xfff000000UL, 0), NONE, NONE)		\
	X(wrmsr_mtrr_fix64k_same, wrmsr, A3(MTRR_FIX64K, 0, 0), NONE, NONE) \
	X(wrmsr_mtrr_fix64k_bad, wrmsr, A3(MTRR_FIX64K, 2, 0xff), GP, GP) \
	X(wrmsr_mtrr_fix4k_same, wrmsr, A3(MTRR_FIX4K_F8, 0, 0), NONE, NONE) \
	X(wrmsr_mtrr_fix4k_wp, wrmsr,					\
	  A3(MTRR_FIX4K_F8, 0x0505050505050505UL, ALL), NONE, NONE)	\
	X(wrmsr_mtrr_def_same, wrmsr, A3(MTRR_DEF_TYPE, 0, 0), NONE, NONE) \
	X(wrmsr_mtrr_def_bad, wrmsr, A3(MTRR_DEF_TYPE, 2, 0xff), GP, GP) \
	/* CR0 */							\
	X(cr0_same, write_cr0, A2(0, 0), NONE, NONE)			\
	X(cr0_no_pg, write_cr0, A2(0, CR0_PG), GP, GP)			\
	X(cr0_no_pe, write_cr0, A2(0, CR0_PE), GP, GP)			\
	X(cr0_no_pe_pg, write_cr0, A2(0, CR0_PE | CR0_PG), GP, GP)	\
	X(cr0_no_ne, write_cr0, A2(0, CR0_NE), NONE, NONE)		\
	X(cr0_no_ne_no_pg, write_cr0, A2(0, CR0_NE | CR0_PG), GP, GP)	\
	X(cr0_no_ne_nw, write_cr0, A2(CR0_NW, CR0_NE), GP, GP)		\
	X(cr0_no_ne_ts, write_cr0, A2(CR0_TS, CR0_NE), NONE, NONE)	\
	X(cr0_nw, write_cr0, A2(CR0_NW, 0), GP, GP)			\
	X(cr0_cd, write_cr0, A2(CR0_CD, 0), NONE, NONE)			\
	X(cr0_no_wp, write_cr0, A2(0, CR0_WP), ANY, ANY)		\
	X(cr0_no_ne_no_wp, write_cr0, A2(0, CR0_NE | CR0_WP), ANY, ANY)	\
	X(cr0_no_am, write_cr0, A2(0, CR0_AM), NONE, NONE)		\
	X(cr0_em, write_cr0, A2(CR0_EM, 0), NONE, NONE)			\
	X(cr0_no_et, write_cr0, A2(0, CR0_ET), NONE, NONE)		\
	X(cr0_reserved_low, write_cr0, A2(CR0_RESERVED_6, 0), NONE, NONE) \
	X(cr0_no_ne_reserved_low, write_cr0,				\
	  A2(CR0_RESERVED_6, CR0_NE), NONE, NONE)			\
	X(cr0_high, write_cr0, A2(1UL << 32, 0), GP, GP)		\
	X(cr0_no_ne_high, write_cr0, A2(1UL << 32, CR0_NE), GP, GP)	\
	X(clts, clts, A0, NONE, NONE)					\
	X(lmsw_0, lmsw, A1(0), NONE, NONE)				\
	X(lmsw_all, lmsw, A1(0xffff), NONE, NONE)			\
	X(lmsw_ts, lmsw, A1(CR0_PE | CR0_TS), NONE, NONE)		\
	X(smsw, smsw, A0, NONE, NONE)					\
	/* CR3 and CR8 do not exit */					\
	X(cr3_same, write_cr3, A2(0, 0), NONE, NONE)			\
	X(cr3_reserved, write_cr3, A2(BIT_60, 0), GP, GP)		\
	X(cr8_15, write_cr8, A2(15, ALL), NONE, NONE)			\
	X(cr8_16, write_cr8, A2(16, ALL), GP, GP)			\
	/* CR4: the CPU has neither VMX nor SMX, so the bits are reserved */ \
	X(cr4_same, write_cr4, A2(0, 0), NONE, NONE)			\
	X(cr4_vmxe, write_cr4, A2(CR4_VMXE, 0), NONE, GP)		\
	X(cr4_smxe, write_cr4, A2(CR4_SMXE, 0), ANY, GP)		\
	X(cr4_vmxe_no_pge, write_cr4, A2(CR4_VMXE, CR4_PGE), NONE, GP)	\
	X(cr4_no_pae, write_cr4, A2(0, CR4_PAE), GP, GP)		\
	X(cr4_no_pge, write_cr4, A2(0, CR4_PGE), NONE, NONE)		\
	X(cr4_no_smep_smap, write_cr4, A2(0, CR4_SMEP | CR4_SMAP), NONE, NONE) \
	X(cr4_no_umip, write_cr4, A2(0, CR4_UMIP), NONE, NONE)		\
	X(cr4_reserved_15, write_cr4, A2(1 << 15, 0), GP, GP)		\
	X(cr4_reserved_63, write_cr4, A2(1UL << 63, 0), GP, GP)		\
	/* CPUID */							\
	X(cpuid_0, cpuid, A2(0, 0), NONE, NONE)				\
	X(cpuid_7, cpuid, A2(7, 0), NONE, NONE)				\
	X(cpuid_13, cpuid, A2(13, 0), NONE, NONE)			\
	X(cpuid_hypervisor, cpuid, A2(0x40000000, 0), NONE, NONE)	\
	X(cpuid_beyond, cpuid, A2(0x8fffffff, 0), NONE, NONE)		\
	X(cpuid_no_ospke, cpuid_under_cr4, A2(7, CR4_PKE), NONE, NONE)	\
	/* Single steps, and events in their shadow */			\
	X(step_nop, step_nop, A0, NONE, NONE)				\
	X(step_cpuid, step_cpuid, A0, NONE, NONE)			\
	X(step_wbinvd, step_wbinvd, A0, NONE, NONE)			\
	X(step_rdmsr, step_rdmsr, A1(0x40000000), ANY, ANY)		\
	X(step_fault, step_fault, A0, UD, UD)				\
	X(step_movss_cpuid, step_movss_cpuid, A0, NONE, NONE)		\
	X(sti_cpuid, sti_cpuid, A0, NONE, NONE)				\
	X(int3, int3, A0, NONE, NONE)					\
	X(icebp, icebp, A0, NONE, NONE)

#define A0		{ 0, 0, 0 }
#define A1(a)		{ a, 0, 0 }
#define A2(a, b)	{ a, b, 0 }
#define A3(a, b, c)	{ a, b, c }

enum instruction {
#define X(name, ...) I_##name,
	INSTRUCTIONS(X)
#undef X
	INSTRUCTION_COUNT,
};

enum phase { BEFORE, ATTACHED, AFTER, PHASES };

struct outcome {
	struct ring0_request request;
	bool stayed;		/* the CPUs were still attached */
};

static int cpus[CPUS_MAX];
static int nr_cpus;
static struct outcome outcomes[PHASES][CPUS_MAX][INSTRUCTION_COUNT];
static const char *trouble;

FIXTURE(ring0) {};

FIXTURE_SETUP(ring0) {}

FIXTURE_TEARDOWN(ring0) {}

FIXTURE_VARIANT(ring0)
{
	enum instruction number;
	enum ring0_op op;
	__u64 arg[3];
	__u32 bare;
	__u32 attached;
};

#define X(name, operation, arguments, bare_vector, attached_vector)	\
FIXTURE_VARIANT_ADD(ring0, name) {					\
	.number = I_##name,						\
	.op = RING0_##operation,					\
	.arg = arguments,						\
	.bare = bare_vector,						\
	.attached = attached_vector,					\
};
INSTRUCTIONS(X)
#undef X

/* The same as a plain table */
static const struct _fixture_variant_ring0 table[] = {
#define X(name, operation, arguments, bare_vector, attached_vector)	\
	[I_##name] = { I_##name, RING0_##operation, arguments,		\
		       bare_vector, attached_vector },
	INSTRUCTIONS(X)
#undef X
};

/* All of them: one that left stays out. */
static bool all_attached(void)
{
	static char online[4096];

	if (!*online)
		snprintf(online, sizeof(online), "%s",
			 read_text("/sys/devices/system/cpu/online"));
	return state_is("attached") && !strcmp(read_text(SYSFS "/cpus"), online);
}

static void run_all(int device, enum phase phase)
{
	struct outcome *o;
	int i, k;

	for (i = 0; i < nr_cpus; i++) {
		pin_to_cpu(cpus[i]);
		for (k = 0; k < INSTRUCTION_COUNT; k++) {
			o = &outcomes[phase][i][k];
			o->request.op = table[k].op;
			memcpy(o->request.arg, table[k].arg,
			       sizeof(o->request.arg));
			if (phase != ATTACHED && table[k].bare == NOT_RUN)
				continue;
			ring0(device, &o->request);
			o->stayed = all_attached();
		}
	}
}

static bool vector_is(__u32 found, __u32 expected)
{
	return expected == ANY || expected == NOT_RUN || found == expected;
}

TEST_F(ring0, as_bare)
{
	const struct outcome *before, *attached, *after;
	int i, k;

	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	for (i = 0; i < nr_cpus; i++) {
		before = &outcomes[BEFORE][i][variant->number];
		attached = &outcomes[ATTACHED][i][variant->number];
		after = &outcomes[AFTER][i][variant->number];

		EXPECT_TRUE(attached->stayed);
		EXPECT_TRUE(vector_is(before->request.vector, variant->bare))
			TH_LOG("cpu%d bare: vector %d", cpus[i],
			       before->request.vector);
		EXPECT_TRUE(vector_is(attached->request.vector,
				      variant->attached))
			TH_LOG("cpu%d attached: vector %d", cpus[i],
			       attached->request.vector);
		if (variant->bare == NOT_RUN)
			continue;
		EXPECT_EQ(before->request.vector, after->request.vector);
		if (variant->bare != variant->attached)
			continue;
		EXPECT_EQ(before->request.vector, attached->request.vector);
		for (k = 0; k < 4; k++) {
			EXPECT_EQ(before->request.result[k],
				  attached->request.result[k]);
			EXPECT_EQ(before->request.result[k],
				  after->request.result[k]);
		}
	}
}

/* Controls: what the comparison could not tell from nothing at all */
TEST(hypercall_answers_only_while_attached)
{
	int i;

	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	for (i = 0; i < nr_cpus; i++)
		EXPECT_EQ(HYPERCALL_PONG,
			  outcomes[ATTACHED][i][I_vmcall_ping].request.result[0]);
}

TEST(single_step_traps_once_behind_the_instruction)
{
	static const enum instruction steps[] = {
		I_step_nop, I_step_cpuid, I_step_wbinvd, I_step_movss_cpuid,
	};
	const struct ring0_request *q;
	int i, k, phase;

	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	for (phase = BEFORE; phase < PHASES; phase++) {
		for (i = 0; i < nr_cpus; i++) {
			for (k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
				q = &outcomes[phase][i][steps[k]].request;
				EXPECT_EQ(1, q->result[0]);
				EXPECT_EQ(0, q->result[1]);
				EXPECT_EQ(1 << 14, q->result[2]);
			}
			q = &outcomes[phase][i][I_int3].request;
			EXPECT_EQ(1, q->result[0]);
			EXPECT_EQ(0, q->result[1]);
		}
	}
}

TEST(cr0_ne_reads_as_written)
{
	int i, phase;

	ASSERT_EQ(NULL, trouble) TH_LOG("%s", trouble);
	for (phase = BEFORE; phase < PHASES; phase++) {
		for (i = 0; i < nr_cpus; i++) {
			EXPECT_EQ(0, CR0_NE &
				  outcomes[phase][i][I_cr0_no_ne].request.result[0]);
			EXPECT_EQ(CR0_NE, CR0_NE &
				  outcomes[phase][i][I_cr0_same].request.result[0]);
		}
	}
}

static const char *run_phases(void)
{
	int device = ring0_open();
	static char text[256];
	int err;

	if (device < 0)
		return "no ring0_exec";
	nr_cpus = online_cpus(cpus);
	run_all(device, BEFORE);
	err = attach_unguarded();
	if (err) {
		snprintf(text, sizeof(text), "attach: %s", strerror(-err));
		return text;
	}
	run_all(device, ATTACHED);
	err = detach();
	if (err) {
		snprintf(text, sizeof(text), "detach: %s", strerror(-err));
		return text;
	}
	run_all(device, AFTER);
	close(device);
	return NULL;
}

int main(int argc, char **argv)
{
	trouble = run_phases();
	return test_harness_run(argc, argv);
}
