// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's privileged and sensitive instructions, with operands that matter
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "fuzz_random.h"
#include "../../../vmx/hypercall.h"

/* What an instruction's operands are; by default, whatever the registers have */
enum setup {
	PLAIN,
	AT_RSI,		/* memory at RSI */
	TO_CR0,
	TO_CR3,
	TO_CR4,
	TO_CR8,
	TO_DR,
	TABLE,		/* LGDT, LIDT */
	XCR,
	INVALIDATE,	/* RAX type, descriptor at RSI */
	HYPERCALL,
	LEAF,		/* EAX small */
	FRAME,		/* on the stack */
	FAST_RETURN,	/* SYSRET, SYSEXIT */
	WAIT,		/* deadline past */
	KEYS,
	EXTENDED,	/* XSAVE and the like, at RSI */
	MSR_LIST,
	INTERRUPT,
	X87_ERROR,	/* pending, and CR0.NE clear */
};

struct template {
	u8 bytes[6];
	u8 length;
	u8 setup;
};

static const struct template templates[] = {
	{ { 0x0f, 0x22, 0xc0 }, 3, TO_CR0 },		/* MOV CR0, RAX */
	{ { 0x0f, 0x22, 0xc0 }, 3, TO_CR0 },
	{ { 0x0f, 0x22, 0xc0 }, 3, TO_CR0 },
	{ { 0x0f, 0x22, 0xc8 }, 3, PLAIN },		/* CR1 */
	{ { 0x0f, 0x22, 0xd0 }, 3, PLAIN },		/* CR2 */
	{ { 0x0f, 0x22, 0xd8 }, 3, TO_CR3 },
	{ { 0x0f, 0x22, 0xd8 }, 3, TO_CR3 },
	{ { 0x0f, 0x22, 0xe0 }, 3, TO_CR4 },
	{ { 0x0f, 0x22, 0xe0 }, 3, TO_CR4 },
	{ { 0x0f, 0x22, 0xe0 }, 3, TO_CR4 },
	{ { 0x44, 0x0f, 0x22, 0xc0 }, 4, TO_CR8 },
	{ { 0x0f, 0x20, 0xc0 }, 3, PLAIN },		/* MOV RAX, CR0 */
	{ { 0x0f, 0x20, 0xc8 }, 3, PLAIN },
	{ { 0x0f, 0x20, 0xd0 }, 3, PLAIN },
	{ { 0x0f, 0x20, 0xd8 }, 3, PLAIN },
	{ { 0x0f, 0x20, 0xe0 }, 3, PLAIN },
	{ { 0x44, 0x0f, 0x20, 0xc0 }, 4, PLAIN },
	{ { 0x0f, 0x23, 0xc0 }, 3, TO_DR },		/* ModRM.reg: random */
	{ { 0x0f, 0x21, 0xc0 }, 3, TO_DR },
	{ { 0x0f, 0x06 }, 2, PLAIN },			/* CLTS */
	{ { 0x0f, 0x01, 0xf0 }, 3, PLAIN },		/* LMSW AX */
	{ { 0x0f, 0x01, 0x36 }, 3, AT_RSI },		/* LMSW [RSI] */
	{ { 0x0f, 0x01, 0xe0 }, 3, PLAIN },		/* SMSW EAX */
	{ { 0x0f, 0x01, 0x26 }, 3, AT_RSI },
	{ { 0x0f, 0x01, 0x16 }, 3, TABLE },		/* LGDT [RSI] */
	{ { 0x0f, 0x01, 0x1e }, 3, TABLE },		/* LIDT [RSI] */
	{ { 0x0f, 0x01, 0x06 }, 3, AT_RSI },		/* SGDT [RSI] */
	{ { 0x0f, 0x01, 0x0e }, 3, AT_RSI },		/* SIDT [RSI] */
	{ { 0x0f, 0x00, 0xc0 }, 3, PLAIN },		/* SLDT EAX */
	{ { 0x0f, 0x00, 0xc8 }, 3, PLAIN },		/* STR EAX */
	{ { 0x0f, 0x01, 0xd0 }, 3, XCR },		/* XGETBV */
	{ { 0x0f, 0x01, 0xd1 }, 3, XCR },		/* XSETBV */
	{ { 0x0f, 0x01, 0xd1 }, 3, XCR },
	{ { 0x0f, 0x01, 0xd1 }, 3, XCR },
	{ { 0x0f, 0x09 }, 2, PLAIN },			/* WBINVD */
	{ { 0xf3, 0x0f, 0x09 }, 3, PLAIN },		/* WBNOINVD */
	{ { 0x0f, 0x01, 0x3e }, 3, AT_RSI },		/* INVLPG [RSI] */
	{ { 0x66, 0x0f, 0x38, 0x82, 0x06 }, 5, INVALIDATE },	/* INVPCID */
	{ { 0x66, 0x0f, 0x38, 0x82, 0x06 }, 5, INVALIDATE },
	{ { 0x0f, 0xa2 }, 2, LEAF },			/* CPUID */
	{ { 0x0f, 0xa2 }, 2, LEAF },
	{ { 0x0f, 0xa2 }, 2, PLAIN },

	/* VMX */
	{ { 0x0f, 0x01, 0xc1 }, 3, HYPERCALL },		/* VMCALL */
	{ { 0x0f, 0x01, 0xc1 }, 3, HYPERCALL },
	{ { 0x0f, 0x01, 0xc2 }, 3, PLAIN },		/* VMLAUNCH */
	{ { 0x0f, 0x01, 0xc3 }, 3, PLAIN },		/* VMRESUME */
	{ { 0x0f, 0x01, 0xc4 }, 3, PLAIN },		/* VMXOFF */
	{ { 0x0f, 0x01, 0xd4 }, 3, LEAF },		/* VMFUNC */
	{ { 0xf3, 0x0f, 0xc7, 0x36 }, 4, AT_RSI },	/* VMXON [RSI] */
	{ { 0x66, 0x0f, 0xc7, 0x36 }, 4, AT_RSI },	/* VMCLEAR */
	{ { 0x0f, 0xc7, 0x36 }, 3, AT_RSI },		/* VMPTRLD */
	{ { 0x0f, 0xc7, 0x3e }, 3, AT_RSI },		/* VMPTRST */
	{ { 0x0f, 0x78, 0xc8 }, 3, PLAIN },		/* VMREAD RAX, RCX */
	{ { 0x0f, 0x78, 0x0e }, 3, AT_RSI },
	{ { 0x0f, 0x79, 0xc8 }, 3, PLAIN },		/* VMWRITE RCX, RAX */
	{ { 0x0f, 0x79, 0x0e }, 3, AT_RSI },
	{ { 0x66, 0x0f, 0x38, 0x80, 0x06 }, 5, INVALIDATE },	/* INVEPT */
	{ { 0x66, 0x0f, 0x38, 0x81, 0x06 }, 5, INVALIDATE },	/* INVVPID */
	{ { 0x0f, 0x01, 0xd8 }, 3, PLAIN },		/* AMD's: VMRUN */
	{ { 0x0f, 0x01, 0xd9 }, 3, PLAIN },		/* VMMCALL */
	{ { 0x0f, 0x01, 0xdd }, 3, PLAIN },		/* CLGI */

	/* SMX, SGX, TDX, and others that virtualisation can hide */
	{ { 0x0f, 0x37 }, 2, LEAF },			/* GETSEC */
	{ { 0x0f, 0x01, 0xcf }, 3, LEAF },		/* ENCLS */
	{ { 0x0f, 0x01, 0xd7 }, 3, LEAF },		/* ENCLU */
	{ { 0x0f, 0x01, 0xc0 }, 3, LEAF },		/* ENCLV */
	{ { 0x0f, 0x01, 0xc5 }, 3, LEAF },		/* PCONFIG */
	{ { 0x66, 0x0f, 0x01, 0xcc }, 4, LEAF },	/* TDCALL */
	{ { 0x66, 0x0f, 0x01, 0xcd }, 4, LEAF },	/* SEAMRET */
	{ { 0x66, 0x0f, 0x01, 0xce }, 4, LEAF },	/* SEAMOPS */
	{ { 0x66, 0x0f, 0x01, 0xcf }, 4, LEAF },	/* SEAMCALL */
	{ { 0xf2, 0x0f, 0x01, 0xc6 }, 4, MSR_LIST },	/* RDMSRLIST */
	{ { 0xf3, 0x0f, 0x01, 0xc6 }, 4, MSR_LIST },	/* WRMSRLIST */
	{ { 0x0f, 0x01, 0xc6 }, 3, MSR_LIST },		/* WRMSRNS */
	{ { 0xf2, 0x0f, 0x38, 0xf8, 0xc8 }, 5, MSR_LIST },	/* URDMSR */
	{ { 0xf3, 0x0f, 0x38, 0xf8, 0xc8 }, 5, MSR_LIST },	/* UWRMSR */
	{ { 0xf2, 0x0f, 0x01, 0xca }, 4, FRAME },	/* ERETS */
	{ { 0xf3, 0x0f, 0x01, 0xca }, 4, FRAME },	/* ERETU */
	{ { 0xf2, 0x0f, 0x00, 0xf0 }, 4, PLAIN },	/* LKGS AX */
	{ { 0xf3, 0x0f, 0xc7, 0xf8 }, 4, PLAIN },	/* RDPID RAX */
	{ { 0xf3, 0x0f, 0xc7, 0xf0 }, 4, PLAIN },	/* SENDUIPI */
	{ { 0xf3, 0x0f, 0x01, 0xee }, 4, PLAIN },	/* CLUI */
	{ { 0xf3, 0x0f, 0x01, 0xec }, 4, FRAME },	/* UIRET */
	{ { 0x0f, 0xaa }, 2, PLAIN },			/* RSM */
	{ { 0x0f, 0x0b }, 2, PLAIN },			/* UD2 */
	{ { 0x0f, 0x01, 0xe8 }, 3, PLAIN },		/* SERIALIZE */
	{ { 0xf3, 0x90 }, 2, PLAIN },			/* PAUSE */
	{ { 0x0f, 0x01, 0xc8 }, 3, PLAIN },		/* MONITOR */
	{ { 0x66, 0x0f, 0xae, 0xf1 }, 4, WAIT },	/* TPAUSE ECX */
	{ { 0xf2, 0x0f, 0xae, 0xf1 }, 4, WAIT },	/* UMWAIT ECX */
	{ { 0xf3, 0x0f, 0xae, 0xf6 }, 4, AT_RSI },	/* UMONITOR RSI */

	/* Rings, segments, flags */
	{ { 0x0f, 0x01, 0xf8 }, 3, PLAIN },		/* SWAPGS */
	{ { 0x0f, 0x01, 0xca }, 3, PLAIN },		/* CLAC */
	{ { 0x0f, 0x01, 0xcb }, 3, PLAIN },		/* STAC */
	{ { 0xfa }, 1, PLAIN },				/* CLI */
	{ { 0xfb }, 1, PLAIN },				/* STI */
	{ { 0x9d }, 1, FRAME },				/* POPF */
	{ { 0x9c }, 1, PLAIN },				/* PUSHF */
	{ { 0xcf }, 1, FRAME },				/* IRETD */
	{ { 0x48, 0xcf }, 2, FRAME },			/* IRETQ */
	{ { 0x48, 0xcf }, 2, FRAME },
	{ { 0x66, 0xcf }, 2, FRAME },
	{ { 0x0f, 0x05 }, 2, PLAIN },			/* SYSCALL */
	{ { 0x0f, 0x07 }, 2, FAST_RETURN },		/* SYSRET */
	{ { 0x48, 0x0f, 0x07 }, 3, FAST_RETURN },
	{ { 0x0f, 0x34 }, 2, PLAIN },			/* SYSENTER */
	{ { 0x0f, 0x35 }, 2, FAST_RETURN },		/* SYSEXIT */
	{ { 0x48, 0x0f, 0x35 }, 3, FAST_RETURN },
	{ { 0xcd, 0x80 }, 2, INTERRUPT },		/* INT n */
	{ { 0xcc }, 1, PLAIN },
	{ { 0xce }, 1, PLAIN },				/* INTO */
	{ { 0xf1 }, 1, PLAIN },				/* ICEBP */
	{ { 0xf4 }, 1, PLAIN },				/* HLT, ring 3 */
	{ { 0x0f, 0x01, 0xee }, 3, KEYS },		/* RDPKRU */
	{ { 0x0f, 0x01, 0xef }, 3, KEYS },		/* WRPKRU */
	{ { 0xf3, 0x48, 0x0f, 0xae, 0xc0 }, 5, PLAIN },	/* RDFSBASE RAX */
	{ { 0xf3, 0x48, 0x0f, 0xae, 0xc8 }, 5, PLAIN },
	{ { 0xf3, 0x48, 0x0f, 0xae, 0xd0 }, 5, PLAIN },	/* WRFSBASE RAX */
	{ { 0xf3, 0x48, 0x0f, 0xae, 0xd8 }, 5, PLAIN },

	/* Shadow stacks */
	{ { 0xf3, 0x0f, 0x01, 0xe8 }, 4, PLAIN },	/* SETSSBSY */
	{ { 0xf3, 0x0f, 0xae, 0x36 }, 4, AT_RSI },	/* CLRSSBSY [RSI] */
	{ { 0xf3, 0x0f, 0x01, 0x2e }, 4, AT_RSI },	/* RSTORSSP [RSI] */
	{ { 0xf3, 0x0f, 0x01, 0xea }, 4, PLAIN },	/* SAVEPREVSSP */
	{ { 0xf3, 0x48, 0x0f, 0x1e, 0xc8 }, 5, PLAIN },	/* RDSSPQ RAX */
	{ { 0xf3, 0x48, 0x0f, 0xae, 0xe8 }, 5, PLAIN },	/* INCSSPQ RAX */
	{ { 0x66, 0x48, 0x0f, 0x38, 0xf5, 0x06 }, 6, AT_RSI },	/* WRUSSQ */
	{ { 0x48, 0x0f, 0x38, 0xf6, 0x06 }, 5, AT_RSI },	/* WRSSQ */

	/* Extended state */
	{ { 0x0f, 0xae, 0x06 }, 3, EXTENDED },		/* FXSAVE [RSI] */
	{ { 0x0f, 0xae, 0x0e }, 3, EXTENDED },		/* FXRSTOR */
	{ { 0x0f, 0xae, 0x26 }, 3, EXTENDED },		/* XSAVE */
	{ { 0x0f, 0xae, 0x2e }, 3, EXTENDED },		/* XRSTOR */
	{ { 0x0f, 0xae, 0x36 }, 3, EXTENDED },		/* XSAVEOPT */
	{ { 0x0f, 0xc7, 0x26 }, 3, EXTENDED },		/* XSAVEC */
	{ { 0x0f, 0xc7, 0x2e }, 3, EXTENDED },		/* XSAVES */
	{ { 0x48, 0x0f, 0xc7, 0x2e }, 4, EXTENDED },
	{ { 0x0f, 0xc7, 0x1e }, 3, EXTENDED },		/* XRSTORS */
	{ { 0x48, 0x0f, 0xc7, 0x1e }, 4, EXTENDED },
	{ { 0x9b }, 1, X87_ERROR },			/* FWAIT */
	{ { 0xd9, 0xc0 }, 2, PLAIN },			/* FLD ST0 */
	{ { 0x0f, 0x77 }, 2, PLAIN },			/* EMMS */
};

