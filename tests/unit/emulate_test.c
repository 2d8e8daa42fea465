// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of what exiting instructions do
 */
#include "unit.h"

#include "emulate.h"
#include "returns.h"
#include "x86.h"

#define CR0_LINUX	(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | \
			 CR0_PG)
#define CR0_VMX_FIXED	(CR0_PE | CR0_NE | CR0_PG)

static struct cr0_write cr0_write(u64 value, u64 cr4)
{
	return (struct cr0_write){
		.value = value, .cr4 = cr4, .fixed1 = CR0_VMX_FIXED,
	};
}

TEST(cr0_values_that_no_cpu_takes)
{
	static const struct {
		u64 value;
		u64 cr4;
	} bad[] = {
		{ CR0_LINUX | 1ULL << 32, 0 },
		{ CR0_LINUX | 1ULL << 63, 0 },
		{ CR0_LINUX | CR0_NW, 0 },
		{ CR0_LINUX & ~CR0_PE, 0 },
		{ CR0_LINUX & ~CR0_PG, 0 },
		{ CR0_LINUX & ~(CR0_PE | CR0_PG), 0 },
		{ CR0_LINUX & ~CR0_WP, CR4_CET },
		{ 0, 0 },
	};
	struct cr0_write w;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		w = cr0_write(bad[i].value, bad[i].cr4);
		EXPECT_EQ(WRITE_GP, emulate_cr0_write(&w));
	}
}

TEST(cr0_keeps_what_vmx_needs_and_shows_what_was_written)
{
	struct cr0_write w = cr0_write(CR0_LINUX & ~CR0_NE & ~CR0_WP, 0);

	ASSERT_EQ(WRITE_ACCEPT, emulate_cr0_write(&w));
	EXPECT_EQ(CR0_LINUX & ~CR0_NE & ~CR0_WP, w.shadow);
	EXPECT_EQ(CR0_LINUX & ~CR0_WP, w.real);

	w = cr0_write(CR0_LINUX | CR0_CD | CR0_NW | CR0_TS, CR4_CET);
	ASSERT_EQ(WRITE_ACCEPT, emulate_cr0_write(&w));
	EXPECT_EQ(CR0_LINUX | CR0_CD | CR0_NW | CR0_TS, w.real);

	/* ET is always 1, and undefined bits of the low half stay 0. */
	w = cr0_write((CR0_LINUX & ~CR0_ET) | 1ULL << 20, 0);
	ASSERT_EQ(WRITE_ACCEPT, emulate_cr0_write(&w));
	EXPECT_EQ(CR0_LINUX, w.shadow);
}

TEST(cr4_hides_what_cpuid_hides)
{
	EXPECT_EQ(WRITE_GP, emulate_cr4_write(CR4_PAE | CR4_VMXE));
	EXPECT_EQ(WRITE_GP, emulate_cr4_write(CR4_PAE | CR4_SMXE));
	EXPECT_EQ(WRITE_GP, emulate_cr4_write(CR4_PAE | CR4_FRED));
	EXPECT_EQ(WRITE_ACCEPT, emulate_cr4_write(CR4_PAE | CR4_PGE));
}

TEST(cpuid_hides_vmx_and_mirrors_the_guests_cr4)
{
	u32 all[4] = { ~0U, ~0U, ~0U, ~0U };
	u32 none[4] = { 0 };
	u32 before[4];

	emulate_cpuid(1, 0, CR4_OSXSAVE, true, all);
	EXPECT_EQ(~0U & ~BIT(5) & ~BIT(6), all[2]);
	EXPECT_EQ(~0U, all[0]);
	EXPECT_EQ(~0U, all[1]);
	EXPECT_EQ(~0U, all[3]);
	emulate_cpuid(1, 0, 0, true, all);
	EXPECT_EQ(0, all[2] & BIT(27));
	emulate_cpuid(1, 7, CR4_OSXSAVE, true, none);
	EXPECT_EQ(BIT(27), none[2]);

	memset(all, 0xff, sizeof(all));
	emulate_cpuid(7, 0, 0, true, all);
	EXPECT_EQ(~0U & ~BIT(4), all[2]);
	emulate_cpuid(7, 0, CR4_PKE, true, all);
	EXPECT_EQ(~0U, all[2]);

	/* Every other leaf is the CPU's own, as are further subleaves. */
	memcpy(before, all, sizeof(before));
	emulate_cpuid(7, 2, 0, true, all);
	emulate_cpuid(0xd, 0, 0, true, all);
	emulate_cpuid(0x80000001, 0, 0, true, all);
	emulate_cpuid(0x80000008, 0, 0, false, all);
	EXPECT_EQ(0, memcmp(before, all, sizeof(before)));
}

