// SPDX-License-Identifier: GPL-2.0
/*
 * Pinned registers: which bits stay, for any value at attach
 */
#include "unit.h"

#include "registers.h"
#include "x86.h"

/* A write to @reg, that had @before at attach, of @after */
static bool breaks(enum pinned_register reg, u64 before, u64 after)
{
	struct register_pin pin = register_pin(reg, before);

	return register_pin_broken(&pin, after);
}

TEST(bits_that_are_set_stay_set)
{
	const u64 cr4 = CR4_PAE | CR4_PGE | CR4_SMEP | CR4_SMAP | CR4_UMIP;

	EXPECT_FALSE(breaks(PINNED_CR4, cr4, cr4));
	EXPECT_TRUE(breaks(PINNED_CR4, cr4, cr4 & ~CR4_SMEP));
	EXPECT_TRUE(breaks(PINNED_CR4, cr4, cr4 & ~CR4_SMAP));
	EXPECT_TRUE(breaks(PINNED_CR4, cr4, cr4 & ~CR4_UMIP));
	EXPECT_TRUE(breaks(PINNED_CR4, cr4 | CR4_LASS, cr4));
	EXPECT_FALSE(breaks(PINNED_CR4, cr4, cr4 | CR4_LASS));
	EXPECT_TRUE(breaks(PINNED_CR4, cr4, 0));
}

TEST(other_bits_are_free)
{
	const u64 cr4 = CR4_PAE | CR4_PGE | CR4_SMEP | CR4_SMAP | CR4_UMIP;

	EXPECT_FALSE(breaks(PINNED_CR4, cr4, cr4 & ~CR4_PGE));
	EXPECT_FALSE(breaks(PINNED_CR4, cr4, cr4 | CR4_OSXSAVE));
	EXPECT_FALSE(breaks(PINNED_CR0, CR0_PE | CR0_PG | CR0_WP,
			    CR0_PE | CR0_PG | CR0_WP | CR0_TS));
	EXPECT_FALSE(breaks(PINNED_MISC_ENABLE, 1, 0));
}

/* A CPU that does not have a protection may get it, and nobody loses. */
TEST(a_bit_that_was_clear_may_be_set)
{
	EXPECT_FALSE(breaks(PINNED_CR4, CR4_PAE, CR4_PAE | CR4_SMEP));
	EXPECT_FALSE(breaks(PINNED_EFER, EFER_LME | EFER_LMA,
			    EFER_LME | EFER_LMA | EFER_NXE));
}

TEST(exact_registers_neither_gain_nor_lose)
{
	EXPECT_FALSE(breaks(PINNED_LSTAR, 0x1000, 0x1000));
	EXPECT_TRUE(breaks(PINNED_LSTAR, 0x1000, 0x1001));
	EXPECT_TRUE(breaks(PINNED_LSTAR, 0, 1));
	EXPECT_TRUE(breaks(PINNED_MISC_ENABLE, 0, MISC_ENABLE_XD_DISABLE));
	EXPECT_FALSE(breaks(PINNED_APIC_BASE, 0xfee00900, 0xfee00800));
	EXPECT_TRUE(breaks(PINNED_APIC_BASE, 0xfee00900, 0xfed00900));
	EXPECT_TRUE(breaks(PINNED_S_CET, S_CET_ENDBR_EN, 0));
	EXPECT_FALSE(breaks(PINNED_S_CET, S_CET_ENDBR_EN,
			    S_CET_ENDBR_EN | S_CET_TRACKER));
}

TEST(every_pinned_msr_is_found_by_its_number)
{
	enum pinned_register reg;
	u32 msr;

	for (reg = 0; reg < PINNED_COUNT; reg++) {
		msr = register_msr(reg);
		EXPECT_NE(NULL, register_name(reg));
		if (msr)
			EXPECT_EQ(reg, register_by_msr(msr));
	}
	EXPECT_EQ(PINNED_COUNT, register_by_msr(0));
	EXPECT_EQ(PINNED_COUNT, register_by_msr(IA32_FS_BASE));
	EXPECT_STREQ("unknown", register_name(PINNED_COUNT));
	EXPECT_STREQ("unknown", register_name(~0ULL));
}

/* Only what each CPU has for itself may differ between them. */
TEST(own_registers)
{
	enum pinned_register reg;

	for (reg = 0; reg < PINNED_COUNT; reg++)
		EXPECT_EQ(reg == PINNED_SYSENTER_ESP || reg == PINNED_GDTR_BASE,
			  register_is_own(reg));
}

/* What it takes that kernel mode runs no user page: nothing that is not pinned */
TEST(execution_rests_on_pinned_bits)
{
	enum pinned_register reg;
	u64 bits;

	EXPECT_EQ(CR4_SMEP, register_exec_bits(PINNED_CR4));
	EXPECT_EQ(EFER_NXE, register_exec_bits(PINNED_EFER));
	EXPECT_EQ(0, register_exec_bits(PINNED_CR0));
	for (reg = 0; reg < PINNED_COUNT; reg++) {
		bits = register_exec_bits(reg);
		EXPECT_EQ(bits, register_pin(reg, ~0ULL).mask & bits);
	}
}

/* What is not broken now is not broken by writing it again, and so on. */
TEST(random_values_agree_with_the_definition)
{
	enum pinned_register reg;
	struct register_pin pin;
	u64 i, before, after;

	for (i = 0; i < fuzz_rounds(100000); i++) {
		reg = random_below(PINNED_COUNT);
		before = random_u64();
		after = one_in(2) ? random_u64() :
				    before ^ 1ULL << random_below(64);
		pin = register_pin(reg, before);
		ASSERT_FALSE(register_pin_broken(&pin, before));
		ASSERT_EQ((before ^ after) & pin.mask,
			  register_pin_broken(&pin, after));
		ASSERT_EQ(before & pin.mask, pin.value);
	}
}

TEST_HARNESS_MAIN
