// SPDX-License-Identifier: GPL-2.0
/*
 * A module with a place for each way in which Linux changes code, and a kernel
 * that it is loaded into
 */
#include <stdlib.h>
#include <string.h>

#include "patched.h"

#define REL	0, 0, 0, 0

static const u8 text[TEXT_SIZE] = {
/* 00 */	0x0f, 0x1f, 0x44, 0x00, 0x00,
/* 05 */	0xe9, REL, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
/* 10 */	0xe8, REL,
/* 15 */	0x2e, 0xe9, REL,
/* 1b */	0x0f, 0x84, REL,
/* 21 */	0x66, 0x90,
/* 23 */	0x0f, 0x1f, 0x44, 0x00, 0x00,
/* 28 */	0xe8, REL,
/* 2d */	0xe9, REL,
/* 32 */	0xf0, 0xff, 0x00,
/* 35 */	0x90, 0x90, 0x90, 0x90, 0x90,
/* 3a */	0xff, 0x15, REL,
/* 40 */	0xf3, 0x0f, 0x1e, 0xfa,
/* 44 */	0x48, 0xc7, 0xc0, REL,
/* 4b */	0xc3, 0xcc, 0xcc, 0xcc, 0xcc,
};

static const u8 trampoline[] = { 0xe9, REL, 0x0f, 0xb9, 0xcc };
static const u8 replacement[] = { 0xe8, REL, 0xe8, REL };
static const u8 zeros[64];

/* Entries of 14 bytes: two offsets, the feature and its flags, the lengths */
static const u8 alternatives[] = {
	REL, REL, 1, 0, 0, 0, 5, 5,
	REL, REL, 2, 0, 1, 0, 6, 5,
};

static const struct {
	u64 offset;
	const char *name;
} branches[] = {
	{ AT_RETURN + 1, "__x86_return_thunk" },
	{ AT_CALL_RAX + 1, "__x86_indirect_thunk_rax" },
	{ AT_JMP_R11 + 2, "__x86_indirect_thunk_r11" },
	{ AT_JE_RCX + 2, "__x86_indirect_thunk_rcx" },
	{ AT_CALL + 1, "__SCT__call" },
	{ AT_TAIL + 1, "__SCT__call" },
	{ AT_PV_CALL + 2, "pv_ops" },
};

static size_t undefined(struct module_builder *builder, const char *name)
{
	return builder_symbol(builder, name, STT_NOTYPE, 0, 0, 0);
}

static size_t code_section(struct module_builder *builder, const char *name,
			   const u8 *bytes, size_t size)
{
	return builder_section(builder, name, SHF_ALLOC | SHF_EXECINSTR, bytes,
			       size);
}

static size_t section_symbol(struct module_builder *builder, size_t section)
{
	return builder_symbol(builder, "", STT_SECTION, section, 0, 0);
}

/* A table about .text: entries of one size, at which there is an offset */
static size_t table(struct module_builder *builder, const char *name,
		    size_t entry, size_t text_symbol, const u64 *places,
		    size_t count)
{
	size_t section, i;

	section = builder_section(builder, name, SHF_ALLOC, zeros,
				  entry * count);
	for (i = 0; i < count; i++)
		builder_relocate(builder, section, entry * i,
				 entry == 8 && !strcmp(name, "__mcount_loc") ?
				 R_X86_64_64 : R_X86_64_PC32,
				 text_symbol, places[i]);
	return section;
}

#define TABLE(name, entry, ...)						\
	table(builder, name, entry, text_symbol, (const u64[]){ __VA_ARGS__ }, \
	      sizeof((const u64[]){ __VA_ARGS__ }) / sizeof(u64))

static void add_tables(struct module_builder *builder, size_t text_symbol)
{
	size_t section, i;

	TABLE("__mcount_loc", 8, AT_FENTRY);
	TABLE(".return_sites", 4, AT_RETURN);
	TABLE(".retpoline_sites", 4, AT_CALL_RAX, AT_JMP_R11, AT_JE_RCX);
	TABLE(".smp_locks", 4, AT_LOCK);
	TABLE(".ibt_endbr_seal", 4, AT_ENDBR);
	TABLE(".static_call_sites", 8, AT_CALL, AT_TAIL);
	section = TABLE("__jump_table", 16, AT_JUMP2, AT_JUMP5);
	for (i = 0; i < 2; i++)
		builder_relocate(builder, section, 16 * i + 4, R_X86_64_PC32,
				 text_symbol, LABEL);
}

