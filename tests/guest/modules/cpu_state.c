// SPDX-License-Identifier: GPL-2.0
/*
 * The architectural state of the CPU that the reader runs on, as text
 *
 * /sys/kernel/debug/cpu_state: lines of a name and a value; the reader pins
 * itself. All is recorded at once, with interrupts off, in the context of the
 * reader: what belongs to a process (CR3, FS base) is the same for the same
 * reader.
 */
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <linux/vmalloc.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "../../../module/compat.h"

#define ENTRIES_MAX	2048

struct entry {
	char name[32];
	u64 value;
	bool fault;
};

struct record {
	unsigned int count;
	struct entry entries[ENTRIES_MAX];
};

static __printf(3, 4) void add(struct record *r, u64 value,
			       const char *format, ...)
{
	struct entry *e = &r->entries[r->count];
	va_list args;

	/* One too many shows: cpu_state_show() refuses a full record. */
	if (r->count == ENTRIES_MAX - 1)
		return;
	r->count++;
	e->value = value;
	e->fault = false;
	va_start(args, format);
	vsnprintf(e->name, sizeof(e->name), format, args);
	va_end(args);
}

/*
 * What a CPU has differs from model to model: an MSR that it does not have is
 * recorded as such. Left out is what counts by itself, but for the TSC.
 */
static const struct {
	u32 index;
	const char *name;
} msrs[] = {
	{ 0x010, "tsc" },
	{ 0x01b, "apic_base" },
	{ 0x03a, "feature_control" },
	{ 0x03b, "tsc_adjust" },
	{ 0x048, "spec_ctrl" },
	{ 0x0ce, "platform_info" },
	{ 0x0cf, "core_capabilities" },
	{ 0x0e1, "umwait_control" },
	{ 0x0fe, "mtrrcap" },
	{ 0x10a, "arch_capabilities" },
	{ 0x122, "tsx_ctrl" },
	{ 0x140, "misc_features_enables" },
	{ 0x174, "sysenter_cs" },
	{ 0x175, "sysenter_esp" },
	{ 0x176, "sysenter_eip" },
	{ 0x179, "mcg_cap" },
	{ 0x17a, "mcg_status" },
	{ 0x17b, "mcg_ctl" },
	{ 0x186, "perfevtsel0" },
	{ 0x187, "perfevtsel1" },
	{ 0x188, "perfevtsel2" },
	{ 0x189, "perfevtsel3" },
	{ 0x1a0, "misc_enable" },
	{ 0x1c4, "xfd" },
	{ 0x1c5, "xfd_err" },
	{ 0x1c8, "lbr_select" },
	{ 0x1d9, "debugctl" },
	{ 0x200, "mtrr_physbase0" },
	{ 0x201, "mtrr_physmask0" },
	{ 0x202, "mtrr_physbase1" },
	{ 0x203, "mtrr_physmask1" },
	{ 0x204, "mtrr_physbase2" },
	{ 0x205, "mtrr_physmask2" },
	{ 0x206, "mtrr_physbase3" },
	{ 0x207, "mtrr_physmask3" },
	{ 0x208, "mtrr_physbase4" },
	{ 0x209, "mtrr_physmask4" },
	{ 0x20a, "mtrr_physbase5" },
	{ 0x20b, "mtrr_physmask5" },
	{ 0x20c, "mtrr_physbase6" },
	{ 0x20d, "mtrr_physmask6" },
	{ 0x20e, "mtrr_physbase7" },
	{ 0x20f, "mtrr_physmask7" },
	{ 0x250, "mtrr_fix64k_00000" },
	{ 0x258, "mtrr_fix16k_80000" },
	{ 0x259, "mtrr_fix16k_a0000" },
	{ 0x268, "mtrr_fix4k_c0000" },
	{ 0x269, "mtrr_fix4k_c8000" },
	{ 0x26a, "mtrr_fix4k_d0000" },
	{ 0x26b, "mtrr_fix4k_d8000" },
	{ 0x26c, "mtrr_fix4k_e0000" },
	{ 0x26d, "mtrr_fix4k_e8000" },
	{ 0x26e, "mtrr_fix4k_f0000" },
	{ 0x26f, "mtrr_fix4k_f8000" },
	{ 0x277, "pat" },
	{ 0x2ff, "mtrr_def_type" },
	{ 0x345, "perf_capabilities" },
	{ 0x38d, "fixed_ctr_ctrl" },
	{ 0x38f, "perf_global_ctrl" },
	{ 0x3f1, "pebs_enable" },
	{ 0x480, "vmx_basic" },
	{ 0x481, "vmx_pinbased_ctls" },
	{ 0x482, "vmx_procbased_ctls" },
	{ 0x483, "vmx_exit_ctls" },
	{ 0x484, "vmx_entry_ctls" },
	{ 0x485, "vmx_misc" },
	{ 0x486, "vmx_cr0_fixed0" },
	{ 0x487, "vmx_cr0_fixed1" },
	{ 0x488, "vmx_cr4_fixed0" },
	{ 0x489, "vmx_cr4_fixed1" },
	{ 0x48a, "vmx_vmcs_enum" },
	{ 0x48b, "vmx_procbased_ctls2" },
	{ 0x48c, "vmx_ept_vpid_cap" },
	{ 0x48d, "vmx_true_pinbased_ctls" },
	{ 0x48e, "vmx_true_procbased_ctls" },
	{ 0x48f, "vmx_true_exit_ctls" },
	{ 0x490, "vmx_true_entry_ctls" },
	{ 0x491, "vmx_vmfunc" },
	{ 0x492, "vmx_procbased_ctls3" },
	{ 0x493, "vmx_exit_ctls2" },
	{ 0x570, "rtit_ctl" },
	{ 0x600, "ds_area" },
	{ 0x6a0, "u_cet" },
	{ 0x6a2, "s_cet" },
	{ 0x6a4, "pl0_ssp" },
	{ 0x6a5, "pl1_ssp" },
	{ 0x6a6, "pl2_ssp" },
	{ 0x6a7, "pl3_ssp" },
	{ 0x6a8, "interrupt_ssp_table_addr" },
	{ 0x6e1, "pkrs" },
	{ 0xda0, "xss" },
	{ 0xc0000080, "efer" },
	{ 0xc0000081, "star" },
	{ 0xc0000082, "lstar" },
	{ 0xc0000083, "cstar" },
	{ 0xc0000084, "fmask" },
	{ 0xc0000100, "fs_base" },
	{ 0xc0000101, "gs_base" },
	{ 0xc0000102, "kernel_gs_base" },
	{ 0xc0000103, "tsc_aux" },
};

