// SPDX-License-Identifier: GPL-2.0
/*
 * Code in memory and in the file: what Linux makes of each place is known, and
 * all else is named
 */
#include "unit.h"

#include "layout.h"
#include "patched.h"
#include "text_parts.h"

#define NO_KIND		TEXT_KIND_COUNT
#define PROBE_AT	AT_DATA
#define ENDBR_AT	0xffffffff810001e0	/* better */
#define THUNK_AT	0xffffffffc2000070	/* without a name, for r11 */
#define PLACES		0xffffffffc1100000	/* the guard's, for jumps */
#define PLACE		(PLACES + RETURN_JUMP_ROOM)	/* where no symbol is */
#define OTHER_PLACES	0xffffffffc1200000	/* another module's, so named */
#define CALL		0xe8
#define JMP		0xe9
#define BRANCH		5	/* bytes of each */

struct text_fixture {
	struct module_builder builder;
	struct bytes bytes;
	struct elf_module module;
	struct symbols symbols;
	struct text_world world;
	struct text_result result;
	struct reason why;
	u8 memory[3][TEXT_SIZE];	/* of the sections with code */
	u8 place[2 * BRANCH];		/* one of the guard's, for a jump */
	u64 place_at;
	bool probe;
};

FIXTURE(text)
{
	struct text_fixture all;
};

static const char *const code_sections[] = {
	".text", ".static_call.text", ".altinstr_replacement",
};

static bool section(void *context, const char *name, u64 *va)
{
	struct text_fixture *self = context;
	size_t i;

	for (i = 1; i < self->module.nr_sections; i++) {
		if (!strcmp(self->module.sections[i].name, name)) {
			*va = MODULE_VA + (i << 16);
			return true;
		}
	}
	return false;
}

static u64 va_of(struct text_fixture *self, const char *name)
{
	u64 va = 0;

	section(self, name, &va);
	return va;
}

static bool read_memory(void *context, u64 va, u8 *bytes, size_t size)
{
	struct text_fixture *self = context;
	size_t i;

	if (va == THUNK_AT) {
		memcpy(bytes, "\x41\xff\xe3\xcc", size);
		return true;
	}
	if (va == ENDBR_AT) {
		memcpy(bytes, "\xf3\x0f\x1e\xfa", size);
		return true;
	}
	if (self->place_at && va == self->place_at) {
		memcpy(bytes, self->place, size);
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(code_sections); i++) {
		if (va != va_of(self, code_sections[i]))
			continue;
		memcpy(bytes, self->memory[i], size);
		return true;
	}
	return false;
}

static bool probed(void *context, u64 va)
{
	struct text_fixture *self = context;

	return self->probe && va == va_of(self, ".text") + PROBE_AT;
}

/* As the loader leaves it when no feature wants anything else */
static void load(struct text_fixture *self)
{
	const struct elf_section *of;
	struct text_layout layout;
	size_t i;

	text_layout_find(&layout, &self->module, &self->world);
	for (i = 0; i < ARRAY_SIZE(code_sections); i++) {
		of = elf_module_section(&self->module, code_sections[i]);
		memcpy(self->memory[i], of->data, of->size);
		text_relocate(&layout, of - self->module.sections, 0, of->size,
			      va_of(self, of->name), self->memory[i], NULL);
	}
	text_layout_free(&layout);
}

FIXTURE_SETUP(text)
{
	struct text_fixture *all = &self->all;

	craft_patched(&all->builder);
	all->bytes = builder_finish(&all->builder);
	ASSERT_TRUE(elf_module_open(&all->module, &all->bytes, &all->why)) {
		TH_LOG("%s", all->why.text);
	}
	patched_symbols(&all->symbols);
	all->world = (struct text_world){
		.section = section,
		.read = read_memory,
		.probed = probed,
		.symbols = &all->symbols,
		.context = all,
	};
	load(all);
}

FIXTURE_TEARDOWN(text)
{
	text_result_free(&self->all.result);
	elf_module_close(&self->all.module);
	symbols_free(&self->all.symbols);
	bytes_free(&self->all.bytes);
}

/* How many differences there are */
static size_t compare(struct text_fixture *self)
{
	text_result_free(&self->result);
	if (!text_compare(&self->module, &self->world, &self->result,
			  &self->why))
		return -1;
	return self->result.nr_differences;
}

