// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what of a module the return guard can guard
 */
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "functions.h"
#include "message.h"

#define SITE_SIZE	5
#define RETURN_THUNK	"__x86_return_thunk"

/* A place in the module's code */
struct place {
	size_t section;
	u64 offset;
};

/* What the tables say of a function, as it comes together */
struct finding {
	bool has_fentry;
	bool bad_fentry;
	bool unlisted;
	bool bad_return;
};

struct search {
	const struct elf_module *module;
	struct parts parts;
	size_t *function_of;		/* by part that owns itself */
	struct finding *findings;	/* by function */
	struct place *sites;		/* sorted, each once */
	size_t nr_sites;
	bool has_sites;			/* there is a list, be it empty */
	struct coverage *coverage;
};

static const struct {
	const char *name;
	const char *meaning;
	bool stays;
} fates[FATE_COUNT] = {
#define X(constant, name_, stays_, meaning_)				\
	[FATE_##constant] = { .name = (name_), .meaning = (meaning_),	\
			      .stays = (stays_) },
	FATES(X)
#undef X
};

/* Sections whose code is not for the return guard, whatever it looks like */
static const struct {
	const char *prefix;
	enum fate fate;
} section_fates[] = {
	{ ".init", FATE_INIT },
	{ ".exit", FATE_EXIT },
	{ ".static_call.text", FATE_STATIC_CALL },
};

static bool is_code(const struct elf_section *section)
{
	return (section->flags & SHF_EXECINSTR) && section->data;
}

/* The bytes at a place, NULL where there are fewer */
static const u8 *code_at(const struct elf_module *module, struct place place,
			 u64 length)
{
	const struct elf_section *section = &module->sections[place.section];

	if (place.offset > section->size ||
	    length > section->size - place.offset)
		return NULL;
	return section->data + place.offset;
}

/* Whether OPCODE with a relocation to SYMBOL stands at a place */
static bool branches_to(const struct elf_module *module, struct place place,
			u8 opcode, const char *symbol)
{
	const u8 *code = code_at(module, place, SITE_SIZE);
	const Elf64_Rela *rela;
	u32 type;

	if (!code || *code != opcode)
		return false;
	rela = elf_section_relocation(&module->sections[place.section],
				      place.offset + 1);
	if (!rela)
		return false;
	type = ELF64_R_TYPE(rela->r_info);
	return (type == R_X86_64_PLT32 || type == R_X86_64_PC32) &&
	       rela->r_addend == -4 &&
	       !strcmp(elf_module_relocated(module, rela)->name, symbol);
}

static bool contains(const struct elf_module *module, struct place place,
		     const char *bytes, size_t length)
{
	const u8 *code = code_at(module, place, length);

	return code && !memcmp(code, bytes, length);
}

static bool is_fentry_slot(const struct elf_module *module, struct place place)
{
	return contains(module, place, "\x0f\x1f\x44\0\0", SITE_SIZE) ||
	       branches_to(module, place, 0xe8, "__fentry__");
}

static bool is_return_site(const struct elf_module *module, struct place place)
{
	return contains(module, place, "\xc3\xcc\xcc\xcc\xcc", SITE_SIZE) ||
	       branches_to(module, place, 0xe9, RETURN_THUNK);
}

/* A table of places: entries of one size, each with one relocation */
static bool table_entry(const struct elf_module *module,
			const struct elf_section *table, u64 at, u32 type,
			struct place *place, struct reason *why)
{
	const Elf64_Rela *rela = elf_section_relocation(table, at);
	const struct elf_symbol *symbol;

	if (!rela || ELF64_R_TYPE(rela->r_info) != type)
		return refuse(why, "malformed: an entry of %.40s has no relocation",
			      table->name);
	symbol = elf_module_relocated(module, rela);
	place->section = symbol->section;
	place->offset = symbol->offset + rela->r_addend;
	if (!place->section || !is_code(&module->sections[place->section]) ||
	    place->offset >= module->sections[place->section].size)
		return refuse(why, "malformed: an entry of %.40s is not about code",
			      table->name);
	return true;
}

static struct finding *finding_at(struct search *search, struct place place,
				  struct function **function,
				  const struct part **part)
{
	size_t number;

	*part = parts_at(&search->parts, place.section, place.offset);
	if (!*part)
		return NULL;
	number = search->function_of[(*part)->owner];
	*function = &search->coverage->functions[number];
	return &search->findings[number];
}

