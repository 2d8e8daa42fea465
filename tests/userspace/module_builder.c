// SPDX-License-Identifier: GPL-2.0
/*
 * Modules for tests, made by hand
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "module_builder.h"

/* Bytes that grow; all of them are kept until the test is over */
struct heap {
	u8 *data;
	size_t size;
};

static size_t append(struct heap *heap, const void *data, size_t size)
{
	size_t at = heap->size;

	heap->data = realloc(heap->data, at + size + 1);
	if (!heap->data)
		out_of_memory();
	if (size)
		memcpy(heap->data + at, data, size);
	heap->size += size;
	return at;
}

static void align(struct heap *heap)
{
	static const u8 zeros[8];

	append(heap, zeros, -heap->size & 7);
}

static size_t add_section(struct module_builder *builder, const char *name,
			  u32 type, const void *contents, size_t size)
{
	size_t number = builder->nr_sections++;

	builder->names[number] = name;
	builder->contents[number] = contents;
	builder->sections[number].sh_type = type;
	builder->sections[number].sh_size = size;
	builder->sections[number].sh_addralign = 8;
	return number;
}

/**
 * builder_init() - begin with a module that has nothing but a name
 * @builder: set
 */
void builder_init(struct module_builder *builder)
{
	static const char modinfo[] = "license=GPL\0name=crafted";

	memset(builder, 0, sizeof(*builder));
	memcpy(builder->header.e_ident, ELFMAG, SELFMAG);
	builder->header.e_ident[EI_CLASS] = ELFCLASS64;
	builder->header.e_ident[EI_DATA] = ELFDATA2LSB;
	builder->header.e_ident[EI_VERSION] = EV_CURRENT;
	builder->header.e_type = ET_REL;
	builder->header.e_machine = EM_X86_64;
	builder->header.e_version = EV_CURRENT;
	builder->header.e_ehsize = sizeof(Elf64_Ehdr);
	builder->header.e_shentsize = sizeof(Elf64_Shdr);
	add_section(builder, "", SHT_NULL, NULL, 0);
	builder->sections[0].sh_addralign = 0;
	builder->nr_symbols = 1;
	builder->symbol_names[0] = "";
	builder_section(builder, ".modinfo", SHF_ALLOC, modinfo,
			sizeof(modinfo));
}

/**
 * builder_section() - add a section
 * @builder: the module
 * @name: its name
 * @flags: SHF_*
 * @contents: its bytes; to stay until builder_finish()
 * @size: how many
 *
 * Return: its number.
 */
size_t builder_section(struct module_builder *builder, const char *name,
		       u64 flags, const void *contents, size_t size)
{
	size_t number = add_section(builder, name, SHT_PROGBITS, contents,
				    size);

	builder->sections[number].sh_flags = flags;
	return number;
}

/**
 * builder_symbol() - add a symbol
 * @builder: the module
 * @name: its name
 * @type: STT_*
 * @section: number of its section, 0 for another module's
 * @offset: in that section
 * @size: its size
 *
 * Return: its number.
 */
size_t builder_symbol(struct module_builder *builder, const char *name,
		      u8 type, size_t section, u64 offset, u64 size)
{
	size_t number = builder->nr_symbols++;

	builder->symbol_names[number] = name;
	builder->symbols[number].st_info = ELF64_ST_INFO(STB_GLOBAL, type);
	builder->symbols[number].st_shndx = section;
	builder->symbols[number].st_value = offset;
	builder->symbols[number].st_size = size;
	return number;
}

/**
 * builder_relocate() - add a relocation
 * @builder: the module
 * @section: number of the section to relocate
 * @offset: where in it
 * @type: R_X86_64_*
 * @symbol: number of the symbol
 * @addend: what is added
 */
void builder_relocate(struct module_builder *builder, size_t section,
		      u64 offset, u32 type, size_t symbol, s64 addend)
{
	struct built_relocation *relocation;

	relocation = &builder->relocations[builder->nr_relocations++];
	relocation->section = section;
	relocation->rela.r_offset = offset;
	relocation->rela.r_info = ELF64_R_INFO((u64)symbol, type);
	relocation->rela.r_addend = addend;
}

static void add_symbols(struct module_builder *builder)
{
	struct heap names = { NULL, 0 };
	size_t i;

	for (i = 0; i < builder->nr_symbols; i++)
		builder->symbols[i].st_name =
			append(&names, builder->symbol_names[i],
			       strlen(builder->symbol_names[i]) + 1);
	builder->symtab = add_section(builder, ".symtab", SHT_SYMTAB,
				      builder->symbols,
				      builder->nr_symbols * sizeof(Elf64_Sym));
	builder->sections[builder->symtab].sh_entsize = sizeof(Elf64_Sym);
	builder->sections[builder->symtab].sh_info = 1;
	builder->sections[builder->symtab].sh_link =
		add_section(builder, ".strtab", SHT_STRTAB, names.data,
			    names.size);
}

static void add_relocations(struct module_builder *builder)
{
	size_t i, section, nr_sections = builder->nr_sections;

	for (section = 1; section < nr_sections; section++) {
		struct heap table = { NULL, 0 };
		size_t number;

		for (i = 0; i < builder->nr_relocations; i++) {
			if (builder->relocations[i].section == section)
				append(&table, &builder->relocations[i].rela,
				       sizeof(Elf64_Rela));
		}
		if (!table.size)
			continue;
		number = add_section(builder, ".rela", SHT_RELA, table.data,
				     table.size);
		builder->sections[number].sh_entsize = sizeof(Elf64_Rela);
		builder->sections[number].sh_link = builder->symtab;
		builder->sections[number].sh_info = section;
	}
}

/**
 * builder_finish() - make the file
 * @builder: the module
 *
 * Return: its bytes, to be freed with bytes_free().
 */
struct bytes builder_finish(struct module_builder *builder)
{
	struct heap file = { NULL, 0 }, names = { NULL, 0 };
	size_t i;

	add_symbols(builder);
	add_relocations(builder);
	builder->header.e_shstrndx = add_section(builder, ".shstrtab",
						 SHT_STRTAB, NULL, 0);
	builder->header.e_shnum = builder->nr_sections;
	for (i = 0; i < builder->nr_sections; i++)
		builder->sections[i].sh_name =
			append(&names, builder->names[i],
			       strlen(builder->names[i]) + 1);
	builder->contents[builder->header.e_shstrndx] = names.data;
	builder->sections[builder->header.e_shstrndx].sh_size = names.size;

	append(&file, &builder->header, sizeof(builder->header));
	for (i = 1; i < builder->nr_sections; i++) {
		align(&file);
		builder->sections[i].sh_offset =
			append(&file, builder->contents[i],
			       builder->sections[i].sh_size);
	}
	align(&file);
	builder->header.e_shoff =
		append(&file, builder->sections,
		       builder->nr_sections * sizeof(Elf64_Shdr));
	memcpy(file.data, &builder->header, sizeof(builder->header));
	return (struct bytes){ .data = file.data, .size = file.size };
}
