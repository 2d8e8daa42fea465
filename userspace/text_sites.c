// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: where Linux exchanges instructions in a module's code
 *
 * By the tables that the module's file has for that. They were made by whoever
 * made the file, so all that is read is checked.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

#define ALTERNATIVE_OLD	12	/* sizes of struct alt_instr: before 6.3 */
#define ALTERNATIVE_NEW	14
#define PARAVIRT_ENTRY	16

struct search {
	const struct elf_module *module;
	struct text_sites *sites;
	struct reason *why;
};

/* A table, and what each of its entries has */
struct table {
	const char *name;
	u32 entry;
	u32 type;		/* of the relocation */
	enum text_kind kind;
	u32 length;		/* of the site; 0: to be found out */
};

static const struct table tables[] = {
	{ "__mcount_loc", 8, R_X86_64_64, TEXT_FENTRY, 5 },
	{ ".return_sites", 4, R_X86_64_PC32, TEXT_RETURN, 5 },
	{ ".retpoline_sites", 4, R_X86_64_PC32, TEXT_RETPOLINE, 0 },
	{ ".ibt_endbr_seal", 4, R_X86_64_PC32, TEXT_ENDBR, 4 },
	{ ".smp_locks", 4, R_X86_64_PC32, TEXT_LOCK, 1 },
	{ "__jump_table", 16, R_X86_64_PC32, TEXT_JUMP_LABEL, 0 },
	{ ".static_call_sites", 8, R_X86_64_PC32, TEXT_STATIC_CALL, 0 },
	{ ".parainstructions", PARAVIRT_ENTRY, R_X86_64_64, TEXT_PARAVIRT, 0 },
};

static bool malformed(const struct search *search, const char *table)
{
	return refuse(search->why, "malformed: an entry of %.40s is not about code",
		      table);
}

static void add(struct search *search, const struct text_site *site)
{
	struct text_sites *sites = search->sites;

	if (sites->count == sites->room) {
		sites->room = sites->room ? 2 * sites->room : 256;
		sites->site = realloc(sites->site,
				      sites->room * sizeof(*sites->site));
		if (!sites->site)
			out_of_memory();
	}
	sites->site[sites->count++] = *site;
}

/* Bytes of a section, or NULL where it does not have so many there */
static const u8 *bytes_at(const struct elf_module *module, size_t section,
			  u64 offset, u64 length)
{
	const struct elf_section *of = &module->sections[section];

	if (!section || !of->data || offset > of->size ||
	    length > of->size - offset)
		return NULL;
	return of->data + offset;
}

/* What the relocation of a table's field refers to */
static bool referred(const struct search *search, const struct elf_section *table,
		     u64 at, u32 type, size_t *section, u64 *offset)
{
	const Elf64_Rela *rela = elf_section_relocation(table, at);
	const struct elf_symbol *symbol;

	if (!rela || ELF64_R_TYPE(rela->r_info) != type)
		return malformed(search, table->name);
	symbol = elf_module_relocated(search->module, rela);
	*section = symbol->section;
	*offset = symbol->offset + rela->r_addend;
	return true;
}

/* How long the instruction is that the file has there; 0 for an unknown one */
static u32 instruction_length(enum text_kind kind, const u8 *code, u64 left)
{
	if (left < 2)
		return 0;
	if (kind == TEXT_JUMP_LABEL)
		return code[0] == 0xeb || code[0] == 0x66 ? 2 : 5;
	if ((code[0] == 0x0f && (code[1] & 0xf0) == 0x80) ||
	    (code[0] == 0x2e && (code[1] == 0xe8 || code[1] == 0xe9)))
		return 6;
	return 5;
}

/*
 * A site at a place in code. What is only there while the module is initialised
 * is left out when sections are compared.
 */
static bool add_at(struct search *search, const struct table *table,
		   struct text_site *site)
{
	const struct elf_module *module = search->module;
	const struct elf_section *of = &module->sections[site->section];
	u64 left;

	if (!site->section || !(of->flags & SHF_EXECINSTR) || !of->data ||
	    site->offset >= of->size)
		return malformed(search, table->name);
	left = of->size - site->offset;
	if (!site->length)
		site->length = instruction_length(site->kind,
						  of->data + site->offset,
						  left);
	if (!site->length || site->length > left)
		return malformed(search, table->name);
	add(search, site);
	return true;
}

