/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/fuzz: random instructions in a sandbox, and what came of them
 *
 * A trial is a function of a seed and a number: registers, memory, modes and one
 * instruction. It runs on a page table, descriptor tables and stacks of its
 * own; all that it leaves behind goes into a hash, and is put back. So the same
 * trial gives the same hash, bare and attached, whatever ran before it.
 */
#ifndef CARAPACE_TESTS_FUZZ_H
#define CARAPACE_TESTS_FUZZ_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Where the sandbox has its pages; below 64 KiB there is nothing */
#define FUZZ_CODE	0x10000UL	/* user, read and execute */
#define FUZZ_CODE_MORE	0x11000UL	/* the page behind */
#define FUZZ_KCODE	0x13000UL	/* supervisor, read and execute */
#define FUZZ_DATA	0x20000UL	/* user, read and write */
#define FUZZ_RODATA	0x22000UL	/* user, read */
#define FUZZ_KEYDATA	0x24000UL	/* user, read and write, protection key 1 */
#define FUZZ_KDATA	0x26000UL	/* supervisor, read and write */
#define FUZZ_KRODATA	0x28000UL	/* supervisor, read */
#define FUZZ_STACK	0x30000UL	/* user, read and write */
#define FUZZ_KSTACK	0x32000UL	/* supervisor, read and write */
#define FUZZ_PAGES(X)							\
	X(CODE) X(CODE_MORE) X(KCODE) X(DATA) X(RODATA) X(KEYDATA)	\
	X(KDATA) X(KRODATA) X(STACK) X(KSTACK)

/* In a data page: operands that fit the instruction */
#define FUZZ_OPERANDS	0x100

/* What the first instruction runs as */
enum fuzz_mode {
	FUZZ_KERNEL_64,
	FUZZ_KERNEL_32,		/* compatibility mode in ring 0 */
	FUZZ_KERNEL_16,
	FUZZ_USER_64,
	FUZZ_USER_32,
	FUZZ_USER_16,
	FUZZ_MODES,
};

/* How the trial was made up */
#define FUZZ_KINDS(X)							\
	X(BYTES, "random bytes")					\
	X(GRAMMAR, "random operands and prefixes of real opcodes")	\
	X(TEMPLATE, "privileged and sensitive instructions")		\
	X(MSR, "reads and writes of MSRs")				\
	X(DESCRIPTOR, "loads of random descriptors")			\
	X(PAGING, "accesses by way of random page-table entries")

enum fuzz_kind {
#define X(name, text) FUZZ_##name,
	FUZZ_KINDS(X)
#undef X
	FUZZ_KIND_COUNT,
};

/*
 * What is documented to differ while Carapace is attached: X(name, vector
 * attached, where and how). A trial that such a row covers stays out of the
 * hashes; it has to end with the row's vector each time it runs attached, and
 * with another one at least once when bare. CPUID is compared, but for the two
 * bits, which go by the row's own count.
 */
#define FUZZ_NO_FAULT	0x200
#define FUZZ_DOCUMENTED(X)						\
	X(CPUID, FUZZ_NO_FAULT,						\
	  "README, Limits: CPUID hides VMX and SMX")			\
	X(RDMSR_VMX, 13,						\
	  "README, Limits: VMX capability MSRs are gone")		\
	X(CR4_VMXE, 13,							\
	  "README, Limits: no VMX and no SMX: CR4.VMXE is reserved")	\
	X(MICROCODE, FUZZ_NO_FAULT,					\
	  "README, Limits: a microcode update is ignored")		\
	X(APIC_BASE, 13,						\
	  "README, Limits: IA32_APIC_BASE cannot move the APIC")	\
	X(MTRR_HOLES, 13,						\
	  "README, Limits: MTRR masks with holes are refused")		\
	X(X87, 16,							\
	  "README, Limits: x87 errors raise #MF whatever CR0.NE is")	\
	X(HYPERCALL, FUZZ_NO_FAULT,					\
	  "vmx/hypercall.h: ping is answered")				\
	X(HYPERCALL_REFUSED, FUZZ_NO_FAULT,				\
	  "vmx/hypercall.h: what makes no sense is an error")

enum fuzz_documented {
#define X(name, vector, text) FUZZ_DIFFERS_##name,
	FUZZ_DOCUMENTED(X)
#undef X
	FUZZ_DOCUMENTED_COUNT,
};

