// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what of a module can be guarded
 *
 * From what the module brought along: ftrace's records of its functions, the list
 * of its returns (.return_sites), and its symbols, which say to which function a
 * return belongs. A part that the compiler moved out of a function (NAME.cold)
 * belongs to it.
 *
 * There is no list of the places where a function ends by jumping to another one,
 * which then returns in its place. These are found by decoding.
 */
#include <linux/bsearch.h>
#include <linux/ftrace.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/static_call.h>
#include <linux/string.h>

#include "compat.h"
#include "ftrace_records.h"
#include "instructions.h"
#include "kernel_symbols.h"
#include "opcodes.h"
#include "return_functions.h"
#include "returns.h"

#define COLD	".cold"

/* A function by its symbol */
struct symbol {
	u64 start;
	u64 end;
	const char *name;
	u64 slot;		/* 0 where ftrace has none */
	bool shared;
};

struct symbols {
	struct symbol *symbol;
	u32 nr;
	u64 thunks;		/* what jumps by a pointer lead to */
	u64 thunks_size;
};

static int by_start(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int by_offset(const void *a, const void *b)
{
	const struct return_site *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int by_address(const void *a, const void *b)
{
	unsigned long x = *(unsigned long *)a, y = *(unsigned long *)b;

	return x < y ? -1 : x > y;
}

/* Symbols of the module's code; the module, and so its table, stays meanwhile */
static int find_symbols(const struct module *mod, const struct return_functions *f,
			struct symbols *s)
{
	const struct mod_kallsyms *k = &mod->core_kallsyms;
	const Elf_Sym *sym;
	u32 i;

	s->symbol = kvcalloc(k->num_symtab, sizeof(*s->symbol), GFP_KERNEL);
	if (!s->symbol)
		return -ENOMEM;
	for (i = 0; i < k->num_symtab; i++) {
		sym = &k->symtab[i];
		if (sym->st_shndx == SHN_UNDEF || !sym->st_size ||
		    sym->st_value - f->text >= f->size)
			continue;
		s->symbol[s->nr++] = (struct symbol){
			.start = sym->st_value,
			.end = sym->st_value + sym->st_size,
			.name = k->strtab + sym->st_name,
		};
	}
	sort(s->symbol, s->nr, sizeof(*s->symbol), by_start, NULL);
	return 0;
}

/* The last symbol at or before an address, if the address is in it */
static struct symbol *symbol_at(const struct symbols *s, u64 va)
{
	u32 low = 0, high = s->nr, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (s->symbol[middle].start <= va)
			low = middle + 1;
		else
			high = middle;
	}
	return low && va < s->symbol[low - 1].end ? &s->symbol[low - 1] : NULL;
}

/* The function that a part was moved out of, or the symbol itself */
static struct symbol *whole(const struct symbols *s, struct symbol *part)
{
	const char *cold = strstr(part->name, COLD);
	u32 i;

	if (!cold)
		return part;
	for (i = 0; i < s->nr; i++) {
		if (strlen(s->symbol[i].name) == cold - part->name &&
		    !strncmp(s->symbol[i].name, part->name, cold - part->name))
			return &s->symbol[i];
	}
	return part;
}

static void note_slot(const struct dyn_ftrace *record, void *symbols)
{
	struct symbol *symbol = symbol_at(symbols, record->ip);

	if (!symbol || record->ip - symbol->start > ENDBR_INSN_SIZE ||
	    record->flags & FTRACE_FL_DISABLED)
		return;
	symbol->slot = record->ip;
	symbol->shared = record->flags & FTRACE_FL_DIRECT;
}

static int collect_entries(const struct symbols *s, struct return_functions *f)
{
	u32 i;

	f->entries = kvmalloc_array(s->nr + 1, sizeof(*f->entries), GFP_KERNEL);
	if (!f->entries)
		return -ENOMEM;
	for (i = 0; i < s->nr; i++) {
		if (!s->symbol[i].slot)
			continue;
		if (s->symbol[i].shared)
			f->nr_shared++;
		else
			f->entries[f->nr_entries++] = s->symbol[i].slot;
	}
	sort(f->entries, f->nr_entries, sizeof(*f->entries), by_address, NULL);
	return 0;
}

/* Where the section begins, and where the one behind it does, or read-only data end */
static bool find_section(const struct module *mod, const char *name,
			 const s32 **start, const s32 **end)
{
	const struct compat_section *section;
	u64 address, from = 0, to = ~0ULL, rodata, size;
	unsigned int i;

	for (i = 0; (section = compat_section(mod, i)); i++) {
		if (!strcmp(section->attribute.attr.name, name))
			from = compat_section_address(section);
	}
	for (i = 0; (section = compat_section(mod, i)); i++) {
		address = compat_section_address(section);
		if (address > from)
			to = min(to, address);
	}
	compat_module_part(mod, MODULE_PART_RODATA, &rodata, &size);
	if (from - rodata < size)
		to = min(to, rodata + size);
	*start = (const s32 *)from;
	*end = (const s32 *)min(to, round_up(from + 1, SZ_1M));
	return from;
}

static enum return_state state_of(const struct symbols *s, u64 va)
{
	struct symbol *symbol = symbol_at(s, va);

	if (symbol)
		symbol = whole(s, symbol);
	if (!symbol || !symbol->slot)
		return RETURN_NO_ENTRY;
	return symbol->shared ? RETURN_SHARED : RETURN_GUARDED;
}

/* What somebody else's probe stands on, say, is no return just now. */
static enum return_state state_at(const struct symbols *s, u64 va)
{
	enum return_state state = state_of(s, va);
	u64 target;

	if (state == RETURN_GUARDED &&
	    return_site_form((const u8 *)va, va, &target) == RETURN_UNKNOWN)
		return RETURN_CHANGED;
	return state;
}

/* Each has this room, and they lie one behind the other. */
#define THUNK_SIZE	32

static void find_pointer_thunks(struct symbols *s)
{
	u64 last = kernel_symbol("__x86_indirect_thunk_r15");

	s->thunks = kernel_symbol("__x86_indirect_thunk_rax");
	s->thunks_size = s->thunks ? last + THUNK_SIZE - s->thunks : 0;
}

/* jmp *REGISTER, with what may stand before it */
static bool jumps_by_register(const u8 *code, u32 length)
{
	return length >= 2 && code[length - 2] == 0xff &&
	       (code[length - 1] & 0xf8) == 0xe0;
}

static bool is_static_call(const struct module *mod, u64 va)
{
	const struct static_call_site *site = mod->static_call_sites;
	u32 i;

	for (i = 0; i < mod->num_static_call_sites; i++) {
		if ((u64)&site[i].addr + site[i].addr == va)
			return true;
	}
	return false;
}

/* Where a function begins: in this module, or it is somewhere else */
static bool begins_function(const struct symbols *s,
			    const struct return_functions *f, u64 va)
{
	const struct symbol *symbol = symbol_at(s, va);

	return va - f->text >= f->size || (symbol && symbol->start == va);
}

/*
 * Whether an instruction ends its function by jumping to another one; what becomes of
 * it, then. A jump to the function's other part is none.
 */
static bool ends_by_jump(const struct module *mod, const struct symbols *s,
			 const struct return_functions *f, struct symbol *symbol,
			 u64 va, u32 length, enum return_state *state)
{
	const u8 *code = (const u8 *)va;
	struct symbol *other;
	u64 target;

	if (jumps_by_register(code, length)) {
		*state = RETURN_POINTER;
		return true;
	}
	if (length == 2 && code[0] == OPCODE_JMP8) {
		target = va + length + (s8)code[1];
		*state = RETURN_SHORT;
	} else if (length == RETURN_SITE &&
		   return_site_form(code, va, &target) == RETURN_JUMP) {
		*state = target - s->thunks < s->thunks_size ? RETURN_POINTER :
			 is_static_call(mod, va) ? RETURN_STATIC_CALL :
			 state_of(s, va);
	} else {
		return false;
	}
	other = symbol_at(s, target);
	return begins_function(s, f, target) &&
	       (!other || whole(s, other) != whole(s, symbol));
}

static bool is_listed(const struct return_functions *f, u32 nr, u32 offset)
{
	const struct return_site key = { .offset = offset };

	return bsearch(&key, f->sites, nr, sizeof(key), by_offset);
}

static int add_site(struct return_functions *f, u32 *room,
		    struct return_site site)
{
	struct return_site *sites;

	if (f->nr_sites == *room) {
		sites = kvmalloc_array(*room * 2, sizeof(*sites), GFP_KERNEL);
		if (!sites)
			return -ENOMEM;
		memcpy(sites, f->sites, f->nr_sites * sizeof(*sites));
		kvfree(f->sites);
		f->sites = sites;
		*room *= 2;
	}
	f->sites[f->nr_sites++] = site;
	return 0;
}

/* Of one function, behind the @listed returns, which are sorted */
static int collect_jumps_of(const struct module *mod, const struct symbols *s,
			    struct return_functions *f, struct symbol *symbol,
			    u32 listed, u32 *room)
{
	enum return_state state;
	int err = 0;
	u32 length;
	u64 va;

	for (va = symbol->start; !err && va < symbol->end; va += length) {
		length = instruction_length(va);
		if (!length)
			break;
		if (ends_by_jump(mod, s, f, symbol, va, length, &state) &&
		    !is_listed(f, listed, va - f->text))
			err = add_site(f, room, (struct return_site){
				.offset = va - f->text,
				.state = state,
				.jump = true,
			});
	}
	return err;
}

/*
 * Symbols may share a beginning; the last one is what symbol_at() finds there. What
 * static calls lead to is a jump, and no function.
 */
static int collect_jumps(const struct module *mod, const struct symbols *s,
			 struct return_functions *f, u32 room)
{
	u32 listed = f->nr_sites, i;
	int err = 0;

	for (i = 0; !err && i < s->nr; i++) {
		if (symbol_at(s, s->symbol[i].start) == &s->symbol[i] &&
		    !str_has_prefix(s->symbol[i].name, STATIC_CALL_TRAMP_PREFIX_STR))
			err = collect_jumps_of(mod, s, f, &s->symbol[i], listed,
					       &room);
		cond_resched();
	}
	sort(f->sites, f->nr_sites, sizeof(*f->sites), by_offset, NULL);
	return err;
}

static int collect_sites(const struct module *mod, const struct symbols *s,
			 struct return_functions *f)
{
	const s32 *start, *end, *entry;
	u64 va;

	if (!find_section(mod, ".return_sites", &start, &end))
		return -EOPNOTSUPP;
	f->sites = kvcalloc(end - start + 1, sizeof(*f->sites), GFP_KERNEL);
	if (!f->sites)
		return -ENOMEM;
	for (entry = start; entry < end; entry++) {
		va = (u64)entry + *entry;
		/* Still in the list: what was freed after initialisation */
		if (va - f->text >= f->size - RETURN_SITE + 1)
			continue;
		f->sites[f->nr_sites++] = (struct return_site){
			.offset = va - f->text,
			.state = state_at(s, va),
		};
	}
	sort(f->sites, f->nr_sites, sizeof(*f->sites), by_offset, NULL);
	return collect_jumps(mod, s, f, end - start + 1);
}

/**
 * return_functions_find() - look at a module
 * @mod: the module, which the caller keeps from being unloaded; it is live
 * @f: set
 *
 * Context: may sleep; takes ftrace_lock.
 *
 * Return: 0; -EOPNOTSUPP for a module that has no list of its returns; -ENOMEM.
 */
int return_functions_find(const struct module *mod, struct return_functions *f)
{
	struct symbols symbols = { .nr = 0 };
	int err;

	memset(f, 0, sizeof(*f));
	compat_module_part(mod, MODULE_PART_TEXT, &f->text, &f->size);
	f->ranges = kvmalloc(sizeof(*f->ranges), GFP_KERNEL);
	if (!f->ranges)
		return -ENOMEM;
	f->ranges[f->nr_ranges++] = (struct code_part){
		.start = f->text,
		.size = f->size,
	};
	find_pointer_thunks(&symbols);
	err = find_symbols(mod, f, &symbols);
	if (!err) {
		ftrace_records_lock();
		ftrace_records_walk(f->text, f->size, note_slot, &symbols);
		ftrace_records_unlock();
		err = collect_entries(&symbols, f);
	}
	if (!err)
		err = collect_sites(mod, &symbols, f);
	kvfree(symbols.symbol);
	if (err)
		return_functions_free(f);
	return err;
}

/**
 * return_functions_free() - forget it
 * @f: what was found
 *
 * Context: may sleep.
 */
void return_functions_free(struct return_functions *f)
{
	kvfree(f->entries);
	kvfree(f->sites);
	kvfree(f->ranges);
	memset(f, 0, sizeof(*f));
}