static u64 flip(struct fuzz_random *r, u64 value, unsigned int bits)
{
	unsigned int n = fuzz_below(r, 4);

	while (n--)
		value ^= BIT_ULL(fuzz_below(r, bits));
	return value;
}

static u64 random_cr0(struct fuzz_random *r)
{
	static const u64 defined[] = {
		X86_CR0_PE, X86_CR0_MP, X86_CR0_EM, X86_CR0_TS, X86_CR0_ET,
		X86_CR0_NE, X86_CR0_WP, X86_CR0_AM, X86_CR0_NW, X86_CR0_CD,
		X86_CR0_PG,
	};
	u64 value = sandbox_base_cr0();
	unsigned int n = fuzz_below(r, 4);

	while (n--)
		value ^= defined[fuzz_below(r, ARRAY_SIZE(defined))];
	return fuzz_below(r, 4) ? value : flip(r, value, 33);
}

static void memory_operand(struct fuzz_random *r, struct fuzz_trial *t)
{
	static const u64 places[] = {
		FUZZ_DATA, FUZZ_DATA, FUZZ_KDATA, FUZZ_KDATA, FUZZ_KDATA,
		FUZZ_KEYDATA,
	};

	t->gpr[6] = places[fuzz_below(r, ARRAY_SIZE(places))] + FUZZ_OPERANDS;
}