TEST_F(text, is_the_same)
{
	enum text_kind kind;

	ASSERT_EQ(0, compare(&self->all));
	EXPECT_EQ(TEXT_SIZE + 8 + 10, self->all.result.bytes);
	EXPECT_STREQ("", self->all.result.not_read);
	for (kind = 0; kind < TEXT_KIND_COUNT; kind++)
		EXPECT_EQ(0, self->all.result.patched[kind]);
}

/* No bit can change and not be named, at no place */
TEST_F(text, every_bit_counts)
{
	size_t i, bit;

	for (i = 0; i < ARRAY_SIZE(code_sections); i++) {
		const struct elf_section *of =
			elf_module_section(&self->all.module, code_sections[i]);

		for (bit = 0; bit < 8 * of->size; bit++) {
			self->all.memory[i][bit / 8] ^= 1 << bit % 8;
			ASSERT_LT(0, compare(&self->all)) {
				TH_LOG("%s+0x%zx, bit %zu", of->name, bit / 8,
				       bit % 8);
			}
			ASSERT_STREQ(of->name,
				     self->all.result.differences[0].section);
			self->all.memory[i][bit / 8] ^= 1 << bit % 8;
		}
	}
	EXPECT_EQ(0, compare(&self->all));
}

/* Bytes, the last four of them to lead to @to if there is one; and what it is */
static const struct form {
	u64 at;
	const char *bytes;
	u32 length;
	const char *to;
	enum text_kind kind;
} forms[] = {
	{ AT_FENTRY, "\xe8", 5, "ftrace_caller", TEXT_FENTRY },
	{ AT_FENTRY, "\xe9", 5, "ftrace_caller", NO_KIND },
	{ AT_FENTRY, "\xe9", 5, "bpf_trampoline_7", TEXT_FENTRY },
	{ AT_FENTRY, "\xe9", 5, "bpf_prog_7", NO_KIND },
	{ AT_FENTRY, "\xe8", 5, "pv_ops", NO_KIND },
	{ AT_FENTRY, "\xcc\x1f\x44\0\0", 5, NULL, NO_KIND },
	{ AT_RETURN, "\xc3\xcc\xcc\xcc\xcc", 5, NULL, TEXT_RETURN },
	{ AT_RETURN, "\xc3\x90\x90\x90\x90", 5, NULL, NO_KIND },
	{ AT_RETURN, "\xe9", 5, "its_return_thunk", TEXT_RETURN },
	{ AT_RETURN, "\xe9", 5, "better", NO_KIND },
	{ AT_RETURN, "\xe8", 5, "its_return_thunk", NO_KIND },
	{ AT_RETURN, "\xe9", 5, "return_stub", TEXT_GUARD },
	{ AT_RETURN, "\xe9", 5, "return_elsewhere", NO_KIND },
	{ AT_RETURN, "\xe9", 5, "carapace_init", NO_KIND },
	{ AT_CALL_RAX, "\xff\xd0\x0f\x1f\x00", 5, NULL, TEXT_RETPOLINE },
	{ AT_CALL_RAX, "\xff\xd0\x90\x90\x90", 5, NULL, TEXT_RETPOLINE },
	{ AT_CALL_RAX, "\x0f\xae\xe8\xff\xd0", 5, NULL, TEXT_RETPOLINE },
	{ AT_CALL_RAX, "\xff\xe0\x0f\x1f\x00", 5, NULL, NO_KIND },
	{ AT_CALL_RAX, "\xff\xd1\x0f\x1f\x00", 5, NULL, NO_KIND },
	{ AT_CALL_RAX, "\xe8", 5, "__x86_indirect_its_thunk_rax", TEXT_RETPOLINE },
	{ AT_CALL_RAX, "\xe8", 5, "__x86_indirect_thunk_rcx", NO_KIND },
	{ AT_JMP_R11, "\x41\xff\xe3\xcc\x66\x90", 6, NULL, TEXT_RETPOLINE },
	{ AT_JMP_R11, "\x2e\x41\xff\xe3\x66\x90", 6, NULL, TEXT_RETPOLINE },
	{ AT_JMP_R11, "\xff\xe3\xcc\x0f\x1f\x00", 6, NULL, NO_KIND },
	{ AT_JE_RCX, "\x75\x04\xff\xe1\xcc\x90", 6, NULL, TEXT_RETPOLINE },
	{ AT_JE_RCX, "\x74\x04\xff\xe1\xcc\x90", 6, NULL, NO_KIND },
	{ AT_JE_RCX, "\x75\x05\xff\xe1\xcc\x90", 6, NULL, NO_KIND },
	{ AT_JUMP2, "\xeb\x1d", 2, NULL, TEXT_JUMP_LABEL },
	{ AT_JUMP2, "\xeb\x1c", 2, NULL, NO_KIND },
	{ AT_JUMP5, "\xe9\x18\0\0\0", 5, NULL, TEXT_JUMP_LABEL },
	{ AT_JUMP5, "\xe9\x19\0\0\0", 5, NULL, NO_KIND },
	{ AT_CALL, "\xe8", 5, "better", TEXT_STATIC_CALL },
	{ AT_CALL, "\x0f\x1f\x44\0\0", 5, NULL, TEXT_STATIC_CALL },
	{ AT_CALL, "\x2e\x2e\x2e\x31\xc0", 5, NULL, TEXT_STATIC_CALL },
	{ AT_CALL, "\xe9", 5, "better", NO_KIND },
	{ AT_CALL, "\xe8", 5, "pv_ops", NO_KIND },
	{ AT_TAIL, "\xe9", 5, "better", TEXT_STATIC_CALL },
	{ AT_TAIL, "\xc3\xcc\xcc\xcc\xcc", 5, NULL, TEXT_STATIC_CALL },
	{ AT_TAIL, "\xe8", 5, "better", NO_KIND },
	{ AT_LOCK, "\x3e", 1, NULL, TEXT_LOCK },
	{ AT_LOCK, "\x90", 1, NULL, NO_KIND },
	{ AT_PADDING, "\x0f\x1f\x44\0\0", 5, NULL, TEXT_ALTERNATIVE },
	{ AT_PADDING, "\xeb\x03\xcc\xcc\xcc", 5, NULL, TEXT_ALTERNATIVE },
	{ AT_PADDING, "\xe8", 5, "better", TEXT_ALTERNATIVE },
	{ AT_PADDING, "\xe8", 5, "called", NO_KIND },
	{ AT_PADDING, "\x0f\x1f\x44\0\x01", 5, NULL, NO_KIND },
	{ AT_PV_CALL, "\xe8", 5, "better", NO_KIND },	/* and what was behind */
	{ AT_ENDBR, "\x66\x0f\x1f\x00", 4, NULL, TEXT_ENDBR },
	{ AT_ENDBR, "\x0f\x1f\x40\xd6", 4, NULL, TEXT_ENDBR },
	{ AT_ENDBR, "\x0f\x1f\x40\x00", 4, NULL, NO_KIND },
	{ AT_DATA, "\xcc", 1, NULL, NO_KIND },
};