TEST(cpuid_hides_what_root_does_not_know)
{
	u32 regs[4] = { ~0U, ~0U, ~0U, ~0U };

	emulate_cpuid(7, 1, 0, true, regs);
	EXPECT_EQ(~0U & ~BIT(17) & ~BIT(27), regs[0]);
	EXPECT_EQ(~0U, regs[1]);
	EXPECT_EQ(~0U & ~BIT(5), regs[2]);
	EXPECT_EQ(~0U & ~BIT(15), regs[3]);
}

TEST(cpuid_hides_architectural_pebs)
{
	u32 regs[4], expected, subleaf, i;

	for (subleaf = 0; subleaf < 8; subleaf++) {
		memset(regs, 0xff, sizeof(regs));
		emulate_cpuid(0x23, subleaf, 0, true, regs);
		for (i = 0; i < ARRAY_SIZE(regs); i++) {
			expected = subleaf == 4 || subleaf == 5 ? 0 : ~0U;
			if (!subleaf && !i)
				expected = ~0U & ~(BIT(4) | BIT(5));
			EXPECT_EQ(expected, regs[i]);
		}
	}
}

TEST(cpuid_depends_on_the_mode_of_the_guest)
{
	u32 regs[4] = { ~0U, ~0U, ~0U, ~0U };

	emulate_cpuid(0x80000001, 0, 0, false, regs);
	EXPECT_EQ(~0U & ~BIT(11), regs[3]);
	emulate_cpuid(0x19, 0, 0, true, regs);
	EXPECT_EQ(~0U & ~BIT(0), regs[1]);
	emulate_cpuid(0x19, 0, CR4_KL, true, regs);
	EXPECT_EQ(~0U, regs[1]);
}

TEST(hypercalls_of_others_are_kvms_or_nobodys)
{
	static const u64 handed_on[] = { 5, 10, 11 };
	u64 number;
	u32 i;

	for (number = 0; number < 64; number++) {
		EXPECT_EQ(FOREIGN_UNDEFINED, emulate_hypercall(false, number));
		for (i = 0; i < ARRAY_SIZE(handed_on); i++) {
			if (handed_on[i] == number)
				break;
		}
		EXPECT_EQ(i < ARRAY_SIZE(handed_on) ? FOREIGN_HANDED_ON :
						      FOREIGN_REFUSED,
			  emulate_hypercall(true, number));
	}
	/* KVM looks at all of RAX. */
	EXPECT_EQ(FOREIGN_REFUSED, emulate_hypercall(true, 5 | 1ULL << 32));
	EXPECT_EQ(FOREIGN_REFUSED, emulate_hypercall(true, ~0ULL));
	EXPECT_EQ(FOREIGN_UNDEFINED, emulate_hypercall(false, ~0ULL));
}

static const struct table_pool pool = {
	.nr_chunks = 1,
	.nr_total = TABLE_POOL_CHUNK_PAGES,
	.chunk = { { .pa = 0x40000000, .va = 0x40000000 } },
};

#define WINDOW	0xffffc90040000000ULL

static enum write_verdict wrmsr(u32 index, u64 value)
{
	const struct msr_write w = {
		.index = index,
		.value = value,
		.apic_base = 0xfee00900,
		.phys_limit = 1ULL << 39,
		.pool = &pool,
		.window = WINDOW,
	};

	return emulate_wrmsr(&w);
}

TEST(vmx_msrs_are_gone)
{
	u32 index;

	for (index = 0x480; index <= 0x493; index++) {
		EXPECT_EQ(WRITE_GP, emulate_rdmsr(index));
		EXPECT_EQ(WRITE_GP, wrmsr(index, 0));
	}
	EXPECT_EQ(WRITE_ACCEPT, emulate_rdmsr(0x47f));
	EXPECT_EQ(WRITE_ACCEPT, emulate_rdmsr(0x494));
	EXPECT_EQ(WRITE_ACCEPT, emulate_rdmsr(IA32_APIC_BASE));
	EXPECT_EQ(WRITE_IGNORE, wrmsr(IA32_BIOS_UPDT_TRIG, 0x1000));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_DEF_TYPE, 0xc06));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(0x40000000, 1));
}

