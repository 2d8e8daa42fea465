// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzzer leaves out, and what is documented to differ
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../../../module/compat.h"
#include "fuzz_sandbox.h"
#include "../../../vmx/hypercall.h"

#define POLICY_KEYS_MAX	16	/* there are fewer */

/* As much of an instruction as is needed to tell which it is */
struct opcode {
	u32 map;		/* 1, 0x0f, 0x0f38, 0x0f3a; 0: VEX, EVEX */
	u8 opcode;
	u8 modrm;
	bool rep;		/* F3 */
	bool prefixed;
	const u8 *vector;	/* VEX or EVEX */
};

static void decode(const struct fuzz_trial *t, struct opcode *o)
{
	const u8 *at = t->bytes, *end = t->bytes + sizeof(t->bytes) - 4;

	memset(o, 0, sizeof(*o));
	/* What fuzz_template() may put before: STI, MOV SS */
	if (t->kind == FUZZ_TEMPLATE && t->length > 1 && at[0] == 0xfb) {
		o->prefixed = true;
		at++;
	}
	if (t->kind == FUZZ_TEMPLATE && t->length > 2 && at[0] == 0x8e &&
	    at[1] == 0xd2)
		at += 2;
	for (; at < end; at++, o->prefixed = true) {
		switch (*at) {
		case 0xf3:
			o->rep = true;
			continue;
		case 0xf2:
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64:
		case 0x65: case 0x66: case 0x67: case 0xf0:
			continue;
		}
		if (fuzz_is_64(t->mode) && (*at & 0xf0) == 0x40)
			continue;
		break;
	}
	/* In other modes these may be LES, LDS, BOUND: no matter here. */
	if (*at == 0xc4 || *at == 0xc5 || *at == 0x62) {
		o->vector = at;
		return;
	}
	o->map = 1;
	if (*at == 0x0f) {
		o->map = 0x0f;
		at++;
		if (*at == 0x38 || *at == 0x3a)
			o->map = o->map << 8 | *at++;
	}
	o->opcode = at[0];
	o->modrm = at[1];
}

#define MOD(o)		((o)->modrm >> 6)
#define REG(o)		((o)->modrm >> 3 & 7)

enum where { ANY_RING, RING_0 };
enum form { ANY_FORM, MEMORY, REGISTER, NO_REP_REGISTER };

/*
 * Instructions that are left out: because their results depend on time or
 * chance, or because the bare machine would not live on. @regs: values of
 * ModRM.reg. Where templates have the same instruction with operands that are
 * safe, it is left out of the random kinds only.
 */
static const struct {
	u32 map;
	u8 first, last;
	u8 regs;
	enum form form;
	enum where where;
	bool templates;
	const char *why;
} excluded[] = {
	{ 0x0f, 0x31, 0x31, 0xff, ANY_FORM, ANY_RING, true,
	  "RDTSC: time" },
	{ 0x0f, 0x33, 0x33, 0xff, ANY_FORM, ANY_RING, true,
	  "RDPMC: time" },
	{ 0x0f, 0x01, 0x01, 1 << 7, REGISTER, ANY_RING, true,
	  "RDTSCP: time; its group has MONITORX, MWAITX, too; SWAPGS is a template's" },
	{ 0x0f, 0xc7, 0xc7, 3 << 6, NO_REP_REGISTER, ANY_RING, true,
	  "RDRAND, RDSEED: chance" },
	{ 0x0f, 0xae, 0xae, 1 << 6, REGISTER, ANY_RING, false,
	  "UMWAIT, TPAUSE, UMONITOR: time, where operands are random" },
	{ 1, 0xf4, 0xf4, 0xff, ANY_FORM, RING_0, true,
	  "HLT: nothing would wake the CPU" },
	{ 0x0f, 0x01, 0x01, 1 << 1, REGISTER, RING_0, false,
	  "MWAIT: the same; its group has CLAC, STAC, ENCLS" },
	{ 1, 0x6c, 0x6f, 0xff, ANY_FORM, RING_0, true,
	  "INS, OUTS: devices, among them what resets the machine" },
	{ 1, 0xe4, 0xe7, 0xff, ANY_FORM, RING_0, true,
	  "IN, OUT: the same" },
	{ 1, 0xec, 0xef, 0xff, ANY_FORM, RING_0, true,
	  "IN, OUT: the same" },
	{ 0x0f, 0x00, 0x00, 1 << 3, ANY_FORM, RING_0, false,
	  "LTR: no events without a TSS that has stacks" },
	{ 0x0f, 0x01, 0x01, 3 << 2, MEMORY, RING_0, false,
	  "LGDT, LIDT: no events without tables" },
	{ 0x0f, 0x22, 0x22, 0xff, ANY_FORM, RING_0, false,
	  "MOV to CR: a wild CR3, no more paging, or interrupts" },
	{ 0x0f, 0x01, 0x01, 1 << 5, REGISTER, ANY_RING, false,
	  "WRPKRU: without key 0 the emulator stops supervisor accesses, too" },
	{ 0x0f, 0x30, 0x30, 0xff, ANY_FORM, RING_0, false,
	  "WRMSR: of what is not put back" },
	{ 0x0f, 0x01, 0x01, 1 << 0, REGISTER, RING_0, false,
	  "WRMSRNS: the same; its group has VMCALL, VMLAUNCH, PCONFIG" },
	{ 0x0f, 0x32, 0x32, 0xff, ANY_FORM, RING_0, false,
	  "RDMSR: time, where the number is random" },
	{ 1, 0x8e, 0x8e, 1 << 2, ANY_FORM, ANY_RING, false,
	  "MOV SS: what comes behind it would run, too, and is none of these" },
	{ 1, 0x17, 0x17, 0xff, ANY_FORM, ANY_RING, false,
	  "POP SS: the same" },
	{ 0x0f, 0x08, 0x08, 0xff, ANY_FORM, RING_0, true,
	  "INVD: the bare machine loses what is in its caches; tests/guest/instructions.c has it attached" },
};