static void record_msrs(struct record *r)
{
	unsigned int i;
	bool fault;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		value = 0;
		fault = rdmsrq_safe(msrs[i].index, &value);
		add(r, value, "msr.%s", msrs[i].name);
		r->entries[r->count - 1].fault = fault;
	}
}

static unsigned long no_linux_cr4(void)
{
	return 0;
}

/* What Linux believes, cr4_read_shadow(), which is exported to KVM only by now */
DEFINE_STATIC_CALL(linux_cr4, no_linux_cr4);

/*
 * The first time has to be bare: behind an ENDBR, as here, no static call of Linux's
 * leads.
 */
static int find_linux_cr4(void)
{
	struct kprobe probe = {
		.symbol_name = "cr4_read_shadow",
		.flags = KPROBE_FLAG_DISABLED,
	};
	static bool found;
	int err;

	if (found)
		return 0;
	err = register_kprobe(&probe);
	if (err)
		return err;
	compat_static_call_update(linux_cr4, probe.addr);
	unregister_kprobe(&probe);
	found = true;
	return 0;
}

static void record_control(struct record *r)
{
	unsigned long value;

	add(r, read_cr0(), "cr0");
	add(r, read_cr2(), "cr2");
	add(r, __read_cr3(), "cr3");
	add(r, __read_cr4(), "cr4");
	asm volatile("mov %%cr8, %0" : "=r" (value));
	add(r, value, "cr8");
	add(r, static_call(linux_cr4)(), "linux_cr4");
	if (__read_cr4() & X86_CR4_OSXSAVE) {
		u32 low, high;

		asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
		add(r, (u64)high << 32 | low, "xcr0");
	}
	/* The arithmetic flags would be those of whatever came before. */
	asm volatile("xor %%eax, %%eax; pushfq; popq %0"
		     : "=r" (value) : : "rax", "cc");
	add(r, value, "rflags");
}