/* The sandbox's own tables, or what no CPU loads */
static void table_operand(struct fuzz_random *r, struct fuzz_trial *t)
{
	static const u16 limits[] = { 0xfff, 0x1fff, 0xffff };
	u64 base = t->bytes[2] == 0x16 ? (u64)fuzz_sandbox.gdt :
					 (u64)fuzz_sandbox.idt;

	memory_operand(r, t);
	if (!fuzz_below(r, 4))
		base ^= BIT_ULL(62);
	t->operands[0] = base << 16 |
			 limits[fuzz_below(r, ARRAY_SIZE(limits))];
	t->operands[1] = base >> 48;
	/* Others have shorter operands. */
	if (t->mode != FUZZ_USER_64)
		t->mode = FUZZ_KERNEL_64;
	t->rip = t->mode == FUZZ_KERNEL_64 ? FUZZ_KCODE + 0x800 :
					     FUZZ_CODE + 0x800;
}

static void xcr_operands(struct fuzz_random *r, struct fuzz_trial *t)
{
	static const u64 values[] = {
		0, 1, 2, 3, 5, 7, 0x1f, 0x27, 0x67, 0xe7, 0xe3, 0x2e7, 0x207,
		0x100, 0x600e7, 0x20007, BIT_ULL(63) | 7,
	};
	u64 value = values[fuzz_below(r, ARRAY_SIZE(values))];

	if (fuzz_below(r, 2))
		value = flip(r, sandbox_xcr0(), 64);
	t->gpr[0] = (u32)value | (fuzz_next(r) & 0xffffffff00000000ULL);
	t->gpr[2] = value >> 32 | (fuzz_next(r) & 0xffffffff00000000ULL);
	t->gpr[1] = fuzz_below(r, 4) ? 0 : fuzz_value(r);
}

