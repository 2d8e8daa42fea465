// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's trials: what they start with, made from a seed and a number
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../../../module/compat.h"
#include "fuzz_random.h"
#include "fuzz_sandbox.h"

/*
 * What may be changed from what Linux has, before the instruction; not WP, for
 * the emulator dies of a write to a clean page that is read-only.
 */
static const u64 cr0_bits[] = {
	X86_CR0_MP, X86_CR0_EM, X86_CR0_TS, X86_CR0_NE, X86_CR0_AM,
};

static const u64 cr4_bits[] = {
	X86_CR4_TSD, X86_CR4_DE, X86_CR4_PCE, X86_CR4_OSFXSR,
	X86_CR4_OSXMMEXCPT, X86_CR4_UMIP, X86_CR4_FSGSBASE, X86_CR4_OSXSAVE,
	X86_CR4_SMEP, X86_CR4_SMAP, X86_CR4_PKE,
};

static void kernel_or_user(struct fuzz_random *r, struct fuzz_trial *t)
{
	static const u8 usual[] = {
		FUZZ_KERNEL_64, FUZZ_KERNEL_64, FUZZ_KERNEL_64, FUZZ_KERNEL_64,
		FUZZ_KERNEL_64, FUZZ_KERNEL_64, FUZZ_USER_64, FUZZ_USER_64,
		FUZZ_USER_64, FUZZ_USER_64, FUZZ_USER_64, FUZZ_USER_64,
		FUZZ_USER_32, FUZZ_USER_16, FUZZ_KERNEL_32, FUZZ_KERNEL_16,
	};

	t->mode = usual[fuzz_below(r, ARRAY_SIZE(usual))];
}

/* Registers, memory and modes: the same for all kinds */
static void generate_state(struct fuzz_random *r, struct fuzz_trial *t)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		t->gpr[i] = fuzz_value(r);
	if (fuzz_below(r, 8))
		t->gpr[4] = fuzz_is_kernel(t->mode) ? FUZZ_KSTACK + 0x800 :
					   FUZZ_STACK + 0x800;
	for (i = 0; i < 4; i++)
		t->operands[i] = fuzz_value(r);
	for (; i < FUZZ_OPERAND_WORDS; i++)
		t->operands[i] = fuzz_next(r);
	for (i = 0; i < FUZZ_STACK_WORDS; i++)
		t->stack[i] = fuzz_value(r);

	t->rip = fuzz_is_kernel(t->mode) ? FUZZ_KCODE : FUZZ_CODE;
	t->rip += fuzz_below(r, 8) ? 0x800 : 0xff0 + fuzz_below(r, 16);
	t->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_TF;
	t->rflags |= fuzz_next(r) & FUZZ_ANY_RFLAGS;
	if (!fuzz_below(r, 4))
		t->rflags |= fuzz_next(r) & FUZZ_RARE_RFLAGS;
	t->fs_base = FUZZ_DATA;
	t->gs_base = FUZZ_KDATA;

	t->cr0 = sandbox_base_cr0();
	t->cr4 = sandbox_base_cr4();
	if (!fuzz_below(r, 8))
		t->cr4 ^= FUZZ_ONE_OF(r, cr4_bits);
	/* What the CPU has not, it refuses. */
	if (!(sandbox_base_cr4() & X86_CR4_PKE))
		t->cr4 &= ~X86_CR4_PKE;
	if (!(sandbox_base_cr4() & X86_CR4_UMIP))
		t->cr4 &= ~X86_CR4_UMIP;
	if (!fuzz_below(r, 8))
		t->cr0 ^= FUZZ_ONE_OF(r, cr0_bits);

	t->dr7 = DR7_FIXED;
	if (!fuzz_below(r, 16)) {
		for (i = 0; i < 4; i++)
			t->dr[i] = fuzz_below(r, 2) ? t->rip :
				   (fuzz_address(r) & ~7ULL);
		t->dr7 |= fuzz_next(r) & 0xffff03ff;
	}
	/* The emulator would keep supervisor pages, too, from who has not key 0. */
	if (!fuzz_below(r, 8))
		t->pkru = fuzz_next(r) & ~3ULL;
	t->mxcsr = 0x1f80;
	t->x87_control_status = 0x37f;
	if (!fuzz_below(r, 4)) {
		t->mxcsr = fuzz_next(r) & 0xffff;
		t->x87_control_status = fuzz_next(r);
	}
	memset(t->bytes, 0xcc, sizeof(t->bytes));
}

