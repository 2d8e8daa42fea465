// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what an exiting instruction does
 */
#include "emulate.h"
#include "mtrr.h"
#include "returns.h"
#include "x86.h"

/* Writes to the rest of the low half change nothing, and raise nothing. */
#define CR0_DEFINED	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | \
			 CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define CPUID_1_ECX_VMX		BIT(5)
#define CPUID_1_ECX_SMX		BIT(6)
#define CPUID_1_ECX_OSXSAVE	BIT(27)
#define CPUID_7_ECX_OSPKE	BIT(4)
#define CPUID_7_1_EAX_FRED	BIT(17)
#define CPUID_7_1_EAX_MSRLIST	BIT(27)
#define CPUID_7_1_ECX_MSR_IMM	BIT(5)
#define CPUID_7_1_EDX_USER_MSR	BIT(15)
#define CPUID_19_EBX_AESKLE	BIT(0)
#define CPUID_23_EAX_PEBS	(BIT(4) | BIT(5))	/* has subleaves 4 and 5 */
#define CPUID_EXT1_EDX_SYSCALL	BIT(11)

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
 * Root owns VMXE, SMXE and FRED, and the guest reads all as 0, so a write exits
 * only when it sets one. CPUID says that the CPU has none of them: they are
 * reserved. (With FRED, events would be delivered by other rules than those
 * that event.c and leave.c know.)
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
 * @code64: the guest's CS.L
 * @regs: EAX, EBX, ECX, EDX as root read them; changed
 *
 * VMX and SMX are hidden: KVM then refuses to load with its usual message.
 * OSXSAVE, OSPKE and AESKLE mirror CR4, and root's CR4 is another; SYSCALL is
 * only there in 64-bit code, which root always is. FRED goes with its bit in
 * CR4. New ways to get at MSRs, which exit for reasons of their own, are hidden,
 * too: Linux has the old ones. So is architectural PEBS, as its MSRs are: subleaf 0
 * of leaf 23H has a bit for each subleaf that there is, and 4 and 5 tell of it.
 *
 * Context: pure.
 */
void emulate_cpuid(u32 leaf, u32 subleaf, u64 guest_cr4, bool code64,
		   u32 regs[4])
{
	switch (leaf) {
	case 1:
		regs[2] &= ~(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX |
			     CPUID_1_ECX_OSXSAVE);
		if (guest_cr4 & CR4_OSXSAVE)
			regs[2] |= CPUID_1_ECX_OSXSAVE;
		break;
	case 7:
		if (subleaf == 1) {
			regs[0] &= ~(CPUID_7_1_EAX_FRED |
				     CPUID_7_1_EAX_MSRLIST);
			regs[2] &= ~CPUID_7_1_ECX_MSR_IMM;
			regs[3] &= ~CPUID_7_1_EDX_USER_MSR;
		}
		if (subleaf)
			break;
		regs[2] &= ~CPUID_7_ECX_OSPKE;
		if (guest_cr4 & CR4_PKE)
			regs[2] |= CPUID_7_ECX_OSPKE;
		break;
	case 0x19:
		regs[1] &= ~CPUID_19_EBX_AESKLE;
		if (guest_cr4 & CR4_KL)
			regs[1] |= CPUID_19_EBX_AESKLE;
		break;
	case 0x23:
		if (!subleaf)
			regs[0] &= ~CPUID_23_EAX_PEBS;
		if (subleaf == 4 || subleaf == 5)
			regs[0] = regs[1] = regs[2] = regs[3] = 0;
		break;
	case 0x80000001:
		if (!code64)
			regs[3] &= ~CPUID_EXT1_EDX_SYSCALL;
		break;
	}
}

/* KVM's numbers of its hypercalls: all that Linux uses at any time */
enum {
	KVM_KICK_CPU	= 5,
	KVM_SEND_IPI	= 10,
	KVM_SCHED_YIELD	= 11,
};

/**
 * emulate_hypercall() - what becomes of a hypercall of ring 0's that is not ours
 * @kvm: the hypervisor underneath is KVM, and Linux knows
 * @number: RAX
 *
 * Linux has chosen at boot what it asks for. Handed on is what ring 0 can do by itself,
 * by its local APIC and by waiting: to wake a CPU, to send an interrupt, to let another
 * CPU run. All else KVM says it does not have, for some of it names memory that KVM
 * then writes to (9, the pair of clocks) or takes away (12), which no EPT of ours
 * stops; and Linux goes on without.
 *
 * Context: pure.
 */