TEST(the_apic_stays_where_it_is)
{
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_APIC_BASE, 0xfee00900));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_APIC_BASE, 0xfee00d00));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_APIC_BASE, 0xfee00100));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_APIC_BASE, 0x40000900));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_APIC_BASE, 0xfee01900));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_APIC_BASE, 0x1fee00900));
}

TEST(no_unknown_msr_points_at_the_pool)
{
	EXPECT_EQ(WRITE_GP, wrmsr(0x4000ff01, 0x40001001));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(0x4000ff01, 0x40201001));
}

TEST(what_msrs_have_written_is_known)
{
	static const struct {
		u32 index;
		u64 value, pa;
		u32 size;
	} cases[] = {
		{ KVM_WALL_CLOCK, 0x40000ffc, 0x40000ffc, 64 },
		{ KVM_SYSTEM_TIME, 0x40000ff1, 0x40000ff1, 64 },
		{ 0x4b564d00, 0x40000ffc, 0x40000ffc, 64 },
		{ 0x4b564d03, 0x40000fc1, 0x40000fc1, 64 },
		{ IA32_HW_FEEDBACK_PTR, 0x40001001, 0x40001000, 0x10000 },
		{ 0x40000001, 0x40001001, 0x40001000, 0x1000 },
		{ 0x40000083, 0x40001001, 0x40001000, 0x1000 },
		{ 0x40000000, 0x40001000, 0x40001000, 0x1000 },
		/* Off, too */
		{ KVM_SYSTEM_TIME, 0, 0, 64 },
		/* These take none. */
		{ 0x10, 0x40001001, 1, 0 },
		{ 0x13, 0x40001001, 1, 0 },
		{ 0x40000071, 0x40001001, 1, 0 },	/* Hyper-V's ICR */
		{ 0x400000b1, 0x40001001, 1, 0 },	/* and a timer's count */
	};
	unsigned int i;
	u64 pa;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pa = 1;
		EXPECT_EQ(cases[i].size, emulate_msr_memory(cases[i].index,
							    cases[i].value, &pa));
		EXPECT_EQ(cases[i].pa, pa);
	}
}

TEST(there_are_no_remote_action_requests)
{
	u32 index;

	for (index = IA32_RAR_CTRL; index <= IA32_RAR_INFO; index++) {
		EXPECT_EQ(WRITE_GP, emulate_rdmsr(index));
		EXPECT_EQ(WRITE_GP, wrmsr(index, 0));
	}
	EXPECT_EQ(WRITE_ACCEPT, emulate_rdmsr(IA32_CORE_CAPABILITIES));
	EXPECT_EQ(~CORE_CAPABILITIES_RAR,
		  emulate_rdmsr_value(IA32_CORE_CAPABILITIES, ~0ULL));
	EXPECT_EQ(~0ULL, emulate_rdmsr_value(IA32_APIC_BASE, ~0ULL));
}

TEST(there_is_no_architectural_pebs)
{
	EXPECT_EQ(WRITE_GP, emulate_rdmsr(IA32_PEBS_BASE));
	EXPECT_EQ(WRITE_GP, emulate_rdmsr(IA32_PEBS_INDEX));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_PEBS_BASE, 0));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_PEBS_INDEX, 0));
	/* PEBS_DATA_CFG and PEBS_LD_LAT_THRESHOLD are there. */
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(0x3f2, 0));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(0x3f6, 0));
	EXPECT_EQ(WRITE_ACCEPT, emulate_rdmsr(IA32_PERF_CAPABILITIES));
	EXPECT_EQ(0x50c5, emulate_rdmsr_value(IA32_PERF_CAPABILITIES, 0x5fc5));
	EXPECT_EQ(0x54c5, emulate_rdmsr_value(IA32_PERF_CAPABILITIES, 0x54c5));
	EXPECT_EQ(0x56c5, emulate_rdmsr_value(IA32_PERF_CAPABILITIES, 0x56c5));
}