static void hypercall_operands(struct fuzz_random *r, struct fuzz_trial *t)
{
	static const u64 numbers[] = {
		HYPERCALL_PING, HYPERCALL_PING, HYPERCALL_PING, 0, 3,
		HYPERCALL_POLICY, HYPERCALL_SEAL, HYPERCALL_RELEASE,
		HYPERCALL_WRITE_CODE, HYPERCALL_RETURNS_PATCH + 1, 0x1234,
		BIT_ULL(32) | HYPERCALL_PING, ~0ULL,
		BIT_ULL(63) | HYPERCALL_DETACH,
	};

	t->gpr[7] = numbers[fuzz_below(r, ARRAY_SIZE(numbers))];
	switch (fuzz_below(r, 8)) {
	case 0:
		t->gpr[0] = (u32)HYPERCALL_MAGIC;
		break;
	case 1:
		t->gpr[0] = HYPERCALL_MAGIC ^ BIT_ULL(fuzz_below(r, 64));
		break;
	case 2:
		t->gpr[7] = fuzz_value(r);
		break;
	default:
		t->gpr[0] = HYPERCALL_MAGIC;
		break;
	}
}

static void frame_operands(struct fuzz_random *r, struct fuzz_trial *t)
{
	t->stack[0] = fuzz_address(r);
	t->stack[1] = fuzz_selector(r);
	t->stack[2] = fuzz_next(r);
	if (fuzz_below(r, 2))
		t->stack[2] &= 0x254fd7;
	t->stack[3] = fuzz_value(r);
	t->stack[4] = fuzz_selector(r);
	fuzz_narrow_frame(r, t);
}