static bool read_entry(struct search *search, const struct table *table,
		       const struct elf_section *section, u64 at)
{
	struct text_site site = {
		.kind = table->kind,
		.length = table->length,
	};

	if (!referred(search, section, at, table->type, &site.section,
		      &site.offset))
		return false;
	if (table->kind == TEXT_JUMP_LABEL &&
	    !referred(search, section, at + 4, table->type, &site.to_section,
		      &site.to_offset))
		return false;
	if (table->kind == TEXT_PARAVIRT) {
		if (!section->data)
			return malformed(search, table->name);
		site.length = section->data[at + 9];
	}
	return add_at(search, table, &site);
}

static bool read_table(struct search *search, const struct table *table)
{
	const struct elf_section *section;
	u64 at;

	section = elf_module_section(search->module, table->name);
	if (!section)
		return true;
	if (section->size % table->entry)
		return refuse(search->why, "malformed: size of %.40s",
			      table->name);
	for (at = 0; at < section->size; at += table->entry) {
		if (!read_entry(search, table, section, at))
			return false;
	}
	return true;
}

/* Two relocations an entry, so their distance tells how large entries are. */
static u32 alternative_size(const struct elf_section *section)
{
	if (section->nr_relocations > 2)
		return section->relocations[2].r_offset -
		       section->relocations[0].r_offset;
	return section->size;
}

static bool read_alternative(struct search *search, const struct table *table,
			     const struct elf_section *section, u64 at, u32 size)
{
	const u8 *lengths = section->data + at + size - 2;
	struct text_site site = {
		.kind = TEXT_ALTERNATIVE,
		.length = lengths[0],
		.to_length = lengths[1],
	};

	if (!referred(search, section, at, R_X86_64_PC32, &site.section,
		      &site.offset))
		return false;
	if (site.to_length) {
		if (!referred(search, section, at + 4, R_X86_64_PC32,
			      &site.to_section, &site.to_offset))
			return false;
		if (site.to_length > site.length ||
		    !bytes_at(search->module, site.to_section, site.to_offset,
			      site.to_length))
			return malformed(search, table->name);
	}
	/* Nothing to exchange */
	return !site.length || add_at(search, table, &site);
}

static bool read_alternatives(struct search *search)
{
	static const struct table table = { .name = ".altinstructions" };
	const struct elf_section *section;
	u64 at;
	u32 size;

	section = elf_module_section(search->module, table.name);
	if (!section || !section->size)
		return true;
	size = alternative_size(section);
	if (!section->data ||
	    (size != ALTERNATIVE_OLD && size != ALTERNATIVE_NEW) ||
	    section->size % size)
		return refuse(search->why, "malformed: %s has entries of %u bytes",
			      table.name, size);
	for (at = 0; at < section->size; at += size) {
		if (!read_alternative(search, &table, section, at, size))
			return false;
	}
	return true;
}

/* They have no table, but a signature (arch/x86/include/asm/static_call.h). */
static void find_trampolines(struct search *search)
{
	const struct elf_module *module = search->module;
	struct text_site site = { .kind = TEXT_TRAMPOLINE, .length = 5 };
	const struct elf_section *of;

	for (site.section = 1; site.section < module->nr_sections; site.section++) {
		of = &module->sections[site.section];
		if (strcmp(of->name, ".static_call.text") || !of->data)
			continue;
		for (site.offset = 0; site.offset + 8 <= of->size;
		     site.offset += 4) {
			if (!memcmp(of->data + site.offset + 5, "\x0f\xb9\xcc",
				    3))
				add(search, &site);
		}
	}
}

static int by_place(const void *a, const void *b)
{
	const struct text_site *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/**
 * text_sites_find() - read a module's tables
 * @module: the module
 * @sites: set
 * @why: set where the tables are malformed
 *
 * Return: whether they are not.
 */
bool text_sites_find(const struct elf_module *module, struct text_sites *sites,
		     struct reason *why)
{
	struct search search = { module, sites, why };
	bool good = true;
	size_t i;

	memset(sites, 0, sizeof(*sites));
	for (i = 0; good && i < ARRAY_SIZE(tables); i++)
		good = read_table(&search, &tables[i]);
	good = good && read_alternatives(&search);
	if (!good) {
		text_sites_free(sites);
		return false;
	}
	find_trampolines(&search);
	if (sites->count)
		qsort(sites->site, sites->count, sizeof(*sites->site), by_place);
	return true;
}

/**
 * text_sites_free() - free them
 * @sites: they
 */
void text_sites_free(struct text_sites *sites)
{
	free(sites->site);
	memset(sites, 0, sizeof(*sites));
}
