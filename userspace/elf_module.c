// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: a kernel module's ELF file
 */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "elf_module.h"
#include "message.h"

static bool refuse_elf(struct reason *why, const char *what)
{
	return refuse(why, "malformed: %s (%s)", what, elf_errmsg(-1));
}

static bool check_header(Elf *elf, struct reason *why)
{
	const Elf64_Ehdr *header;

	if (elf_kind(elf) != ELF_K_ELF)
		return refuse(why, "no ELF file");
	header = elf64_getehdr(elf);
	if (!header)
		return refuse(why, "no ELF file of 64 bits");
	if (header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return refuse(why, "not for x86-64");
	if (header->e_type != ET_REL)
		return refuse(why, "no relocatable file, and so no kernel module");
	return true;
}

/* A string in a section of strings, NULL where it does not end there */
static const char *string_at(const struct elf_section *strings, u64 offset)
{
	if (strings->type != SHT_STRTAB || !strings->data ||
	    offset >= strings->size)
		return NULL;
	if (!memchr(strings->data + offset, 0, strings->size - offset))
		return NULL;
	return (const char *)strings->data + offset;
}

/* A copy, for in the file they need not be aligned */
static bool read_header(const struct elf_module *module, size_t index,
			Elf64_Shdr *header)
{
	Elf_Scn *scn = elf_getscn(module->elf, index);

	return scn && gelf_getshdr(scn, header);
}

/* libelf checks that it lies in the file */
static bool read_section(Elf_Scn *scn, const Elf64_Shdr *header,
			 struct elf_section *section, struct reason *why)
{
	Elf_Data *data;

	section->type = header->sh_type;
	section->flags = header->sh_flags;
	section->size = header->sh_size;
	if (header->sh_type == SHT_NOBITS || header->sh_type == SHT_NULL ||
	    !header->sh_size)
		return true;
	data = elf_getdata(scn, NULL);
	if (!data)
		return refuse_elf(why, "a section is not in the file");
	if (!data->d_buf || data->d_size != header->sh_size)
		return refuse(why, "malformed: a section is cut off");
	section->data = data->d_buf;
	return true;
}

static bool read_sections(struct elf_module *module, size_t file_size,
			  struct reason *why)
{
	const struct elf_section *names;
	size_t i, names_index;
	Elf64_Shdr header;

	if (elf_getshdrnum(module->elf, &module->nr_sections) ||
	    !module->nr_sections)
		return refuse(why, "malformed: no sections");
	if (module->nr_sections > file_size / sizeof(Elf64_Shdr))
		return refuse(why, "malformed: more sections than it can hold");
	if (elf_getshdrstrndx(module->elf, &names_index) ||
	    names_index >= module->nr_sections)
		return refuse(why, "malformed: no names of sections");
	module->sections = allocate(module->nr_sections,
				    sizeof(*module->sections));

	for (i = 1; i < module->nr_sections; i++) {
		if (!read_header(module, i, &header))
			return refuse_elf(why, "a section has no header");
		if (!read_section(elf_getscn(module->elf, i), &header,
				  &module->sections[i], why))
			return false;
	}

	names = &module->sections[names_index];
	module->sections[0].name = "";
	for (i = 1; i < module->nr_sections; i++) {
		module->sections[i].name = read_header(module, i, &header) ?
			string_at(names, header.sh_name) : NULL;
		if (!module->sections[i].name)
			return refuse(why, "malformed: a section has no name");
	}
	return true;
}

static bool read_symbol(struct elf_module *module, const Elf64_Sym *from,
			const struct elf_section *names,
			struct elf_symbol *symbol, struct reason *why)
{
	u64 size;

	symbol->name = string_at(names, from->st_name);
	if (!symbol->name)
		return refuse(why, "malformed: a symbol has no name");
	symbol->type = ELF64_ST_TYPE(from->st_info);
	symbol->bind = ELF64_ST_BIND(from->st_info);
	/* Numbers above these say what kind of nowhere it is in. */
	if (from->st_shndx == SHN_UNDEF || from->st_shndx >= SHN_LORESERVE)
		return true;
	if (from->st_shndx >= module->nr_sections)
		return refuse(why, "malformed: symbol %.40s is in no section",
			      symbol->name);
	size = module->sections[from->st_shndx].size;
	if (from->st_value > size || from->st_size > size - from->st_value)
		return refuse(why, "malformed: symbol %.40s is not in its section",
			      symbol->name);
	symbol->section = from->st_shndx;
	symbol->offset = from->st_value;
	symbol->size = from->st_size;
	return true;
}

/* The number of the one section of a type, 0 where there is none or many */
static size_t only_section(const struct elf_module *module, u32 type)
{
	size_t i, found = 0;

	for (i = 1; i < module->nr_sections; i++) {
		if (module->sections[i].type != type)
			continue;
		if (found)
			return 0;
		found = i;
	}
	return found;
}

static bool read_symbols(struct elf_module *module, size_t index,
			 struct reason *why)
{
	const struct elf_section *table = &module->sections[index];
	Elf64_Shdr header;
	Elf64_Sym symbol;
	size_t i;

	if (!index)
		return refuse(why, "no symbol table, or several: nothing tells where functions are");
	if (!read_header(module, index, &header) ||
	    header.sh_entsize != sizeof(symbol) ||
	    table->size % sizeof(symbol) ||
	    header.sh_link >= module->nr_sections)
		return refuse(why, "malformed: symbol table");
	module->nr_symbols = table->size / sizeof(symbol);
	module->symbols = allocate(module->nr_symbols,
				   sizeof(*module->symbols));
	for (i = 0; i < module->nr_symbols; i++) {
		memcpy(&symbol, table->data + i * sizeof(symbol),
		       sizeof(symbol));
		if (!read_symbol(module, &symbol,
				 &module->sections[header.sh_link],
				 &module->symbols[i], why))
			return false;
	}
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const Elf64_Rela *x = a, *y = b;

	return x->r_offset < y->r_offset ? -1 : x->r_offset > y->r_offset;
}

static bool sorted(const Elf64_Rela *relocations, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++) {
		if (relocations[i - 1].r_offset > relocations[i].r_offset)
			return false;
	}
	return true;
}

