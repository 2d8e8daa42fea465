// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's sandbox: one trial, and what is left behind
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/irq_vectors.h>
#include <asm/msr-index.h>

#include "fuzz_registers.h"

#define XSTATE_PKRU	BIT_ULL(9)
#define XSTATE_AVX	7ULL
#define XSAVE_AREA_SIZE	(12 * 1024)

/* In words, in the standard format */
#define XSAVE_X87	4
#define XSAVE_SSE_END	52
#define XSAVE_HEADER	64
#define XSAVE_AVX	72
#define XSAVE_AVX_END	104
#define XSAVE_AVX512	136
#define XSAVE_AVX512_END	336

struct mode {
	u16 cs, ss;
	unsigned long code;	/* CS base */
};

static u8 *xsave_before, *xsave_after;

static const struct mode modes[FUZZ_MODES] = {
	[FUZZ_KERNEL_64] = { SANDBOX_KERNEL_CS, SANDBOX_KERNEL_DS, 0 },
	[FUZZ_KERNEL_32] = { SANDBOX_KERNEL_CS32, SANDBOX_KERNEL_DS, 0 },
	[FUZZ_KERNEL_16] = { SANDBOX_KERNEL_CS16, SANDBOX_KERNEL_DS,
			     FUZZ_KCODE },
	[FUZZ_USER_64]   = { SANDBOX_USER_CS, SANDBOX_USER_DS, 0 },
	[FUZZ_USER_32]   = { SANDBOX_USER_CS32, SANDBOX_USER_DS, 0 },
	[FUZZ_USER_16]   = { SANDBOX_USER_CS16, SANDBOX_USER_DS,
			     FUZZ_CODE },
};

/* RDMSR and WRMSR do not look at x87, SSE and AVX state. */
static bool uses_fpu(const struct fuzz_trial *t)
{
	return t->kind != FUZZ_MSR;
}

/**
 * sandbox_create() - make what trials run in
 *
 * Return: 0 or -ENOMEM; then sandbox_destroy() frees what there is.
 */
int sandbox_create(void)
{
	unsigned int i;

	xsave_before = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
					      get_order(XSAVE_AREA_SIZE));
	xsave_after = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
					     get_order(XSAVE_AREA_SIZE));
	if (!xsave_before || !xsave_after)
		return -ENOMEM;
	/* x87 and SSE registers, and AVX's behind the header */
	for (i = XSAVE_X87; i < XSAVE_AVX_END; i++) {
		if (i < XSAVE_SSE_END || i >= XSAVE_AVX)
			((u64 *)xsave_before)[i] = i * 0x9e3779b97f4a7c15UL;
	}
	return sandbox_create_memory();
}

/**
 * sandbox_destroy() - free it
 */
void sandbox_destroy(void)
{
	free_pages((unsigned long)xsave_before, get_order(XSAVE_AREA_SIZE));
	free_pages((unsigned long)xsave_after, get_order(XSAVE_AREA_SIZE));
	sandbox_destroy_memory();
}

static void load_fpu(const struct fuzz_trial *t)
{
	u32 low = ctx.base_xcr0 & ~XSTATE_PKRU, high = ctx.base_xcr0 >> 32;
	u64 *x = (u64 *)xsave_before;

	x[0] = t->x87_control_status | 0xffUL << 32;
	x[3] = t->mxcsr;
	x[XSAVE_HEADER] = ctx.base_xcr0 & XSTATE_AVX;
	asm volatile("xrstor64 %0" : : "m" (*xsave_before), "a" (low),
		     "d" (high) : "memory");
}

static u64 fpu_hash(void)
{
	u32 low = ctx.base_xcr0 & ~XSTATE_PKRU, high = ctx.base_xcr0 >> 32;
	const u64 *x = (const u64 *)xsave_after;
	u64 hash = 0;

	asm volatile("xsave64 %0" : "=m" (*xsave_after) : "a" (low),
		     "d" (high) : "memory");
	hash = mix_words(hash, x, XSAVE_SSE_END);
	hash = mix(hash, x[XSAVE_HEADER]);
	if (x[XSAVE_HEADER] & 4)
		hash = mix_words(hash, x + XSAVE_AVX,
				 XSAVE_AVX_END - XSAVE_AVX);
	if (x[XSAVE_HEADER] & 0xe0)
		hash = mix_words(hash, x + XSAVE_AVX512,
				 XSAVE_AVX512_END - XSAVE_AVX512);
	return hash;
}

static bool has_error_code(void)
{
	return (u64)&fuzz_sandbox.stack[PAGE_SIZE] - ctx.out.frame == 56;
}

static void collect_frame(struct fuzz_result *r)
{
	const u64 *frame = (const u64 *)ctx.out.frame;

	r->vector = *frame++;
	r->error_code = has_error_code() ? *frame++ : 0;
	r->rip = frame[0];
	r->cs = frame[1];
	r->rflags = frame[2];
	r->rsp = frame[3];
	r->ss = r->vector >= FUZZ_SYSCALL ? 0 : frame[4];
}

static u64 desc_base(const u64 *store)
{
	return store[0] >> 16 | store[1] << 48;
}

