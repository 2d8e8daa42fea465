/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modules for tests, made by hand
 */
#ifndef CARAPACE_TESTS_USERSPACE_MODULE_BUILDER_H
#define CARAPACE_TESTS_USERSPACE_MODULE_BUILDER_H

#include <elf.h>

#include "bytes.h"
#include "types.h"

#define BUILDER_SECTIONS	32
#define BUILDER_SYMBOLS		64
#define BUILDER_RELOCATIONS	64

struct built_relocation {
	size_t section;
	Elf64_Rela rela;
};

/**
 * struct module_builder - a module that is being made
 * @header: as the file will have it, but for where things are
 * @sections: their headers; number 0 is none
 * @names: of sections
 * @contents: of sections
 * @nr_sections: how many
 * @symbols: the symbol table; number 0 is none
 * @symbol_names: of symbols
 * @nr_symbols: how many
 * @relocations: of all sections
 * @nr_relocations: how many
 * @symtab: number of the symbol table's section, once finished
 */
struct module_builder {
	Elf64_Ehdr header;
	Elf64_Shdr sections[BUILDER_SECTIONS];
	const char *names[BUILDER_SECTIONS];
	const void *contents[BUILDER_SECTIONS];
	size_t nr_sections;
	Elf64_Sym symbols[BUILDER_SYMBOLS];
	const char *symbol_names[BUILDER_SYMBOLS];
	size_t nr_symbols;
	struct built_relocation relocations[BUILDER_RELOCATIONS];
	size_t nr_relocations;
	size_t symtab;
};

void builder_init(struct module_builder *builder);
size_t builder_section(struct module_builder *builder, const char *name,
		       u64 flags, const void *contents, size_t size);
size_t builder_symbol(struct module_builder *builder, const char *name,
		      u8 type, size_t section, u64 offset, u64 size);
void builder_relocate(struct module_builder *builder, size_t section,
		      u64 offset, u32 type, size_t symbol, s64 addend);
struct bytes builder_finish(struct module_builder *builder);

#endif /* CARAPACE_TESTS_USERSPACE_MODULE_BUILDER_H */