static u64 va_named(struct text_fixture *self, const char *name)
{
	return symbols_named(&self->symbols, name, NULL)->va;
}

static void put(struct text_fixture *self, const struct form *form)
{
	u8 *to = self->memory[0] + form->at;
	u64 next = va_of(self, ".text") + form->at + form->length;
	s32 distance;

	if (!form->to) {
		memcpy(to, form->bytes, form->length);
		return;
	}
	memcpy(to, form->bytes, form->length - 4);
	distance = va_named(self, form->to) - next;
	memcpy(to + form->length - 4, &distance, sizeof(distance));
}

TEST_F(text, forms)
{
	u8 memory[TEXT_SIZE];
	size_t i, differences;

	memcpy(memory, self->all.memory[0], sizeof(memory));
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		put(&self->all, &forms[i]);
		differences = compare(&self->all);
		if (forms[i].kind == NO_KIND) {
			ASSERT_LT(0, differences) {
				TH_LOG("form %zu passes", i);
			}
		} else {
			ASSERT_EQ(0, differences) {
				TH_LOG("form %zu does not pass", i);
			}
			ASSERT_EQ(1, self->all.result.patched[forms[i].kind]);
		}
		memcpy(self->all.memory[0], memory, sizeof(memory));
	}
}

/* A function with an ENDBR can be called behind it, others not */
TEST_F(text, call_behind_an_endbr)
{
	s32 distance = ENDBR_AT + 4 - (va_of(&self->all, ".text") + AT_CALL + 5);

	memcpy(self->all.memory[0] + AT_CALL + 1, &distance, sizeof(distance));
	EXPECT_EQ(0, compare(&self->all));
	distance -= 0x30;
	memcpy(self->all.memory[0] + AT_CALL + 1, &distance, sizeof(distance));
	EXPECT_EQ(1, compare(&self->all));
}

