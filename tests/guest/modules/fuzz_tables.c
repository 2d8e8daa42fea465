// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's trials of descriptors and page tables
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "fuzz_random.h"
#include "fuzz_sandbox.h"

/* Descriptors that look like ones: types, presence and rings at random */
static u64 random_descriptor(struct fuzz_random *r)
{
	u64 d = fuzz_next(r);

	if (fuzz_below(r, 4))
		d |= BIT_ULL(47);			/* present */
	if (!fuzz_below(r, 2))
		d |= BIT_ULL(44);			/* code or data */
	if (!fuzz_below(r, 4))
		d |= 0x00cf00000000ffffULL;		/* flat */
	return d;
}

/* A gate: low half, high half, to a place that is known or to nowhere */
static void random_gate(struct fuzz_random *r, u64 *d)
{
	u64 to = fuzz_value(r);
	u16 selector = fuzz_selector(r);

	d[0] = (to & 0xffff) | (u64)selector << 16 | (to & 0xffff0000) << 32 |
	       12ULL << 40 | fuzz_below(r, 4) << 45 | BIT_ULL(47);
	d[1] = to >> 32;
	if (!fuzz_below(r, 8))
		d[1] |= fuzz_next(r) << 40;
}

/* What LTR takes has our TSS; what it refuses may look like anything. */
static void random_tss(struct fuzz_random *r, u64 *d)
{
	u64 base = (u64)&fuzz_sandbox.tss;

	d[0] = 0x2067 | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	d[0] |= fuzz_below(r, 16) << 40;
	d[0] |= fuzz_below(r, 8) << 45;
	if (fuzz_below(r, 2))
		d[0] |= 9ULL << 40 | BIT_ULL(47);
	d[1] = base >> 32;
	if (!fuzz_below(r, 4))
		d[1] |= fuzz_below(r, 32) << 40;
}

static const struct {
	u8 bytes[4];
	u8 length;
} descriptor_loads[] = {
	{ { 0x8e, 0xd8 }, 2 },			/* MOV DS, AX */
	{ { 0x8e, 0xc0 }, 2 },			/* MOV ES, AX */
	{ { 0x8e, 0xd0 }, 2 },			/* MOV SS, AX */
	{ { 0x8e, 0xe0 }, 2 },			/* MOV FS, AX */
	{ { 0x8e, 0xe8 }, 2 },			/* MOV GS, AX */
	{ { 0x0f, 0x00, 0xd0 }, 3 },		/* LLDT AX */
	{ { 0x0f, 0x00, 0xd8 }, 3 },		/* LTR AX */
	{ { 0x0f, 0x02, 0xc8 }, 3 },		/* LAR ECX, AX */
	{ { 0x0f, 0x03, 0xc8 }, 3 },		/* LSL ECX, AX */
	{ { 0x48, 0x0f, 0x02, 0xc8 }, 4 },
	{ { 0x48, 0x0f, 0x03, 0xc8 }, 4 },
	{ { 0x0f, 0x00, 0xe0 }, 3 },		/* VERR AX */
	{ { 0x0f, 0x00, 0xe8 }, 3 },		/* VERW AX */
	{ { 0xff, 0x2e }, 2 },			/* JMP FAR [RSI] */
	{ { 0x48, 0xff, 0x2e }, 3 },
	{ { 0xff, 0x1e }, 2 },			/* CALL FAR [RSI] */
	{ { 0x48, 0xff, 0x1e }, 3 },
	{ { 0x0f, 0xb2, 0x0e }, 3 },		/* LSS ECX, [RSI] */
	{ { 0x0f, 0xb4, 0x0e }, 3 },		/* LFS ECX, [RSI] */
	{ { 0x48, 0x0f, 0xb5, 0x0e }, 4 },	/* LGS RCX, [RSI] */
	{ { 0x0f, 0xa1 }, 2 },			/* POP FS */
	{ { 0x0f, 0xa9 }, 2 },			/* POP GS */
	{ { 0xcb }, 1 },			/* RETF */
	{ { 0x48, 0xcb }, 2 },
	{ { 0x48, 0xcf }, 2 },			/* IRETQ */
	{ { 0xcf }, 1 },
};

