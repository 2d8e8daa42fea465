// SPDX-License-Identifier: GPL-2.0
/*
 * Unwinding: rules are found, followed, and never followed off the stack
 */
#include "unit.h"

#include "unwind.h"

#define CODE	0xffffffff81000000ULL
#define TABLES	0xffffffff83000000ULL
#define STACK	0xffffc90000010000ULL
#define WORDS	64
#define RULES	200

#define NONE		UNWIND_BASE_NONE
#define PREV_SP		UNWIND_BASE_PREV_SP
#define DX		UNWIND_BASE_DX
#define DI		UNWIND_BASE_DI
#define BP		UNWIND_BASE_BP
#define SP		UNWIND_BASE_SP
#define R10		UNWIND_BASE_R10
#define R13		UNWIND_BASE_R13
#define BP_INDIRECT	UNWIND_BASE_BP_INDIRECT
#define SP_INDIRECT	UNWIND_BASE_SP_INDIRECT

/* asm/orc_types.h of Linux 5.10 to 6.3, since 6.4, and of 7.2 */
static const struct unwind_numbers with_end_bit = {
	.base = { NONE, PREV_SP, DX, DI, BP, SP, R10, R13, BP_INDIRECT, SP_INDIRECT },
	.kind = { UNWIND_CALL, UNWIND_REGS, UNWIND_IRET, UNWIND_UNKNOWN,
		  UNWIND_END, UNWIND_END, UNWIND_END, UNWIND_END },
};

static const struct unwind_numbers with_types = {
	.base = { NONE, PREV_SP, DX, DI, BP, SP, R10, R13, BP_INDIRECT, SP_INDIRECT },
	.kind = { UNWIND_UNKNOWN, UNWIND_END, UNWIND_CALL, UNWIND_REGS, UNWIND_IRET },
};

static const struct unwind_numbers in_another_order = {
	.base = { NONE, UNWIND_BASE_UNKNOWN, DX, SP, BP, DI, R10, R13, PREV_SP,
		  SP_INDIRECT, BP_INDIRECT },
	.kind = { UNWIND_UNKNOWN, UNWIND_END, UNWIND_CALL, UNWIND_REGS, UNWIND_IRET },
};

static u8 number_of(const u8 *meanings, u8 meaning)
{
	u8 i;

	for (i = 0; i < UNWIND_NUMBERS && meanings[i] != meaning; i++)
		;
	return i;
}

struct tables {
	s32 ips[RULES];
	u8 rules[RULES][UNWIND_RULE_SIZE];
	u32 blocks[16];
};

static struct tables tables;
static u64 stack[WORDS];

static bool copy(u64 va, u64 base, const void *from, u64 size, void *to, u32 n)
{
	if (va < base || va - base > size || n > size - (va - base))
		return false;
	memcpy(to, (const u8 *)from + (va - base), n);
	return true;
}

static bool read_tables(void *unused, u64 va, void *to, u32 size)
{
	(void)unused;
	return copy(va, TABLES, &tables, sizeof(tables), to, size);
}

static bool read_stack(void *unused, u64 va, void *to, u32 size)
{
	(void)unused;
	return copy(va, STACK, stack, sizeof(stack), to, size);
}

static const struct unwind_memory table_memory = { read_tables, NULL };
static const struct unwind_memory stack_memory = { read_stack, NULL };

static u64 at(u32 word)
{
	return STACK + word * sizeof(u64);
}

/* Rule @i is for the 16 bytes of code from CODE + 16 * i on; its sp_offset is i. */
static struct unwind_table make_table(bool with_blocks,
				      const struct unwind_numbers *numbers)
{
	struct unwind_table t = {
		.start = CODE,
		.size = RULES * 16,
		.ips = TABLES + offsetof(struct tables, ips),
		.rules = TABLES + offsetof(struct tables, rules),
		.nr = RULES,
	};
	u32 i;

	for (i = 0; i < RULES; i++) {
		tables.ips[i] = CODE + i * 16 - (t.ips + i * sizeof(s32));
		memset(tables.rules[i], 0, UNWIND_RULE_SIZE);
		tables.rules[i][0] = i;
		tables.rules[i][4] = number_of(numbers->base, SP);
		tables.rules[i][5] = number_of(numbers->kind, UNWIND_CALL);
	}
	if (with_blocks) {
		t.blocks = TABLES + offsetof(struct tables, blocks);
		t.nr_blocks = RULES * 16 / UNWIND_BLOCK + 2;
		for (i = 0; i < t.nr_blocks; i++)
			tables.blocks[i] = i * UNWIND_BLOCK / 16 < RULES ?
					   i * UNWIND_BLOCK / 16 : RULES - 1;
	}
	return t;
}