TEST_F(text, thunk_without_a_name)
{
	s32 distance = THUNK_AT - (va_of(&self->all, ".text") + AT_JMP_R11 + 6);

	memcpy(self->all.memory[0] + AT_JMP_R11 + 2, &distance, sizeof(distance));
	EXPECT_EQ(0, compare(&self->all));
	EXPECT_EQ(1, self->all.result.patched[TEXT_RETPOLINE]);
	/* That thunk is for another register. */
	distance = THUNK_AT - (va_of(&self->all, ".text") + AT_CALL_RAX + 5);
	memcpy(self->all.memory[0] + AT_CALL_RAX + 1, &distance, sizeof(distance));
	EXPECT_LT(0, compare(&self->all));
}

TEST_F(text, direct_call)
{
	static const struct form call = {
		AT_PV_CALL, "\xe8", 5, "better", TEXT_ALTERNATIVE
	};

	put(&self->all, &call);
	self->all.memory[0][AT_PV_CALL + 5] = 0x90;
	ASSERT_EQ(0, compare(&self->all));
	EXPECT_EQ(1, self->all.result.patched[TEXT_ALTERNATIVE]);
}

static void put_branch(u8 *code, u8 opcode, u64 va, u64 to)
{
	s32 distance = to - (va + BRANCH);

	code[0] = opcode;
	memcpy(code + 1, &distance, sizeof(distance));
}

static void put_in_text(struct text_fixture *self, u64 at, u8 opcode, u64 to)
{
	put_branch(self->memory[0] + at, opcode, va_of(self, ".text") + at, to);
}

/* Two branches, as the guard has them in such a place */
static void put_place(struct text_fixture *self, u64 va, const char *check,
		      const char *to)
{
	self->place_at = va;
	put_branch(self->place, CALL, va, va_named(self, check));
	put_branch(self->place + BRANCH, JMP, va + BRANCH, va_named(self, to));
}

/* The guard's place leads where the file's jump does, once it has checked. */
TEST_F(text, jump_by_way_of_the_guard)
{
	struct text_fixture *all = &self->all;

	put_in_text(all, AT_TAIL, JMP, PLACES + RETURN_JUMP_ROOM);
	put_place(all, PLACE, "return_stub", "__SCT__call");
	ASSERT_EQ(0, compare(all));
	EXPECT_EQ(1, all->result.patched[TEXT_GUARD]);
	EXPECT_EQ(0, all->result.patched[TEXT_STATIC_CALL]);

	put_place(all, PLACE, "return_stub", "BUG_func");
	EXPECT_LT(0, compare(all));
	put_place(all, PLACE, "better", "__SCT__call");
	EXPECT_LT(0, compare(all));
	put_place(all, PLACE, "return_stub", "__SCT__call");
	all->place[0] = JMP;
	EXPECT_LT(0, compare(all));
	all->place[0] = CALL;
	all->place[BRANCH] = CALL;
	EXPECT_LT(0, compare(all));
	all->place[BRANCH] = JMP;
	ASSERT_EQ(0, compare(all));
	all->place_at = 0;	/* can't be read */
	EXPECT_LT(0, compare(all));
}

/* Neither in the file nor in memory may it be anything else. */
TEST_F(text, no_jump_by_way_of_the_guard)
{
	struct text_fixture *all = &self->all;

	/* The file's call leads where that place does. */
	put_place(all, PLACE, "return_stub", "__SCT__call");
	put_in_text(all, AT_CALL, JMP, PLACE);
	EXPECT_LT(0, compare(all));
	load(all);
	put_in_text(all, AT_TAIL, CALL, PLACE);
	EXPECT_LT(0, compare(all));
	put_in_text(all, AT_TAIL, JMP, PLACE);
	EXPECT_EQ(0, compare(all));
}

