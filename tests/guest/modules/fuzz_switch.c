// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's sandbox: giving the CPU to it, and back to Linux
 *
 * While it is open, interrupts are off, the task priority keeps external ones
 * away even from an instruction that turns them on, and no translation is
 * global. Linux's code then runs with the sandbox's descriptor tables, which
 * have Linux's own selectors.
 */
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "fuzz_registers.h"

struct sandbox fuzz_sandbox __aligned(PAGE_SIZE);

#define CHECK(name, member)						\
	static_assert(offsetof(struct sandbox, member) == (name))
CHECK(CTX_SAVED_RSP, context.saved_rsp);
CHECK(CTX_ACTIVE, context.active);
CHECK(CTX_FIXUP, context.fixup);
CHECK(CTX_KERNEL_CR3, context.kernel_cr3);
CHECK(CTX_CR3, context.cr3);
CHECK(CTX_BASE_CR0, context.base_cr0);
CHECK(CTX_BASE_CR4, context.base_cr4);
CHECK(CTX_KERNEL_FS_BASE, context.kernel_fs_base);
CHECK(CTX_KERNEL_GS_BASE, context.kernel_gs_base);
CHECK(CTX_NMIS, context.nmis);
CHECK(CTX_GDTR, context.gdtr);
CHECK(CTX_IDTR, context.idtr);
CHECK(CTX_KERNEL_IDTR, context.kernel_idtr);
CHECK(CTX_TRIAL_CR0, context.in.cr0);
CHECK(CTX_TRIAL_CR4, context.in.cr4);
CHECK(CTX_TRIAL_DR7, context.in.dr7);
CHECK(CTX_TRIAL_FS_BASE, context.in.fs_base);
CHECK(CTX_TRIAL_GS_BASE, context.in.gs_base);
CHECK(CTX_TRIAL_FRAME, context.in.rip);
CHECK(CTX_TRIAL_GPR, context.in.gpr);
CHECK(CTX_OUT_GPR, context.out.gpr);
CHECK(CTX_OUT_CR0, context.out.cr0);
CHECK(CTX_OUT_CR8, context.out.cr8);
CHECK(CTX_OUT_DR7, context.out.dr7);
CHECK(CTX_OUT_DS, context.out.ds);
CHECK(CTX_OUT_TR, context.out.tr);
CHECK(CTX_OUT_GS_BASE, context.out.gs_base);
CHECK(CTX_OUT_GDTR, context.out.gdtr);
CHECK(CTX_OUT_IDTR, context.out.idtr);
CHECK(CTX_OUT_FRAME, context.out.frame);
CHECK(CTX_LANDING_RSP, context.out.landing_rsp);
CHECK(CTX_OUT_EFER, context.out.efer);
CHECK(CTX_BASE_EFER, context.base_efer);
CHECK(SANDBOX_TABLES, gdt);
CHECK(SANDBOX_TASK, tss);
CHECK(SANDBOX_STACK, stack);
CHECK(SANDBOX_IDT, idt);
static_assert(sizeof(struct sandbox) == SANDBOX_SIZE);
static_assert(FUZZ_SYSCALL == SANDBOX_SYSCALL);
static_assert(FUZZ_SYSENTER == SANDBOX_SYSENTER);

/**
 * sandbox_cr3() - CR3 as a trial finds it
 */
u64 sandbox_cr3(void)
{
	return ctx.cr3;
}

/**
 * sandbox_base_cr0() - CR0 before a trial has changes of its own: Linux's
 */
u64 sandbox_base_cr0(void)
{
	return ctx.base_cr0;
}

/**
 * sandbox_base_cr4() - CR4 before a trial has changes of its own: Linux's, but
 *	for PGE
 */
u64 sandbox_base_cr4(void)
{
	return ctx.base_cr4;
}

