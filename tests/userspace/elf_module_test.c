// SPDX-License-Identifier: GPL-2.0
/*
 * Files that are no modules, or malformed: refused, each with its reason
 */
#include "unit.h"

#include "crafted.h"
#include "elf_module.h"

FIXTURE(elf_module)
{
	struct crafted crafted;
	struct module_builder *builder;
	struct bytes bytes;
};

FIXTURE_SETUP(elf_module)
{
	craft(&self->crafted);
	self->builder = &self->crafted.builder;
}

FIXTURE_TEARDOWN(elf_module)
{
	bytes_free(&self->bytes);
}

/* A reason, "" for none */
static const char *reason_of(struct bytes *bytes)
{
	static struct reason why;
	struct elf_module module;

	why.text[0] = 0;
	if (elf_module_open(&module, bytes, &why))
		elf_module_close(&module);
	return why.text;
}

#define EXPECT_REASON(reason) do {					\
	if (!self->bytes.data)						\
		self->bytes = builder_finish(self->builder);		\
	EXPECT_STREQ(reason, reason_of(&self->bytes));			\
} while (0)

/* Section headers of the finished file, to be broken */
static Elf64_Shdr *headers(struct bytes *bytes)
{
	return (Elf64_Shdr *)(bytes->data +
			      ((Elf64_Ehdr *)bytes->data)->e_shoff);
}

TEST_F(elf_module, a_module_is_taken)
{
	EXPECT_REASON("");
}

TEST_F(elf_module, an_empty_file)
{
	self->bytes.data = malloc(1);
	EXPECT_REASON("no ELF file");
}

TEST_F(elf_module, a_text)
{
	self->bytes.data = (u8 *)strdup("#!/bin/sh\necho this is no module\n");
	self->bytes.size = strlen((char *)self->bytes.data);
	EXPECT_REASON("no ELF file");
}

TEST_F(elf_module, another_machine)
{
	self->builder->header.e_machine = EM_AARCH64;
	EXPECT_REASON("not for x86-64");
}

TEST_F(elf_module, another_class)
{
	self->builder->header.e_ident[EI_CLASS] = ELFCLASS32;
	EXPECT_REASON("no ELF file of 64 bits");
}

TEST_F(elf_module, a_program)
{
	self->builder->header.e_type = ET_EXEC;
	EXPECT_REASON("no relocatable file, and so no kernel module");
}

TEST_F(elf_module, no_module)
{
	self->builder->names[1] = ".other";
	EXPECT_REASON("no .modinfo, and so no kernel module");
}

TEST_F(elf_module, cut_off)
{
	size_t size, whole;

	self->bytes = builder_finish(self->builder);
	whole = self->bytes.size;
	for (size = 0; size < whole; size++) {
		/* A copy, so that reading beyond its end is noticed */
		struct bytes cut = { malloc(size + !size), size };

		memcpy(cut.data, self->bytes.data, size);
		EXPECT_STRNE("", reason_of(&cut));
		bytes_free(&cut);
	}
}

TEST_F(elf_module, section_outside_the_file)
{
	self->bytes = builder_finish(self->builder);
	headers(&self->bytes)[self->crafted.text].sh_offset = self->bytes.size;
	EXPECT_NE(NULL, strstr(reason_of(&self->bytes), "malformed: a section"));
}

TEST_F(elf_module, section_that_wraps_around)
{
	self->bytes = builder_finish(self->builder);
	headers(&self->bytes)[self->crafted.text].sh_offset = -16ULL;
	headers(&self->bytes)[self->crafted.text].sh_size = 32;
	EXPECT_NE(NULL, strstr(reason_of(&self->bytes), "malformed: a section"));
}

TEST_F(elf_module, names_that_do_not_end)
{
	Elf64_Shdr *shdr;

	self->bytes = builder_finish(self->builder);
	shdr = headers(&self->bytes) + self->builder->header.e_shstrndx;
	shdr->sh_size--;
	EXPECT_REASON("malformed: a section has no name");
}

TEST_F(elf_module, name_outside_the_names)
{
	self->bytes = builder_finish(self->builder);
	headers(&self->bytes)[self->crafted.text].sh_name = 0x7fffffff;
	EXPECT_REASON("malformed: a section has no name");
}

TEST_F(elf_module, symbol_outside_its_section)
{
	builder_symbol(self->builder, "far", STT_FUNC, self->crafted.text,
		       0x8f, 2);
	EXPECT_REASON("malformed: symbol far is not in its section");
}

TEST_F(elf_module, symbol_that_wraps_around)
{
	builder_symbol(self->builder, "far", STT_FUNC, self->crafted.text,
		       0x10, -8ULL);
	EXPECT_REASON("malformed: symbol far is not in its section");
}

TEST_F(elf_module, symbol_in_no_section)
{
	builder_symbol(self->builder, "far", STT_FUNC, 100, 0, 1);
	EXPECT_REASON("malformed: symbol far is in no section");
}

TEST_F(elf_module, symbols_of_another_size)
{
	self->bytes = builder_finish(self->builder);
	headers(&self->bytes)[self->builder->symtab].sh_entsize = 16;
	EXPECT_REASON("malformed: symbol table");
}

TEST_F(elf_module, no_symbols)
{
	self->bytes = builder_finish(self->builder);
	headers(&self->bytes)[self->builder->symtab].sh_type = SHT_PROGBITS;
	EXPECT_REASON("no symbol table, or several: nothing tells where functions are");
}

TEST_F(elf_module, relocation_outside_its_section)
{
	builder_relocate(self->builder, self->crafted.text, 0x90,
			 R_X86_64_PLT32, 1, -4);
	EXPECT_REASON("malformed: a relocation is not in .text");
}

TEST_F(elf_module, relocation_without_a_symbol)
{
	builder_relocate(self->builder, self->crafted.text, 0x10,
			 R_X86_64_PLT32, 1000, -4);
	EXPECT_REASON("malformed: a relocation of .text has no symbol");
}

TEST_F(elf_module, relocations_of_no_section)
{
	size_t i;

	self->bytes = builder_finish(self->builder);
	for (i = 0; headers(&self->bytes)[i].sh_type != SHT_RELA; i++)
		;
	headers(&self->bytes)[i].sh_info = 1000;
	EXPECT_REASON("malformed: relocations in .rela");
}

TEST_HARNESS_MAIN