static bool check_relocation(const struct elf_module *module,
			     const struct elf_section *target,
			     const Elf64_Rela *rela, struct reason *why)
{
	if (ELF64_R_SYM(rela->r_info) >= module->nr_symbols)
		return refuse(why, "malformed: a relocation of %.40s has no symbol",
			      target->name);
	if (rela->r_offset >= target->size)
		return refuse(why, "malformed: a relocation is not in %.40s",
			      target->name);
	return true;
}

static bool read_relocations(struct elf_module *module, size_t index,
			     size_t symbols, struct reason *why)
{
	const struct elf_section *section = &module->sections[index];
	struct elf_section *target;
	Elf64_Shdr header;
	size_t i;

	if (!read_header(module, index, &header) ||
	    header.sh_entsize != sizeof(Elf64_Rela) ||
	    section->size % sizeof(Elf64_Rela) ||
	    header.sh_link != symbols || !header.sh_info ||
	    header.sh_info >= module->nr_sections)
		return refuse(why, "malformed: relocations in %.40s",
			      section->name);
	target = &module->sections[header.sh_info];
	if (target->relocations)
		return refuse(why, "malformed: %.40s has relocations twice",
			      target->name);
	target->nr_relocations = section->size / sizeof(Elf64_Rela);
	target->relocations = allocate(target->nr_relocations,
				       sizeof(Elf64_Rela));
	if (section->size)
		memcpy(target->relocations, section->data, section->size);
	for (i = 0; i < target->nr_relocations; i++) {
		if (!check_relocation(module, target, &target->relocations[i],
				      why))
			return false;
	}
	if (!sorted(target->relocations, target->nr_relocations))
		qsort(target->relocations, target->nr_relocations,
		      sizeof(Elf64_Rela), by_offset);
	return true;
}