/* Outside 64-bit mode, the operand is half of the register. */
static void fill_other_half(struct fuzz_random *r, struct fuzz_trial *t)
{
	if (!fuzz_is_64(t->mode))
		t->gpr[0] = (u32)t->gpr[0] | fuzz_next(r) << 32;
}

static void set_operands(struct fuzz_random *r, struct fuzz_trial *t,
			 enum setup setup)
{
	switch (setup) {
	case PLAIN:
		break;
	case AT_RSI:
		memory_operand(r, t);
		break;
	case TO_CR0:
		t->gpr[0] = random_cr0(r);
		fill_other_half(r, t);
		break;
	case TO_CR3:
		/* Never another table, but reserved bits, PCIDs, LAM */
		t->gpr[0] = sandbox_cr3() | (fuzz_next(r) & 0xfff);
		if (!fuzz_below(r, 3))
			t->gpr[0] &= ~0xfffULL;
		if (!fuzz_below(r, 3))
			t->gpr[0] |= BIT_ULL(52 + fuzz_below(r, 12));
		break;
	case TO_CR4:
		t->gpr[0] = flip(r, sandbox_base_cr4(), 34);
		if (!fuzz_below(r, 8))
			t->gpr[0] ^= BIT_ULL(fuzz_below(r, 64));
		fill_other_half(r, t);
		break;
	case TO_CR8:
		/* A lower priority, and an interrupt would get through. */
		t->rflags &= ~X86_EFLAGS_IF;
		t->gpr[0] = fuzz_below(r, 4) ? fuzz_below(r, 18) : fuzz_value(r);
		break;
	case TO_DR:
		t->bytes[2] |= fuzz_below(r, 8) << 3;
		if (fuzz_below(r, 2))
			t->gpr[0] = fuzz_next(r) >> 32;
		break;
	case TABLE:
		table_operand(r, t);
		break;
	case XCR:
		xcr_operands(r, t);
		break;
	case INVALIDATE:
		memory_operand(r, t);
		t->gpr[0] = fuzz_below(r, 8) ? fuzz_below(r, 5) : fuzz_value(r);
		if (fuzz_below(r, 4))
			t->operands[0] = fuzz_below(r, 4096);
		break;
	case HYPERCALL:
		hypercall_operands(r, t);
		break;
	case LEAF:
		t->gpr[0] = fuzz_below(r, 8) ? fuzz_below(r, 32) :
			    0x80000000 + fuzz_below(r, 10);
		t->gpr[1] = fuzz_below(r, 4) ? fuzz_below(r, 16) : fuzz_value(r);
		break;
	case FRAME:
		frame_operands(r, t);
		break;
	case FAST_RETURN:
		t->gpr[1] = fuzz_below(r, 4) ? fuzz_address(r) : fuzz_value(r);
		t->gpr[2] = fuzz_below(r, 4) ? fuzz_address(r) : fuzz_value(r);
		t->gpr[11] = fuzz_next(r);
		break;
	case WAIT:
		t->gpr[0] = 0;
		t->gpr[2] = 0;
		t->gpr[1] = fuzz_below(r, 4);
		break;
	case KEYS:
		/* Key 0 stays: see generate_state() */
		t->gpr[0] = fuzz_next(r) & ~3ULL;
		t->gpr[1] = fuzz_below(r, 4) ? 0 : fuzz_value(r);
		t->gpr[2] = fuzz_below(r, 4) ? 0 : fuzz_value(r);
		break;
	case EXTENDED:
		memory_operand(r, t);
		t->gpr[6] += 0x100 + (fuzz_below(r, 8) ? 0 : 8);
		t->gpr[0] = fuzz_below(r, 2) ? ~0ULL : fuzz_next(r);
		t->gpr[2] = fuzz_below(r, 2) ? ~0ULL : fuzz_next(r);
		break;
	case MSR_LIST:
		/* WRMSRNS takes ECX: an MSR that is put back */
		memory_operand(r, t);
		t->gpr[1] = fuzz_below(r, 2) ? 1 : MSR_KERNEL_GS_BASE;
		t->gpr[7] = t->gpr[6] + 64;
		t->operands[0] = MSR_KERNEL_GS_BASE;
		if (t->bytes[0] == 0x0f)
			t->gpr[1] = MSR_KERNEL_GS_BASE;
		break;
	case X87_ERROR:
		t->x87_control_status = 0x1037e;
		t->cr0 &= ~X86_CR0_NE;
		break;
	case INTERRUPT:
		t->bytes[1] = fuzz_next(r);
		break;
	}
}

