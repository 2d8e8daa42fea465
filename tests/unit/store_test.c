// SPDX-License-Identifier: GPL-2.0
/*
 * MOVs to memory, by what the CPU's manual says of their encoding
 */
#include "unit.h"

#include "store.h"

#define RIP	0xffffffff81000000ULL
#define LONGEST	15	/* bytes of an instruction */

/* Register N holds this: no two sums of them are alike. */
static void fill(u64 reg[STORE_REGISTERS])
{
	u32 i;

	for (i = 0; i < STORE_REGISTERS; i++)
		reg[i] = 0xffff000000000000ULL + (0x1000ULL << i) + i;
}

#define R(n)	(0xffff000000000000ULL + (0x1000ULL << (n)) + (n))

struct example {
	char insn[32];
	u8 length;
	u8 code[LONGEST];
	u64 address;
	u8 size;
	u64 value;
};

static const struct example examples[] = {
	{ "mov %r8,(%rdi)", 3, { 0x4c, 0x89, 0x07 }, R(7), 8, R(8) },
	{ "mov %r9,8(%rdi)", 4, { 0x4c, 0x89, 0x4f, 8 }, R(7) + 8, 8, R(9) },
	{ "mov %r9,-16(%rdi,%rdx)", 5, { 0x4c, 0x89, 0x4c, 0x17, 0xf0 },
	  R(7) + R(2) - 16, 8, R(9) },
	{ "mov %eax,(%rdi)", 2, { 0x89, 0x07 }, R(7), 4, R(0) },
	{ "mov %ax,(%rdi)", 3, { 0x66, 0x89, 0x07 }, R(7), 2, R(0) },
	{ "mov %al,(%rdi)", 2, { 0x88, 0x07 }, R(7), 1, R(0) },
	{ "mov %dil,(%rsi)", 3, { 0x40, 0x88, 0x3e }, R(6), 1, R(7) },
	{ "mov %rax,(%rsp)", 4, { 0x48, 0x89, 0x04, 0x24 }, R(4), 8, R(0) },
	{ "mov %rax,(%r12)", 4, { 0x49, 0x89, 0x04, 0x24 }, R(12), 8, R(0) },
	{ "mov %rax,0(%rbp)", 4, { 0x48, 0x89, 0x45, 0 }, R(5), 8, R(0) },
	{ "mov %rax,0(%r13)", 4, { 0x49, 0x89, 0x45, 0 }, R(13), 8, R(0) },
	{ "mov %rax,(%rbx,%r12,8)", 4, { 0x4a, 0x89, 0x04, 0xe3 },
	  R(3) + R(12) * 8, 8, R(0) },
	{ "mov %rax,0x1000(,%rcx,4)", 8,
	  { 0x48, 0x89, 0x04, 0x8d, 0, 0x10, 0, 0 }, R(1) * 4 + 0x1000, 8, R(0) },
	{ "mov %rax,-4096(%r15)", 7, { 0x49, 0x89, 0x87, 0, 0xf0, 0xff, 0xff },
	  R(15) - 4096, 8, R(0) },
	{ "mov %rax,16(%rip)", 7, { 0x48, 0x89, 0x05, 16, 0, 0, 0 },
	  RIP + 7 + 16, 8, R(0) },
	{ "movb $0xcc,(%rdi)", 3, { 0xc6, 0x07, 0xcc }, R(7), 1, 0xcc },
	{ "movw $-2,(%rdi)", 5, { 0x66, 0xc7, 0x07, 0xfe, 0xff }, R(7), 2,
	  0xfffe },
	{ "movl $1,4(%rip)", 10, { 0xc7, 0x05, 4, 0, 0, 0, 1, 0, 0, 0 },
	  RIP + 10 + 4, 4, 1 },
	{ "movq $-1,(%rdi)", 7, { 0x48, 0xc7, 0x07, 0xff, 0xff, 0xff, 0xff },
	  R(7), 8, ~0ULL },
};

static const struct {
	char insn[32];
	u8 length;
	u8 code[LONGEST];
} others[] = {
	{ "mov %r8,%rdi", 3, { 0x4c, 0x89, 0xc7 } },
	{ "mov %ah,(%rdi)", 2, { 0x88, 0x27 } },
	{ "mov (%rdi),%rax", 3, { 0x48, 0x8b, 0x07 } },
	{ "mov %rax,%gs:(%rdi)", 4, { 0x65, 0x48, 0x89, 0x07 } },
	{ "mov %eax,(%edi)", 3, { 0x67, 0x89, 0x07 } },
	{ "lock mov", 3, { 0xf0, 0x89, 0x07 } },
	{ "add %rax,(%rdi)", 3, { 0x48, 0x01, 0x07 } },
	{ "rep movsb", 2, { 0xf3, 0xa4 } },
	{ "xabort $1", 3, { 0xc6, 0xf8, 1 } },
	{ "c7 /1", 6, { 0xc7, 0x0f, 0, 0, 0, 0 } },
	{ "66 after REX", 4, { 0x48, 0x66, 0x89, 0x07 } },
};

static u64 cut(u64 value, u32 size)
{
	return size == 8 ? value : value & ((1ULL << (8 * size)) - 1);
}

TEST(each_is_read_as_it_is)
{
	u64 reg[STORE_REGISTERS];
	struct store s;
	u32 i;

	fill(reg);
	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct example *e = &examples[i];

		ASSERT_TRUE(store_decode(e->code, e->length, RIP, reg, &s))
			fprintf(stderr, "# %s\n", e->insn);
		EXPECT_EQ(e->address, s.address)
			fprintf(stderr, "# %s\n", e->insn);
		EXPECT_EQ(e->size, s.size);
		EXPECT_EQ(cut(e->value, e->size), cut(s.value, s.size))
			fprintf(stderr, "# %s\n", e->insn);
		EXPECT_EQ(e->length, s.length);
	}
}

TEST(what_is_cut_off_is_none)
{
	u64 reg[STORE_REGISTERS];
	struct store s;
	u32 i, length;

	fill(reg);
	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		for (length = 0; length < examples[i].length; length++)
			EXPECT_FALSE(store_decode(examples[i].code, length, RIP,
						  reg, &s));
	}
}

TEST(others_are_refused)
{
	u64 reg[STORE_REGISTERS];
	struct store s;
	u32 i;

	fill(reg);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_FALSE(store_decode(others[i].code, others[i].length, RIP,
					  reg, &s))
			fprintf(stderr, "# %s\n", others[i].insn);
}

TEST_HARNESS_MAIN