static u64 found_for(const struct unwind_table *t, u64 ip, bool after_call)
{
	struct unwind_frame frame = { .ip = ip, .after_call = after_call };
	struct unwind_rule rule;

	return unwind_find(t, &with_types, &table_memory, &frame, &rule) ?
	       (u64)(u16)rule.sp_offset : ~0ULL;
}

FIXTURE(unwind)
{
};

FIXTURE_VARIANT(unwind)
{
	bool blocks;
	const struct unwind_numbers *numbers;
};

FIXTURE_VARIANT_ADD(unwind, core) { true, &with_types };
FIXTURE_VARIANT_ADD(unwind, module) { false, &with_types };
FIXTURE_VARIANT_ADD(unwind, core_before_6_4) { true, &with_end_bit };
FIXTURE_VARIANT_ADD(unwind, module_before_6_4) { false, &with_end_bit };
FIXTURE_VARIANT_ADD(unwind, core_of_7_2) { true, &in_another_order };

FIXTURE_SETUP(unwind)
{
}

FIXTURE_TEARDOWN(unwind)
{
}

TEST_F(unwind, each_address_has_its_rule)
{
	struct unwind_table t = make_table(variant->blocks, variant->numbers);
	u64 ip;

	for (ip = CODE; ip < CODE + t.size; ip++)
		ASSERT_EQ((ip - CODE) / 16, found_for(&t, ip, false));
	/* A call that ends a function belongs to that. */
	EXPECT_EQ(4, found_for(&t, CODE + 5 * 16, true));
	EXPECT_EQ(~0ULL, found_for(&t, CODE, true));
	EXPECT_EQ(~0ULL, found_for(&t, CODE + t.size, false));
	EXPECT_EQ(~0ULL, found_for(&t, CODE - 1, false));
}

TEST_F(unwind, damaged_tables_lead_nowhere)
{
	struct unwind_table t = make_table(variant->blocks, variant->numbers);
	u32 i;

	t.rules = TABLES + sizeof(tables);
	EXPECT_EQ(~0ULL, found_for(&t, CODE + 100, false));
	t = make_table(variant->blocks, variant->numbers);
	t.nr = 0;
	EXPECT_EQ(~0ULL, found_for(&t, CODE + 100, false));
	t = make_table(variant->blocks, variant->numbers);
	t.ips = TABLES + sizeof(tables) - 8;
	EXPECT_EQ(~0ULL, found_for(&t, CODE + 100, false));
	if (!variant->blocks)
		return;
	t = make_table(true, variant->numbers);
	for (i = 0; i < ARRAY_SIZE(tables.blocks); i++)
		tables.blocks[i] = i % 2 ? 0 : ~0U;
	EXPECT_EQ(~0ULL, found_for(&t, CODE + 100, false));
}

/* Whatever the numbers are, a rule means the same. */
TEST_F(unwind, numbers_are_the_kernels)
{
	struct unwind_table t = make_table(variant->blocks, variant->numbers);
	struct unwind_frame frame = { .ip = CODE };
	struct unwind_rule rule;
	u8 *raw = tables.rules[0];
	u8 base, kind;

	for (base = UNWIND_BASE_NONE; base <= UNWIND_BASE_SP_INDIRECT; base++) {
		raw[4] = number_of(variant->numbers->base, base) |
			 number_of(variant->numbers->base, BP) << 4;
		ASSERT_TRUE(unwind_find(&t, variant->numbers, &table_memory,
					&frame, &rule));
		EXPECT_EQ(base, rule.sp_base);
		EXPECT_EQ(BP, rule.bp_base);
	}
	for (kind = UNWIND_UNKNOWN; kind <= UNWIND_IRET; kind++) {
		raw[5] = number_of(variant->numbers->kind, kind);
		ASSERT_TRUE(unwind_find(&t, variant->numbers, &table_memory,
					&frame, &rule));
		EXPECT_EQ(kind, rule.kind);
	}
	/* There is no such register. */
	raw[4] = 0xff;
	ASSERT_TRUE(unwind_find(&t, variant->numbers, &table_memory, &frame,
				&rule));
	EXPECT_EQ(UNWIND_BASE_UNKNOWN, rule.sp_base);
}