TEST_F(text, jump_outside_the_guards_places)
{
	static const struct {
		u64 va;
		bool explained;
	} rows[] = {
		{ PLACE, true },
		{ PLACES - RETURN_JUMP_ROOM, false },
		{ PLACES + RETURN_JUMPS_SIZE - RETURN_JUMP_ROOM, true },
		{ PLACES + RETURN_JUMPS_SIZE, false },
		{ OTHER_PLACES + RETURN_JUMP_ROOM, false },
	};
	struct text_fixture *all = &self->all;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		put_place(all, rows[i].va, "return_stub", "__SCT__call");
		put_in_text(all, AT_TAIL, JMP, rows[i].va);
		EXPECT_EQ(rows[i].explained, !compare(all)) {
			TH_LOG("row %zu", i);
		}
	}
}

/* What a section ends in the middle of, nothing explains. */
TEST_F(text, jump_cut_off)
{
	struct text_fixture *all = &self->all;
	struct text_layout layout = { .world = &all->world };
	u8 expected[BRANCH];
	struct text_place place = {
		.va = va_of(all, ".text") + AT_TAIL,
		.live = all->memory[0] + AT_TAIL,
		.expected = expected,
		.left = BRANCH,
	};
	enum text_kind kind;

	memcpy(expected, place.live, BRANCH);
	put_place(all, PLACE, "return_stub", "__SCT__call");
	put_in_text(all, AT_TAIL, JMP, PLACE);
	EXPECT_EQ(BRANCH, text_explains_jump(&layout, &place, &kind));
	EXPECT_EQ(TEXT_GUARD, kind);
	place.left--;
	EXPECT_EQ(0, text_explains_jump(&layout, &place, &kind));
}

/* The places themselves, which in the guard's own file are empty */
TEST_F(text, places_of_the_guard)
{
	static const u8 nothing[2 * BRANCH];
	struct text_fixture *all = &self->all;
	struct text_layout layout = { .world = &all->world };
	struct text_place place = {
		.va = PLACE,
		.live = all->place,
		.expected = nothing,
		.left = 2 * BRANCH,
	};
	enum text_kind kind;

	put_place(all, PLACE, "return_stub", "better");
	EXPECT_EQ(2 * BRANCH, text_explains_jump(&layout, &place, &kind));
	EXPECT_EQ(TEXT_GUARD_JUMP, kind);
	place.left--;
	EXPECT_EQ(0, text_explains_jump(&layout, &place, &kind));
	place.left++;
	put_place(all, PLACE, "return_stub", "pv_ops");
	EXPECT_EQ(0, text_explains_jump(&layout, &place, &kind));
	place.va = OTHER_PLACES;
	put_place(all, OTHER_PLACES, "return_stub", "better");
	EXPECT_EQ(0, text_explains_jump(&layout, &place, &kind));
}

/* Two functions have that name: it is the one that is called */
TEST_F(text, names_that_are_not_unique)
{
	const struct symbol *symbol = NULL;
	size_t count = 0;
	s32 distance;

	while ((symbol = symbols_named(&self->all.symbols, "called", symbol))) {
		distance = symbol->va - va_of(&self->all, ".static_call.text") - 5;
		memcpy(self->all.memory[1] + 1, &distance, sizeof(distance));
		EXPECT_EQ(0, compare(&self->all));
		EXPECT_EQ(0, self->all.result.patched[TEXT_TRAMPOLINE]);
		count++;
	}
	EXPECT_EQ(2, count);
}

TEST_F(text, probes)
{
	self->all.memory[0][PROBE_AT] = 0xcc;
	ASSERT_EQ(1, compare(&self->all));
	EXPECT_EQ(PROBE_AT, self->all.result.differences[0].offset);
	EXPECT_EQ(1, self->all.result.differences[0].size);
	self->all.probe = true;
	ASSERT_EQ(0, compare(&self->all));
	EXPECT_EQ(1, self->all.result.patched[TEXT_PROBE]);
	self->all.memory[0][PROBE_AT + 1] ^= 1;
	ASSERT_EQ(1, compare(&self->all));
}

