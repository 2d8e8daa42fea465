/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the instructions that root executes itself
 *
 * Root half only.  Instructions that may fault carry an entry in root's own
 * exception table (fault.h) and say so in their result.
 */
#ifndef CARAPACE_VMX_CPU_OPS_H
#define CARAPACE_VMX_CPU_OPS_H

#include "types.h"
#include "vmcs.h"

/* lgdt, lidt, sgdt, sidt */
struct descriptor_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

/* On a fault at @from, go on at @to (section read by fault.c) */
#define FAULT_ENTRY(from, to)					\
	".pushsection .fault_table, \"a\"\n"			\
	".quad " from ", " to "\n"				\
	".popsection\n"

static inline u64 vmread(enum vmcs_field field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=rm" (value) : "r" ((u64)field) : "cc");
	return value;
}

static inline void vmwrite(enum vmcs_field field, u64 value)
{
	asm volatile("vmwrite %1, %0"
		     : : "r" ((u64)field), "rm" (value) : "cc", "memory");
}

/* 0, or -EIO when the instruction failed (either way, SDM 3C, 31.2) */
static inline int vmxon(u64 pa)
{
	bool failed;

	asm volatile("vmxon %[pa]\n\tsetna %[failed]\n"
		     : [failed] "=qm" (failed) : [pa] "m" (pa) : "cc", "memory");
	return failed ? -EIO : 0;
}

static inline int vmclear(u64 pa)
{
	bool failed;

	asm volatile("vmclear %[pa]\n\tsetna %[failed]\n"
		     : [failed] "=qm" (failed) : [pa] "m" (pa) : "cc", "memory");
	return failed ? -EIO : 0;
}

static inline int vmptrld(u64 pa)
{
	bool failed;

	asm volatile("vmptrld %[pa]\n\tsetna %[failed]\n"
		     : [failed] "=qm" (failed) : [pa] "m" (pa) : "cc", "memory");
	return failed ? -EIO : 0;
}

static inline void vmxoff(void)
{
	asm volatile("vmxoff" : : : "cc", "memory");
}

/* To the hypervisor underneath, in KVM's registers: it changes RAX, nothing else. */
static inline u64 vmcall(u64 number, u64 first, u64 second, u64 third, u64 fourth)
{
	u64 result;

	asm volatile("vmcall"
		     : "=a" (result)
		     : "a" (number), "b" (first), "c" (second), "d" (third),
		       "S" (fourth)
		     : "cc", "memory");
	return result;
}

struct invalidation {
	u64 context;
	u64 address;
};

#define INVEPT_ALL_CONTEXTS	2
#define INVVPID_ALL_CONTEXTS	2

static inline void invept_all(void)
{
	struct invalidation none = { 0, 0 };

	asm volatile("invept %0, %1"
		     : : "m" (none), "r" ((u64)INVEPT_ALL_CONTEXTS)
		     : "cc", "memory");
}

static inline void invvpid_all(void)
{
	struct invalidation none = { 0, 0 };

	asm volatile("invvpid %0, %1"
		     : : "m" (none), "r" ((u64)INVVPID_ALL_CONTEXTS)
		     : "cc", "memory");
}

static inline void invlpg(const void *va)
{
	asm volatile("invlpg (%0)" : : "r" (va) : "memory");
}

#define DEFINE_CR_OPS(n)					\
static inline u64 read_cr##n(void)				\
{								\
	u64 value;						\
								\
	asm volatile("mov %%cr" #n ", %0" : "=r" (value) : : "memory"); \
	return value;						\
}								\
								\
static inline void write_cr##n(u64 value)			\
{								\
	asm volatile("mov %0, %%cr" #n : : "r" (value) : "memory"); \
}

DEFINE_CR_OPS(0)
DEFINE_CR_OPS(2)
DEFINE_CR_OPS(3)
DEFINE_CR_OPS(4)

static inline u64 read_dr6(void)
{
	u64 value;

	asm volatile("mov %%dr6, %0" : "=r" (value));
	return value;
}

static inline void write_dr6(u64 value)
{
	asm volatile("mov %0, %%dr6" : : "r" (value));
}

static inline u64 read_dr7(void)
{
	u64 value;

	asm volatile("mov %%dr7, %0" : "=r" (value));
	return value;
}

static inline void write_dr7(u64 value)
{
	asm volatile("mov %0, %%dr7" : : "r" (value));
}

static inline u64 read_rflags(void)
{
	u64 value;

	asm volatile("pushfq\n\tpopq %0" : "=r" (value) : : "memory");
	return value;
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return low | (u64)high << 32;
}

static inline u64 rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (index));
	return low | (u64)high << 32;
}

