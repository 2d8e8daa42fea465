/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer's sandbox: registers, read and written as they are, and hashes
 *
 * Raw moves: what Linux believes to be in the registers stays as it is.
 */
#ifndef CARAPACE_TESTS_FUZZ_REGISTERS_H
#define CARAPACE_TESTS_FUZZ_REGISTERS_H

#include <linux/types.h>
#include <asm/processor-flags.h>

#include "fuzz_sandbox.h"

#define ctx		fuzz_sandbox.context

#define DR6_FIXED	0xffff0ff0UL

#define READ_REG(name)							\
({									\
	u64 __value;							\
									\
	asm volatile("mov %%" #name ", %0" : "=r" (__value) : : "memory"); \
	__value;							\
})

#define WRITE_REG(name, value)						\
	asm volatile("mov %0, %%" #name : : "r" ((u64)(value)) : "memory")

static inline u64 bare_rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (index));
	return (u64)high << 32 | low;
}

static inline void bare_wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" : : "c" (index), "a" ((u32)value),
		     "d" ((u32)(value >> 32)) : "memory");
}

static inline u64 xgetbv0(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return (u64)high << 32 | low;
}

static inline void xsetbv0(u64 value)
{
	asm volatile("xsetbv" : : "c" (0), "a" ((u32)value),
		     "d" ((u32)(value >> 32)));
}

static inline u32 rdpkru_raw(void)
{
	u32 value, edx;

	asm volatile("rdpkru" : "=a" (value), "=d" (edx) : "c" (0));
	return value;
}

static inline void wrpkru_raw(u32 value)
{
	asm volatile("wrpkru" : : "a" (value), "c" (0), "d" (0));
}

static inline bool has_pkru(void)
{
	return ctx.base_cr4 & X86_CR4_PKE;
}

static inline void load_tr(void)
{
	fuzz_sandbox.gdt[SANDBOX_TSS / 8] &= ~BIT_ULL(41);	/* busy */
	asm volatile("ltr %w0" : : "r" (SANDBOX_TSS));
}

static inline u64 mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * 0x9fb21c651e98df25UL;
	return hash ^ hash >> 29;
}

static inline u64 mix_words(u64 hash, const void *words, unsigned int count)
{
	const u64 *w = words;

	while (count--)
		hash = mix(hash, *w++);
	return hash;
}

#endif /* CARAPACE_TESTS_FUZZ_REGISTERS_H */
