// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: exits of control-register and MSR accesses
 */
#include "cpu_ops.h"
#include "emulate.h"
#include "ept.h"
#include "exit.h"
#include "mtrr.h"
#include "pebs.h"
#include "pins.h"
#include "shootdown.h"
#include "steal_time.h"
#include "vcpu.h"
#include "x86.h"

/* Exit qualification for control-register accesses (SDM 3C, table 28-3) */
#define CR_NUMBER(q)		((q) & 0xf)
#define CR_ACCESS_TYPE(q)	((q) >> 4 & 3)
#define CR_REGISTER(q)		((q) >> 8 & 0xf)
#define CR_LMSW_SOURCE(q)	((q) >> 16 & 0xffff)

enum cr_access {
	CR_MOV_TO,
	CR_MOV_FROM,
	CR_CLTS,
	CR_LMSW,
};

/* The order of register numbers in instructions */
static u64 read_register(const struct vcpu *vcpu, u32 number)
{
	const struct guest_regs *r = &vcpu->regs;

	switch (number) {
	case 0: return r->rax;
	case 1: return r->rcx;
	case 2: return r->rdx;
	case 3: return r->rbx;
	case 4: return vmread(GUEST_RSP);
	case 5: return r->rbp;
	case 6: return r->rsi;
	case 7: return r->rdi;
	case 8: return r->r8;
	case 9: return r->r9;
	case 10: return r->r10;
	case 11: return r->r11;
	case 12: return r->r12;
	case 13: return r->r13;
	case 14: return r->r14;
	default: return r->r15;
	}
}

static struct exit_result write_guest_cr0(struct vcpu *vcpu, u64 value)
{
	struct cr0_write w = {
		.value = value,
		.cr4 = vmread(GUEST_CR4),
		.fixed1 = island.config.controls.cr0_fixed0,
	};

	if (emulate_cr0_write(&w) != WRITE_ACCEPT)
		return RESULT_GP(0);
	if (!pins_allow(vcpu, PINNED_CR0, w.real))
		return RESULT_SKIP;
	vmwrite(GUEST_CR0, w.real);
	/* Neither entries nor exits load CD and NW (SDM 3C, 27.3.2.1). */
	write_cr0((read_cr0() & ~(CR0_CD | CR0_NW)) |
		  (w.real & (CR0_CD | CR0_NW)));
	vmwrite(CR0_READ_SHADOW, w.shadow);
	return RESULT_SKIP;
}

static u64 guest_reads_cr0(void)
{
	u64 mask = vmread(CR0_GUEST_HOST_MASK);

	return (vmread(GUEST_CR0) & ~mask) | (vmread(CR0_READ_SHADOW) & mask);
}

struct exit_result handle_cr_access(struct vcpu *vcpu)
{
	u64 qualification = vmread(EXIT_QUALIFICATION);
	u64 value = read_register(vcpu, CR_REGISTER(qualification));
	u64 cr0 = guest_reads_cr0();
	u64 low;

	/* Outside 64-bit mode, operands have 32 bits. */
	if (!(vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L))
		value = (u32)value;
	switch (CR_ACCESS_TYPE(qualification)) {
	case CR_MOV_TO:
		if (CR_NUMBER(qualification) == 0)
			return write_guest_cr0(vcpu, value);
		if (CR_NUMBER(qualification) == 4)
			return emulate_cr4_write(value) == WRITE_GP ?
			       RESULT_GP(0) : pins_try(vcpu);
		break;
	case CR_CLTS:
		return write_guest_cr0(vcpu, cr0 & ~CR0_TS);
	case CR_LMSW:
		/* Loads MP, EM and TS, and can set PE but not clear it. */
		low = CR_LMSW_SOURCE(qualification) & 0xf;
		low |= cr0 & CR0_PE;
		return write_guest_cr0(vcpu, (cr0 & ~0xfULL) | low);
	}
	/* CR3 and CR8 do not exit. */
	return RESULT_LEAVE(LEAVE_UNEXPECTED_EXIT);
}

struct exit_result handle_rdmsr(struct vcpu *vcpu)
{
	u32 index = vcpu->regs.rcx;
	u64 value;

	if (emulate_rdmsr(index) == WRITE_GP || rdmsr_safe(index, &value))
		return RESULT_GP(0);
	value = emulate_rdmsr_value(index, value);
	if (index == KVM_STEAL_TIME && vcpu->steal_time_taken)
		value = vcpu->steal_time;
	vcpu->regs.rax = (u32)value;
	vcpu->regs.rdx = value >> 32;
	return RESULT_SKIP;
}

static void read_mtrrs(struct mtrr_state *state)
{
	static const u16 fixed[] = {
		IA32_MTRR_FIX64K_00000, IA32_MTRR_FIX16K_80000,
		IA32_MTRR_FIX16K_A0000, IA32_MTRR_FIX4K_C0000,
		0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, IA32_MTRR_FIX4K_F8000,
	};
	u32 i;

	state->def_type = rdmsr(IA32_MTRR_DEF_TYPE);
	for (i = 0; i < state->nr_var; i++) {
		state->var[i].base = rdmsr(IA32_MTRR_PHYSBASE0 + 2 * i);
		state->var[i].mask = rdmsr(IA32_MTRR_PHYSMASK0 + 2 * i);
	}
	if (!(state->cap & MTRRCAP_FIX))
		return;
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		state->fixed[i] = rdmsr(fixed[i]);
}

