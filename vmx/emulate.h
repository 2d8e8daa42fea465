/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what an exiting instruction does
 *
 * Pure: the decision is made here from values, the handlers in exit_*.c carry
 * it out.
 */
#ifndef CARAPACE_VMX_EMULATE_H
#define CARAPACE_VMX_EMULATE_H

#include "table_pool.h"
#include "types.h"

/* What becomes of a register write */
enum write_verdict {
	WRITE_ACCEPT,
	WRITE_IGNORE,		/* the instruction completes, nothing changes */
	WRITE_GP,		/* #GP(0) */
};

/**
 * struct cr0_write - a write to CR0 that exited
 * @value: what the guest wants to write
 * @cr4: CR4 as the CPU has it
 * @fixed1: bits that VMX operation needs set (IA32_VMX_CR0_FIXED0)
 * @real: result: value for the CPU
 * @shadow: result: value for the guest to read
 */
struct cr0_write {
	u64 value;
	u64 cr4;
	u64 fixed1;
	u64 real;
	u64 shadow;
};

enum write_verdict emulate_cr0_write(struct cr0_write *w);

/* Bits of CR4 that the guest may not set; they exit and raise #GP(0). */
#define CR4_HIDDEN	(CR4_VMXE | CR4_SMXE | CR4_FRED)

enum write_verdict emulate_cr4_write(u64 value);

void emulate_cpuid(u32 leaf, u32 subleaf, u64 guest_cr4, bool code64,
		   u32 regs[4]);

/* What becomes of a hypercall that is not ours */
enum hypercall_verdict {
	FOREIGN_UNDEFINED,	/* #UD: there is nobody who would take it */
	FOREIGN_REFUSED,	/* -KVM_ENOSYS */
	FOREIGN_HANDED_ON,	/* to KVM, underneath */
};

enum hypercall_verdict emulate_hypercall(bool kvm, u64 number);

/**
 * struct msr_write - a WRMSR that exited
 * @index: MSR
 * @value: what the guest wants to write
 * @apic_base: IA32_APIC_BASE as it was at attach
 * @phys_limit: end of the physical addresses that Linux uses, a power of two
 * @pool: memory that no MSR may point to
 * @window: the address of the shadow's window (protect/returns.h), or 0
 */
struct msr_write {
	u32 index;
	u64 value;
	u64 apic_base;
	u64 phys_limit;
	const struct table_pool *pool;
	u64 window;
};

enum write_verdict emulate_rdmsr(u32 index);
u64 emulate_rdmsr_value(u32 index, u64 value);
enum write_verdict emulate_wrmsr(const struct msr_write *w);
u32 emulate_msr_memory(u32 index, u64 value, u64 *pa);
bool emulate_msr_is_mtrr(u32 index);

/* MSRs whose accesses exit, for the bitmaps: a range, and which way */
struct msr_intercept {
	u32 first;
	u32 last;
	bool read;
	bool write;
};

extern const struct msr_intercept msr_intercepts[];
extern const u32 nr_msr_intercepts;

void emulate_fill_msr_bitmap(u8 bitmap[4096]);
void emulate_intercept_write(u8 bitmap[4096], u32 index);

#endif /* CARAPACE_VMX_EMULATE_H */