static void record_debug(struct record *r)
{
	unsigned long value;

#define RECORD_DR(number)						\
	do {								\
		asm volatile("mov %%dr" #number ", %0" : "=r" (value));	\
		add(r, value, "dr" #number);				\
	} while (0)

	RECORD_DR(0);
	RECORD_DR(1);
	RECORD_DR(2);
	RECORD_DR(3);
	RECORD_DR(6);
	RECORD_DR(7);
#undef RECORD_DR
}

static void record_selector(struct record *r, const char *name, u16 selector)
{
	unsigned long rights = 0, limit = 0;

	add(r, selector, "%s.selector", name);
	asm("lar %1, %0" : "+r" (rights) : "r" ((unsigned long)selector) : "cc");
	add(r, rights, "%s.rights", name);
	asm("lsl %1, %0" : "+r" (limit) : "r" ((unsigned long)selector) : "cc");
	add(r, limit, "%s.limit", name);
}

/* Without the fields that Linux uses as scratch space */
static void record_tss(struct record *r, const struct desc_struct *gdt, u16 tr)
{
	const struct ldttss_desc *d = (const void *)&gdt[tr / 8];
	const struct x86_hw_tss *tss;
	unsigned int i;

	tss = (const void *)(d->base0 | d->base1 << 16 |
			     (unsigned long)d->base2 << 24 |
			     (unsigned long)d->base3 << 32);
	add(r, (unsigned long)tss, "tr.base");
	add(r, tss->sp0, "tss.sp0");
	for (i = 0; i < ARRAY_SIZE(tss->ist); i++)
		add(r, tss->ist[i], "tss.ist%u", i + 1);
	add(r, tss->io_bitmap_base, "tss.io_bitmap_base");
}

static void record_segments(struct record *r)
{
	struct desc_ptr gdt, idt;
	u16 ldtr, tr, selector;
	unsigned int i;

#define RECORD_SEGMENT(name)						\
	do {								\
		asm volatile("mov %%" #name ", %0" : "=r" (selector));	\
		record_selector(r, #name, selector);			\
	} while (0)

	RECORD_SEGMENT(cs);
	RECORD_SEGMENT(ss);
	RECORD_SEGMENT(ds);
	RECORD_SEGMENT(es);
	RECORD_SEGMENT(fs);
	RECORD_SEGMENT(gs);
#undef RECORD_SEGMENT
	asm volatile("sldt %0" : "=r" (ldtr));
	asm volatile("str %0" : "=r" (tr));
	record_selector(r, "ldtr", ldtr);
	record_selector(r, "tr", tr);

	native_store_gdt(&gdt);
	add(r, gdt.address, "gdtr.base");
	add(r, gdt.size, "gdtr.limit");
	/* What is wrong shall be told: the limit may be more than is there. */
	for (i = 0; i < min(gdt.size + 1, GDT_SIZE) / 8; i++)
		add(r, ((u64 *)gdt.address)[i], "gdt.%02u", i);
	record_tss(r, (const void *)gdt.address, tr);

	store_idt(&idt);
	add(r, idt.address, "idtr.base");
	add(r, idt.size, "idtr.limit");
	add(r, crc32_le(~0, (void *)idt.address,
			min(idt.size + 1, IDT_ENTRIES * 16)), "idt.crc");
}

/* Leaves that have subleaves, and how many of them to record */
static u32 subleaves(u32 leaf)
{
	switch (leaf) {
	case 0x04:
	case 0x07:
	case 0x0b:
	case 0x0f:
	case 0x10:
	case 0x12:
	case 0x14:
	case 0x17:
	case 0x18:
	case 0x1d:
	case 0x1f:
	case 0x23:
	case 0x24:
		return 8;
	case 0x0d:
		return 20;
	default:
		return 1;
	}
}

static void record_leaves(struct record *r, u32 base)
{
	u32 leaf, subleaf, last, regs[4];

	last = cpuid_eax(base);
	/* What is beyond the last leaf is defined, too. */
	for (leaf = base; leaf <= last + 1; leaf++) {
		for (subleaf = 0; subleaf < subleaves(leaf); subleaf++) {
			cpuid_count(leaf, subleaf, &regs[0], &regs[1],
				    &regs[2], &regs[3]);
			add(r, (u64)regs[0] << 32 | regs[1],
			    "cpuid.%08x.%u.eax_ebx", leaf, subleaf);
			add(r, (u64)regs[2] << 32 | regs[3],
			    "cpuid.%08x.%u.ecx_edx", leaf, subleaf);
		}
	}
}

static void record_all(struct record *r)
{
	unsigned long flags;

	local_irq_save(flags);
	add(r, smp_processor_id(), "cpu");
	record_control(r);
	record_debug(r);
	record_segments(r);
	record_msrs(r);
	record_leaves(r, 0);
	record_leaves(r, 0x80000000);
	/* Where hypervisors introduce themselves; Carapace does not. */
	record_leaves(r, 0x40000000);
	local_irq_restore(flags);
}

static int cpu_state_show(struct seq_file *seq, void *unused)
{
	struct record *r;
	const struct entry *e;
	int err;

	err = find_linux_cr4();
	if (err)
		return err;
	r = vzalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	record_all(r);
	for (e = r->entries; e < r->entries + r->count; e++) {
		if (e->fault)
			seq_printf(seq, "%s #GP\n", e->name);
		else
			seq_printf(seq, "%s %#llx\n", e->name, e->value);
	}
	if (r->count == ENTRIES_MAX - 1) {
		vfree(r);
		return -E2BIG;
	}
	vfree(r);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(cpu_state);

static struct dentry *file;

static int __init cpu_state_init(void)
{
	file = debugfs_create_file("cpu_state", 0400, NULL, NULL,
				   &cpu_state_fops);
	return PTR_ERR_OR_ZERO(file);
}

static void __exit cpu_state_exit(void)
{
	debugfs_remove(file);
}

module_init(cpu_state_init);
module_exit(cpu_state_exit);

MODULE_DESCRIPTION("For tests: the architectural state of a CPU");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