/* Pseudo-vectors: where SYSCALL and SYSENTER lead */
#define FUZZ_SYSCALL	0x100
#define FUZZ_SYSENTER	0x101

#define FUZZ_OPERAND_WORDS	16
#define FUZZ_STACK_WORDS	8
#define FUZZ_DESCRIPTORS	8
#define FUZZ_LEVELS		4

/**
 * struct fuzz_trial - what a trial starts with
 * @bytes: the instruction, and what follows it
 * @length: its bytes; beyond them INT3s
 * @kind: enum fuzz_kind
 * @mode: enum fuzz_mode
 * @gpr: by number: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15
 * @operands: at FUZZ_OPERANDS of each writable data page
 * @stack: at RSP, where that is FUZZ_STACK + 0x800 or FUZZ_KSTACK + 0x800
 * @descriptors: the last ones of the sandbox's GDT; the LDT's are the same
 * @entry_flips: PAGING: bits to flip, from the top level down
 * @target_offset: PAGING: place in the page
 * @msr: MSR: its number
 */
struct fuzz_trial {
	__u8 bytes[24];
	__u32 length;
	__u32 kind;
	__u32 mode;
	__u32 msr;
	__u64 rip;
	__u64 rflags;
	__u64 gpr[16];
	__u64 fs_base, gs_base;
	__u64 cr0, cr4, dr7;
	__u64 dr[4];
	__u32 pkru;
	__u32 mxcsr;
	__u32 x87_control_status;
	__u32 target_offset;
	__u64 operands[FUZZ_OPERAND_WORDS];
	__u64 stack[FUZZ_STACK_WORDS];
	__u64 descriptors[FUZZ_DESCRIPTORS];
	__u64 entry_flips[FUZZ_LEVELS];
};

/* What it ends with; all of it goes into the hash */
#define FUZZ_RESULTS(X)							\
	X(vector) X(error_code) X(rip) X(cs) X(rflags) X(rsp) X(ss)	\
	X(rax) X(rcx) X(rdx) X(rbx) X(rbp) X(rsi) X(rdi)		\
	X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)		\
	X(cr0) X(cr2) X(cr3) X(cr4) X(cr8) X(dr6) X(dr7)		\
	X(dr0) X(dr1) X(dr2) X(dr3) X(xcr0) X(pkru) X(efer)		\
	X(ds) X(es) X(fs) X(gs) X(ldtr) X(tr)				\
	X(fs_base) X(gs_base) X(kernel_gs_base)				\
	X(gdtr_base) X(gdtr_limit) X(idtr_base) X(idtr_limit)		\
	X(pages) X(memory) X(fpu) X(descriptors) X(paging) X(msr)

struct fuzz_result {
#define X(name) __u64 name;
	FUZZ_RESULTS(X)
#undef X
};

/**
 * struct fuzz_run - many trials
 * @seed: of all trials
 * @first: number of the first one
 * @count: how many
 * @attached: whether Carapace is; decides what is expected where they differ
 * @hashes: where to put a __u32 for each trial, or 0
 * @hash: set: of all trials
 * @tried: set: trials that ran
 * @excluded: set: trials that were left out
 * @faulted: set: trials that did not complete
 * @kinds: set: trials that ran, by kind
 * @covered: set: trials that each row of FUZZ_DOCUMENTED covers
 * @differed: set: of these, those that did what the row says
 */
struct fuzz_run {
	__u64 seed;
	__u64 first;
	__u32 count;
	__u32 attached;
	__u64 hashes;
	__u64 hash;
	__u32 tried;
	__u32 excluded;
	__u32 faulted;
	__u32 spare;
	__u32 kinds[FUZZ_KIND_COUNT];
	__u32 covered[FUZZ_DOCUMENTED_COUNT];
	__u32 differed[FUZZ_DOCUMENTED_COUNT];
};

/* One trial, with all that went in and came out; @dry: not run */
struct fuzz_look {
	__u64 seed;
	__u64 number;
	__u32 dry;
	__u32 spare;
	__u32 excluded;
	__s32 documented;
	struct fuzz_trial trial;
	struct fuzz_result result;
};

#define FUZZ_RUN	_IOWR('F', 1, struct fuzz_run)
#define FUZZ_LOOK	_IOWR('F', 2, struct fuzz_look)

#endif /* CARAPACE_TESTS_FUZZ_H */
