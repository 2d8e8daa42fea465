/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer's sandbox: what its C and assembly share
 */
#ifndef CARAPACE_TESTS_FUZZ_SANDBOX_H
#define CARAPACE_TESTS_FUZZ_SANDBOX_H

/* Selectors; those below are Linux's own */
#define SANDBOX_KERNEL_CS	0x10
#define SANDBOX_KERNEL_DS	0x18
#define SANDBOX_USER_CS32	0x23
#define SANDBOX_USER_DS		0x2b
#define SANDBOX_USER_CS		0x33
#define SANDBOX_TSS		0x40
#define SANDBOX_KERNEL_CS32	0x80
#define SANDBOX_KERNEL_CS16	0x88
#define SANDBOX_USER_CS16	0x93
#define SANDBOX_LDT		0x98	/* two slots */
#define SANDBOX_RANDOM		0xc0	/* FUZZ_DESCRIPTORS of them */
#define SANDBOX_GDT_SIZE	0x100

/* Places in struct sandbox_context; fuzz_switch.c checks them */
#define CTX_SAVED_RSP		0
#define CTX_ACTIVE		8
#define CTX_FIXUP		16
#define CTX_KERNEL_CR3		24
#define CTX_CR3			32
#define CTX_BASE_CR0		40
#define CTX_BASE_CR4		48
#define CTX_KERNEL_FS_BASE	56
#define CTX_KERNEL_GS_BASE	64
#define CTX_NMIS		72
#define CTX_GDTR		80
#define CTX_IDTR		96
#define CTX_KERNEL_IDTR		112
#define CTX_TRIAL_CR0		128
#define CTX_TRIAL_CR4		136
#define CTX_TRIAL_DR7		144
#define CTX_TRIAL_FS_BASE	152
#define CTX_TRIAL_GS_BASE	160
#define CTX_TRIAL_FRAME		168
#define CTX_TRIAL_GPR		208
#define CTX_OUT_GPR		336
#define CTX_OUT_CR0		464
#define CTX_OUT_CR2		472
#define CTX_OUT_CR3		480
#define CTX_OUT_CR4		488
#define CTX_OUT_CR8		496
#define CTX_OUT_DR6		504
#define CTX_OUT_DR7		512
#define CTX_OUT_DS		520
#define CTX_OUT_ES		528
#define CTX_OUT_FS		536
#define CTX_OUT_GS		544
#define CTX_OUT_LDTR		552
#define CTX_OUT_TR		560
#define CTX_OUT_FS_BASE		568
#define CTX_OUT_GS_BASE		576
#define CTX_OUT_GDTR		584
#define CTX_OUT_IDTR		600
#define CTX_OUT_FRAME		616
#define CTX_LANDING_RSP		624
#define CTX_OUT_EFER		632
#define CTX_BASE_EFER		640

/* Places in struct sandbox */
#define SANDBOX_CONTEXT		0x0000
#define SANDBOX_TABLES		0x1000	/* GDT, and LDT behind it */
#define SANDBOX_TASK		0x2000	/* TSS */
#define SANDBOX_STACK		0x3000
#define SANDBOX_STACK_TOP	0x4000
#define SANDBOX_IDT		0x4000
#define SANDBOX_SIZE		0x5000

#define SANDBOX_STUB_SIZE	16

#define DR7_FIXED		0x400

/* Pseudo-vectors; the same in fuzz.h */
#define SANDBOX_SYSCALL		0x100
#define SANDBOX_SYSENTER	0x101

#ifndef __ASSEMBLER__
#include <linux/types.h>
#include <asm/desc_defs.h>
#include <asm/page_types.h>
#include <asm/processor.h>

#include "fuzz.h"

struct sandbox_context {
	u64 saved_rsp;
	u64 active;
	u64 fixup;
	u64 kernel_cr3, cr3;
	u64 base_cr0, base_cr4;
	u64 kernel_fs_base, kernel_gs_base;
	u64 nmis;
	struct desc_ptr gdtr __aligned(16);
	struct desc_ptr idtr __aligned(16);
	struct desc_ptr kernel_idtr __aligned(16);
	struct {
		u64 cr0, cr4, dr7, fs_base, gs_base;
		u64 rip, cs, rflags, rsp, ss;
		u64 gpr[16];
	} in;
	struct {
		u64 gpr[16];
		u64 cr0, cr2, cr3, cr4, cr8, dr6, dr7;
		u64 ds, es, fs, gs, ldtr, tr, fs_base, gs_base;
		u64 gdtr[2], idtr[2];
		u64 frame;
		u64 landing_rsp;
		u64 efer;
	} out;
	u64 base_efer;
	u64 base_xcr0;
};

struct sandbox {
	struct sandbox_context context;
	u64 gdt[SANDBOX_GDT_SIZE / 8] __aligned(PAGE_SIZE);
	u64 ldt[SANDBOX_GDT_SIZE / 8];
	struct x86_hw_tss tss __aligned(PAGE_SIZE);
	u8 stack[PAGE_SIZE] __aligned(PAGE_SIZE);
	gate_desc idt[256] __aligned(PAGE_SIZE);
};

static inline bool fuzz_is_kernel(u32 mode)
{
	return mode <= FUZZ_KERNEL_16;
}

static inline bool fuzz_is_64(u32 mode)
{
	return mode == FUZZ_KERNEL_64 || mode == FUZZ_USER_64;
}

/* fuzz_entry.S */
extern const char fuzz_text[], fuzz_text_end[], fuzz_stubs[];
extern const char fuzz_syscall[], fuzz_sysenter[];
void fuzz_enter(void);

/* fuzz_switch.c */
extern struct sandbox fuzz_sandbox;

struct sandbox_state {
	u64 cr0, cr4, cr8, dr7;
	u64 msr[8];
	u16 ldtr, tr, ds, es, fs, gs;
	struct desc_ptr gdtr;
	u32 pkru;
	u64 xcr0;
};

void sandbox_open(struct sandbox_state *kernel);
void sandbox_close(const struct sandbox_state *kernel);
u64 sandbox_cr3(void);
u64 sandbox_base_cr0(void);
u64 sandbox_base_cr4(void);
u64 sandbox_xcr0(void);
bool sandbox_rdmsr(u32 index, u64 *value);
bool sandbox_wrmsr(u32 index, u64 value);

/* fuzz_memory.c */
int sandbox_create_memory(void);
void sandbox_destroy_memory(void);
void sandbox_place_code(const struct fuzz_trial *trial, bool set);
void sandbox_prepare_memory(const struct fuzz_trial *trial);
void sandbox_collect_memory(const struct fuzz_trial *trial,
			    struct fuzz_result *result);
u64 sandbox_target(void);

/* fuzz_trial.c */
int sandbox_create(void);
void sandbox_destroy(void);
void sandbox_run(const struct fuzz_trial *trial, struct fuzz_result *result);

/* fuzz_generate.c */
void fuzz_generate(u64 seed, u64 number, struct fuzz_trial *trial);

/* fuzz_rules.c */
const char *fuzz_excluded(const struct fuzz_trial *trial);
int fuzz_documented(const struct fuzz_trial *trial);
bool fuzz_msr_excluded(u32 index, bool write);
#endif

#endif /* CARAPACE_TESTS_FUZZ_SANDBOX_H */