static bool form_fits(enum form form, const struct opcode *o)
{
	switch (form) {
	case MEMORY:
		return MOD(o) != 3;
	case REGISTER:
		return MOD(o) == 3;
	case NO_REP_REGISTER:
		/* F3 makes another instruction of it. */
		return MOD(o) == 3 && !(o->rep && REG(o) == 7);
	default:
		return true;
	}
}

static bool random_bytes(const struct fuzz_trial *t)
{
	return t->kind == FUZZ_BYTES || t->kind == FUZZ_GRAMMAR;
}

/*
 * MSRs, the same way. What is not listed is written, read back and restored.
 */
static const struct {
	u32 first, last;
	bool read;		/* not even read */
	const char *why;
} excluded_msrs[] = {
	{ 0x10, 0x10, true, "TSC: time" },
	{ 0x1b, 0x1b, false, "APIC_BASE: turns off what Linux uses" },
	{ 0x3b, 0x3b, false, "TSC_ADJUST: Linux's clock" },
	{ 0xc1, 0xc8, true, "performance counters: time" },
	{ 0xe7, 0xe8, true, "MPERF, APERF: time" },
	{ 0x186, 0x18d, false, "performance counters: overflow interrupts" },
	{ 0x19a, 0x19d, false, "thermal control" },
	{ 0x1b0, 0x1b2, false, "energy and thermal control" },
	{ 0x309, 0x30c, true, "performance counters: time" },
	{ 0x38d, 0x390, false, "performance counters: overflow interrupts" },
	{ 0x6e0, 0x6e0, true, "TSC deadline: Linux's timer" },
	{ 0x800, 0x8ff, true, "x2APIC: interrupts, and counters" },
	{ 0x200, 0x20e, false, "MTRRs of memory in use" },
	{ 0x250, 0x26f, false, "MTRRs of memory in use" },
	{ 0x2ff, 0x2ff, false, "MTRRs of memory in use" },
};

/**
 * fuzz_msr_excluded() - whether an MSR is left out
 * @index: MSR
 * @write: for a WRMSR
 */
bool fuzz_msr_excluded(u32 index, bool write)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(excluded_msrs); i++) {
		if (index >= excluded_msrs[i].first &&
		    index <= excluded_msrs[i].last &&
		    (write || excluded_msrs[i].read))
			return true;
	}
	return false;
}

/* Supervisor shadow stacks: the next event's frame would need one. */
static bool msr_value_excluded(const struct fuzz_trial *t)
{
	return t->msr == MSR_IA32_S_CET && t->gpr[0] & 3;
}

/*
 * Prefixes that may be refused, breakpoints, and the end of a page come before
 * what a documented instruction does.
 */
static bool undisturbed(const struct fuzz_trial *t, const struct opcode *o)
{
	return !o->prefixed && t->dr7 == DR7_FIXED &&
	       t->rflags & X86_EFLAGS_TF && (t->rip & ~PAGE_MASK) == 0x800;
}