enum hypercall_verdict emulate_hypercall(bool kvm, u64 number)
{
	if (!kvm)
		return FOREIGN_UNDEFINED;
	switch (number) {
	case KVM_KICK_CPU:
	case KVM_SEND_IPI:
	case KVM_SCHED_YIELD:
		return FOREIGN_HANDED_ON;
	}
	return FOREIGN_REFUSED;
}

/*
 * The VMX capability MSRs go with VMX. A microcode update would have the CPU
 * read the update through root's page tables, and leave other CPUs behind
 * (SDM 3A, 10.11.6); it is ignored, as under other hypervisors. MTRRs are
 * written through, and then EPT's memory types follow.
 *
 * IA32_APIC_BASE stays where it is: in xAPIC mode the CPU sends accesses to
 * that page to its APIC, root's accesses, too, and EPT has no say. Over a page
 * of root's it would put the guest's values in the place of root's memory.
 *
 * Some name memory that somebody then writes to, past EPT: the CPU itself, or a
 * hypervisor underneath (emulate_msr_memory()). With Remote Action Requests the CPU
 * also takes orders from there, of writing MSRs among them: it is hidden.
 *
 * So is architectural PEBS: by physical address, too, the CPU writes records there that
 * hold general registers, which is as good as any write. Linux looks whether there is
 * any by the format of records that IA32_PERF_CAPABILITIES tells.
 */
const struct msr_intercept msr_intercepts[] = {
	{ KVM_WALL_CLOCK, KVM_SYSTEM_TIME, false, true },
	{ IA32_VMX_BASIC, IA32_VMX_EXIT_CTLS2, true, true },
	{ IA32_BIOS_UPDT_TRIG, IA32_BIOS_UPDT_TRIG, false, true },
	{ IA32_APIC_BASE, IA32_APIC_BASE, false, true },
	{ IA32_CORE_CAPABILITIES, IA32_CORE_CAPABILITIES, true, false },
	{ IA32_RAR_CTRL, IA32_RAR_INFO, true, true },
	{ IA32_HW_FEEDBACK_PTR, IA32_HW_FEEDBACK_PTR, false, true },
	{ IA32_MTRR_PHYSBASE0, IA32_MTRR_PHYSBASE0 + 63, false, true },
	{ IA32_MTRR_FIX64K_00000, IA32_MTRR_FIX64K_00000, false, true },
	{ IA32_MTRR_FIX16K_80000, IA32_MTRR_FIX16K_A0000, false, true },
	{ IA32_MTRR_FIX4K_C0000, IA32_MTRR_FIX4K_F8000, false, true },
	{ IA32_MTRR_DEF_TYPE, IA32_MTRR_DEF_TYPE, false, true },
	{ IA32_PERF_CAPABILITIES, IA32_PERF_CAPABILITIES, true, false },
	{ IA32_PEBS_BASE, IA32_PEBS_INDEX, true, true },
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

/* What exits either way: the guest has no such MSR. */
static bool is_gone(u32 index)
{
	const struct msr_intercept *intercept = find_intercept(index);

	return intercept && intercept->read && intercept->write;
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
	return is_gone(index) ? WRITE_GP : WRITE_ACCEPT;
}

/**
 * emulate_rdmsr_value() - what the guest reads of an MSR
 * @index: MSR
 * @value: what the CPU says
 *
 * Context: pure.
 */
u64 emulate_rdmsr_value(u32 index, u64 value)
{
	switch (index) {
	case IA32_CORE_CAPABILITIES:
		return value & ~CORE_CAPABILITIES_RAR;
	case IA32_PERF_CAPABILITIES:
		/* All ones are architectural PEBS, whose records say what they are. */
		if ((value & PERF_CAPABILITIES_PEBS_FMT) == PERF_CAPABILITIES_PEBS_FMT)
			return value & ~PERF_CAPABILITIES_PEBS_FMT;
		break;
	}
	return value;
}

/*
 * Who writes there is the CPU (SDM 3B, "Hardware Feedback Interface Pointer"), or the
 * hypervisor whose MSR it is: KVM's are structures of up to 64 bytes, Hyper-V's and
 * Xen's are pages. Others' are not known: a value need not be an address.
 */
static const struct msr_memory {
	u32 first;
	u32 last;
	u32 size;
} msr_memory[] = {
	{ KVM_WALL_CLOCK, KVM_SYSTEM_TIME, 64 },
	{ IA32_HW_FEEDBACK_PTR, IA32_HW_FEEDBACK_PTR, HW_FEEDBACK_SIZE_MAX },
	{ KVM_WALL_CLOCK_NEW, KVM_MSR_LAST, 64 },
	{ HYPERV_HYPERCALL, HYPERV_HYPERCALL, SIZE_4K },
	{ HYPERV_REFERENCE_TSC, HYPERV_REFERENCE_TSC, SIZE_4K },
	{ HYPERV_VP_ASSIST_PAGE, HYPERV_VP_ASSIST_PAGE, SIZE_4K },
	{ HYPERV_SIEFP, HYPERV_SIMP, SIZE_4K },
	{ XEN_HYPERCALL, XEN_HYPERCALL, SIZE_4K },
	{ XEN_HYPERCALL_VIRIDIAN, XEN_HYPERCALL_VIRIDIAN, SIZE_4K },
};

/**
 * emulate_msr_memory() - the memory that a value has somebody write to
 * @index: MSR
 * @value: what the guest wants to write
 * @pa: set to its physical address
 *
 * Whether the value turns that on is not asked: who would, with an address that is
 * guarded, has no other use for it.
 *
 * Context: pure.
 *
 * Return: how many bytes, at most; 0 where the MSR names no memory.
 */
u32 emulate_msr_memory(u32 index, u64 value, u64 *pa)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msr_memory); i++) {
		if (index < msr_memory[i].first || index > msr_memory[i].last)
			continue;
		/* Below a page's size it need not be aligned to it. */
		*pa = value & PTE_ADDR_MASK;
		if (msr_memory[i].size < SIZE_4K)
			*pa |= value & (SIZE_4K - 1);
		return msr_memory[i].size;
	}
	return 0;
}