static struct unwind_rule rule_of(u8 kind, u8 sp_base, s16 sp_offset, u8 bp_base,
				  s16 bp_offset)
{
	return (struct unwind_rule){
		.kind = kind,
		.sp_base = sp_base,
		.sp_offset = sp_offset,
		.bp_base = bp_base,
		.bp_offset = bp_offset,
	};
}

TEST(call)
{
	struct unwind_rule rule = rule_of(UNWIND_CALL, SP, 32, PREV_SP, -16);
	struct unwind_frame frame = { .ip = 1, .sp = at(4), .bp = 7 };
	struct unwind_step step;

	stack[7] = 0x1234;
	stack[6] = 0x5678;
	EXPECT_EQ(UNWIND_CALL, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x1234, frame.ip);
	EXPECT_EQ(at(8), frame.sp);
	EXPECT_EQ(0x5678, frame.bp);
	EXPECT_TRUE(frame.after_call);
	EXPECT_EQ(1, step.nr);
	EXPECT_EQ(at(7), step.at[0]);

	/* By the frame pointer, and that stays */
	rule = rule_of(UNWIND_CALL, BP, 16, NONE, 0);
	frame = (struct unwind_frame){ .sp = at(4), .bp = at(10) };
	stack[11] = 0x4321;
	EXPECT_EQ(UNWIND_CALL, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x4321, frame.ip);
	EXPECT_EQ(at(12), frame.sp);
	EXPECT_EQ(at(10), frame.bp);

	/* By a word in memory */
	rule = rule_of(UNWIND_CALL, BP_INDIRECT, -8, BP, -24);
	frame = (struct unwind_frame){ .sp = at(4), .bp = at(10) };
	stack[9] = at(20);
	stack[7] = 99;
	stack[19] = 0x99;
	EXPECT_EQ(UNWIND_CALL, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x99, frame.ip);
	EXPECT_EQ(99, frame.bp);
	rule = rule_of(UNWIND_CALL, SP_INDIRECT, 8, NONE, 0);
	frame = (struct unwind_frame){ .sp = at(4) };
	stack[4] = at(29);
	stack[29] = 0x77;
	EXPECT_EQ(UNWIND_CALL, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x77, frame.ip);
	EXPECT_EQ(at(30), frame.sp);
}

/* Who finds its caller by RBP reads it where a callee has put it. */
TEST(saved_frame_pointer)
{
	const struct unwind_rule saves = rule_of(UNWIND_CALL, SP, 24, PREV_SP, -16);
	const struct unwind_rule keeps = rule_of(UNWIND_CALL, SP, 8, NONE, 0);
	const struct unwind_rule by_bp = rule_of(UNWIND_CALL, BP, 16, PREV_SP, -16);
	const struct unwind_rule by_word = rule_of(UNWIND_CALL, BP_INDIRECT, -8, BP, 0);
	const struct unwind_rule by_sp_word = rule_of(UNWIND_CALL, SP_INDIRECT, 8,
						      NONE, 0);
	struct unwind_frame frame = { .sp = at(4), .bp = at(10) };
	struct unwind_step step;

	memset(stack, 0, sizeof(stack));
	/* It is in the register: there is no such word. */
	EXPECT_EQ(UNWIND_CALL, unwind_step(&by_bp, &stack_memory, &frame, &step));
	EXPECT_EQ(1, step.nr);
	EXPECT_EQ(at(11), step.at[0]);

	/* It is noted by who needs it, however many frames are between. */
	frame = (struct unwind_frame){ .sp = at(4), .bp = 7 };
	stack[5] = at(20);
	EXPECT_EQ(UNWIND_CALL, unwind_step(&saves, &stack_memory, &frame, &step));
	EXPECT_EQ(1, step.nr);
	EXPECT_EQ(at(5), frame.bp_at);
	EXPECT_EQ(UNWIND_CALL, unwind_step(&keeps, &stack_memory, &frame, &step));
	EXPECT_EQ(1, step.nr);
	stack[20] = at(30);
	EXPECT_EQ(UNWIND_CALL, unwind_step(&by_bp, &stack_memory, &frame, &step));
	EXPECT_EQ(2, step.nr);
	EXPECT_EQ(at(5), step.at[0]);
	EXPECT_EQ(at(21), step.at[1]);

	/* So is what RBP leads to, and the word that RSP does. */
	stack[29] = at(40);
	EXPECT_EQ(UNWIND_CALL, unwind_step(&by_word, &stack_memory, &frame, &step));
	EXPECT_EQ(3, step.nr);
	EXPECT_EQ(at(20), step.at[0]);
	EXPECT_EQ(at(29), step.at[1]);
	EXPECT_EQ(at(39), step.at[2]);
	EXPECT_EQ(at(30), frame.bp_at);
	stack[40] = at(50);
	EXPECT_EQ(UNWIND_CALL, unwind_step(&by_sp_word, &stack_memory, &frame, &step));
	EXPECT_EQ(2, step.nr);
	EXPECT_EQ(at(40), step.at[0]);
	EXPECT_EQ(at(50), step.at[1]);

	/* Nothing is told of a step that is not made. */
	frame = (struct unwind_frame){ .sp = at(4), .bp = at(WORDS + 1), .bp_at = at(5) };
	EXPECT_EQ(UNWIND_UNKNOWN, unwind_step(&by_word, &stack_memory, &frame, &step));
	EXPECT_EQ(0, step.nr);
}

