/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: a kernel module's ELF file
 *
 * Whoever made the file may mean us ill. What is handed out has been checked:
 * sections lie in the file, symbols in sections, names end, relocations lie in
 * what they relocate and have a symbol.
 */
#ifndef CARAPACE_USERSPACE_ELF_MODULE_H
#define CARAPACE_USERSPACE_ELF_MODULE_H

#include <elf.h>
#include <libelf.h>

#include "bytes.h"
#include "reason.h"
#include "types.h"

/**
 * struct elf_section - a section
 * @name: its name
 * @type: SHT_*
 * @flags: SHF_*
 * @size: its size in memory
 * @data: its bytes, NULL where the file has none
 * @relocations: of this section, by offset
 * @nr_relocations: how many
 */
struct elf_section {
	const char *name;
	u32 type;
	u64 flags;
	u64 size;
	const u8 *data;
	Elf64_Rela *relocations;
	size_t nr_relocations;
};

/**
 * struct elf_symbol - a symbol
 * @name: its name
 * @type: STT_*
 * @bind: STB_*
 * @section: number of its section, 0 where it is in none
 * @offset: in that section
 * @size: its size, all of it in that section
 */
struct elf_symbol {
	const char *name;
	u8 type;
	u8 bind;
	size_t section;
	u64 offset;
	u64 size;
};

/**
 * struct elf_module - a module
 * @name: what modinfo says, or NULL
 * @sections: all sections; number 0 is none
 * @nr_sections: how many
 * @symbols: all symbols; number 0 is none
 * @nr_symbols: how many
 * @elf: libelf's
 */
struct elf_module {
	const char *name;
	struct elf_section *sections;
	size_t nr_sections;
	struct elf_symbol *symbols;
	size_t nr_symbols;
	Elf *elf;
};

bool elf_module_open(struct elf_module *module, struct bytes *bytes,
		     struct reason *why);
void elf_module_close(struct elf_module *module);
const struct elf_section *elf_module_section(const struct elf_module *module,
					     const char *name);
const char *elf_module_info(const struct elf_module *module, const char *name,
			    const char *last);
const struct elf_symbol *
elf_module_relocated(const struct elf_module *module, const Elf64_Rela *rela);
const Elf64_Rela *elf_section_relocation(const struct elf_section *section,
					 u64 offset);

#endif /* CARAPACE_USERSPACE_ELF_MODULE_H */