static void add_alternatives(struct module_builder *builder,
			     size_t text_symbol, size_t replacement_symbol)
{
	size_t section = builder_section(builder, ".altinstructions", SHF_ALLOC,
					 alternatives, sizeof(alternatives));

	builder_relocate(builder, section, 0, R_X86_64_PC32, text_symbol,
			 AT_PADDING);
	builder_relocate(builder, section, 4, R_X86_64_PC32,
			 replacement_symbol, 0);
	builder_relocate(builder, section, 14, R_X86_64_PC32, text_symbol,
			 AT_PV_CALL);
	builder_relocate(builder, section, 18, R_X86_64_PC32,
			 replacement_symbol, 5);
}

/**
 * craft_patched() - make the module; to be finished with builder_finish()
 * @builder: set
 */
void craft_patched(struct module_builder *builder)
{
	size_t code, tramp, with, data, text_symbol, i;

	builder_init(builder);
	code = code_section(builder, ".text", text, sizeof(text));
	tramp = code_section(builder, ".static_call.text", trampoline,
			     sizeof(trampoline));
	with = code_section(builder, ".altinstr_replacement", replacement,
			    sizeof(replacement));
	data = builder_section(builder, ".data", SHF_ALLOC | SHF_WRITE, zeros,
			       sizeof(zeros));
	text_symbol = section_symbol(builder, code);
	builder_symbol(builder, "function", STT_FUNC, code, 0, TEXT_SIZE);
	for (i = 0; i < ARRAY_SIZE(branches); i++)
		builder_relocate(builder, code, branches[i].offset,
				 R_X86_64_PLT32,
				 undefined(builder, branches[i].name), -4);
	builder_relocate(builder, code, AT_DATA + 3, R_X86_64_32S,
			 section_symbol(builder, data), 8);
	builder_relocate(builder, tramp, 1, R_X86_64_PLT32,
			 undefined(builder, "called"), -4);
	builder_relocate(builder, with, 1, R_X86_64_PLT32,
			 undefined(builder, "better"), -4);
	builder_relocate(builder, with, 6, R_X86_64_PLT32,
			 undefined(builder, "BUG_func"), -4);
	add_tables(builder, text_symbol);
	add_alternatives(builder, text_symbol, section_symbol(builder, with));
}

/**
 * patched_symbols() - that kernel's symbols
 * @symbols: set
 */
void patched_symbols(struct symbols *symbols)
{
	/* A bit of a displacement makes a power of two, and no multiple of 0x30. */
	static const char lines[] =
		"ffffffff81000000 T _text\n"
		"ffffffff81000030 T __x86_return_thunk\n"
		"ffffffff81000060 T its_return_thunk\n"
		"ffffffff81000090 T __x86_indirect_thunk_rax\n"
		"ffffffff810000c0 T __x86_indirect_thunk_r11\n"
		"ffffffff810000f0 T __x86_indirect_thunk_rcx\n"
		"ffffffff81000120 T __x86_indirect_its_thunk_rax\n"
		"ffffffff81000150 T __SCT__call\n"
		"ffffffff81000180 t called\n"
		"ffffffff810001b0 t called\n"
		"ffffffff810001e0 T better\n"
		"ffffffff81000210 T BUG_func\n"
		"ffffffff81000240 T ftrace_caller\n"
		"ffffffff82000000 D pv_ops\n"
		"ffffffffc1000000 t return_stub\t[carapace]\n"
		"ffffffffc1000030 t return_elsewhere\t[other]\n"
		"ffffffffc1000060 t carapace_init\t[carapace]\n"
		"ffffffffc1000090 t bpf_trampoline_7\t[bpf]\n"
		"ffffffffc10000c0 t bpf_prog_7\t[bpf]\n"
		"ffffffffc1100000 t returns_jumps\t[carapace]\n"
		"ffffffffc1200000 t returns_jumps\t[other]\n"
		"no line\n";
	struct bytes bytes = { (u8 *)strdup(lines), strlen(lines) };
	struct reason why;

	if (!symbols_parse(&bytes, symbols, &why))
		abort();
}
