// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: a module's code as the loader relocates it
 *
 * Names of other symbols lead to several addresses at times, as static functions
 * of the kernel's may have the same name as what is exported. Where one of them
 * makes what is in memory, it is that one.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text_parts.h"

#define PERCPU	".data..percpu"
#define NEAR	(64LL << 20)

/* The loader shows where sections lie, but for this one: by a symbol in it */
static u64 percpu_base(const struct elf_module *module,
		       const struct text_world *world, size_t section)
{
	const struct symbol *symbol;
	size_t i;

	for (i = 1; i < module->nr_symbols; i++) {
		if (module->symbols[i].section != section ||
		    !*module->symbols[i].name)
			continue;
		symbol = symbols_named(world->symbols, module->symbols[i].name,
				       NULL);
		while (symbol && module->name &&
		       strcmp(symbol->module, module->name))
			symbol = symbols_named(world->symbols, symbol->name,
					       symbol);
		if (symbol)
			return symbol->va - module->symbols[i].offset;
	}
	return 0;
}

/**
 * text_layout_find() - find out where a module's sections lie
 * @layout: set
 * @module: the module
 * @world: the running kernel
 */
void text_layout_find(struct text_layout *layout,
		      const struct elf_module *module,
		      const struct text_world *world)
{
	size_t i;

	layout->module = module;
	layout->world = world;
	layout->va = allocate(module->nr_sections, sizeof(*layout->va));
	for (i = 1; i < module->nr_sections; i++) {
		if (!(module->sections[i].flags & SHF_ALLOC))
			continue;
		if (!strcmp(module->sections[i].name, PERCPU))
			layout->va[i] = percpu_base(module, world, i);
		else if (!world->section(world->context,
					 module->sections[i].name,
					 &layout->va[i]))
			layout->va[i] = 0;
	}
}

/**
 * text_layout_free() - free it
 * @layout: the layout
 */
void text_layout_free(struct text_layout *layout)
{
	free(layout->va);
}

/* How many bytes it is about; 0 for what the loader does not know either */
static u32 width_of(u32 type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return 4;
	default:
		return 0;
	}
}

static void put(u8 *bytes, u64 value, u32 width)
{
	u32 i;

	for (i = 0; i < width; i++)
		bytes[i] = value >> 8 * i;
}

static bool is_relative(u32 type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 ||
	       type == R_X86_64_PC64;
}

static void relocate(const Elf64_Rela *rela, u64 symbol, u64 va, u8 *bytes)
{
	u32 type = ELF64_R_TYPE(rela->r_info);
	u64 value = symbol + rela->r_addend;

	if (is_relative(type))
		value -= va;
	put(bytes, value, width_of(type));
}

/* By name, for what is not in this module; the first one unless another fits */
static void relocate_by_name(const struct text_layout *layout,
			     const Elf64_Rela *rela, const char *name, u64 va,
			     u8 *bytes, const u8 *live)
{
	u32 width = width_of(ELF64_R_TYPE(rela->r_info));
	const struct symbol *symbol = NULL;
	bool any = false;
	u8 other[8];

	while ((symbol = symbols_named(layout->world->symbols, name, symbol))) {
		relocate(rela, symbol->va, va, other);
		if (!any)
			memcpy(bytes, other, width);
		any = true;
		if (!live || !memcmp(other, live, width)) {
			memcpy(bytes, other, width);
			return;
		}
	}
}

/* Where an empty section lies, if what refers to it is right; not far from here */
static void place_empty_section(const struct text_layout *layout,
				const Elf64_Rela *rela, u64 va, const u8 *live)
{
	const struct elf_symbol *symbol;
	u32 type = ELF64_R_TYPE(rela->r_info);
	u64 value = 0;
	s64 distance;

	symbol = elf_module_relocated(layout->module, rela);
	if (layout->module->sections[symbol->section].size || !live)
		return;
	memcpy(&value, live, width_of(type));
	/* Addresses of modules are negative, as numbers of 32 bits. */
	if (width_of(type) == 4)
		value = (s64)(s32)value;
	if (is_relative(type))
		value += va;
	value -= symbol->offset + rela->r_addend;
	distance = value - va;
	if (distance > -NEAR && distance < NEAR)
		layout->va[symbol->section] = value;
}

static size_t first_relocation(const struct elf_section *section, u64 offset)
{
	size_t low = 0, high = section->nr_relocations, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (section->relocations[middle].r_offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/**
 * text_relocate() - relocate bytes of a section
 * @layout: the module
 * @section: number of the section
 * @offset: of the first byte in it
 * @length: how many
 * @va: where they are to be: that may be somewhere else
 * @bytes: they; changed
 * @live: what is there, or NULL
 */
void text_relocate(const struct text_layout *layout, size_t section,
		   u64 offset, u64 length, u64 va, u8 *bytes, const u8 *live)
{
	const struct elf_section *of = &layout->module->sections[section];
	const struct elf_symbol *symbol;
	const Elf64_Rela *rela;
	u64 at;
	size_t i;
	u32 width;

	for (i = first_relocation(of, offset); i < of->nr_relocations; i++) {
		rela = &of->relocations[i];
		at = rela->r_offset - offset;
		width = width_of(ELF64_R_TYPE(rela->r_info));
		if (at >= length)
			return;
		if (!width || width > length - at)
			continue;
		symbol = elf_module_relocated(layout->module, rela);
		if (symbol->section && !layout->va[symbol->section])
			place_empty_section(layout, rela, va + at,
					    live ? live + at : NULL);
		if (!symbol->section)
			relocate_by_name(layout, rela, symbol->name, va + at,
					 bytes + at, live ? live + at : NULL);
		else if (layout->va[symbol->section])
			relocate(rela, layout->va[symbol->section] +
				 symbol->offset, va + at, bytes + at);
	}
}
