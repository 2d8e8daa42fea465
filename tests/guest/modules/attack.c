// SPDX-License-Identifier: GPL-2.0
/*
 * What an attacker who has got into the kernel would do: attack.h
 */
#include <linux/irqflags.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "attack.h"

/* A page of its own for a table in a wrong place */
static void *forged;
static DEFINE_MUTEX(last_lock);
static struct attack_request last;

#define RAW_CR(n)							\
static u64 raw_read_cr##n(void)						\
{									\
	u64 value;							\
									\
	asm volatile("mov %%cr" #n ", %0" : "=r" (value));		\
	return value;							\
}									\
									\
static int raw_write_cr##n(u64 value)					\
{									\
	int err = -EFAULT;						\
									\
	asm volatile("1: mov %1, %%cr" #n "\n\txor %0, %0\n2:\n"	\
		     _ASM_EXTABLE(1b, 2b)				\
		     : "+r" (err) : "r" (value) : "memory");		\
	return err;							\
}

RAW_CR(0)
RAW_CR(4)

static u64 raw_read_msr(u32 index)
{
	u64 value;

	return rdmsrl_safe(index, &value) ? 0 : value;
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
} attacks[ATTACK_COUNT] = {
	[ATTACK_CR0_WP] = { PLACE_CR0, 0, X86_CR0_WP, X86_CR0_WP },
	[ATTACK_CR4_SMEP] = { PLACE_CR4, 0, X86_CR4_SMEP, X86_CR4_SMEP },
	[ATTACK_CR4_SMAP] = { PLACE_CR4, 0, X86_CR4_SMAP, X86_CR4_SMAP },
	[ATTACK_CR4_UMIP] = { PLACE_CR4, 0, X86_CR4_UMIP, X86_CR4_UMIP },
	[ATTACK_CR4_CET] = { PLACE_CR4, 0, X86_CR4_CET, X86_CR4_CET },
	[ATTACK_EFER_SCE] = { PLACE_MSR, MSR_EFER, EFER_SCE, EFER_SCE },
	[ATTACK_EFER_NXE] = { PLACE_MSR, MSR_EFER, EFER_NX, EFER_NX },
	[ATTACK_STAR] = { PLACE_MSR, MSR_STAR, 1ULL << 48 },
	[ATTACK_LSTAR] = { PLACE_MSR, MSR_LSTAR, .move = true },
	[ATTACK_CSTAR] = { PLACE_MSR, MSR_CSTAR, .move = true },
	[ATTACK_FMASK] = { PLACE_MSR, MSR_SYSCALL_MASK, X86_EFLAGS_IF },
	[ATTACK_SYSENTER_CS] = { PLACE_MSR, MSR_IA32_SYSENTER_CS, 8 },
	[ATTACK_SYSENTER_ESP] = { PLACE_MSR, MSR_IA32_SYSENTER_ESP,
				  .move = true },
	[ATTACK_SYSENTER_EIP] = { PLACE_MSR, MSR_IA32_SYSENTER_EIP,
				  .move = true },
	[ATTACK_S_CET_IBT] = { PLACE_MSR, MSR_IA32_S_CET, CET_ENDBR_EN,
			       CET_ENDBR_EN, .feature = X86_FEATURE_IBT },
	[ATTACK_IDTR] = { PLACE_IDTR, .move = true },
	[ATTACK_GDTR] = { PLACE_GDTR, .move = true },
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
		return wrmsrl_safe(a->msr, value);
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

static void attack_register(const struct register_attack *a,
			    struct attack_request *q)
{
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

static long perform(struct attack_request *q)
{
	q->effect = ATTACK_NOT_HERE;
	attack_register(&attacks[q->attack], q);

	mutex_lock(&last_lock);
	last = *q;
	mutex_unlock(&last_lock);
	return 0;
}

static long attack_ioctl(struct file *file, unsigned int command,
			 unsigned long argument)
{
	struct attack_request __user *user = (void __user *)argument;
	struct attack_request q;
	long err;

	if (command == ATTACK_LAST)
		return copy_to_user(user, &last, sizeof(last)) ? -EFAULT : 0;
	if (command != ATTACK_PERFORM)
		return -ENOTTY;
	if (copy_from_user(&q, user, sizeof(q)))
		return -EFAULT;
	if (q.attack >= ATTACK_COUNT)
		return -EINVAL;
	err = perform(&q);
	return !err && copy_to_user(user, &q, sizeof(q)) ? -EFAULT : err;
}

static const struct file_operations attack_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = attack_ioctl,
};

static struct miscdevice attack_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "attack",
	.fops = &attack_fops,
};

static int __init attack_init(void)
{
	int err;

	forged = (void *)get_zeroed_page(GFP_KERNEL);
	if (!forged)
		return -ENOMEM;
	err = misc_register(&attack_device);
	if (err)
		free_page((unsigned long)forged);
	return err;
}

static void __exit attack_exit(void)
{
	misc_deregister(&attack_device);
	free_page((unsigned long)forged);
}

module_init(attack_init);
module_exit(attack_exit);

MODULE_DESCRIPTION("Attacks on the kernel that it runs in, for tests");
MODULE_LICENSE("GPL");