static void operand_at_rsi(struct fuzz_random *r, struct fuzz_trial *t)
{
	static const u64 places[] = {
		FUZZ_DATA + FUZZ_OPERANDS, FUZZ_DATA + FUZZ_OPERANDS,
		FUZZ_KDATA + FUZZ_OPERANDS, FUZZ_KDATA + FUZZ_OPERANDS,
		FUZZ_KDATA + FUZZ_OPERANDS, FUZZ_KEYDATA + FUZZ_OPERANDS,
		0, 0x8000000000000000UL,
	};

	t->gpr[6] = FUZZ_ONE_OF(r, places);
}

static void random_frame(struct fuzz_random *r, struct fuzz_trial *t)
{
	t->stack[0] = fuzz_below(r, 4) ? fuzz_address(r) : fuzz_value(r);
	t->stack[1] = fuzz_selector(r);
	t->stack[2] = X86_EFLAGS_FIXED |
		      (fuzz_next(r) & (FUZZ_ANY_RFLAGS | FUZZ_RARE_RFLAGS |
				       X86_EFLAGS_TF | X86_EFLAGS_IOPL |
				       X86_EFLAGS_VM | X86_EFLAGS_VIF));
	t->stack[3] = fuzz_value(r);
	t->stack[4] = fuzz_selector(r);
	fuzz_narrow_frame(r, t);
}

/**
 * fuzz_descriptor() - make a trial that loads or looks at a random descriptor
 * @r: random numbers
 * @t: trial, with registers set; changed
 */
void fuzz_descriptor(struct fuzz_random *r, struct fuzz_trial *t)
{
	unsigned int i, which = fuzz_below(r, ARRAY_SIZE(descriptor_loads));
	const u8 *bytes = descriptor_loads[which].bytes;
	u64 to = fuzz_value(r);

	t->length = descriptor_loads[which].length;
	memcpy(t->bytes, bytes, t->length);
	for (i = 0; i < FUZZ_DESCRIPTORS; i += 2) {
		t->descriptors[i] = random_descriptor(r);
		t->descriptors[i + 1] = random_descriptor(r);
		if (!fuzz_below(r, 4))
			random_gate(r, &t->descriptors[i]);
		if (bytes[1] == 0 && bytes[2] == 0xd8)
			random_tss(r, &t->descriptors[i]);
	}
	t->gpr[0] = fuzz_selector(r);
	operand_at_rsi(r, t);
	t->operands[0] = to;
	t->operands[1] = fuzz_selector(r);
	if (t->length == 2 || bytes[0] == 0x0f)
		t->operands[0] = (u32)to | (u64)fuzz_selector(r) << 32;
	random_frame(r, t);
}