TEST_F(text, says_where)
{
	const struct text_difference *difference;

	self->all.memory[0][AT_DATA + 1] = 0x11;
	self->all.memory[0][AT_DATA + 2] = 0x22;
	self->all.memory[2][0] = 0x33;
	ASSERT_EQ(2, compare(&self->all));
	difference = self->all.result.differences;
	EXPECT_STREQ(".text", difference->section);
	EXPECT_STREQ("function", difference->function);
	EXPECT_EQ(AT_DATA + 1, difference->function_offset);
	EXPECT_EQ(va_of(&self->all, ".text") + AT_DATA + 1, difference->va);
	EXPECT_EQ(2, difference->size);
	EXPECT_EQ(0xc7, difference->expected[0]);
	EXPECT_EQ(0x11, difference->found[0]);
	EXPECT_STREQ(".altinstr_replacement", difference[1].section);
	EXPECT_EQ(NULL, difference[1].function);
}

/* What is data by its symbol may change, and nothing beside it. */
TEST_F(text, data_within_code)
{
	struct elf_module *module = &self->all.module;
	struct elf_symbol *symbol = module->symbols;

	while (symbol->type != STT_FUNC)
		ASSERT_LT(++symbol, module->symbols + module->nr_symbols);
	symbol->offset = AT_DATA;
	symbol->size = 4;
	memset(&self->all.memory[0][AT_DATA], 0x11, 4);
	EXPECT_EQ(1, compare(&self->all));
	symbol->type = STT_OBJECT;
	EXPECT_EQ(0, compare(&self->all));
	self->all.memory[0][AT_DATA + 4] ^= 1;
	EXPECT_EQ(1, compare(&self->all));
	self->all.memory[0][AT_DATA + 4] ^= 1;
	symbol->size = TEXT_SIZE;
	EXPECT_EQ(1, compare(&self->all));
}

TEST_F(text, sections_that_are_not_there)
{
	self->all.module.sections[2].name = ".text.gone";
	EXPECT_EQ(0, compare(&self->all));
	EXPECT_STREQ(".text.gone", self->all.result.not_read);
}

TEST(nops)
{
	static const struct {
		const char *bytes;
		u32 length;
		bool nops;
	} rows[] = {
		{ "\x90", 1, true },
		{ "\x66\x90", 2, true },
		{ "\x66\x66\x2e\x0f\x1f\x84\0\0\0\0\0", 11, true },
		{ "\xeb\x02\xcc\xcc", 4, true },
		{ "\xeb\x01\xcc\xcc", 4, false },
		{ "\x66\x66", 2, false },
		{ "\x0f\x1f\x44\0", 4, false },
		{ "\x0f\x1f\x40\x01", 4, false },
		{ "\x0f\x0b", 2, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(rows[i].nops,
			  text_is_nops((const u8 *)rows[i].bytes,
				       rows[i].length));
}

TEST(the_same_but_nops)
{
	static const u8 wanted[] = { 0xf3, 0x90, 0x90, 0x90, 0x90, 0xc3 };
	static const u8 found[] = { 0xf3, 0x0f, 0x1f, 0x40, 0x00, 0xc3,
				    0x66, 0x90 };
	static const u8 other[] = { 0xf3, 0x0f, 0x1f, 0x40, 0x00, 0xcb,
				    0x66, 0x90 };

	EXPECT_TRUE(text_same_but_nops(wanted, 6, found, 8));
	EXPECT_TRUE(text_same_but_nops(wanted, 6, wanted, 6));
	EXPECT_FALSE(text_same_but_nops(wanted, 6, other, 8));
	EXPECT_FALSE(text_same_but_nops(wanted, 6, found, 5));
}

/* Symbols that the kernel does not show */
TEST(hidden_symbols)
{
	struct bytes bytes = { (u8 *)strdup("0000000000000000 T _text\n"), 25 };
	struct symbols symbols;
	struct reason why;

	EXPECT_FALSE(symbols_parse(&bytes, &symbols, &why));
	EXPECT_NE(NULL, strstr(why.text, "does not show"));
}

TEST_HARNESS_MAIN