static void random_bytes(struct fuzz_random *r, u8 *to, unsigned int count)
{
	while (count--)
		*to++ = fuzz_next(r) >> 32;
}

static void generate_bytes(struct fuzz_random *r, struct fuzz_trial *t)
{
	t->length = 15;
	random_bytes(r, t->bytes, t->length);
}

static const u8 prefixes[] = {
	0x66, 0x66, 0x66, 0xf2, 0xf2, 0xf3, 0xf3, 0xf0, 0x67, 0x2e, 0x36, 0x3e,
	0x26, 0x64, 0x65,
};

/* Bytes are random behind what selects one of the larger maps. */
static void generate_grammar(struct fuzz_random *r, struct fuzz_trial *t)
{
	u8 *at = t->bytes;
	u8 head;

	t->length = 15;
	random_bytes(r, at, t->length);
	while (!fuzz_below(r, 3) && at < t->bytes + 3)
		*at++ = prefixes[fuzz_below(r, ARRAY_SIZE(prefixes))];
	if (fuzz_is_64(t->mode) && fuzz_below(r, 2))
		*at++ = 0x40 | (fuzz_next(r) & 15);
	switch (fuzz_below(r, 8)) {
	case 0:
		at++;
		break;
	case 1:
	case 2:
	case 3:
		*at++ = 0x0f;
		at++;
		break;
	case 4:
		*at++ = 0x0f;
		*at++ = 0x38;
		at++;
		break;
	case 5:
		*at++ = 0x0f;
		*at++ = 0x3a;
		at++;
		break;
	case 6:
		/* VEX of three bytes, maps 1 to 3; before it no REX */
		at = t->bytes;
		*at++ = 0xc4;
		*at = (*at & 0xe0) | (1 + fuzz_below(r, 3));
		at += 3;
		break;
	case 7:
		/* EVEX, maps 1 to 6 */
		at = t->bytes;
		*at++ = 0x62;
		*at = (*at & 0xf0) | (1 + fuzz_below(r, 6));
		at++;
		*at++ |= 4;
		at += 2;
		break;
	}
	/* ModRM: half of the time memory by way of a register alone */
	head = fuzz_next(r);
	if (head & 1)
		*at = (*at & 0x38) | (head >> 1 & 7);
}

/* MSRs worth a look, besides random ones */
static const u32 msrs[] = {
	0x17, MSR_IA32_FEAT_CTL, MSR_IA32_SPEC_CTRL, MSR_IA32_PRED_CMD,
	MSR_IA32_UCODE_WRITE, MSR_IA32_UCODE_REV, 0x9b, 0xce, 0xcf, 0xe1,
	MSR_MTRRcap, MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_FLUSH_CMD, 0x122,
	0x140, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP, 0x179, 0x17a, 0x17b, MSR_IA32_MISC_ENABLE,
	MSR_IA32_DEBUGCTLMSR, MSR_IA32_CR_PAT, 0x345, 0x38f, 0x3f1, 0x400,
	0x401, 0x570, 0x571, 0x560, 0x600, MSR_IA32_U_CET, MSR_IA32_S_CET,
	MSR_IA32_PL0_SSP, MSR_IA32_PL1_SSP, MSR_IA32_PL2_SSP, MSR_IA32_PL3_SSP,
	MSR_IA32_INT_SSP_TAB, 0x6e1, MSR_IA32_XSS, 0x17d0, 0x17d1, MSR_EFER,
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_FS_BASE,
	MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_TSC_AUX, 0x1fff, 0x2000,
	0x40000000, 0x400000ff, 0xbfffffff, 0xc0000000, 0xc0001fff, 0xc0002000,
	0xffffffff, 0x4b564d00, 0x494, 0x47f,
};

static u32 random_msr(struct fuzz_random *r)
{
	switch (fuzz_below(r, 8)) {
	case 0:
		return fuzz_next(r);
	case 1:
		return fuzz_next(r) & 0x1fff;
	case 2:
		return 0xc0000000 | (fuzz_next(r) & 0x1fff);
	case 3:
		return 0x480 + fuzz_below(r, 0x14);
	default:
		return msrs[fuzz_below(r, ARRAY_SIZE(msrs))];
	}
}