static bool is_mtrr_mask(u32 index)
{
	return index > IA32_MTRR_PHYSBASE0 &&
	       index < IA32_MTRR_PHYSBASE0 + 64 && index % 2;
}

/*
 * Ones from the top down to one place, and zeros below. The top is that of the
 * addresses in use: with TME-MK the bits above are key IDs, which firmware may
 * leave out of the mask or not, and Linux does.
 */
static bool contiguous_mask(u64 value, u64 phys_limit)
{
	u64 all = phys_limit - SIZE_4K;
	u64 rest = ~value & all;

	rest = (rest | (SIZE_4K - 1)) + 1;
	return !(rest & (rest - 1));
}

/* Whether what is at an address, a page at most, reaches into the shadow's window */
static bool meets_window(u64 window, u64 va)
{
	return window && va - (window - SIZE_4K + 1) < WINDOW_SIZE + SIZE_4K - 1;
}

/**
 * emulate_wrmsr() - what becomes of a WRMSR that exited
 * @w: the write
 *
 * MTRR masks with holes are refused: nobody uses them, and telling the types
 * of all memory from them could keep root busy for seconds.
 *
 * The CPU writes to the debug-store area by itself, also in the view in which the
 * shadow can be written.
 *
 * MSRs outside the bitmaps' ranges belong to a hypervisor underneath, if to
 * anybody; of those that are not known, none may name the pool.
 *
 * Context: pure.
 *
 * Return: WRITE_ACCEPT to write the MSR, WRITE_IGNORE or WRITE_GP.
 */
enum write_verdict emulate_wrmsr(const struct msr_write *w)
{
	u64 page = w->value & PTE_ADDR_MASK;

	if (is_gone(w->index))
		return WRITE_GP;
	if (w->index == IA32_BIOS_UPDT_TRIG)
		return WRITE_IGNORE;
	if (w->index == IA32_APIC_BASE)
		return (w->value ^ w->apic_base) & PTE_ADDR_MASK ?
		       WRITE_GP : WRITE_ACCEPT;
	if (is_mtrr_mask(w->index) && (w->value & MTRR_PHYSMASK_V) &&
	    !contiguous_mask(w->value, w->phys_limit))
		return WRITE_GP;
	if (w->index == IA32_DS_AREA && meets_window(w->window, w->value))
		return WRITE_GP;
	if (w->index >= 0x2000 &&
	    table_pool_overlaps(w->pool, page, SIZE_4K))
		return WRITE_GP;
	return WRITE_ACCEPT;
}

static void set_bit(u8 *bitmap, u32 bit)
{
	bitmap[bit / 8] |= 1U << (bit % 8);
}

#define BITMAP_WRITE_LOW	2048
#define BITMAP_WRITE_HIGH	3072
#define MSR_HIGH		0xc0000000

/**
 * emulate_intercept_write() - have writes to one more MSR exit
 * @bitmap: the MSR bitmaps
 * @index: the MSR, in one of the bitmaps' ranges
 *
 * Context: pure.
 */
void emulate_intercept_write(u8 bitmap[4096], u32 index)
{
	if (index >= MSR_HIGH)
		set_bit(bitmap + BITMAP_WRITE_HIGH, index - MSR_HIGH);
	else
		set_bit(bitmap + BITMAP_WRITE_LOW, index);
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
				emulate_intercept_write(bitmap, index);
		}
	}
}