/*
 * Prefixes change nothing, or what the instruction is; not for those whose
 * operands must be right. Without TF what follows ends the trial; not for those
 * that go elsewhere.
 */
static void vary(struct fuzz_random *r, struct fuzz_trial *t, enum setup setup)
{
	static const u8 prefixes[] = {
		0x66, 0xf2, 0xf3, 0xf0, 0x67, 0x2e, 0x64,
		/* REX; INC, DEC in other modes than 64-bit */
		0x40, 0x48, 0x4f,
	};
	unsigned int nr_prefixes = fuzz_is_64(t->mode) ? ARRAY_SIZE(prefixes) : 7;

	if (setup == PLAIN || setup == AT_RSI || setup == XCR ||
	    setup == INVALIDATE || setup == HYPERCALL || setup == LEAF) {
		if (!fuzz_below(r, 16)) {
			memmove(t->bytes + 1, t->bytes, t->length++);
			t->bytes[0] = prefixes[fuzz_below(r, nr_prefixes)];
		}
		if (!fuzz_below(r, 16))
			t->rflags &= ~X86_EFLAGS_TF;
	}
	/* Behind a load of SS the trap waits for one more instruction. */
	if (setup <= TO_CR4 && fuzz_is_64(t->mode) && !fuzz_below(r, 16)) {
		memmove(t->bytes + 2, t->bytes, t->length);
		t->bytes[0] = 0x8e;
		t->bytes[1] = 0xd2;			/* MOV SS, EDX */
		t->gpr[2] = t->mode == FUZZ_KERNEL_64 ? SANDBOX_KERNEL_DS :
							SANDBOX_USER_DS;
		t->length += 2;
	}
	/* So does an STI for interrupts. */
	if (setup <= TO_CR4 && !fuzz_below(r, 32)) {
		memmove(t->bytes + 1, t->bytes, t->length++);
		t->bytes[0] = 0xfb;
	}
}

/**
 * fuzz_template() - make a trial of one of the instructions here
 * @r: random numbers
 * @t: trial, with registers set; changed
 */
void fuzz_template(struct fuzz_random *r, struct fuzz_trial *t)
{
	const struct template *template =
		&templates[fuzz_below(r, ARRAY_SIZE(templates))];

	t->length = template->length;
	memcpy(t->bytes, template->bytes, t->length);
	set_operands(r, t, template->setup);
	vary(r, t, template->setup);
}
