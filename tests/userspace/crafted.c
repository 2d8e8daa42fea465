// SPDX-License-Identifier: GPL-2.0
/*
 * A module with functions of every fate
 */
#include "crafted.h"

#define ENDBR		0xf3, 0x0f, 0x1e, 0xfa
#define CALL_FENTRY	0xe8, 0, 0, 0, 0
#define NOP5		0x0f, 0x1f, 0x44, 0x00, 0x00
#define RET_SITE	0xc3, 0xcc, 0xcc, 0xcc, 0xcc
#define JMP		0xe9, 0, 0, 0, 0
#define INT3		0xcc, 0xcc

/* 16 bytes each */
static const u8 text[] = {
/* 00 */	ENDBR, CALL_FENTRY, JMP, INT3,		/* plain: thunk */
/* 10 */	NOP5, RET_SITE, INT3, INT3, INT3,	/* bare: ret */
/* 20 */	NOP5, JMP, JMP, 0xcc,			/* tail: other, thunk */
/* 30 */	ENDBR, JMP, INT3, INT3, INT3, 0xcc,	/* assembly: thunk */
/* 40 */	NOP5, JMP, INT3, INT3, INT3,		/* only_tail: other */
/* 50 */	NOP5, JMP, INT3, INT3, INT3,		/* unlisted: thunk */
/* 60 */	NOP5, 0xc3, 0x90, 0x90, 0x90, 0x90, INT3, INT3, INT3, /* odd */
/* 70 */	0x90, 0x90, 0x90, 0x90, 0x90, JMP, INT3, INT3, INT3, /* no_slot */
/* 80 */	NOP5, 0x90, 0x90, 0x90, 0x90, 0x90, INT3, INT3, INT3, /* split */
};

static const u8 unlikely[] = {
/* 00 */	JMP, INT3, 0xcc,			/* split.cold: thunk */
};

static const u8 init_text[] = {
/* 00 */	NOP5, JMP, INT3, INT3, INT3,		/* init: thunk */
};

static const u8 table[256];

static const struct {
	const char *name;
	u64 offset;
	s64 fentry;		/* in .text, -1 for none */
	s64 thunks[2];		/* jumps to the thunk that are listed */
} functions[] = {
	{ "plain", 0x00, 0x04, { 0x09, -1 } },
	{ "bare", 0x10, 0x10, { 0x15, -1 } },
	{ "tail", 0x20, 0x20, { 0x2a, -1 } },
	{ "assembly", 0x30, -1, { 0x34, -1 } },
	{ "only_tail", 0x40, 0x40, { -1, -1 } },
	{ "unlisted", 0x50, 0x50, { -1, -1 } },
	{ "odd", 0x60, 0x60, { 0x65, -1 } },
	{ "no_slot", 0x70, 0x70, { 0x75, -1 } },
	{ "split", 0x80, 0x80, { -1, -1 } },
};

static const u64 jumps_to_thunk[] = { 0x09, 0x2a, 0x34, 0x55, 0x75 };
static const u64 jumps_elsewhere[] = { 0x25, 0x45 };

static void add_tables(struct crafted *crafted)
{
	struct module_builder *builder = &crafted->builder;
	size_t i, j, fentries = 0, returns = 0;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		builder_symbol(builder, functions[i].name, STT_FUNC,
			       crafted->text, functions[i].offset, 16);
		if (functions[i].fentry >= 0)
			builder_relocate(builder, crafted->mcount,
					 8 * fentries++, R_X86_64_64,
					 crafted->text_symbol,
					 functions[i].fentry);
		for (j = 0; j < 2 && functions[i].thunks[j] >= 0; j++)
			builder_relocate(builder, crafted->returns,
					 4 * returns++, R_X86_64_PC32,
					 crafted->text_symbol,
					 functions[i].thunks[j]);
	}
	builder_symbol(builder, "split.cold", STT_FUNC, crafted->unlikely, 0, 8);
	builder_relocate(builder, crafted->returns, 4 * returns++,
			 R_X86_64_PC32, crafted->unlikely_symbol, 0);
	builder_symbol(builder, "init", STT_FUNC, crafted->init_text, 0, 16);
	builder_relocate(builder, crafted->mcount, 8 * fentries++, R_X86_64_64,
			 crafted->init_symbol, 0);
	builder_relocate(builder, crafted->returns, 4 * returns++,
			 R_X86_64_PC32, crafted->init_symbol, 5);
	builder->sections[crafted->mcount].sh_size = 8 * fentries;
	builder->sections[crafted->returns].sh_size = 4 * returns;
}

static void add_jumps(struct crafted *crafted)
{
	struct module_builder *builder = &crafted->builder;
	size_t i;

	builder_relocate(builder, crafted->text, 0x05, R_X86_64_PLT32,
			 crafted->undefined_fentry, -4);
	for (i = 0; i < ARRAY_SIZE(jumps_to_thunk); i++)
		builder_relocate(builder, crafted->text, jumps_to_thunk[i] + 1,
				 R_X86_64_PLT32, crafted->undefined_thunk, -4);
	for (i = 0; i < ARRAY_SIZE(jumps_elsewhere); i++)
		builder_relocate(builder, crafted->text, jumps_elsewhere[i] + 1,
				 R_X86_64_PLT32, crafted->undefined_other, -4);
	builder_relocate(builder, crafted->unlikely, 1, R_X86_64_PLT32,
			 crafted->undefined_thunk, -4);
	builder_relocate(builder, crafted->init_text, 6, R_X86_64_PLT32,
			 crafted->undefined_thunk, -4);
}

/**
 * craft() - make it; to be finished with builder_finish()
 * @crafted: set
 */
void craft(struct crafted *crafted)
{
	struct module_builder *builder = &crafted->builder;
	const u64 code = SHF_ALLOC | SHF_EXECINSTR;

	builder_init(builder);
	crafted->text = builder_section(builder, ".text", code, text,
					sizeof(text));
	crafted->unlikely = builder_section(builder, ".text.unlikely", code,
					    unlikely, sizeof(unlikely));
	crafted->init_text = builder_section(builder, ".init.text", code,
					     init_text, sizeof(init_text));
	crafted->mcount = builder_section(builder, "__mcount_loc", SHF_ALLOC,
					  table, 0);
	crafted->returns = builder_section(builder, ".return_sites", SHF_ALLOC,
					   table, 0);
	crafted->text_symbol = builder_symbol(builder, "", STT_SECTION,
					      crafted->text, 0, 0);
	crafted->unlikely_symbol = builder_symbol(builder, "", STT_SECTION,
						  crafted->unlikely, 0, 0);
	crafted->init_symbol = builder_symbol(builder, "", STT_SECTION,
					      crafted->init_text, 0, 0);
	crafted->undefined_fentry = builder_symbol(builder, "__fentry__",
						   STT_NOTYPE, 0, 0, 0);
	crafted->undefined_thunk = builder_symbol(builder, "__x86_return_thunk",
						  STT_NOTYPE, 0, 0, 0);
	crafted->undefined_other = builder_symbol(builder, "kfree", STT_NOTYPE,
						  0, 0, 0);
	add_tables(crafted);
	add_jumps(crafted);
}
