/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: where on a stack the return addresses are
 *
 * Pure. By the kernel's own tables (ORC, Documentation/arch/x86/orc-unwinder.rst
 * and arch/x86/kernel/unwind_orc.c), and only by them: where they know nothing,
 * a walk ends. What looks like a return address may be a remainder of an earlier
 * call, which whoever owns the place may overwrite.
 */
#ifndef CARAPACE_PROTECT_UNWIND_H
#define CARAPACE_PROTECT_UNWIND_H

#include "types.h"

/* What lies at the address that a rule leads to */
enum unwind_kind {
	UNWIND_UNKNOWN,		/* the table does not know */
	UNWIND_END,		/* the outermost frame */
	UNWIND_CALL,		/* right below it, a return address */
	UNWIND_REGS,		/* struct pt_regs */
	UNWIND_IRET,		/* the part of it that IRET pops */
};

/* What a rule's offsets are added to */
enum unwind_base {
	UNWIND_BASE_UNKNOWN,
	UNWIND_BASE_NONE,	/* the register has kept its value */
	UNWIND_BASE_PREV_SP,
	UNWIND_BASE_DX,
	UNWIND_BASE_DI,
	UNWIND_BASE_BP,
	UNWIND_BASE_SP,
	UNWIND_BASE_R10,
	UNWIND_BASE_R13,
	UNWIND_BASE_BP_INDIRECT,
	UNWIND_BASE_SP_INDIRECT,
};

#define UNWIND_NUMBERS		16

/**
 * struct unwind_numbers - what the kernel's numbers mean
 * @base: by a register's number, enum unwind_base
 * @kind: by the four bits behind the registers', enum unwind_kind
 *
 * Both have been numbered anew in the course of time.
 */
struct unwind_numbers {
	u8 base[UNWIND_NUMBERS];
	u8 kind[UNWIND_NUMBERS];
};

#define UNWIND_RULE_SIZE	6

/**
 * struct unwind_rule - how to get from a frame to its caller's
 * @kind: enum unwind_kind
 * @sp_base: what @sp_offset is added to: enum unwind_base
 * @bp_base: the same for @bp_offset
 * @sp_offset: in bytes
 * @bp_offset: in bytes
 */
struct unwind_rule {
	u8 kind;
	u8 sp_base;
	u8 bp_base;
	s16 sp_offset;
	s16 bp_offset;
};

/**
 * struct unwind_table - rules for a part of the code
 * @start: its first address
 * @size: bytes
 * @ips: address of an array of s32: each the distance from itself to the first
 *	instruction that the rule with the same number is for; sorted
 * @rules: address of the array of rules
 * @nr: how many
 * @blocks: address of an array of u32, for each UNWIND_BLOCK bytes of the code
 *	the number of the rule at its beginning; 0 where there is none
 * @nr_blocks: how many
 */
struct unwind_table {
	u64 start;
	u64 size;
	u64 ips;
	u64 rules;
	u64 nr;
	u64 blocks;
	u64 nr_blocks;
};

#define UNWIND_BLOCK	256

/**
 * struct unwind_frame - a frame
 * @ip: where it goes on
 * @sp: its stack pointer
 * @bp: its RBP
 * @bp_at: address of the word that @bp was read from; 0 where it is in the register
 * @regs: address of a struct pt_regs that it was interrupted with; 0 for none
 * @after_call: @ip follows a call, which may be the function's last instruction
 */
struct unwind_frame {
	u64 ip;
	u64 sp;
	u64 bp;
	u64 bp_at;
	u64 regs;
	bool after_call;
};

/* Two that the frame is found by, and what IRET pops */
#define UNWIND_WORDS	5

/**
 * struct unwind_step - what a step found
 * @nr: how many of @at there are
 * @at: addresses of the words that say where the caller goes on, and with which
 *	stack: also of the frame's RBP, where the caller is found by that, and so of a
 *	word further in than the frame
 */
struct unwind_step {
	u32 nr;
	u64 at[UNWIND_WORDS];
};

/**
 * struct unwind_memory - what is read from
 * @read: copies @size bytes from @va, or returns false
 * @context: for it
 */
struct unwind_memory {
	bool (*read)(void *context, u64 va, void *to, u32 size);
	void *context;
};

bool unwind_is_entry(const struct unwind_rule *rule);
bool unwind_find(const struct unwind_table *table,
		 const struct unwind_numbers *numbers,
		 const struct unwind_memory *memory,
		 const struct unwind_frame *frame, struct unwind_rule *rule);
enum unwind_kind unwind_step(const struct unwind_rule *rule,
			     const struct unwind_memory *stack,
			     struct unwind_frame *frame,
			     struct unwind_step *step);

#endif /* CARAPACE_PROTECT_UNWIND_H */