static void note_fentry(struct search *search, struct place place)
{
	const struct part *part;
	struct function *function;
	struct finding *finding;
	struct place start;

	finding = finding_at(search, place, &function, &part);
	if (!finding)
		return;
	start.section = function->section;
	start.offset = function->offset;
	if (contains(search->module, start, "\xf3\x0f\x1e\xfa", 4))
		start.offset += 4;
	if (finding->has_fentry || place.section != start.section ||
	    place.offset != start.offset ||
	    !is_fentry_slot(search->module, place))
		finding->bad_fentry = true;
	finding->has_fentry = true;
}

static bool read_fentries(struct search *search, struct reason *why)
{
	const struct elf_section *table;
	struct place place;
	u64 at;

	table = elf_module_section(search->module, "__mcount_loc");
	for (at = 0; table && at < table->size; at += 8) {
		if (!table_entry(search->module, table, at, R_X86_64_64,
				 &place, why))
			return false;
		note_fentry(search, place);
	}
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool read_sites(struct search *search, struct reason *why)
{
	const struct elf_section *table;
	size_t i, count = 0;
	u64 at;

	table = elf_module_section(search->module, ".return_sites");
	search->has_sites = table;
	search->sites = allocate(table ? table->nr_relocations : 0,
				 sizeof(*search->sites));
	for (at = 0; table && at < table->size; at += 4) {
		if (count == table->nr_relocations)
			return refuse(why, "malformed: .return_sites has too few relocations");
		if (!table_entry(search->module, table, at, R_X86_64_PC32,
				 &search->sites[count++], why))
			return false;
	}
	qsort(search->sites, count, sizeof(*search->sites), by_place);
	for (i = 0; i < count; i++) {
		if (i && !by_place(&search->sites[i - 1], &search->sites[i]))
			continue;
		search->sites[search->nr_sites++] = search->sites[i];
	}
	return true;
}

static bool is_listed(const struct search *search, struct place place)
{
	return bsearch(&place, search->sites, search->nr_sites, sizeof(place),
		       by_place);
}

static bool overlaps_next(const struct search *search, size_t i)
{
	return i + 1 < search->nr_sites &&
	       search->sites[i + 1].section == search->sites[i].section &&
	       search->sites[i + 1].offset - search->sites[i].offset < SITE_SIZE;
}

static void note_sites(struct search *search)
{
	const struct part *part;
	struct function *function;
	struct finding *finding;
	size_t i;

	for (i = 0; i < search->nr_sites; i++) {
		struct place place = search->sites[i];

		finding = finding_at(search, place, &function, &part);
		if (!finding) {
			search->coverage->sums.stray_returns++;
			continue;
		}
		function->returns++;
		if (overlaps_next(search, i) ||
		    (i && overlaps_next(search, i - 1)) ||
		    part->symbol->offset + part->symbol->size - place.offset < SITE_SIZE ||
		    !is_return_site(search->module, place))
			finding->bad_return = true;
	}
}

/* jmp, or jcc, with all of its displacement relocated */
static bool is_jump(const struct elf_section *section, u64 displacement)
{
	const u8 *code = section->data + displacement;

	return (displacement >= 1 && code[-1] == 0xe9) ||
	       (displacement >= 2 && code[-2] == 0x0f &&
		(code[-1] & 0xf0) == 0x80);
}

/*
 * The compiler leaves every branch to another section or file to the linker, so
 * relocations tell of all jumps to the return thunk, and of all that leave the
 * module.
 */
static void note_jump(struct search *search, size_t section,
		      const Elf64_Rela *rela)
{
	const struct elf_symbol *to = elf_module_relocated(search->module, rela);
	struct place place = { section, rela->r_offset };
	u32 type = ELF64_R_TYPE(rela->r_info);
	const struct part *part;
	struct function *function;
	struct finding *finding;

	if ((type != R_X86_64_PLT32 && type != R_X86_64_PC32) || to->section ||
	    !is_jump(&search->module->sections[section], rela->r_offset))
		return;
	finding = finding_at(search, place, &function, &part);
	if (!finding)
		return;
	place.offset--;
	if (strcmp(to->name, RETURN_THUNK))
		function->tail_calls++;
	else if (!is_listed(search, place))
		finding->unlisted = true;
}

static void note_jumps(struct search *search)
{
	const struct elf_section *section;
	size_t i, j;

	for (i = 1; i < search->module->nr_sections; i++) {
		section = &search->module->sections[i];
		if (!is_code(section))
			continue;
		for (j = 0; j < section->nr_relocations; j++)
			note_jump(search, i, &section->relocations[j]);
	}
}

static enum fate judge(const struct search *search,
		       const struct function *function,
		       const struct finding *finding)
{
	const char *section = search->module->sections[function->section].name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(section_fates); i++) {
		if (!strncmp(section, section_fates[i].prefix,
			     strlen(section_fates[i].prefix)))
			return section_fates[i].fate;
	}
	if (!finding->has_fentry)
		return FATE_NO_FENTRY;
	if (finding->bad_fentry)
		return FATE_BAD_FENTRY;
	if (!search->has_sites)
		return FATE_NO_LIST;
	if (finding->unlisted)
		return FATE_UNLISTED;
	if (finding->bad_return)
		return FATE_BAD_RETURN;
	return function->returns ? FATE_GUARDABLE : FATE_NO_RETURN;
}