static void make_tables(void)
{
	unsigned long tss = (unsigned long)&fuzz_sandbox.tss;
	ldt_desc *ldt = (ldt_desc *)&fuzz_sandbox.gdt[SANDBOX_LDT / 8];
	unsigned long stub = (unsigned long)fuzz_stubs;
	tss_desc *task = (tss_desc *)&fuzz_sandbox.gdt[SANDBOX_TSS / 8];
	unsigned int i;

	/* Linux's, per-thread ones excepted, then ours */
	memcpy(fuzz_sandbox.gdt, get_cpu_gdt_rw(smp_processor_id()),
	       16 * sizeof(u64));
	memset(&fuzz_sandbox.gdt[GDT_ENTRY_TLS_MIN], 0,
	       GDT_ENTRY_TLS_ENTRIES * sizeof(u64));
	for (i = 1; i < 7; i++)
		fuzz_sandbox.gdt[i] |= BIT_ULL(40);	/* accessed */
	set_tssldt_descriptor(task, tss, DESC_TSS, __KERNEL_TSS_LIMIT);
	set_tssldt_descriptor(ldt, (unsigned long)fuzz_sandbox.ldt, DESC_LDT,
			      sizeof(fuzz_sandbox.ldt) - 1);
	fuzz_sandbox.gdt[SANDBOX_KERNEL_CS32 / 8] = 0x00cf9b000000ffffULL;
	fuzz_sandbox.gdt[SANDBOX_KERNEL_CS16 / 8] =
		0x00009b000000ffffULL | FUZZ_KCODE << 16;
	fuzz_sandbox.gdt[SANDBOX_USER_CS16 / 8] =
		0x0000fb000000ffffULL | FUZZ_CODE << 16;

	memset(&fuzz_sandbox.tss, 0, sizeof(fuzz_sandbox.tss));
	fuzz_sandbox.tss.io_bitmap_base = IO_BITMAP_OFFSET_INVALID;
	fuzz_sandbox.tss.sp0 = (unsigned long)fuzz_sandbox.stack + PAGE_SIZE;
	for (i = 0; i < 7; i++)
		fuzz_sandbox.tss.ist[i] = fuzz_sandbox.tss.sp0;

	for (i = 0; i < 256; i++) {
		gate_desc *gate = &fuzz_sandbox.idt[i];

		gate->offset_low = stub;
		gate->offset_middle = stub >> 16;
		gate->offset_high = stub >> 32;
		gate->segment = __KERNEL_CS;
		gate->bits.ist = 1;
		gate->bits.type = GATE_INTERRUPT;
		/* As in Linux, and each second one of those it has not */
		gate->bits.dpl = i == 3 || i == 4 || i == 0x80 ||
				 (i >= 32 && i % 2) ? 3 : 0;
		gate->bits.p = 1;
		stub += SANDBOX_STUB_SIZE;
	}
	ctx.gdtr.address = (unsigned long)fuzz_sandbox.gdt;
	ctx.gdtr.size = SANDBOX_GDT_SIZE - 1;
	ctx.idtr.address = (unsigned long)fuzz_sandbox.idt;
	ctx.idtr.size = sizeof(fuzz_sandbox.idt) - 1;
}

/* MSRs that the sandbox has values of its own for */
static const u32 own_msrs[] = {
	MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP, MSR_KERNEL_GS_BASE,
	MSR_FS_BASE,
};

/**
 * sandbox_rdmsr() - read an MSR that may not be there
 * @index: MSR
 * @value: set; 0 when it fails
 *
 * Context: between sandbox_open() and sandbox_close(), whose handlers know of
 *	the fix-up.
 *
 * Return: whether there was no fault.
 */
bool sandbox_rdmsr(u32 index, u64 *value)
{
	u32 low = 0, high = 0;
	bool good = true;

	asm volatile("lea 1f(%%rip), %%rax\n\t"
		     "mov %%rax, %[fixup]\n\t"
		     "rdmsr\n\t"
		     /* Always taken, but objtool need not know. */
		     "test %%rsp, %%rsp\n\t"
		     "jnz 2f\n"
		     "1:\txor %k[good], %k[good]\n"
		     "2:\tmovq $0, %[fixup]"
		     : "=&a" (low), "=&d" (high), [good] "+&r" (good),
		       [fixup] "+m" (ctx.fixup)
		     : "c" (index) : "memory");
	*value = good ? (u64)high << 32 | low : 0;
	return good;
}

/**
 * sandbox_wrmsr() - write to an MSR that may not take it
 * @index: MSR
 * @value: for it
 *
 * Context: between sandbox_open() and sandbox_close().
 *
 * Return: whether there was no fault.
 */
bool sandbox_wrmsr(u32 index, u64 value)
{
	u32 low = value;
	bool good = true;

	asm volatile("lea 1f(%%rip), %%r8\n\t"
		     "mov %%r8, %[fixup]\n\t"
		     "wrmsr\n\t"
		     /* Always taken, but objtool need not know. */
		     "test %%rsp, %%rsp\n\t"
		     "jnz 2f\n"
		     "1:\txor %k[good], %k[good]\n"
		     "2:\tmovq $0, %[fixup]"
		     : [good] "+&r" (good), [fixup] "+m" (ctx.fixup)
		     : "c" (index), "a" (low), "d" ((u32)(value >> 32))
		     : "r8", "memory");
	return good;
}

/**
 * sandbox_xcr0() - XCR0 as a trial finds it: Linux's
 */
u64 sandbox_xcr0(void)
{
	return ctx.base_xcr0;
}

static void load_idt_raw(const struct desc_ptr *idtr)
{
	asm volatile("lidt %0" : : "m" (*idtr));
}

static void load_gdt_raw(const struct desc_ptr *gdtr)
{
	asm volatile("lgdt %0" : : "m" (*gdtr));
}

