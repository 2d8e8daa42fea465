// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what may stand where Linux exchanges an instruction
 *
 * Each kind of place has few contents that are Linux's. What they lead to has to
 * be where a known function begins; which one, nobody can tell from here.
 */
#include <string.h>

#include "layout.h"
#include "text_parts.h"

#define CALL	0xe8
#define JMP	0xe9
#define JMP8	0xeb
#define RET	0xc3

/* What Linux writes over one that nothing jumps to; from 6.15 on, the other */
#define ENDBR			"\xf3\x0f\x1e\xfa"
#define ENDBR_SEALED		"\x66\x0f\x1f\x00"
#define ENDBR_SEALED_NEW	"\x0f\x1f\x40\xd6"
#define ENDBR_SIZE		4

#define OWN	"carapace"
#define PLACES	"returns_jumps"
#define CHECKED_JUMP	10	/* what stands in one: a call, and a jump */

/* As /proc/kallsyms calls them, each with a number behind it */
#define BPF		"bpf"
#define TRAMPOLINE	"bpf_trampoline_"

static bool has(const struct text_place *place, const char *bytes, u32 length)
{
	return place->left >= length && !memcmp(place->live, bytes, length);
}

static s32 get_s32(const u8 *bytes)
{
	s32 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static u64 branch_target(u64 va, const u8 *code, u32 length)
{
	return va + length + (s64)get_s32(code + length - 4);
}

static bool is_function(const struct symbol *symbol)
{
	return strchr("tTwW", symbol->type);
}

static bool is_function_symbol_at(const struct text_layout *layout, u64 va)
{
	const struct symbol *symbol = NULL;

	while ((symbol = symbols_at(layout->world->symbols, va, symbol))) {
		if (is_function(symbol))
			return true;
	}
	return false;
}

/* Direct branches may lead past an ENDBR. */
static bool begins_function(const struct text_layout *layout, u64 va)
{
	const struct text_world *world = layout->world;
	u8 code[ENDBR_SIZE];

	if (is_function_symbol_at(layout, va))
		return true;
	return is_function_symbol_at(layout, va - ENDBR_SIZE) &&
	       world->read(world->context, va - ENDBR_SIZE, code, sizeof(code)) &&
	       (!memcmp(code, ENDBR, ENDBR_SIZE) ||
		!memcmp(code, ENDBR_SEALED, ENDBR_SIZE) ||
		!memcmp(code, ENDBR_SEALED_NEW, ENDBR_SIZE));
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length >= tail && !strcmp(name + length - tail, end);
}

/* Whether a symbol that ends so begins at an address */
static bool named(const struct text_layout *layout, u64 va, const char *end)
{
	const struct symbol *symbol = NULL;

	while ((symbol = symbols_at(layout->world->symbols, va, symbol))) {
		if (ends_with(symbol->name, end))
			return true;
	}
	return false;
}

/*
 * Where guarded functions return to instead of their callers: code of the guard's
 * own, which begins with a symbol that says so.
 */
static bool is_return_stub(const struct text_layout *layout, u64 va)
{
	const struct symbol *symbol = NULL;

	while ((symbol = symbols_at(layout->world->symbols, va, symbol))) {
		if (!strcmp(symbol->module, OWN) && is_function(symbol) &&
		    !strncmp(symbol->name, "return", strlen("return")))
			return true;
	}
	return false;
}

static bool branches_to_function(const struct text_layout *layout,
				 const struct text_place *place, u8 opcode)
{
	return place->left >= 5 && place->live[0] == opcode &&
	       begins_function(layout, branch_target(place->va, place->live, 5));
}

/* From 6.19 on, BPF's trampolines are jumped to where they call the function. */
static bool jumps_to_bpf(const struct text_layout *layout,
			 const struct text_place *place)
{
	const struct symbol *symbol = NULL;
	u64 to;

	if (place->left < 5 || place->live[0] != JMP)
		return false;
	to = branch_target(place->va, place->live, 5);
	while ((symbol = symbols_at(layout->world->symbols, to, symbol))) {
		if (!strcmp(symbol->module, BPF) &&
		    !strncmp(symbol->name, TRAMPOLINE, strlen(TRAMPOLINE)))
			return true;
	}
	return false;
}

static bool is_fentry(const struct text_layout *layout,
		      const struct text_place *place)
{
	return has(place, "\x0f\x1f\x44\0\0", 5) ||
	       branches_to_function(layout, place, CALL) ||
	       jumps_to_bpf(layout, place);
}

static bool is_return(const struct text_layout *layout,
		      const struct text_place *place)
{
	return has(place, "\xc3\xcc\xcc\xcc\xcc", 5) ||
	       (place->left >= 5 && place->live[0] == JMP &&
		named(layout, branch_target(place->va, place->live, 5),
		      "return_thunk"));
}

static bool is_guarded_return(const struct text_layout *layout,
			      const struct text_place *place)
{
	return place->left >= 5 && place->live[0] == JMP &&
	       is_return_stub(layout, branch_target(place->va, place->live, 5));
}

static bool is_jump_label(const struct text_layout *layout,
			  const struct text_site *site,
			  const struct text_place *place)
{
	u64 target = layout->va[site->to_section];

	if (!site->to_section || !target)
		return false;
	target += site->to_offset;
	if (site->length == 2)
		return has(place, "\x66\x90", 2) ||
		       (place->live[0] == JMP8 &&
			place->va + 2 + (s64)(int8_t)place->live[1] == target);
	return has(place, "\x0f\x1f\x44\0\0", 5) ||
	       (place->live[0] == JMP &&
		branch_target(place->va, place->live, 5) == target);
}

static bool is_jcc_to_function(const struct text_layout *layout,
			       const struct text_place *place)
{
	return place->left >= 6 && place->live[0] == 0x0f &&
	       place->live[1] == place->expected[1] &&
	       begins_function(layout, branch_target(place->va, place->live, 6));
}

static bool is_static_call(const struct text_layout *layout,
			   const struct text_place *place)
{
	switch (place->expected[0]) {
	case CALL:
		return has(place, "\x0f\x1f\x44\0\0", 5) ||
		       has(place, "\x2e\x2e\x2e\x31\xc0", 5) ||
		       branches_to_function(layout, place, CALL);
	case JMP:
		return is_return(layout, place) ||
		       branches_to_function(layout, place, JMP);
	case 0x0f:
		return is_jcc_to_function(layout, place);
	default:
		return false;
	}
}

static bool is_trampoline(const struct text_layout *layout,
			  const struct text_place *place)
{
	return is_return(layout, place) || has(place, "\xc3\xcc\x90\x90\x90", 5) ||
	       branches_to_function(layout, place, JMP);
}

/* The register that a thunk is for, in the order of their numbers; -1 for none */
static int thunk_register(const struct text_layout *layout, u64 va)
{
	static const char *const registers[] = {
		"thunk_rax", "thunk_rcx", "thunk_rdx", "thunk_rbx",
		"thunk_rsp", "thunk_rbp", "thunk_rsi", "thunk_rdi",
		"thunk_r8", "thunk_r9", "thunk_r10", "thunk_r11",
		"thunk_r12", "thunk_r13", "thunk_r14", "thunk_r15",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(registers); i++) {
		if (named(layout, va, registers[i]))
			return i;
	}
	return -1;
}

/* "call *reg" or "jmp *reg" at @code: how long it is, 0 where it is none */
static u32 indirect_length(const u8 *code, u64 left, int number, bool call)
{
	u32 at = number >= 8;

	if (left < at + 2 || (at && code[0] != 0x41))
		return 0;
	if (code[at] != 0xff ||
	    code[at + 1] != (call ? 0xd0 : 0xe0) + (number & 7))
		return 0;
	return at + 2;
}

/*
 * Where indirect branches must not be in the first half of a cache line (ITS),
 * Linux makes thunks that have no name: a jump through the register, and INT3.
 */
static bool is_unnamed_thunk(const struct text_layout *layout, u64 va, int number)
{
	const struct text_world *world = layout->world;
	u32 length = number >= 8 ? 3 : 2;
	u8 code[4];

	return world->read(world->context, va, code, length + 1) &&
	       indirect_length(code, length, number, false) &&
	       code[length] == 0xcc;
}

/* The branch to the thunk became one through the register, or to another thunk */
static bool is_retpoline(const struct text_layout *layout,
			 const struct text_site *site,
			 const struct text_place *place)
{
	const u8 *from = place->expected, *code = place->live;
	u32 prefix = from[0] == 0x2e, at = prefix, length;
	bool conditional = from[at] == 0x0f;
	bool call = from[at] == CALL;
	int number;
	u64 target;

	if (site->length > place->left)
		return false;
	number = thunk_register(layout, branch_target(place->va, from,
						      site->length));
	if (number < 0)
		return false;
	target = branch_target(place->va, code, site->length);
	if (!memcmp(code, from, site->length - 4) &&
	    (thunk_register(layout, target) == number ||
	     is_unnamed_thunk(layout, target, number)))
		return true;
	at = 0;
	if (conditional) {
		/* The opposite condition leads past the jump. */
		if (code[0] != (((from[1] & 0xf) ^ 1) | 0x70) ||
		    code[1] != site->length - 2)
			return false;
		at = 2;
	}
	if (code[at] == 0x2e)
		at++;
	if (site->length - at >= 3 && !memcmp(code + at, "\x0f\xae\xe8", 3))
		at += 3;
	length = indirect_length(code + at, site->length - at, number, call);
	at += length;
	return length && at <= site->length &&
	       text_is_nops(code + at, site->length - at);
}

static bool is_lock(const struct text_place *place)
{
	return (place->live[0] == 0xf0 || place->live[0] == 0x3e) &&
	       (place->expected[0] == 0xf0 || place->expected[0] == 0x3e);
}

static bool is_sealed(const struct text_place *place)
{
	return !memcmp(place->expected, ENDBR, ENDBR_SIZE) &&
	       (has(place, ENDBR_SEALED, ENDBR_SIZE) ||
		has(place, ENDBR_SEALED_NEW, ENDBR_SIZE));
}

/* "call *pv_ops+N(%rip)" that became a call of what was in there */
static bool is_direct_call(const struct text_layout *layout,
			   const struct text_site *site,
			   const struct text_place *place)
{
	return site->length >= 6 && place->expected[0] == 0xff &&
	       place->expected[1] == 0x15 &&
	       branches_to_function(layout, place, CALL) &&
	       text_is_nops(place->live + 5, site->length - 5);
}

static bool is_paravirt(const struct text_layout *layout,
			const struct text_site *site,
			const struct text_place *place)
{
	return text_is_nops(place->live, site->length) ||
	       is_direct_call(layout, site, place);
}

/* A jump of a replacement's that Linux made a short one, with INT3 behind it */
static void shorten_jumps(u8 *code, u32 length, const u8 *live)
{
	s64 distance;
	u32 at;

	for (at = 0; at + 5 <= length; at++) {
		if (code[at] != JMP || live[at] != JMP8)
			continue;
		distance = (s64)get_s32(code + at + 1) + 3;
		if (distance != (int8_t)distance)
			continue;
		code[at] = JMP8;
		code[at + 1] = distance;
		memset(code + at + 2, 0xcc, 3);
	}
}

static bool is_alternative(const struct text_layout *layout,
			   const struct text_site *site,
			   const struct text_place *place)
{
	const struct elf_section *from;
	u8 code[255];

	if (text_same_but_nops(place->expected, site->length, place->live,
			       site->length) ||
	    is_direct_call(layout, site, place))
		return true;
	if (!site->to_length)
		return text_is_nops(place->live, site->length);
	from = &layout->module->sections[site->to_section];
	memcpy(code, from->data + site->to_offset, site->to_length);
	text_relocate(layout, site->to_section, site->to_offset,
		      site->to_length, place->va, code, place->live);
	shorten_jumps(code, site->to_length, place->live);
	return text_same_but_nops(code, site->to_length, place->live,
				  site->length);
}

/**
 * text_explains() - whether what stands at a site is Linux's
 * @layout: the module
 * @site: the site
 * @place: where it is, with all of the site's bytes
 * @kind: set to what it is, where it is
 *
 * Return: how many bytes are explained, 0 for none.
 */
u32 text_explains(const struct text_layout *layout,
		  const struct text_site *site, const struct text_place *place,
		  enum text_kind *kind)
{
	bool good = false;

	if (site->length > place->left)
		return 0;
	*kind = site->kind;
	switch (site->kind) {
	case TEXT_ALTERNATIVE:
		good = is_alternative(layout, site, place);
		break;
	case TEXT_RETURN:
		good = is_return(layout, place);
		if (!good && is_guarded_return(layout, place)) {
			*kind = TEXT_GUARD;
			good = true;
		}
		break;
	case TEXT_RETPOLINE:
		good = is_retpoline(layout, site, place);
		break;
	case TEXT_ENDBR:
		good = is_sealed(place);
		break;
	case TEXT_JUMP_LABEL:
		good = is_jump_label(layout, site, place);
		break;
	case TEXT_STATIC_CALL:
		good = is_static_call(layout, place);
		break;
	case TEXT_TRAMPOLINE:
		good = is_trampoline(layout, place);
		break;
	case TEXT_FENTRY:
		good = is_fentry(layout, place);
		break;
	case TEXT_LOCK:
		good = is_lock(place);
		break;
	case TEXT_PARAVIRT:
		good = is_paravirt(layout, site, place);
		break;
	case TEXT_GUARD:
	case TEXT_GUARD_JUMP:
	case TEXT_PROBE:
	case TEXT_KIND_COUNT:
		break;
	}
	return good ? site->length : 0;
}

/* Whether the guard's places for jumps of functions that end so are there */
static bool is_place_for_jump(const struct text_layout *layout, u64 va)
{
	const struct symbol *symbol = NULL;

	while ((symbol = symbols_named(layout->world->symbols, PLACES, symbol))) {
		if (!strcmp(symbol->module, OWN))
			return va - symbol->va < RETURN_JUMPS_SIZE;
	}
	return false;
}

/* A call of the guard's check, and a jump: where that leads, or 0 */
static u64 checked_jump(const struct text_layout *layout, u64 va, const u8 *code)
{
	if (code[0] != CALL || code[5] != JMP ||
	    !is_return_stub(layout, branch_target(va, code, 5)))
		return 0;
	return branch_target(va + 5, code + 5, 5);
}

/**
 * text_explains_jump() - a function that ends by jumping to another one
 * @layout: the module
 * @place: where its code is not as the file has it
 * @kind: set, to what it is
 *
 * Where the guard is, the jump leads to code of the guard's, which checks first and
 * jumps there then. In the guard's own file there is nothing in these places, and what
 * is written there stays.
 *
 * Return: how many bytes that explains, from @place on; 0 for none.
 */
u32 text_explains_jump(const struct text_layout *layout,
		       const struct text_place *place, enum text_kind *kind)
{
	u8 code[CHECKED_JUMP];
	u64 to;

	*kind = TEXT_GUARD_JUMP;
	if (place->left >= sizeof(code) && is_place_for_jump(layout, place->va) &&
	    begins_function(layout, checked_jump(layout, place->va, place->live)))
		return sizeof(code);
	*kind = TEXT_GUARD;
	if (place->left < 5 || place->live[0] != JMP || place->expected[0] != JMP)
		return 0;
	to = branch_target(place->va, place->live, 5);
	return is_place_for_jump(layout, to) &&
	       layout->world->read(layout->world->context, to, code, sizeof(code)) &&
	       checked_jump(layout, to, code) ==
	       branch_target(place->va, place->expected, 5) ? 5 : 0;
}
