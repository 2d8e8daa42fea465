// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what an exiting instruction does
 */
#include "emulate.h"
#include "x86.h"

/* Writes to the rest of the low half change nothing, and raise nothing. */
#define CR0_DEFINED	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | \
			 CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define CPUID_1_ECX_VMX		BIT(5)
#define CPUID_1_ECX_SMX		BIT(6)
#define CPUID_1_ECX_OSXSAVE	BIT(27)
#define CPUID_7_ECX_OSPKE	BIT(4)

/**
 * emulate_cr0_write() - MOV to CR0, CLTS or LMSW that changes a bit root owns
 * @w: the write; @w->real and @w->shadow are set when it is accepted
 *
 * Root owns what VMX operation fixes: PE, NE and PG. The guest sees its own
 * NE, while the CPU keeps it set. Without "unrestricted guest" there is no
 * VM entry with PE or PG clear, and with it ring 0 could leave paging, and SMEP
 * and NX with it. So the guest cannot turn them off: #GP(0). From 64-bit code,
 * clearing PG raises that on a bare CPU, too; what is lost is only the way
 * through compatibility mode, which Linux takes when it reboots through the
 * BIOS, after it has left.
 *
 * The rest are the checks that the CPU makes itself when nothing exits
 * (SDM 2A, "MOV - Move to/from Control Registers").
 *
 * Context: pure.
 *
 * Return: what becomes of the write.
 */
enum write_verdict emulate_cr0_write(struct cr0_write *w)
{
	u64 value = w->value;

	if (value >> 32)
		return WRITE_GP;
	value &= CR0_DEFINED;
	if ((value & CR0_NW) && !(value & CR0_CD))
		return WRITE_GP;
	if (!(value & CR0_PE) || !(value & CR0_PG))
		return WRITE_GP;
	if (!(value & CR0_WP) && (w->cr4 & CR4_CET))
		return WRITE_GP;

	w->shadow = value | CR0_ET;
	w->real = w->shadow | w->fixed1;
	return WRITE_ACCEPT;
}

/**
 * emulate_cr4_write() - MOV to CR4 that changes a bit root owns
 * @value: what the guest wants to write
 *
 * Root owns VMXE and SMXE, and the guest reads both as 0, so a write exits only
 * when it sets one. CPUID says that the CPU has neither: they are reserved.
 *
 * Context: pure.
 *
 * Return: WRITE_GP, or WRITE_ACCEPT for a write that need not have exited.
 */
enum write_verdict emulate_cr4_write(u64 value)
{
	return value & CR4_HIDDEN ? WRITE_GP : WRITE_ACCEPT;
}

/**
 * emulate_cpuid() - turn what CPUID says in root into what it says in the guest
 * @leaf: EAX
 * @subleaf: ECX
 * @guest_cr4: the guest's CR4
 * @regs: EAX, EBX, ECX, EDX as root read them; changed
 *
 * VMX and SMX are hidden: KVM then refuses to load with its usual message.
 * OSXSAVE and OSPKE mirror CR4, and root's CR4 is another.
 *
 * Context: pure.
 */
void emulate_cpuid(u32 leaf, u32 subleaf, u64 guest_cr4, u32 regs[4])
{
	switch (leaf) {
	case 1:
		regs[2] &= ~(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX |
			     CPUID_1_ECX_OSXSAVE);
		if (guest_cr4 & CR4_OSXSAVE)
			regs[2] |= CPUID_1_ECX_OSXSAVE;
		break;
	case 7:
		if (subleaf)
			break;
		regs[2] &= ~CPUID_7_ECX_OSPKE;
		if (guest_cr4 & CR4_PKE)
			regs[2] |= CPUID_7_ECX_OSPKE;
		break;
	}
}

/*
 * The VMX capability MSRs go with VMX. A microcode update would have the CPU
 * read the update through root's page tables, and leave other CPUs behind
 * (SDM 3A, 10.11.6); it is ignored, as under other hypervisors. MTRRs are
 * written through, and then EPT's memory types follow.
 */
const struct msr_intercept msr_intercepts[] = {
	{ IA32_VMX_BASIC, IA32_VMX_EXIT_CTLS2, true, true },
	{ IA32_BIOS_UPDT_TRIG, IA32_BIOS_UPDT_TRIG, false, true },
	{ IA32_MTRR_PHYSBASE0, IA32_MTRR_PHYSBASE0 + 63, false, true },
	{ IA32_MTRR_FIX64K_00000, IA32_MTRR_FIX64K_00000, false, true },
	{ IA32_MTRR_FIX16K_80000, IA32_MTRR_FIX16K_A0000, false, true },
	{ IA32_MTRR_FIX4K_C0000, IA32_MTRR_FIX4K_F8000, false, true },
	{ IA32_MTRR_DEF_TYPE, IA32_MTRR_DEF_TYPE, false, true },
};

const u32 nr_msr_intercepts = ARRAY_SIZE(msr_intercepts);

static const struct msr_intercept *find_intercept(u32 index)
{
	u32 i;

	for (i = 0; i < nr_msr_intercepts; i++) {
		if (index >= msr_intercepts[i].first &&
		    index <= msr_intercepts[i].last)
			return &msr_intercepts[i];
	}
	return NULL;
}

/**
 * emulate_msr_is_mtrr() - whether a write to this MSR changes memory types
 * @index: MSR
 *
 * Context: pure.
 */
bool emulate_msr_is_mtrr(u32 index)
{
	return find_intercept(index) && index >= IA32_MTRR_PHYSBASE0 &&
	       index <= IA32_MTRR_DEF_TYPE;
}

/**
 * emulate_rdmsr() - what becomes of an RDMSR that exited
 * @index: MSR
 *
 * MSRs outside both ranges of the bitmaps always exit; they go to the CPU.
 *
 * Context: pure.
 *
 * Return: WRITE_ACCEPT to read the MSR, or WRITE_GP.
 */
enum write_verdict emulate_rdmsr(u32 index)
{
	const struct msr_intercept *intercept = find_intercept(index);

	return intercept && intercept->read ? WRITE_GP : WRITE_ACCEPT;
}

/**
 * emulate_wrmsr() - what becomes of a WRMSR that exited
 * @index: MSR
 *
 * Context: pure.
 *
 * Return: WRITE_ACCEPT to write the MSR, WRITE_IGNORE or WRITE_GP.
 */
enum write_verdict emulate_wrmsr(u32 index)
{
	if (index >= IA32_VMX_BASIC && index <= IA32_VMX_EXIT_CTLS2)
		return WRITE_GP;
	if (index == IA32_BIOS_UPDT_TRIG)
		return WRITE_IGNORE;
	return WRITE_ACCEPT;
}

static void set_bit(u8 *bitmap, u32 bit)
{
	bitmap[bit / 8] |= 1U << (bit % 8);
}

/**
 * emulate_fill_msr_bitmap() - write the MSR bitmaps (SDM 3C, 25.6.9)
 * @bitmap: four bitmaps of 1 KiB: read low, read high, write low, write high
 *
 * Every MSR in the table lies in the low range, 0 to 0x1fff.
 *
 * Context: pure.
 */
void emulate_fill_msr_bitmap(u8 bitmap[4096])
{
	u32 i, index;

	for (i = 0; i < 4096; i++)
		bitmap[i] = 0;

	for (i = 0; i < nr_msr_intercepts; i++) {
		for (index = msr_intercepts[i].first;
		     index <= msr_intercepts[i].last; index++) {
			if (msr_intercepts[i].read)
				set_bit(bitmap, index);
			if (msr_intercepts[i].write)
				set_bit(bitmap + 2048, index);
		}
	}
}