/* With CR0.NE clear, a bare CPU waits for, or ignores, x87 errors. */
static bool x87_error_without_ne(const struct fuzz_trial *t)
{
	return !(t->cr0 & X86_CR0_NE) &&
	       t->x87_control_status >> 16 & ~t->x87_control_status & 0x3f;
}

static int documented_row(const struct fuzz_trial *t, const struct opcode *o)
{
	bool kernel = fuzz_is_kernel(t->mode);
	u64 value = (u32)t->gpr[0] | t->gpr[2] << 32;

	if (t->kind == FUZZ_MSR && kernel && t->msr >= 0x480 && t->msr <= 0x493)
		return FUZZ_DIFFERS_RDMSR_VMX;
	/* FWAIT */
	if (o->map == 1 && o->opcode == 0x9b && x87_error_without_ne(t) &&
	    !(t->cr0 & X86_CR0_TS))
		return FUZZ_DIFFERS_X87;
	if (o->map != 0x0f)
		return -1;
	if (o->opcode == 0xa2 && (u32)t->gpr[0] == 1)
		return FUZZ_DIFFERS_CPUID;
	if (!kernel)
		return -1;

	switch (o->opcode) {
	case 0x30:
		if (t->msr == MSR_IA32_UCODE_WRITE)
			return FUZZ_DIFFERS_MICROCODE;
		/* Others of its bits have rules of their own. */
		if (t->msr == MSR_IA32_APICBASE && t->operands[0] == value)
			return FUZZ_DIFFERS_APIC_BASE;
		if (t->msr == 0x20f && t->operands[0] == value)
			return FUZZ_DIFFERS_MTRR_HOLES;
		break;
	case 0x22:
		if (REG(o) == 4 &&
		    t->gpr[0] & (X86_CR4_VMXE | X86_CR4_SMXE))
			return FUZZ_DIFFERS_CR4_VMXE;
		break;
	case 0x01:
		if (o->modrm != 0xc1 || t->mode != FUZZ_KERNEL_64 ||
		    t->gpr[0] != HYPERCALL_MAGIC)
			break;
		if (t->gpr[7] == HYPERCALL_PING)
			return FUZZ_DIFFERS_HYPERCALL;
		if (t->gpr[7] == HYPERCALL_POLICY ||
		    (t->gpr[7] >= HYPERCALL_SEAL &&
		     t->gpr[7] <= HYPERCALL_TRANSIENT))
			return FUZZ_DIFFERS_HYPERCALL_REFUSED;
		break;
	}
	return -1;
}

/**
 * fuzz_documented() - whether a trial is one of those that shall differ
 * @t: trial
 *
 * By what it starts with, not by what comes of it.
 *
 * Return: enum fuzz_documented, or -1.
 */
int fuzz_documented(const struct fuzz_trial *t)
{
	struct opcode o;

	decode(t, &o);
	return undisturbed(t, &o) ? documented_row(t, &o) : -1;
}

/*
 * EVEX-coded moves between bytes and quadwords that ask for a broadcast; even
 * where the emulator only decodes ahead.
 */
static bool kills_emulator(const u8 bytes[24])
{
	unsigned int i;

	for (i = 0; i < 15; i++) {
		if (bytes[i] == 0x62 && bytes[i + 3] & 0x10 &&
		    (bytes[i + 4] == 0x12 || bytes[i + 4] == 0x22 ||
		     bytes[i + 4] == 0x32))
			return true;
	}
	return false;
}

/* Gathers and scatters have SIB, or are undefined; not so in the emulator. */
static bool gathers_without_sib(const u8 *at)
{
	u8 opcode, modrm;

	if (!at || *at == 0xc5 || (at[1] & 7) != 2)
		return false;
	opcode = *at == 0xc4 ? at[3] : at[4];
	modrm = *at == 0xc4 ? at[4] : at[5];
	switch (opcode) {
	case 0x90 ... 0x93:
	case 0xa0 ... 0xa3:
	case 0xc6:
	case 0xc7:
		return (modrm & 7) != 4;
	}
	return false;
}

/*
 * IRET in 64-bit mode that stays in ring 0, with a NULL SS that says another one.
 * The operand size is 8, 4 or 2 bytes, SS the last of five.
 */