/* A value that is marked as made for what the documentation says of the MSR */
static void marked_value(struct fuzz_trial *t, u32 msr, u64 value)
{
	t->msr = msr;
	t->operands[0] = value;
	t->gpr[0] = (u32)value;
	t->gpr[2] = value >> 32;
	t->bytes[1] = 0x30;
	t->mode = FUZZ_KERNEL_64;
	t->rip = FUZZ_KCODE + 0x800;
}

#define MTRR_LAST_MASK	0x20f

static void generate_msr(struct fuzz_random *r, struct fuzz_trial *t)
{
	u64 value;

	t->length = 2;
	t->bytes[0] = 0x0f;
	t->bytes[1] = fuzz_below(r, 2) ? 0x30 : 0x32;
	t->msr = random_msr(r);
	/* What starts a trial is the same attached. */
	if (fuzz_msr_excluded(t->msr, false) ||
	    (t->msr >= 0x480 && t->msr <= 0x493) ||
	    !sandbox_rdmsr(t->msr, &value))
		value = 0;
	switch (fuzz_below(r, 4)) {
	case 0:
		break;
	case 1:
		value = fuzz_value(r);
		break;
	default:
		value ^= BIT_ULL(fuzz_below(r, 64));
		break;
	}
	/* It can be written in the emulator, and one format of PEBS is hidden. */
	if (t->msr == MSR_IA32_PERF_CAPABILITIES)
		value &= ~BIT_ULL(8);
	t->gpr[0] = (u32)value | (fuzz_next(r) & 0xffffffff00000000ULL);
	t->gpr[2] = value >> 32;
	switch (fuzz_below(r, 128)) {
	case 0:
		if (sandbox_rdmsr(MSR_IA32_APICBASE, &value))
			marked_value(t, MSR_IA32_APICBASE,
				     value ^ BIT_ULL(12 + fuzz_below(r, 8)));
		break;
	case 1:
		marked_value(t, MTRR_LAST_MASK, 0xf5fffff800ULL);
		break;
	}
	t->gpr[1] = t->msr | (fuzz_next(r) & 0xffffffff00000000ULL);
}

/**
 * fuzz_generate() - make a trial
 * @seed: of all
 * @number: of this one
 * @t: set
 *
 * Context: between sandbox_open() and sandbox_close(), whose registers are the
 *	ground that it varies.
 */
void fuzz_generate(u64 seed, u64 number, struct fuzz_trial *t)
{
	static const u8 kinds[] = {
		FUZZ_BYTES, FUZZ_BYTES, FUZZ_BYTES, FUZZ_GRAMMAR, FUZZ_GRAMMAR,
		FUZZ_GRAMMAR, FUZZ_GRAMMAR, FUZZ_GRAMMAR, FUZZ_GRAMMAR,
		FUZZ_TEMPLATE, FUZZ_TEMPLATE, FUZZ_TEMPLATE, FUZZ_TEMPLATE,
		FUZZ_MSR, FUZZ_DESCRIPTOR, FUZZ_PAGING,
	};
	struct fuzz_random r;

	fuzz_seed(&r, seed, number);
	memset(t, 0, sizeof(*t));
	t->kind = kinds[fuzz_below(&r, ARRAY_SIZE(kinds))];
	kernel_or_user(&r, t);
	if (t->kind == FUZZ_MSR && fuzz_below(&r, 8))
		t->mode = FUZZ_KERNEL_64;
	generate_state(&r, t);

	switch (t->kind) {
	case FUZZ_BYTES:
		generate_bytes(&r, t);
		break;
	case FUZZ_GRAMMAR:
		generate_grammar(&r, t);
		break;
	case FUZZ_TEMPLATE:
		fuzz_template(&r, t);
		break;
	case FUZZ_MSR:
		generate_msr(&r, t);
		break;
	case FUZZ_DESCRIPTOR:
		fuzz_descriptor(&r, t);
		break;
	case FUZZ_PAGING:
		fuzz_paging(&r, t);
		break;
	}
}
