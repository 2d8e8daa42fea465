/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the shadow of return addresses, and the sites that compare with it
 *
 * Pure. A guarded function's entry stores the return address that it finds in
 * the *shadow*, and each of its returns compares. The shadow of the word at
 * stack address a lies at a fixed distance from a, in a *window* of the kernel's
 * addresses that is as large as the part of them that stacks are in. So there is
 * no shadow stack pointer to keep: whoever switches, unwinds or calls on top of a
 * stack keeps its shadow right without knowing of it, and a stack that is none
 * has no shadow.
 *
 * All code lies in the highest 2 GiB of addresses, so half a word is enough for
 * an address. The other half says which function it was that stored it.
 */
#ifndef CARAPACE_PROTECT_RETURNS_H
#define CARAPACE_PROTECT_RETURNS_H

/* Read by assembly, too */
#define WINDOW_SHIFT	36		/* the window covers 64 GiB of stacks */
#define FUNCTION_MARGIN	1		/* see function_half() */
#define CODE_MASK	0x7fffffff	/* of 2 GiB */

#ifndef __ASSEMBLER__
#include "types.h"

#define WINDOW_SIZE	(1ULL << WINDOW_SHIFT)

/**
 * struct shadow_word - the shadow of one word of a stack
 * @address: lower half of the return address; 0 for none
 * @function: function_half() of an address in the function that returns there, right
 *	behind the call by which its entry came here; 0 where it was not that, and
 *	SHADOW_MISSED where there was no memory to store anything in
 *
 * Whoever moves the stack pointer by half a word has a stub take the one for the other;
 * so what is a function's half is no code's address.
 */
struct shadow_word {
	u32 address;
	u32 function;
};

/* As a function: more than any has, so that no entry stores it */
#define SHADOW_MISSED	(CODE_MASK + 1U)

/* Whether there may have been something to be stored, when there was no memory */
static inline bool shadow_word_missed(const struct shadow_word *word)
{
	return !word->address && word->function == SHADOW_MISSED;
}

/* Code's address, from its lower half */
static inline u64 code_address(u32 half)
{
	return half ? 0xffffffff00000000ULL | half : 0;
}

/*
 * A function's half is how far it lies behind where modules begin, and one more, within
 * the 2 GiB: an address there would be user mode's.
 */
static inline u32 function_half(u64 va, u64 modules_start)
{
	return (u32)(va - modules_start + FUNCTION_MARGIN) & CODE_MASK;
}

/* The opposite, for what is not 0 and not SHADOW_MISSED */
static inline u64 function_address(u32 half, u64 modules_start)
{
	return ~(u64)CODE_MASK | ((half + modules_start - FUNCTION_MARGIN) & CODE_MASK);
}

/* Whether half a word is enough for an address */
static inline bool is_code_address(u64 va)
{
	return va >= 0xffffffff80000000ULL;
}

#define RETURN_SITE	5

/* A call, and a jump */
#define RETURN_JUMP_CODE	10

/* What stands at a return site */
enum return_form {
	RETURN_UNKNOWN,
	RETURN_PLAIN,		/* RET and four INT3 */
	RETURN_JUMP,		/* a jump: to a return thunk, or to the check */
};

enum return_form return_site_form(const u8 bytes[RETURN_SITE], u64 va,
				  u64 *target);
bool return_site_jump(u64 va, u64 target, u8 bytes[RETURN_SITE]);
bool return_jump_code(u64 va, u64 check, u64 target, u8 bytes[RETURN_JUMP_CODE]);
void return_site_plain(u8 bytes[RETURN_SITE]);
#endif /* !__ASSEMBLER__ */

#endif /* CARAPACE_PROTECT_RETURNS_H */