static void judge_all(struct search *search)
{
	struct coverage *coverage = search->coverage;
	size_t i;

	for (i = 0; i < coverage->nr_functions; i++) {
		struct function *function = &coverage->functions[i];

		function->fate = judge(search, function, &search->findings[i]);
		coverage->sums.functions[function->fate]++;
		coverage->sums.returns[function->fate] += function->returns;
		coverage->sums.tail_calls[function->fate] +=
			function->tail_calls;
	}
}

static void list_functions(struct search *search)
{
	struct coverage *coverage = search->coverage;
	const struct parts *parts = &search->parts;
	size_t i;

	coverage->functions = allocate(parts->count,
				       sizeof(*coverage->functions));
	search->function_of = allocate(parts->count,
				       sizeof(*search->function_of));
	for (i = 0; i < parts->count; i++) {
		const struct elf_symbol *symbol = parts->part[i].symbol;

		if (parts->part[i].owner != i)
			continue;
		search->function_of[i] = coverage->nr_functions;
		coverage->functions[coverage->nr_functions++] =
			(struct function){
				.name = symbol->name,
				.section = symbol->section,
				.offset = symbol->offset,
				.size = symbol->size,
			};
	}
	search->findings = allocate(coverage->nr_functions,
				    sizeof(*search->findings));
}

/**
 * coverage_find() - find out what of a module can be guarded
 * @module: the module; to stay while @coverage is used
 * @coverage: set
 * @why: set when the module's tables are malformed
 *
 * Return: whether they are not.
 */
bool coverage_find(const struct elf_module *module, struct coverage *coverage,
		   struct reason *why)
{
	struct search search = { .module = module, .coverage = coverage };
	bool done;

	memset(coverage, 0, sizeof(*coverage));
	parts_find(module, &search.parts);
	list_functions(&search);
	done = read_fentries(&search, why) && read_sites(&search, why);
	if (done) {
		note_sites(&search);
		note_jumps(&search);
		judge_all(&search);
	} else {
		coverage_free(coverage);
	}
	free(search.sites);
	free(search.findings);
	free(search.function_of);
	parts_free(&search.parts);
	return done;
}

/**
 * coverage_free() - free it
 * @coverage: the coverage
 */
void coverage_free(struct coverage *coverage)
{
	free(coverage->functions);
	memset(coverage, 0, sizeof(*coverage));
}

/**
 * coverage_add() - add up sums
 * @to: the sums
 * @from: what to add
 */
void coverage_add(struct coverage_sums *to, const struct coverage_sums *from)
{
	enum fate fate;

	for (fate = 0; fate < FATE_COUNT; fate++) {
		to->functions[fate] += from->functions[fate];
		to->returns[fate] += from->returns[fate];
		to->tail_calls[fate] += from->tail_calls[fate];
	}
	to->stray_returns += from->stray_returns;
}

/**
 * coverage_staying_returns() - return sites in code that stays loaded and runs
 * @sums: the sums
 *
 * Those that can be guarded are a share of these.
 */
u64 coverage_staying_returns(const struct coverage_sums *sums)
{
	u64 count = sums->stray_returns;
	enum fate fate;

	for (fate = 0; fate < FATE_COUNT; fate++)
		count += fates[fate].stays ? sums->returns[fate] : 0;
	return count;
}

/**
 * fate_name() - a fate's name, for JSON
 * @fate: the fate
 */
const char *fate_name(enum fate fate)
{
	return fates[fate].name;
}

/**
 * fate_meaning() - what it means, in half a line
 * @fate: the fate
 */
const char *fate_meaning(enum fate fate)
{
	return fates[fate].meaning;
}
