// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: where on a stack the return addresses are
 */
#include "unwind.h"

/* struct pt_regs */
#define REGS_R13	16
#define REGS_BP		32
#define REGS_R10	56
#define REGS_DX		96
#define REGS_DI		104
#define REGS_IP		128

/* What IRET pops */
#define IRET_IP		0
#define IRET_CS		8
#define IRET_SP		24

/* As many of a block's rules as are looked at with one read */
#define BATCH		32

static struct unwind_rule decode(const u8 raw[UNWIND_RULE_SIZE],
				 const struct unwind_numbers *numbers)
{
	return (struct unwind_rule){
		.kind = numbers->kind[raw[5] % UNWIND_NUMBERS],
		.sp_base = numbers->base[raw[4] % UNWIND_NUMBERS],
		.bp_base = numbers->base[raw[4] / UNWIND_NUMBERS],
		.sp_offset = (s16)(raw[0] | raw[1] << 8),
		.bp_offset = (s16)(raw[2] | raw[3] << 8),
	};
}

static bool read(const struct unwind_memory *memory, u64 va, void *to, u32 size)
{
	return memory->read(memory->context, va, to, size);
}

/*
 * Rules that can be for an address: from number @first, @nr of them. All of them can
 * where the block's own cannot be read.
 */
static bool narrow(const struct unwind_table *t,
		   const struct unwind_memory *memory, u64 ip, u64 *first,
		   u64 *nr)
{
	u64 block = (ip - t->start) / UNWIND_BLOCK;
	u32 number[2];

	*first = 0;
	*nr = t->nr;
	if (!t->blocks || block + 1 >= t->nr_blocks ||
	    !read(memory, t->blocks + block * sizeof(u32), number,
		  sizeof(number)))
		return true;
	if (number[0] > number[1] || number[1] >= t->nr)
		return false;
	*first = number[0];
	*nr = number[1] - number[0] + 1;
	return true;
}

static u64 ip_of(const struct unwind_table *t, u64 number, s32 distance)
{
	return t->ips + number * sizeof(s32) + (u64)(s64)distance;
}

/*
 * The last rule at or before an address. Halves until few are left, so that those
 * need one read.
 */
static bool search(const struct unwind_table *t,
		   const struct unwind_memory *memory, u64 ip, u64 *number)
{
	s32 distance[BATCH];
	u64 first, nr, middle;
	u32 i;

	if (!narrow(t, memory, ip, &first, &nr))
		return false;
	while (nr > BATCH) {
		middle = first + nr / 2;
		if (!read(memory, t->ips + middle * sizeof(s32), distance,
			  sizeof(s32)))
			return false;
		if (ip_of(t, middle, distance[0]) <= ip) {
			nr -= middle - first;
			first = middle;
		} else {
			nr = middle - first;
		}
	}
	if (!nr || !read(memory, t->ips + first * sizeof(s32), distance,
			 nr * sizeof(s32)))
		return false;
	for (i = 0; i < nr && ip_of(t, first + i, distance[i]) <= ip; i++)
		;
	*number = first + i - 1;
	return i;
}

/**
 * unwind_find() - look up a frame's rule
 * @table: of the code that it is in
 * @numbers: the kernel's
 * @memory: where the table is
 * @frame: the frame
 * @rule: set
 *
 * Context: pure.
 *
 * Return: false where there is none.
 */
bool unwind_find(const struct unwind_table *table,
		 const struct unwind_numbers *numbers,
		 const struct unwind_memory *memory,
		 const struct unwind_frame *frame, struct unwind_rule *rule)
{
	u64 ip = frame->ip - frame->after_call;
	u8 raw[UNWIND_RULE_SIZE];
	u64 number;

	if (ip - table->start >= table->size ||
	    !search(table, memory, ip, &number) ||
	    !read(memory, table->rules + number * sizeof(raw), raw, sizeof(raw)))
		return false;
	*rule = decode(raw, numbers);
	return true;
}

static bool word(const struct unwind_memory *stack, u64 at, u64 *value)
{
	return read(stack, at, value, sizeof(*value));
}

/* A register as it was when the frame was interrupted */
static bool saved(const struct unwind_memory *stack,
		  const struct unwind_frame *frame, u32 offset, u64 *value)
{
	return frame->regs && word(stack, frame->regs + offset, value);
}

static void note(struct unwind_step *step, u64 at)
{
	step->at[step->nr++] = at;
}

/* The RBP that a frame is found by: whoever gives it back reads it there. */
static void note_bp(struct unwind_step *step, const struct unwind_frame *frame)
{
	if (frame->bp_at)
		note(step, frame->bp_at);
}

