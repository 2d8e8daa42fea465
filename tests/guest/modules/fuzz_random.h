/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer's random numbers, addresses and selectors
 */
#ifndef CARAPACE_TESTS_FUZZ_RANDOM_H
#define CARAPACE_TESTS_FUZZ_RANDOM_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/processor-flags.h>

#include "fuzz_sandbox.h"

#define FUZZ_ANY_RFLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF |	\
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_DF |	\
			 X86_EFLAGS_OF | X86_EFLAGS_ID)
#define FUZZ_RARE_RFLAGS	(X86_EFLAGS_AC | X86_EFLAGS_NT | X86_EFLAGS_RF |	\
			 X86_EFLAGS_IF)

/*
 * A trial is made by each number in its turn: one number per expression, for C
 * leaves open which operand is evaluated first.
 */
struct fuzz_random {
	u64 state;
};

/* Steele, Lea, Flood: SplitMix64 */
static inline u64 fuzz_next(struct fuzz_random *r)
{
	u64 z = r->state += 0x9e3779b97f4a7c15UL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
	return z ^ z >> 31;
}

static inline void fuzz_seed(struct fuzz_random *r, u64 seed, u64 number)
{
	r->state = seed;
	r->state = fuzz_next(r) ^ number * 0xd1342543de82ef95UL;
}

static inline u64 fuzz_below(struct fuzz_random *r, u32 limit)
{
	return (fuzz_next(r) >> 32) * limit >> 32;
}

/* Somewhere in the sandbox; @random: bits to use */
static inline u64 fuzz_place(u64 random)
{
	static const u64 places[16] = {
#define X(name) FUZZ_##name,
		FUZZ_PAGES(X)
#undef X
		FUZZ_DATA, FUZZ_DATA, FUZZ_KDATA, FUZZ_KDATA, FUZZ_RODATA,
		FUZZ_STACK,
	};
	u64 place = places[random & 15];

	switch (random >> 4 & 3) {
	case 0:
		return place + (random >> 8 & (PAGE_SIZE - 1));
	case 1:
		/* over the page's end */
		return place + PAGE_SIZE - (random >> 8 & 15);
	default:
		return place + FUZZ_OPERANDS + (random >> 8 & 31) * 8;
	}
}

static inline u64 fuzz_address(struct fuzz_random *r)
{
	return fuzz_place(fuzz_next(r));
}

static inline u64 fuzz_value(struct fuzz_random *r)
{
	static const u64 values[16] = {
		0, 1, 2, 7, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7fffffffffffffffUL, 0x8000000000000000UL, ~0UL,
		0x0000800000000000UL, 0x00007fffffffffffUL, 0x100, 0xffe,
	};
	u64 random = fuzz_next(r);

	switch (random >> 61) {
	case 0:
		return values[random & 15];
	case 1:
		return fuzz_next(r) >> 16;
	case 2:
		return fuzz_next(r) | BIT_ULL(46);
	case 3:
		return random & 63;
	default:
		return fuzz_place(random);
	}
}

static inline u16 fuzz_selector(struct fuzz_random *r)
{
	static const u16 selectors[] = {
		0, 3, SANDBOX_KERNEL_CS, SANDBOX_KERNEL_DS, SANDBOX_USER_CS32,
		SANDBOX_USER_DS, SANDBOX_USER_CS, SANDBOX_TSS,
		SANDBOX_KERNEL_CS32, SANDBOX_KERNEL_CS16, SANDBOX_USER_CS16,
		SANDBOX_LDT, 0x7b, 0x1000, 0xfffb, SANDBOX_GDT_SIZE,
	};

	u16 ring_and_table = fuzz_below(r, 8);

	if (fuzz_below(r, 4))
		return (SANDBOX_RANDOM + 8 * fuzz_below(r, FUZZ_DESCRIPTORS)) |
		       ring_and_table;
	return selectors[fuzz_below(r, ARRAY_SIZE(selectors))];
}

static inline u64 fuzz_one_of(struct fuzz_random *r, const u64 *values,
			      unsigned int count)
{
	return values[fuzz_below(r, count)];
}

#define FUZZ_ONE_OF(r, values)	fuzz_one_of(r, values, ARRAY_SIZE(values))

/* A far return's frame on the stack: at times of 32 bits each */
static inline void fuzz_narrow_frame(struct fuzz_random *r,
				     struct fuzz_trial *t)
{
	u64 selector;

	if (fuzz_below(r, 4))
		return;
	selector = fuzz_selector(r);
	t->stack[0] = (u32)fuzz_address(r) | selector << 32;
	t->stack[1] = (u32)t->stack[2] | (u64)(u32)fuzz_address(r) << 32;
	t->stack[2] = fuzz_selector(r);
}

/* fuzz_templates.c */
void fuzz_template(struct fuzz_random *r, struct fuzz_trial *t);

/* fuzz_tables.c */
void fuzz_descriptor(struct fuzz_random *r, struct fuzz_trial *t);
void fuzz_paging(struct fuzz_random *r, struct fuzz_trial *t);

#endif /* CARAPACE_TESTS_FUZZ_RANDOM_H */