static inline void wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" : : "c" (index), "a" ((u32)value),
		     "d" ((u32)(value >> 32)) : "memory");
}

/* The same for an MSR that may not be there: -EFAULT on #GP. */
static inline int rdmsr_safe(u32 index, u64 *value)
{
	u32 low = 0, high = 0;
	int err = -EFAULT;

	asm volatile("1: rdmsr\n\txor %0, %0\n2:\n"
		     FAULT_ENTRY("1b", "2b")
		     : "+r" (err), "+a" (low), "+d" (high) : "c" (index) : "cc");
	*value = low | (u64)high << 32;
	return err;
}

static inline int wrmsr_safe(u32 index, u64 value)
{
	int err = -EFAULT;

	asm volatile("1: wrmsr\n\txor %0, %0\n2:\n"
		     FAULT_ENTRY("1b", "2b")
		     : "+r" (err) : "c" (index), "a" ((u32)value),
		       "d" ((u32)(value >> 32)) : "cc", "memory");
	return err;
}

static inline int xsetbv_safe(u32 index, u64 value)
{
	int err = -EFAULT;

	asm volatile("1: xsetbv\n\txor %0, %0\n2:\n"
		     FAULT_ENTRY("1b", "2b")
		     : "+r" (err) : "c" (index), "a" ((u32)value),
		       "d" ((u32)(value >> 32)) : "cc", "memory");
	return err;
}

static inline void cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	asm volatile("cpuid"
		     : "=a" (regs[0]), "=b" (regs[1]), "=c" (regs[2]),
		       "=d" (regs[3])
		     : "a" (leaf), "c" (subleaf) : "memory");
}

static inline void wbinvd(void)
{
	asm volatile("wbinvd" : : : "memory");
}

static inline void sgdt(struct descriptor_pointer *p)
{
	asm volatile("sgdt %0" : "=m" (*p));
}

static inline void sidt(struct descriptor_pointer *p)
{
	asm volatile("sidt %0" : "=m" (*p));
}

static inline void lgdt(const struct descriptor_pointer *p)
{
	asm volatile("lgdt %0" : : "m" (*p) : "memory");
}

static inline void lidt(const struct descriptor_pointer *p)
{
	asm volatile("lidt %0" : : "m" (*p) : "memory");
}

#define DEFINE_READ_SELECTOR(name, insn)			\
static inline u16 read_##name(void)				\
{								\
	u16 selector;						\
								\
	asm volatile(insn " %0" : "=rm" (selector));		\
	return selector;					\
}

DEFINE_READ_SELECTOR(cs, "mov %%cs,")
DEFINE_READ_SELECTOR(ss, "mov %%ss,")
DEFINE_READ_SELECTOR(ds, "mov %%ds,")
DEFINE_READ_SELECTOR(es, "mov %%es,")
DEFINE_READ_SELECTOR(fs, "mov %%fs,")
DEFINE_READ_SELECTOR(gs, "mov %%gs,")
DEFINE_READ_SELECTOR(ldtr, "sldt")
DEFINE_READ_SELECTOR(tr, "str")

/*
 * Loading a selector can fault on a descriptor table that the guest broke;
 * such a register is then left as it is.
 */
#define DEFINE_WRITE_SELECTOR(name, insn)			\
static inline void write_##name##_safe(u16 selector)		\
{								\
	asm volatile("1: " insn "\n2:\n"			\
		     FAULT_ENTRY("1b", "2b")			\
		     : : "r" ((u32)selector) : "memory");	\
}

DEFINE_WRITE_SELECTOR(ds, "movl %0, %%ds")
DEFINE_WRITE_SELECTOR(es, "movl %0, %%es")
DEFINE_WRITE_SELECTOR(fs, "movl %0, %%fs")
DEFINE_WRITE_SELECTOR(gs, "movl %0, %%gs")
DEFINE_WRITE_SELECTOR(ldtr, "lldt %w0")
DEFINE_WRITE_SELECTOR(tr, "ltr %w0")

static inline u32 lsl(u16 selector)
{
	u32 limit = 0;

	asm volatile("lsll %1, %0" : "+r" (limit) : "r" ((u32)selector) : "cc");
	return limit;
}

/* 0 when the selector names nothing */
static inline u32 lar(u16 selector)
{
	u32 rights = 0;

	asm volatile("larl %1, %0" : "+r" (rights) : "r" ((u32)selector) : "cc");
	return rights;
}

static inline void pause(void)
{
	asm volatile("pause");
}

#endif /* CARAPACE_VMX_CPU_OPS_H */