TEST(registers)
{
	struct unwind_rule rule = rule_of(UNWIND_REGS, SP, 8, NONE, 0);
	struct unwind_frame frame = { .sp = at(1) };
	struct unwind_step step;

	memset(stack, 0, sizeof(stack));
	stack[2 + 4] = 0xb;		/* RBP */
	stack[2 + 7] = at(40);		/* R10 */
	stack[2 + 16] = 0x111;		/* RIP */
	stack[2 + 17] = 0x10;		/* CS */
	stack[2 + 19] = at(30);		/* RSP */
	EXPECT_EQ(UNWIND_REGS, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x111, frame.ip);
	EXPECT_EQ(at(30), frame.sp);
	EXPECT_EQ(0xb, frame.bp);
	EXPECT_EQ(at(2 + 4), frame.bp_at);
	EXPECT_FALSE(frame.after_call);
	EXPECT_EQ(3, step.nr);
	EXPECT_EQ(at(18), step.at[0]);
	EXPECT_EQ(at(21), step.at[2]);

	/* A register of the interrupted function's, once */
	rule = rule_of(UNWIND_CALL, R10, 8, NONE, 0);
	stack[39] = 0x222;
	EXPECT_EQ(UNWIND_CALL, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x222, frame.ip);
	EXPECT_EQ(0, frame.regs);
	EXPECT_EQ(UNWIND_UNKNOWN, unwind_step(&rule, &stack_memory, &frame, &step));

	/* Interrupted in user mode */
	rule = rule_of(UNWIND_REGS, SP, 8, NONE, 0);
	stack[2 + 17] = 0x33;
	frame = (struct unwind_frame){ .sp = at(1) };
	EXPECT_EQ(UNWIND_END, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0, step.nr);
	EXPECT_EQ(at(1), frame.sp);

	/* What IRET pops alone */
	rule = rule_of(UNWIND_IRET, SP, 0, NONE, 0);
	frame = (struct unwind_frame){ .sp = at(18), .bp = 5 };
	stack[2 + 17] = 0x10;
	EXPECT_EQ(UNWIND_IRET, unwind_step(&rule, &stack_memory, &frame, &step));
	EXPECT_EQ(0x111, frame.ip);
	EXPECT_EQ(5, frame.bp);
}

/* Not downwards, not off the stack, and not on the spot, whatever lies there */
TEST(a_walk_ends)
{
	struct unwind_rule rule;
	struct unwind_frame frame;
	struct unwind_step step;
	u32 n, steps;

	for (n = 0; n < 200000; n++) {
		for (steps = 0; steps < WORDS; steps++)
			stack[steps] = random_u64() % 4 ? at(random_u64() % (WORDS + 8)) :
						     random_u64();
		frame = (struct unwind_frame){ .sp = at(random_u64() % WORDS),
					       .bp = at(random_u64() % WORDS) };
		for (steps = 0;; steps++) {
			u64 sp = frame.sp;

			rule = rule_of(random_u64() % 5, random_u64() % 16,
				       ((s16)(random_u64() % 32) - 8) * 8, random_u64() % 4,
				       ((s16)(random_u64() % 32) - 16) * 8);
			if (unwind_step(&rule, &stack_memory, &frame, &step) <=
			    UNWIND_END)
				break;
			ASSERT_GT(frame.sp, sp);
			ASSERT_LE(step.nr, UNWIND_WORDS);
			ASSERT_LE(steps, WORDS + 8);
		}
	}
}

TEST_HARNESS_MAIN