/* With RSI and RDI on the target */
static const struct {
	u8 bytes[5];
	u8 length;
	bool fetch;
} accesses[] = {
	{ { 0x48, 0x8b, 0x06 }, 3 },			/* MOV RAX, [RSI] */
	{ { 0x48, 0x89, 0x06 }, 3 },			/* MOV [RSI], RAX */
	{ { 0xf0, 0x48, 0x0f, 0xc1, 0x06 }, 5 },	/* LOCK XADD */
	{ { 0x48, 0x87, 0x06 }, 3 },			/* XCHG */
	{ { 0x0f, 0x10, 0x06 }, 3 },			/* MOVUPS */
	{ { 0x0f, 0x11, 0x06 }, 3 },
	{ { 0xff, 0x36 }, 2 },				/* PUSH [RSI] */
	{ { 0x8f, 0x06 }, 2 },				/* POP [RSI] */
	{ { 0x48, 0xa5 }, 2 },				/* MOVS */
	{ { 0xff, 0x26 }, 2 },				/* JMP [RSI] */
	{ { 0x0f, 0x01, 0x3e }, 3 },			/* INVLPG */
	{ { 0x0f, 0xae, 0x3e }, 3 },			/* CLFLUSH */
	{ { 0x0f, 0x18, 0x0e }, 3 },			/* PREFETCHT0 */
	{ { 0x0f, 0x01, 0x06 }, 3 },			/* SGDT */
	{ { 0x0f, 0x00, 0x0e }, 3 },			/* STR */
	{ { 0x0f, 0x0d, 0x0e }, 3 },			/* PREFETCHW */
	{ { 0x48, 0x0f, 0x38, 0xf5, 0x06 }, 5 },	/* WRUSS or nothing */
	{ { 0xff, 0xe6 }, 2 },				/* JMP RSI */
	{ { 0x90 }, 1, true },
	{ { 0xff, 0xc0 }, 2, true },			/* INC EAX */
	{ { 0x0f, 0xa2 }, 2, true },			/* CPUID */
};

/*
 * Bits that leave addresses alone; those from bit 40 on are reserved or
 * ignored or rights, as level and CPU have it. Where a page becomes a large one,
 * its address loses what is below its size, or not: then the bits are reserved.
 */
static u64 random_flips(struct fuzz_random *r, unsigned int level)
{
	u64 flips = 0, address;
	unsigned int n = fuzz_below(r, 4);

	while (n--) {
		unsigned int bit = fuzz_below(r, 24);

		flips ^= BIT_ULL(bit < 12 ? bit : bit + 40);
	}
	if (!fuzz_below(r, 16))
		flips ^= BIT_ULL(46 + fuzz_below(r, 6));
	if (level != 1 && level != 2)
		return flips;
	if (!(flips & BIT_ULL(7)) && fuzz_below(r, 4))
		return flips;
	flips |= BIT_ULL(7);
	address = sandbox_target() - (3 - level) * PAGE_SIZE;
	if (fuzz_below(r, 8))
		flips ^= address & GENMASK_ULL(level == 1 ? 29 : 20, 12);
	if (!fuzz_below(r, 8))
		flips ^= BIT_ULL(12 + fuzz_below(r, 9));
	return flips;
}

/**
 * fuzz_paging() - make a trial that uses random page-table entries
 * @r: random numbers
 * @t: trial, with registers set; changed
 */
void fuzz_paging(struct fuzz_random *r, struct fuzz_trial *t)
{
	unsigned int which = fuzz_below(r, ARRAY_SIZE(accesses));
	unsigned int level;

	t->mode = fuzz_below(r, 2) ? FUZZ_KERNEL_64 : FUZZ_USER_64;
	t->gpr[4] = fuzz_is_kernel(t->mode) ? FUZZ_KSTACK + 0x800 : FUZZ_STACK + 0x800;
	t->length = accesses[which].length;
	memcpy(t->bytes, accesses[which].bytes, t->length);
	t->target_offset = fuzz_below(r, 0xf00);
	t->gpr[6] = sandbox_target() + t->target_offset;
	t->gpr[7] = t->gpr[6];
	t->rip = fuzz_is_kernel(t->mode) ? FUZZ_KCODE + 0x800 : FUZZ_CODE + 0x800;
	if (accesses[which].fetch)
		t->rip = t->gpr[6];
	if (fuzz_below(r, 2))
		t->rflags |= X86_EFLAGS_AC;
	for (level = 0; level < FUZZ_LEVELS; level++) {
		if (fuzz_below(r, 2))
			t->entry_flips[level] = random_flips(r, level);
		if (fuzz_is_kernel(t->mode) && !fuzz_below(r, 3))
			t->entry_flips[level] ^= BIT_ULL(2);
	}
}
