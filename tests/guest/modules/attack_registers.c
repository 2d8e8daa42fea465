// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks on the calling CPU's registers
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/special_insns.h>

#include "../../../module/compat.h"
#include "attack_module.h"

/* A page of its own for a table in a wrong place */
static void *forged;

static u64 raw_read_msr(u32 index)
{
	u64 value;

	return rdmsrq_safe(index, &value) ? 0 : value;
}

static u64 read_idtr(void)
{
	struct desc_ptr p;

	store_idt(&p);
	return p.address;
}

static int write_idtr(u64 base)
{
	struct desc_ptr p;

	store_idt(&p);
	p.address = base;
	asm volatile("lidt %0" : : "m" (p) : "memory");
	return 0;
}

static u64 read_gdtr(void)
{
	struct desc_ptr p;

	asm volatile("sgdt %0" : "=m" (p));
	return p.address;
}

static int write_gdtr(u64 base)
{
	struct desc_ptr p;

	asm volatile("sgdt %0" : "=m" (p));
	p.address = base;
	asm volatile("lgdt %0" : : "m" (p) : "memory");
	return 0;
}

enum place {
	PLACE_CR0,
	PLACE_CR4,
	PLACE_MSR,
	PLACE_IDTR,
	PLACE_GDTR,
};

/* flip: these bits; move: to the forged page. "need": a bit that must be set */
static const struct register_attack {
	enum place place;
	u32 msr;
	u64 flip;
	u64 need;
	bool move;
	u16 feature;
} attacks[] = {
	[ATTACK_REGISTER_CR0_WP] = { PLACE_CR0, 0, X86_CR0_WP, X86_CR0_WP },
	[ATTACK_REGISTER_CR4_SMEP] = { PLACE_CR4, 0, X86_CR4_SMEP, X86_CR4_SMEP },
	[ATTACK_REGISTER_CR4_SMAP] = { PLACE_CR4, 0, X86_CR4_SMAP, X86_CR4_SMAP },
	[ATTACK_REGISTER_CR4_UMIP] = { PLACE_CR4, 0, X86_CR4_UMIP, X86_CR4_UMIP },
	[ATTACK_REGISTER_CR4_LASS] = { PLACE_CR4, 0, X86_CR4_LASS, X86_CR4_LASS },
	[ATTACK_REGISTER_CR4_CET] = { PLACE_CR4, 0, X86_CR4_CET, X86_CR4_CET },
	[ATTACK_REGISTER_EFER_SCE] = { PLACE_MSR, MSR_EFER, EFER_SCE, EFER_SCE },
	[ATTACK_REGISTER_EFER_NXE] = { PLACE_MSR, MSR_EFER, EFER_NX, EFER_NX },
	[ATTACK_REGISTER_STAR] = { PLACE_MSR, MSR_STAR, 1ULL << 48 },
	[ATTACK_REGISTER_LSTAR] = { PLACE_MSR, MSR_LSTAR, .move = true },
	[ATTACK_REGISTER_CSTAR] = { PLACE_MSR, MSR_CSTAR, .move = true },
	[ATTACK_REGISTER_FMASK] = { PLACE_MSR, MSR_SYSCALL_MASK, X86_EFLAGS_IF },
	[ATTACK_REGISTER_SYSENTER_CS] = { PLACE_MSR, MSR_IA32_SYSENTER_CS, 8 },
	[ATTACK_REGISTER_SYSENTER_ESP] = { PLACE_MSR, MSR_IA32_SYSENTER_ESP,
				  .move = true },
	[ATTACK_REGISTER_SYSENTER_EIP] = { PLACE_MSR, MSR_IA32_SYSENTER_EIP,
				  .move = true },
	[ATTACK_REGISTER_S_CET_IBT] = { PLACE_MSR, MSR_IA32_S_CET, CET_ENDBR_EN,
			       CET_ENDBR_EN, .feature = X86_FEATURE_IBT },
	[ATTACK_REGISTER_IDTR] = { PLACE_IDTR, .move = true },
	[ATTACK_REGISTER_GDTR] = { PLACE_GDTR, .move = true },
};

static u64 read_place(const struct register_attack *a)
{
	switch (a->place) {
	case PLACE_CR0:
		return raw_read_cr0();
	case PLACE_CR4:
		return raw_read_cr4();
	case PLACE_MSR:
		return raw_read_msr(a->msr);
	case PLACE_IDTR:
		return read_idtr();
	case PLACE_GDTR:
		return read_gdtr();
	}
	return 0;
}

static int write_place(const struct register_attack *a, u64 value)
{
	switch (a->place) {
	case PLACE_CR0:
		return raw_write_cr0(value);
	case PLACE_CR4:
		return raw_write_cr4(value);
	case PLACE_MSR:
		return wrmsrq_safe(a->msr, value);
	case PLACE_IDTR:
		return write_idtr(value);
	case PLACE_GDTR:
		return write_gdtr(value);
	}
	return -EINVAL;
}

/* The moved tables are copies, so that Linux lives on in a moved one. */
static u64 moved(const struct register_attack *a, u64 value)
{
	if (a->place == PLACE_IDTR || a->place == PLACE_GDTR)
		memcpy(forged, (void *)value, PAGE_SIZE);
	return (u64)forged;
}

static void perform(struct attack_request *q)
{
	const struct register_attack *a =
		&attacks[q->attack - ATTACK_REGISTER_CR0_WP];
	unsigned long flags;
	u64 cr4 = 0;
	int err;

	if (a->feature && !boot_cpu_has(a->feature))
		return;

	local_irq_save(flags);
	q->before = read_place(a);
	if (a->need && !(q->before & a->need)) {
		local_irq_restore(flags);
		return;
	}
	/* With CET on, WP cannot be cleared: #GP. CET goes first, then. */
	if (a->place == PLACE_CR0) {
		cr4 = raw_read_cr4();
		if (cr4 & X86_CR4_CET)
			raw_write_cr4(cr4 & ~X86_CR4_CET);
	}
	err = write_place(a, a->move ? moved(a, q->before) :
				       q->before ^ a->flip);
	q->after = read_place(a);
	if (q->after != q->before) {
		write_place(a, q->before);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = err ? ATTACK_RAISED_FAULT : ATTACK_HAD_NO_EFFECT;
	}
	if (cr4)
		raw_write_cr4(cr4);
	local_irq_restore(flags);
}

int attack_registers_init(void)
{
	forged = (void *)get_zeroed_page(GFP_KERNEL);
	return forged ? 0 : -ENOMEM;
}

void attack_registers_exit(void)
{
	free_page((unsigned long)forged);
}

const struct attack_group attack_registers = {
	.first = ATTACK_REGISTER_CR0_WP,
	.last = ATTACK_REGISTER_GDTR,
	.perform = perform,
};