static bool same_mtrrs(const struct mtrr_state *a, const struct mtrr_state *b)
{
	const u64 *x = (const u64 *)a;
	const u64 *y = (const u64 *)b;
	u32 i;

	for (i = 0; i < sizeof(*a) / sizeof(*x); i++) {
		if (x[i] != y[i])
			return false;
	}
	return true;
}

/*
 * Translations carry memory types. Linux flushes its own around a change of
 * MTRRs, as the manual demands of all (SDM 3A, 12.11.8); root's have a VPID of
 * their own and are none of them. Root has no global ones.
 */
static void flush_root_translations(void)
{
	write_cr3(read_cr3());
}

/*
 * EPT's memory types replace the MTRRs' in non-root mode, so they follow. The
 * manual has every CPU held while MTRRs change, caches off, and each CPU make
 * the same changes before any goes on (SDM 3A, 12.11.8). So it is enough that
 * each follows when it turns its MTRRs on again: the first one changes the
 * entries, the others find nothing to change, and every one drops its own
 * translations before it leaves the rendezvous. While MTRRs are off nothing
 * follows: that state lasts for a few instructions with CR0.CD set, which
 * makes all accesses uncached by itself.
 *
 * Where a large page has to be split and the pool has no page left, all of it
 * becomes uncached: slow, but never a type that contradicts a device.
 *
 * On CPUs that raise a machine check when they find a code page in two sizes
 * (iTLB multihit), splitting takes a moment in which no CPU may fetch through
 * the old entry. The CPUs of the rendezvous run guest code meanwhile, so there
 * the types stay as they were at attach.
 */
static void follow_mtrrs(struct vcpu *vcpu)
{
	struct mtrr_state *mtrr = &island.config.mtrr;
	struct mtrr_state now;

	if (!(rdmsr(IA32_MTRR_DEF_TYPE) & MTRR_DEF_TYPE_E) ||
	    island.config.itlb_multihit)
		return;

	island_lock(vcpu);
	now = *mtrr;
	read_mtrrs(&now);
	if (!same_mtrrs(&now, mtrr)) {
		*mtrr = now;
		ept_retype(&island.ept, mtrr);
		island_publish();
	}
	island_unlock();
	drop_translations(vcpu);
}

/*
 * What an MSR names somebody writes to, past EPT: nothing that is guarded at that
 * moment. Nobody can keep it from being guarded later.
 */
static bool may_be_written(struct vcpu *vcpu, u32 index, u64 value)
{
	u64 pa = 0, at;
	u32 size = emulate_msr_memory(index, value, &pa);
	bool data;

	if (!size)
		return true;
	if (index == IA32_HW_FEEDBACK_PTR)
		size = island.config.hw_feedback_size;
	data = !table_pool_overlaps(&island.config.pool, pa, size);
	island_lock(vcpu);
	for (at = pa & ~(PAGE_SIZE - 1); data && at < pa + size; at += PAGE_SIZE)
		data = ept_class(&island.ept, at) == CLASS_DATA;
	island_unlock();
	return data;
}

struct exit_result handle_wrmsr(struct vcpu *vcpu)
{
	u32 index = vcpu->regs.rcx;
	u64 value = (u32)vcpu->regs.rax | vcpu->regs.rdx << 32;
	enum pinned_register reg = register_by_msr(index);
	struct msr_write w = {
		.index = index,
		.value = value,
		.apic_base = island.config.apic_base,
		.phys_limit = island.config.phys_limit,
		.pool = &island.config.pool,
		.window = island.config.returns.window,
	};

	switch (emulate_wrmsr(&w)) {
	case WRITE_GP:
		return RESULT_GP(0);
	case WRITE_IGNORE:
		return RESULT_SKIP;
	case WRITE_ACCEPT:
		break;
	}
	if (!may_be_written(vcpu, index, value))
		return RESULT_GP(0);
	if (index == IA32_PEBS_ENABLE)
		return pebs_wrmsr(vcpu, value);
	if (reg < PINNED_COUNT)
		return pins_wrmsr(vcpu, reg, value);
	if (index == KVM_STEAL_TIME && vcpu->steal_time_taken)
		return steal_time_write(vcpu, value);
	if (wrmsr_safe(index, value))
		return RESULT_GP(0);
	if (emulate_msr_is_mtrr(index)) {
		flush_root_translations();
		follow_mtrrs(vcpu);
	}
	return RESULT_SKIP;
}

/* LGDT, LIDT, LLDT, LTR, and the four that store: their operands are no matter */
struct exit_result handle_descriptor_table(struct vcpu *vcpu)
{
	return pins_try(vcpu);
}

/* Each exit ends what the monitor trap flag was set for, a trial or a decoy: exit.c */
struct exit_result handle_mtf(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_RESUME;
}
