// SPDX-License-Identifier: GPL-2.0
/*
 * All that carapacectl does with a module's file, to a file that may be broken
 *
 * What is in memory depends on a seed and nothing else, so that a file does the
 * same each time.
 */
#include "coverage.h"
#include "elf_module.h"
#include "examine.h"
#include "patched.h"
#include "text.h"

/* How much of memory is not as in the file */
enum damage {
	DAMAGE_NONE,
	DAMAGE_SOME,
	DAMAGE_ALL,
	DAMAGE_COUNT,
};

struct memory {
	const struct elf_module *module;
	u64 seed;
};

static u64 mix(const struct memory *memory, u64 number)
{
	u64 x = memory->seed + number * 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Each in 64 KiB of its own, or nowhere */
static bool any_section(void *context, const char *name, u64 *va)
{
	const struct memory *memory = context;
	const struct elf_section *section;

	section = elf_module_section(memory->module, name);
	*va = MODULE_VA + ((u64)(section - memory->module->sections) << 16);
	return mix(memory, *va) % 8;
}

/* What the file has there, or something that is likely to look like code */
static u8 any_byte(const struct memory *memory, u64 va)
{
	static const u8 opcodes[] = {
		0x0f, 0x1f, 0x2e, 0x66, 0x90, 0xc3, 0xcc, 0xe8, 0xe9, 0xeb, 0xff,
	};
	u64 number = (va - MODULE_VA) >> 16, offset = va & 0xffff;
	enum damage damage = memory->seed % DAMAGE_COUNT;
	u64 random = mix(memory, ~va);
	const struct elf_section *section;

	if (number < memory->module->nr_sections &&
	    (damage == DAMAGE_NONE || (damage == DAMAGE_SOME && random % 32))) {
		section = &memory->module->sections[number];
		if (section->data && offset < section->size)
			return section->data[offset];
	}
	random >>= 8;
	return random % 2 ? opcodes[(random >> 8) % ARRAY_SIZE(opcodes)] :
			    random >> 8;
}

static bool any_memory(void *context, u64 va, u8 *bytes, size_t size)
{
	const struct memory *memory = context;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = any_byte(memory, va + i);
	return mix(memory, va) % 8;
}

static bool any_probe(void *context, u64 va)
{
	return mix(context, va) % 2;
}

/* Whether the tables of what Linux patches are well-formed */
static bool verify(const struct elf_module *module, u64 seed,
		   struct reason *why)
{
	static struct symbols symbols;
	struct memory memory = { module, seed };
	const struct text_world world = {
		.section = any_section,
		.read = any_memory,
		.probed = any_probe,
		.symbols = &symbols,
		.context = &memory,
	};
	struct text_result result;

	if (!symbols.count)
		patched_symbols(&symbols);
	if (!text_compare(module, &world, &result, why))
		return false;
	text_result_free(&result);
	return true;
}

static void read_parameters(const struct elf_module *module)
{
	const char *type = NULL;

	do
		type = elf_module_info(module, "parmtype", type);
	while (type);
}

/**
 * examine() - open a module, find what can be guarded, compare it with memory
 * @bytes: its file, which may be broken
 * @seed: what memory has depends on that
 *
 * Return: 2 where all was done, 1 where its tables were refused, 0 for all of it; -1
 * where it was refused without a reason, or not refused with one.
 */
int examine(struct bytes *bytes, u64 seed)
{
	struct elf_module module;
	struct coverage coverage;
	struct reason why = { "" };
	int result = 0;

	if (elf_module_open(&module, bytes, &why)) {
		result = 1;
		read_parameters(&module);
		if (coverage_find(&module, &coverage, &why)) {
			coverage_free(&coverage);
			if (verify(&module, seed, &why))
				result = 2;
		}
		elf_module_close(&module);
	}
	/* Who refuses says why, and nobody else does */
	return (result == 2) == !why.text[0] ? result : -1;
}