/* The address that a rule leads to */
static bool leads_to(const struct unwind_rule *rule,
		     const struct unwind_memory *stack,
		     const struct unwind_frame *frame, struct unwind_step *step,
		     u64 *at)
{
	u64 offset = (u64)(s64)rule->sp_offset;
	bool found = true;

	switch ((enum unwind_base)rule->sp_base) {
	case UNWIND_BASE_SP:
		*at = frame->sp + offset;
		return true;
	case UNWIND_BASE_BP:
		note_bp(step, frame);
		*at = frame->bp + offset;
		return true;
	case UNWIND_BASE_SP_INDIRECT:
		/* The offset is added to what lies there. */
		note(step, frame->sp);
		found = word(stack, frame->sp, at);
		*at += offset;
		return found;
	case UNWIND_BASE_BP_INDIRECT:
		note_bp(step, frame);
		note(step, frame->bp + offset);
		return word(stack, frame->bp + offset, at);
	case UNWIND_BASE_R10:
		return saved(stack, frame, REGS_R10, at);
	case UNWIND_BASE_R13:
		return saved(stack, frame, REGS_R13, at);
	case UNWIND_BASE_DI:
		return saved(stack, frame, REGS_DI, at);
	case UNWIND_BASE_DX:
		return saved(stack, frame, REGS_DX, at);
	case UNWIND_BASE_UNKNOWN:
	case UNWIND_BASE_NONE:
	case UNWIND_BASE_PREV_SP:
		break;
	}
	return false;
}

static bool return_address(const struct unwind_memory *stack, u64 at,
			   struct unwind_frame *next, struct unwind_step *step)
{
	note(step, at - sizeof(u64));
	next->sp = at;
	next->after_call = true;
	return word(stack, at - sizeof(u64), &next->ip);
}

static bool interrupted(const struct unwind_memory *stack, u64 iret,
			struct unwind_frame *next, struct unwind_step *step,
			bool *user)
{
	u64 cs;

	if (!word(stack, iret + IRET_CS, &cs) ||
	    !word(stack, iret + IRET_IP, &next->ip) ||
	    !word(stack, iret + IRET_SP, &next->sp))
		return false;
	/* Where a process goes on is its own affair, or a debugger's. */
	*user = cs & 3;
	if (!*user) {
		note(step, iret + IRET_IP);
		note(step, iret + IRET_CS);
		note(step, iret + IRET_SP);
	}
	return true;
}

static bool saved_bp(const struct unwind_memory *stack, u64 at,
		     struct unwind_frame *next)
{
	next->bp_at = at;
	return word(stack, at, &next->bp);
}

/* The caller's RBP */
static bool next_bp(const struct unwind_rule *rule,
		    const struct unwind_memory *stack,
		    const struct unwind_frame *frame, u64 at,
		    struct unwind_frame *next)
{
	u64 offset = (u64)(s64)rule->bp_offset;

	switch ((enum unwind_base)rule->bp_base) {
	case UNWIND_BASE_NONE:
		return !next->regs ||
		       saved_bp(stack, next->regs + REGS_BP, next);
	case UNWIND_BASE_PREV_SP:
		return saved_bp(stack, at + offset, next);
	case UNWIND_BASE_BP:
		return saved_bp(stack, frame->bp + offset, next);
	default:
		return false;
	}
}

/**
 * unwind_is_entry() - whether a rule is one that holds as a function is entered
 * @rule: the rule
 *
 * Context: pure.
 *
 * Return: whether nothing but the return address has been pushed; that is so at a
 * function's first instruction, and at others.
 */
bool unwind_is_entry(const struct unwind_rule *rule)
{
	return rule->kind == UNWIND_CALL && rule->sp_base == UNWIND_BASE_SP &&
	       rule->sp_offset == sizeof(u64);
}

/**
 * unwind_step() - go from a frame to its caller's
 * @rule: the frame's
 * @stack: what is on the stack, and nothing else
 * @frame: the frame; where the kind returned is none of the first two, changed
 *	to the caller's
 * @step: set: the words that lead there
 *
 * Context: pure.
 *
 * Return: how the walk went on. At UNWIND_END it is complete, at UNWIND_UNKNOWN
 * it is not.
 */
enum unwind_kind unwind_step(const struct unwind_rule *rule,
			     const struct unwind_memory *stack,
			     struct unwind_frame *frame,
			     struct unwind_step *step)
{
	struct unwind_frame next = { .bp = frame->bp, .bp_at = frame->bp_at };
	bool user = false, found = false;
	u64 at;

	step->nr = 0;
	if (rule->kind <= UNWIND_END)
		return rule->kind;
	if (!leads_to(rule, stack, frame, step, &at)) {
		step->nr = 0;
		return UNWIND_UNKNOWN;
	}
	switch ((enum unwind_kind)rule->kind) {
	case UNWIND_CALL:
		found = return_address(stack, at, &next, step);
		break;
	case UNWIND_REGS:
		next.regs = at;
		found = interrupted(stack, at + REGS_IP, &next, step, &user);
		break;
	case UNWIND_IRET:
		found = interrupted(stack, at, &next, step, &user);
		break;
	case UNWIND_UNKNOWN:
	case UNWIND_END:
		break;
	}
	if (found && user) {
		step->nr = 0;
		return UNWIND_END;
	}
	/* Callers are higher up, or a walk might not end. */
	if (!found || next.sp <= frame->sp ||
	    !next_bp(rule, stack, frame, at, &next)) {
		step->nr = 0;
		return UNWIND_UNKNOWN;
	}
	*frame = next;
	return rule->kind;
}