/**
 * sandbox_open() - give the CPU to the sandbox
 * @k: set: what to give back
 *
 * Context: interrupts off, in kernel_fpu_begin().
 */
void sandbox_open(struct sandbox_state *k)
{
	unsigned int i;

	make_tables();
	k->cr0 = READ_REG(cr0);
	k->cr4 = READ_REG(cr4);
	k->cr8 = READ_REG(cr8);
	k->dr7 = READ_REG(dr7);
	k->xcr0 = xgetbv0();
	for (i = 0; i < ARRAY_SIZE(own_msrs); i++)
		k->msr[i] = bare_rdmsr(own_msrs[i]);
	asm volatile("sldt %0" : "=m" (k->ldtr));
	asm volatile("str %0" : "=m" (k->tr));
	asm volatile("mov %%ds, %0" : "=m" (k->ds));
	asm volatile("mov %%es, %0" : "=m" (k->es));
	asm volatile("mov %%fs, %0" : "=m" (k->fs));
	asm volatile("mov %%gs, %0" : "=m" (k->gs));
	asm volatile("sgdt %0" : "=m" (k->gdtr));
	asm volatile("sidt %0" : "=m" (ctx.kernel_idtr));

	ctx.base_xcr0 = k->xcr0;
	if (k->cr4 & X86_CR4_PKE)
		k->pkru = rdpkru_raw();
	ctx.base_cr0 = k->cr0 & ~X86_CR0_TS;
	ctx.base_cr4 = k->cr4 & ~X86_CR4_PGE;
	ctx.kernel_cr3 = READ_REG(cr3);
	ctx.kernel_fs_base = bare_rdmsr(MSR_FS_BASE);
	ctx.kernel_gs_base = bare_rdmsr(MSR_GS_BASE);
	ctx.base_efer = bare_rdmsr(MSR_EFER);
	ctx.nmis = 0;

	WRITE_REG(cr8, 15);
	WRITE_REG(cr4, ctx.base_cr4);
	WRITE_REG(dr7, DR7_FIXED);
	bare_wrmsr(MSR_LSTAR, (u64)fuzz_syscall);
	bare_wrmsr(MSR_CSTAR, (u64)fuzz_syscall);
	bare_wrmsr(MSR_IA32_SYSENTER_CS, __KERNEL_CS);
	bare_wrmsr(MSR_IA32_SYSENTER_ESP,
		  (u64)fuzz_sandbox.stack + PAGE_SIZE - 256);
	bare_wrmsr(MSR_IA32_SYSENTER_EIP, (u64)fuzz_sysenter);

	load_gdt_raw(&ctx.gdtr);
	load_tr();
	load_idt_raw(&ctx.idtr);
	asm volatile("lldt %w0" : : "r" (SANDBOX_LDT));
}

/**
 * sandbox_close() - give the CPU back to Linux
 * @k: what sandbox_open() found
 *
 * Linux maps its GDT read-only, so TR is loaded by way of the other mapping.
 */
void sandbox_close(const struct sandbox_state *k)
{
	struct desc_struct *gdt = get_cpu_gdt_rw(smp_processor_id());
	struct desc_ptr writable = { .address = (unsigned long)gdt,
				     .size = k->gdtr.size };
	unsigned int i;

	load_gdt_raw(&writable);
	((u64 *)gdt)[k->tr / 8] &= ~BIT_ULL(41);
	asm volatile("ltr %w0" : : "r" (k->tr));
	asm volatile("lldt %w0" : : "r" (k->ldtr));
	load_gdt_raw(&k->gdtr);
	load_idt_raw(&ctx.kernel_idtr);
	asm volatile("mov %0, %%ds" : : "m" (k->ds));
	asm volatile("mov %0, %%es" : : "m" (k->es));
	asm volatile("mov %0, %%fs" : : "m" (k->fs));
	asm volatile("mov %0, %%gs" : : "m" (k->gs));
	for (i = 0; i < ARRAY_SIZE(own_msrs); i++)
		bare_wrmsr(own_msrs[i], k->msr[i]);
	bare_wrmsr(MSR_GS_BASE, ctx.kernel_gs_base);

	WRITE_REG(dr0, 0);
	WRITE_REG(dr1, 0);
	WRITE_REG(dr2, 0);
	WRITE_REG(dr3, 0);
	WRITE_REG(dr6, DR6_FIXED);
	WRITE_REG(dr7, k->dr7);
	if (has_pkru())
		wrpkru_raw(k->pkru);
	WRITE_REG(cr0, k->cr0);
	WRITE_REG(cr4, k->cr4);
	WRITE_REG(cr8, k->cr8);

	/* By software: what has come was counted, and is Linux's to look into. */
	for (i = 0; i < ctx.nmis; i++)
		asm volatile("int $2");
}