TEST(the_debug_store_is_not_in_the_window)
{
	struct msr_write nowhere = { .index = IA32_DS_AREA };

	EXPECT_EQ(WRITE_GP, wrmsr(IA32_DS_AREA, WINDOW));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_DS_AREA, WINDOW - SIZE_4K + 1));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_DS_AREA, WINDOW + WINDOW_SIZE - 1));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_DS_AREA, WINDOW - SIZE_4K));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_DS_AREA, WINDOW + WINDOW_SIZE));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_DS_AREA, 0));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_DS_AREA, ~0ULL));
	/* Others may be any number. */
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(0x601, WINDOW));
	nowhere.pool = &pool;
	EXPECT_EQ(WRITE_ACCEPT, emulate_wrmsr(&nowhere));
}

TEST(mtrr_masks_have_no_holes)
{
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x7f80000800));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x7ffffff800));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x4000000800));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x800));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_MTRR_PHYSMASK0, 0x7f00001800));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_MTRR_PHYSMASK0 + 62, 0x3f80000800));
	/* Not valid, so it means nothing; and bases are no masks. */
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x7f00001000));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSBASE0, 0x7f00001800));
}

/* TME-MK: MAXPHYADDR is 46, say, and the upper 7 bits are key IDs. */
TEST(mtrr_masks_with_and_without_key_bits)
{
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x7f80000800));
	EXPECT_EQ(WRITE_ACCEPT, wrmsr(IA32_MTRR_PHYSMASK0, 0x3fff80000800));
	EXPECT_EQ(WRITE_GP, wrmsr(IA32_MTRR_PHYSMASK0, 0x3fff00001800));
}

TEST(mtrrs_are_known)
{
	EXPECT_TRUE(emulate_msr_is_mtrr(IA32_MTRR_DEF_TYPE));
	EXPECT_TRUE(emulate_msr_is_mtrr(IA32_MTRR_PHYSMASK0));
	EXPECT_TRUE(emulate_msr_is_mtrr(IA32_MTRR_FIX4K_F8000));
	EXPECT_FALSE(emulate_msr_is_mtrr(IA32_PAT));
	EXPECT_FALSE(emulate_msr_is_mtrr(IA32_BIOS_UPDT_TRIG));
	EXPECT_FALSE(emulate_msr_is_mtrr(IA32_VMX_BASIC));
	EXPECT_FALSE(emulate_msr_is_mtrr(IA32_HW_FEEDBACK_PTR));
}

static bool bit(const u8 *bitmap, u32 n)
{
	return bitmap[n / 8] >> n % 8 & 1;
}

static bool listed(u32 index, bool write)
{
	u32 i;

	for (i = 0; i < nr_msr_intercepts; i++) {
		if (index >= msr_intercepts[i].first &&
		    index <= msr_intercepts[i].last)
			return write ? msr_intercepts[i].write :
				       msr_intercepts[i].read;
	}
	return false;
}

TEST(the_bitmaps_say_what_the_table_says)
{
	u8 bitmap[4096];
	u32 index;

	memset(bitmap, 0xff, sizeof(bitmap));
	emulate_fill_msr_bitmap(bitmap);
	for (index = 0; index < 0x2000; index++) {
		ASSERT_EQ(listed(index, false), bit(bitmap, index));
		ASSERT_EQ(listed(index, true), bit(bitmap + 2048, index));
		/* High range: EFER, STAR, bases; none of them exits. */
		ASSERT_FALSE(bit(bitmap + 1024, index));
		ASSERT_FALSE(bit(bitmap + 3072, index));
	}
}

/* What must never exit: each would cost Linux in steady state. */
TEST(ordinary_msrs_do_not_exit)
{
	static const u32 ordinary[] = {
		0x10, 0x48, 0x49, IA32_SYSENTER_ESP, IA32_PAT, 0x6e0,
		0x808, 0x80b, 0x830, 0x83f, 0xda0, IA32_S_CET, IA32_PKRS, 0xe1,
		/* Debugging: DEBUGCTL, LBRs old and new, BTS and PEBS, counters */
		IA32_DEBUGCTL, 0x1c8, 0x1c9, 0x1dd, 0x1de, 0x680, 0x6c0, 0x14ce,
		0x1500, 0x600, IA32_PEBS_ENABLE, 0xc1, 0x186, 0x309, 0x38d,
		IA32_PERF_GLOBAL_CTRL, 0x570,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ordinary); i++) {
		EXPECT_FALSE(listed(ordinary[i], false));
		EXPECT_FALSE(listed(ordinary[i], true));
	}
}

TEST_HARNESS_MAIN