static void collect_registers(struct fuzz_result *r)
{
	r->rax = ctx.out.gpr[0];
	r->rcx = ctx.out.gpr[1];
	r->rdx = ctx.out.gpr[2];
	r->rbx = ctx.out.gpr[3];
	r->rbp = ctx.out.gpr[5];
	r->rsi = ctx.out.gpr[6];
	r->rdi = ctx.out.gpr[7];
	r->r8 = ctx.out.gpr[8];
	r->r9 = ctx.out.gpr[9];
	r->r10 = ctx.out.gpr[10];
	r->r11 = ctx.out.gpr[11];
	r->r12 = ctx.out.gpr[12];
	r->r13 = ctx.out.gpr[13];
	r->r14 = ctx.out.gpr[14];
	r->r15 = ctx.out.gpr[15];
	r->cr0 = ctx.out.cr0;
	r->cr2 = ctx.out.cr2;
	r->cr3 = ctx.out.cr3 ^ ctx.cr3;
	r->cr4 = ctx.out.cr4;
	r->cr8 = ctx.out.cr8;
	r->dr6 = ctx.out.dr6;
	r->dr7 = ctx.out.dr7;
	r->ds = ctx.out.ds;
	r->es = ctx.out.es;
	r->fs = ctx.out.fs;
	r->gs = ctx.out.gs;
	r->ldtr = ctx.out.ldtr;
	r->tr = ctx.out.tr;
	r->fs_base = ctx.out.fs_base;
	r->gs_base = ctx.out.gs_base;
	r->gdtr_base = desc_base(ctx.out.gdtr);
	r->gdtr_limit = (u16)ctx.out.gdtr[0];
	r->idtr_base = desc_base(ctx.out.idtr);
	r->idtr_limit = (u16)ctx.out.idtr[0];
}

/* What the way out has not put back yet */
static void collect_rest(struct fuzz_result *r, u64 kernel_gs_base)
{
	r->dr0 = READ_REG(dr0);
	r->dr1 = READ_REG(dr1);
	r->dr2 = READ_REG(dr2);
	r->dr3 = READ_REG(dr3);
	if (r->cr8 != 15)
		WRITE_REG(cr8, 15);
	r->xcr0 = xgetbv0();
	if (r->xcr0 != ctx.base_xcr0)
		xsetbv0(ctx.base_xcr0);
	r->pkru = has_pkru() ? rdpkru_raw() : 0;
	r->efer = ctx.out.efer;
	r->kernel_gs_base = bare_rdmsr(MSR_KERNEL_GS_BASE);
	if (r->kernel_gs_base != kernel_gs_base)
		bare_wrmsr(MSR_KERNEL_GS_BASE, kernel_gs_base);
	r->descriptors = mix_words(0, &fuzz_sandbox.gdt[SANDBOX_RANDOM / 8],
				   FUZZ_DESCRIPTORS);
	r->descriptors = mix_words(r->descriptors,
				   &fuzz_sandbox.ldt[SANDBOX_RANDOM / 8],
				   FUZZ_DESCRIPTORS);
	if (r->tr != SANDBOX_TSS)
		load_tr();
	if (r->ldtr != SANDBOX_LDT)
		asm volatile("lldt %w0" : : "r" (SANDBOX_LDT));
}

static void enter(const struct fuzz_trial *t)
{
	const struct mode *mode = &modes[t->mode];

	ctx.in.cr0 = t->cr0;
	ctx.in.cr4 = t->cr4;
	ctx.in.dr7 = t->dr7;
	ctx.in.fs_base = t->fs_base;
	ctx.in.gs_base = t->gs_base;
	ctx.in.rip = t->rip - mode->code;
	ctx.in.cs = mode->cs;
	ctx.in.rflags = t->rflags;
	ctx.in.rsp = t->gpr[4];
	ctx.in.ss = mode->ss;
	memcpy(ctx.in.gpr, t->gpr, sizeof(ctx.in.gpr));
	WRITE_REG(dr0, t->dr[0]);
	WRITE_REG(dr1, t->dr[1]);
	WRITE_REG(dr2, t->dr[2]);
	WRITE_REG(dr3, t->dr[3]);
	WRITE_REG(dr6, DR6_FIXED);
	if (has_pkru())
		wrpkru_raw(t->pkru);
	fuzz_enter();
}

/**
 * sandbox_run() - one trial
 * @t: what it starts with
 * @r: set: what it ends with
 *
 * A trial that an NMI met is tried again; and so is one that met what the APIC
 * makes of an interrupt that the task priority has just put off.
 *
 * Context: between sandbox_open() and sandbox_close().
 */
void sandbox_run(const struct fuzz_trial *t, struct fuzz_result *r)
{
	u64 kernel_gs_base = FUZZ_KDATA;
	u64 old = 0;
	bool msr = t->kind == FUZZ_MSR && fuzz_is_kernel(t->mode);
	bool readable = false;

	for (;;) {
		/* First, for it may be the trial's MSR, and would be Linux's. */
		bare_wrmsr(MSR_KERNEL_GS_BASE, kernel_gs_base);
		if (msr)
			readable = sandbox_rdmsr(t->msr, &old);
		sandbox_prepare_memory(t);
		if (uses_fpu(t))
			load_fpu(t);
		enter(t);

		collect_frame(r);
		collect_registers(r);
		r->msr = 0;
		if (msr) {
			sandbox_rdmsr(t->msr, &r->msr);
			if (readable && r->msr != old)
				sandbox_wrmsr(t->msr, old);
		}
		collect_rest(r, kernel_gs_base);
		r->fpu = uses_fpu(t) ? fpu_hash() : 0;
		sandbox_collect_memory(t, r);
		sandbox_place_code(t, false);
		if (r->vector == 2)
			ctx.nmis++;
		else if (r->vector != SPURIOUS_APIC_VECTOR)
			break;
	}
}