/**
 * elf_module_info() - what modinfo says
 * @module: the module
 * @name: of what
 * @last: what this returned for it the last time, or NULL
 *
 * Return: the first, or the next, that it says of that; NULL where there is none.
 */
const char *elf_module_info(const struct elf_module *module, const char *name,
			    const char *last)
{
	const struct elf_section *modinfo = elf_module_section(module, ".modinfo");
	const char *at, *end;
	size_t length;

	if (!modinfo || !modinfo->data)
		return NULL;
	/* "name=value" strings, one behind the other */
	at = (const char *)modinfo->data;
	end = at + modinfo->size;
	for (; at < end; at += length + 1) {
		length = strnlen(at, end - at);
		if (at + length == end)
			break;
		if (at > last && !strncmp(at, name, strlen(name)) &&
		    at[strlen(name)] == '=')
			return at + strlen(name) + 1;
	}
	return NULL;
}

static bool read_module(struct elf_module *module, struct bytes *bytes,
			struct reason *why)
{
	const struct elf_section *modinfo;
	size_t i, symbols;

	elf_version(EV_CURRENT);
	module->elf = elf_memory((char *)bytes->data, bytes->size);
	if (!module->elf)
		return refuse(why, "no ELF file");
	if (!check_header(module->elf, why) || !read_sections(module, bytes->size, why))
		return false;
	modinfo = elf_module_section(module, ".modinfo");
	if (!modinfo || !modinfo->data)
		return refuse(why, "no .modinfo, and so no kernel module");
	module->name = elf_module_info(module, "name", NULL);

	symbols = only_section(module, SHT_SYMTAB);
	if (!read_symbols(module, symbols, why))
		return false;
	for (i = 1; i < module->nr_sections; i++) {
		if (module->sections[i].type == SHT_RELA &&
		    !read_relocations(module, i, symbols, why))
			return false;
	}
	return true;
}

/**
 * elf_module_open() - look into a module
 * @module: set
 * @bytes: the file's, decompressed; to stay while @module is open
 * @why: set when the file is no module, or malformed
 *
 * Return: whether @module is open.
 */
bool elf_module_open(struct elf_module *module, struct bytes *bytes,
		     struct reason *why)
{
	memset(module, 0, sizeof(*module));
	if (read_module(module, bytes, why))
		return true;
	elf_module_close(module);
	return false;
}

/**
 * elf_module_close() - be done with it
 * @module: the module
 */
void elf_module_close(struct elf_module *module)
{
	size_t i;

	for (i = 0; module->sections && i < module->nr_sections; i++)
		free(module->sections[i].relocations);
	free(module->sections);
	free(module->symbols);
	elf_end(module->elf);
	memset(module, 0, sizeof(*module));
}

/**
 * elf_module_section() - a section by name
 * @module: the module
 * @name: the name
 *
 * Return: the first one of that name, or NULL.
 */
const struct elf_section *elf_module_section(const struct elf_module *module,
					     const char *name)
{
	size_t i;

	for (i = 1; i < module->nr_sections; i++) {
		if (!strcmp(module->sections[i].name, name))
			return &module->sections[i];
	}
	return NULL;
}

/**
 * elf_module_relocated() - the symbol that a relocation refers to
 * @module: the module
 * @rela: one of its relocations
 */
const struct elf_symbol *
elf_module_relocated(const struct elf_module *module, const Elf64_Rela *rela)
{
	return &module->symbols[ELF64_R_SYM(rela->r_info)];
}

/**
 * elf_section_relocation() - the relocation at a place
 * @section: the section
 * @offset: the place in it
 *
 * Return: one there, or NULL.
 */
const Elf64_Rela *elf_section_relocation(const struct elf_section *section,
					 u64 offset)
{
	Elf64_Rela key = { .r_offset = offset };

	if (!section->nr_relocations)
		return NULL;
	return bsearch(&key, section->relocations, section->nr_relocations,
		       sizeof(key), by_offset);
}