static bool returns_to_foreign_ss(const struct fuzz_trial *t, const struct opcode *o)
{
	const u16 *stack = (const u16 *)t->stack;
	const u16 ss[] = { stack[4], stack[8], stack[16] };
	u32 i;

	if (t->mode != FUZZ_KERNEL_64 || o->map != 1 || o->opcode != 0xcf)
		return false;
	for (i = 0; i < ARRAY_SIZE(ss); i++) {
		if (ss[i] && !(ss[i] & ~SEGMENT_RPL_MASK))
			return true;
	}
	return false;
}

/**
 * fuzz_excluded() - whether a trial is left out
 * @t: trial
 *
 * Return: why, or NULL.
 */
const char *fuzz_excluded(const struct fuzz_trial *t)
{
	bool kernel = fuzz_is_kernel(t->mode);
	struct opcode o;
	unsigned int i;
	int row;

	decode(t, &o);
	for (i = 0; i < ARRAY_SIZE(excluded); i++) {
		if (o.map != excluded[i].map ||
		    o.opcode < excluded[i].first ||
		    o.opcode > excluded[i].last)
			continue;
		if (excluded[i].where == RING_0 && !kernel)
			continue;
		if (!excluded[i].templates && !random_bytes(t))
			continue;
		/* SWAPGS */
		if (o.modrm == 0xf8 && !random_bytes(t))
			continue;
		if (excluded[i].regs != 0xff &&
		    (!(excluded[i].regs & 1 << REG(&o)) ||
		     !form_fits(excluded[i].form, &o)))
			continue;
		return excluded[i].why;
	}
	if (t->dr7 != DR7_FIXED && num_online_cpus() > 1)
		return "code breakpoints: hit for good in the emulator with several CPUs";
	if (kernel && o.map == 1 && o.opcode == 0xcd &&
	    o.modrm == 2)
		return "INT 2: would be taken for an NMI";
	if (o.map == 1 && o.opcode == 0xcd && o.modrm == 0xff)
		return "INT 0xff: would be taken for an interrupt";
	if (t->kind == FUZZ_MSR && fuzz_documented(t) < 0 &&
	    fuzz_msr_excluded(t->msr, o.opcode == 0x30))
		return "an MSR of excluded_msrs";
	if (kernel && o.map == 0x0f && o.opcode == 0x01 && o.modrm == 0xc1 &&
	    t->gpr[0] == HYPERCALL_MAGIC) {
		if (t->gpr[7] == HYPERCALL_DETACH)
			return "the hypercall that detaches";
		if (t->gpr[7] == HYPERCALL_SHADOW_TAKE)
			return "the hypercall that writes an answer to memory";
		if (t->gpr[7] == HYPERCALL_POLICY &&
		    t->gpr[6] < POLICY_KEYS_MAX)
			return "the hypercall that turns guards on, for good";
		if (t->gpr[7] == HYPERCALL_STACKS_ARM && !t->gpr[6])
			return "the hypercall that turns off what is not on";
		if (t->gpr[7] == HYPERCALL_RELEASE &&
		    !(t->gpr[6] & ~PAGE_MASK))
			return "the hypercall that takes any page for data";
	}
	if (t->kind == FUZZ_MSR && kernel && msr_value_excluded(t))
		return "S_CET.SH_STK_EN: no events without a shadow stack";
	row = documented_row(t, &o);
	if (row >= 0 && row != FUZZ_DIFFERS_CPUID && !undisturbed(t, &o))
		return "differs, or ends in another fault before";
	if (row < 0 && x87_error_without_ne(t))
		return "differs, if the instruction waits for x87 errors";
	/* There would be no entering with that: SDM 3C, 28.3.1.2. */
	if (returns_to_foreign_ss(t, &o))
		return "IRET to NULL with another RPL: no #GP in the emulator (SDM 2A, IRET)";
	if (gathers_without_sib(o.vector))
		return "VGATHER, VSCATTER without SIB: the emulator takes an old one";
	if (kills_emulator(t->bytes))
		return "VPMOVZXBQ and its like with EVEX.b: the emulator dies";
	if (kernel && !fuzz_is_64(t->mode) && o.map == 0x0f &&
	    o.opcode == 0x00 && REG(&o) == 3)
		return "LTR in compatibility mode: half of the TSS's address";
	/* Paging off, the next fetch is from an address that means nothing. */
	if (kernel && t->mode != FUZZ_KERNEL_64 && o.map == 0x0f && o.opcode == 0x22 &&
	    REG(&o) == 0 &&
	    (t->gpr[0] & (X86_CR0_PG | X86_CR0_PE)) !=
	    (X86_CR0_PG | X86_CR0_PE))
		return "MOV to CR0 in compatibility mode: paging off";
	return NULL;
}
