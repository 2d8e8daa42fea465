// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: places where Linux exchanges an instruction, and what may stand there
 */
#include "opcodes.h"
#include "patch_site.h"

#define JUMP32_SIZE	5

/* What follows the fixed bytes of a form */
enum operand {
	OPERAND_NONE,
	OPERAND_LABEL8,		/* displacement to a jump label's target */
	OPERAND_LABEL32,
	OPERAND_FUNCTION,	/* displacement to a function */
	OPERAND_DYNAMIC,	/* displacement to dynamic code, and nothing else */
	OPERAND_CONDITION,	/* a condition that stays, and the same */
};

enum form {
	FORM_NOP2,
	FORM_NOP5,
	FORM_XOR5,
	FORM_RETURN,
	FORM_RETURN_NULL,
	FORM_JUMP8,
	FORM_JUMP32,
	FORM_CALL,
	FORM_TAIL,
	FORM_TAIL_IF,
	FORM_JUMP_DYNAMIC,
	FORM_DS,
	FORM_LOCK,
};

/*
 * RETURN_NULL is what a static call's trampoline has until it is first changed
 * (ARCH_DEFINE_STATIC_CALL_NULL_TRAMP).
 */
static const struct {
	u8 bytes[5];
	u8 fixed;
	u8 operand;
} forms[] = {
	[FORM_NOP2] = { { 0x66, 0x90 }, 2, OPERAND_NONE },
	[FORM_NOP5] = { OPCODES_NOP5, 5, OPERAND_NONE },
	[FORM_XOR5] = { { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 }, 5, OPERAND_NONE },
	[FORM_RETURN] = { { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc }, 5, OPERAND_NONE },
	[FORM_RETURN_NULL] = { { 0xc3, 0xcc, 0x90, 0x90, 0x90 }, 5, OPERAND_NONE },
	[FORM_JUMP8] = { { OPCODE_JMP8 }, 1, OPERAND_LABEL8 },
	[FORM_JUMP32] = { { OPCODE_JMP }, 1, OPERAND_LABEL32 },
	[FORM_CALL] = { { OPCODE_CALL }, 1, OPERAND_FUNCTION },
	[FORM_TAIL] = { { OPCODE_JMP }, 1, OPERAND_FUNCTION },
	[FORM_TAIL_IF] = { { OPCODE_TWO_BYTES }, 1, OPERAND_CONDITION },
	[FORM_JUMP_DYNAMIC] = { { OPCODE_JMP }, 1, OPERAND_DYNAMIC },
	[FORM_DS] = { { OPCODE_DS }, 1, OPERAND_NONE },
	[FORM_LOCK] = { { OPCODE_LOCK }, 1, OPERAND_NONE },
};

#define ONE_WAY		1	/* a form is not left for one before it */
#define DYNAMIC		2	/* functions may be dynamic code */

static const struct {
	u16 forms;
	u8 length;
	u8 flags;
} kinds[PATCH_KIND_COUNT] = {
	[PATCH_JUMP2] = { BIT(FORM_NOP2) | BIT(FORM_JUMP8), 2, 0 },
	[PATCH_JUMP5] = { BIT(FORM_NOP5) | BIT(FORM_JUMP32), 5, 0 },
	[PATCH_CALL] = { BIT(FORM_CALL) | BIT(FORM_NOP5) | BIT(FORM_XOR5), 5, 0 },
	[PATCH_TAIL] = { BIT(FORM_TAIL) | BIT(FORM_RETURN) | BIT(FORM_RETURN_NULL), 5, 0 },
	[PATCH_TAIL_IF] = { BIT(FORM_TAIL_IF), 6, 0 },
	[PATCH_FENTRY] = { BIT(FORM_NOP5) | BIT(FORM_CALL), 5, DYNAMIC },
	[PATCH_FENTRY_JUMP] = { BIT(FORM_NOP5) | BIT(FORM_CALL) | BIT(FORM_JUMP_DYNAMIC),
				5, DYNAMIC },
	[PATCH_TRACER] = { BIT(FORM_CALL), 5, 0 },
	[PATCH_LOCK] = { BIT(FORM_DS) | BIT(FORM_LOCK), 1, ONE_WAY },
};

/*
 * struct patch_site.what: a displacement does not fit beside a kind if it is to
 * reach as far as the kernel's text can (512 MiB), but only jump labels have
 * one. So the two lowest bits tell whether the others are the displacement of a
 * JUMP2 or a JUMP5, or else, being 0, a kind and its flags. All valid ones differ
 * from 0.
 */
#define WHAT_CLASS	3U
#define WHAT_JUMP2	1U
#define WHAT_JUMP5	2U
#define WHAT_SHIFT	2
#define WHAT_KIND	(0x3fU << WHAT_SHIFT)
#define WHAT_DYNAMIC	BIT(8)

static const u8 class_kinds[] = {
	[WHAT_JUMP2] = PATCH_JUMP2,
	[WHAT_JUMP5] = PATCH_JUMP5,
};

static s32 displacement(u32 what)
{
	return (s32)what >> WHAT_SHIFT;
}

/**
 * patch_what() - what struct patch_site says about a site
 * @kind: of the site
 * @va: of the site
 * @target: of a jump label; not looked at for other kinds
 *
 * Context: pure.
 *
 * Return: that, or 0 if there is no such site: a kind that is unknown, or a
 * target that is not within 512 MiB, or 128 bytes for JUMP2.
 */
u32 patch_what(enum patch_kind kind, u64 va, u64 target)
{
	s64 distance, limit;

	if (kind == PATCH_NONE || kind >= PATCH_KIND_COUNT)
		return 0;
	if (kind != PATCH_JUMP2 && kind != PATCH_JUMP5)
		return (u32)kind << WHAT_SHIFT;

	distance = (s64)(target - va - kinds[kind].length);
	limit = kind == PATCH_JUMP2 ? 128 : 512 << 20;
	if (distance < -limit || distance >= limit)
		return 0;
	return (u32)distance << WHAT_SHIFT |
	       (kind == PATCH_JUMP2 ? WHAT_JUMP2 : WHAT_JUMP5);
}

/**
 * patch_what_dynamic() - the same for a site that may go to dynamic code
 * @kind: CALL or TAIL
 *
 * Static calls go to functions; only those of BPF's dispatchers go to code that
 * was made for them. FENTRY may anyway.
 *
 * Context: pure.
 */
u32 patch_what_dynamic(enum patch_kind kind)
{
	return (u32)kind << WHAT_SHIFT | WHAT_DYNAMIC;
}

/**
 * patch_kind() - the kind of a site
 * @what: of the site, or anything
 *
 * Context: pure.
 *
 * Return: the kind, PATCH_NONE if there is none.
 */
enum patch_kind patch_kind(u32 what)
{
	u32 kind;

	if (what & WHAT_CLASS) {
		if ((what & WHAT_CLASS) >= ARRAY_SIZE(class_kinds))
			return PATCH_NONE;
		kind = class_kinds[what & WHAT_CLASS];
		if (kind == PATCH_JUMP2 && displacement(what) != (int8_t)displacement(what))
			return PATCH_NONE;
		return kind;
	}
	kind = (what & WHAT_KIND) >> WHAT_SHIFT;
	if (what & ~(WHAT_KIND | WHAT_DYNAMIC) || kind >= PATCH_KIND_COUNT)
		return PATCH_NONE;
	if (kind == PATCH_JUMP2 || kind == PATCH_JUMP5)
		return PATCH_NONE;
	if (what & WHAT_DYNAMIC && kind != PATCH_CALL && kind != PATCH_TAIL)
		return PATCH_NONE;
	return kind;
}

/**
 * patch_length() - how many bytes a site has
 * @what: of the site
 *
 * Context: pure.
 *
 * Return: at most PATCH_LONGEST; 0 if there is no such kind.
 */
u32 patch_length(u32 what)
{
	return kinds[patch_kind(what)].length;
}

static s32 get_s32(const u8 *bytes)
{
	return (s32)(bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 |
		     (u32)bytes[3] << 24);
}

/**
 * patch_leads_to() - where a call or a jump leads
 * @next: the address behind it
 * @operand: its displacement, four bytes
 *
 * Context: pure.
 */
u64 patch_leads_to(u64 next, const u8 *operand)
{
	return next + (s64)get_s32(operand);
}

static enum patch_target target_of(const struct patch_world *world, u64 next,
				   const u8 *operand)
{
	return world->target(world->context, patch_leads_to(next, operand));
}

/**
 * patch_detour_returns() - whether a detour is a kprobe's, by how it ends
 * @va: where it has the instructions that the kprobe's jump covers
 * @bytes: what stands there, PATCH_DETOUR of them
 * @probe: where the kprobe is
 *
 * Behind these, which are as many as it takes for five bytes, it jumps to where they
 * end in the code. As both jumps are relative, the one back leaves one displacement
 * for the one there, also where somebody has mapped the detour elsewhere.
 *
 * Context: pure.
 */
bool patch_detour_returns(u64 va, const u8 *bytes, u64 probe)
{
	u32 size;

	for (size = JUMP32_SIZE; size + JUMP32_SIZE <= PATCH_DETOUR; size++) {
		if (bytes[size] == OPCODE_JMP &&
		    patch_leads_to(va + size + JUMP32_SIZE, bytes + size + 1) ==
		    probe + size)
			return true;
	}
	return false;
}

static bool calls_function(u32 what, u64 next, const u8 *operand,
			   const struct patch_world *world)
{
	bool dynamic = what & WHAT_DYNAMIC || kinds[patch_kind(what)].flags & DYNAMIC;

	switch (target_of(world, next, operand)) {
	case PATCH_TARGET_FUNCTION:
		return true;
	case PATCH_TARGET_DYNAMIC:
		return dynamic;
	default:
		return false;
	}
}

/* Whether @bytes from the @from-th on (0 or 1) are a form, that was @before */
static bool has_form(enum form form, u32 what, u64 va, const u8 *bytes,
		     const u8 *before, u32 from, const struct patch_world *world)
{
	u32 length = kinds[patch_kind(what)].length;
	const u8 *operand = bytes + forms[form].fixed;
	u32 i;

	for (i = from; i < forms[form].fixed; i++) {
		if (bytes[i] != forms[form].bytes[i])
			return false;
	}
	switch (forms[form].operand) {
	case OPERAND_LABEL8:
		return (int8_t)operand[0] == displacement(what);
	case OPERAND_LABEL32:
		return get_s32(operand) == displacement(what);
	case OPERAND_CONDITION:
		return (operand[0] & 0xf0) == 0x80 && operand[0] == before[1] &&
		       calls_function(what, va + length, operand + 1, world);
	case OPERAND_FUNCTION:
		return calls_function(what, va + length, operand, world);
	case OPERAND_DYNAMIC:
		return target_of(world, va + length, operand) ==
		       PATCH_TARGET_DYNAMIC;
	default:
		return true;
	}
}

static bool has_a_form(u32 what, u64 va, const u8 *bytes, const u8 *before,
		       u32 from, const struct patch_world *world)
{
	u32 left = kinds[patch_kind(what)].forms;
	enum form form;

	for (form = 0; left >> form; form++) {
		if (left & BIT(form) &&
		    has_form(form, what, va, bytes, before, from, world))
			return true;
	}
	return false;
}

/* All but the last byte of a Jcc's displacement was written */
static bool has_half_a_form(u32 what, u64 va, const u8 *bytes, const u8 *before,
			    const struct patch_world *world)
{
	u8 whole[PATCH_LONGEST];
	u32 i;

	if (bytes[PATCH_LONGEST - 1] != before[PATCH_LONGEST - 1])
		return false;
	for (i = 0; i < PATCH_LONGEST; i++)
		whole[i] = bytes[i];
	for (i = 0; i < 256; i++) {
		whole[PATCH_LONGEST - 1] = i;
		if (has_a_form(what, va, whole, before, 1, world))
			return true;
	}
	return false;
}

/**
 * patch_site_legal() - whether a site may change like this
 * @what: of the site
 * @va: of the site
 * @before: what stands there, patch_length() of them
 * @after: what would
 * @world: what is around
 *
 * Context: pure.
 */
bool patch_site_legal(u32 what, u64 va, const u8 *before, const u8 *after,
		      const struct patch_world *world)
{
	enum patch_kind kind = patch_kind(what);
	u32 i;

	if (kinds[kind].flags & ONE_WAY)
		return before[0] == forms[FORM_DS].bytes[0] &&
		       after[0] == forms[FORM_LOCK].bytes[0];
	if (has_a_form(what, va, after, before, 0, world))
		return true;
	if (after[0] != OPCODE_INT3)
		return false;

	for (i = 1; i < kinds[kind].length; i++) {
		if (after[i] != before[i])
			break;
	}
	return i == kinds[kind].length ||
	       has_a_form(what, va, after, before, 1, world) ||
	       (kind == PATCH_TAIL_IF && has_half_a_form(what, va, after, before, world));
}

/* Six digits */
#define SORT_BITS	6
#define SORT_MASK	((1 << SORT_BITS) - 1)

/**
 * patch_sort() - put sites into the order that a region needs
 * @sites: sites
 * @scratch: room for as many
 * @nr: how many
 *
 * Digit by digit, from the lowest: there are tens of thousands of sites, and this
 * is done each time that the module is loaded.
 *
 * Context: pure.
 */
void patch_sort(struct patch_site *sites, struct patch_site *scratch, u32 nr)
{
	struct patch_site *from = sites, *to = scratch, *other;
	u32 shift, i, digit, count, begin[1 << SORT_BITS];

	/* An even number of digits, so they end where they began. */
	for (shift = 0; shift < 32; shift += SORT_BITS) {
		for (digit = 0; digit < 1 << SORT_BITS; digit++)
			begin[digit] = 0;
		for (i = 0; i < nr; i++)
			begin[from[i].offset >> shift & SORT_MASK]++;
		for (digit = 0, i = 0; digit < 1 << SORT_BITS; digit++) {
			count = begin[digit];
			begin[digit] = i;
			i += count;
		}
		for (i = 0; i < nr; i++)
			to[begin[from[i].offset >> shift & SORT_MASK]++] = from[i];
		other = from;
		from = to;
		to = other;
	}
}

/**
 * patch_sites_valid() - check sites that are not to be trusted
 * @sites: sites
 * @nr: how many
 * @size: of the region they are said to be in
 *
 * Context: pure.
 *
 * Return: whether they are of known kinds, sorted, apart from each other, and
 * in the region, as are the targets of jump labels.
 */
bool patch_sites_valid(const struct patch_site *sites, u32 nr, u64 size)
{
	u64 end = 0;
	s64 target;
	u32 i;

	if (size > BIT_ULL(32))
		return false;
	for (i = 0; i < nr; i++) {
		if (patch_kind(sites[i].what) == PATCH_NONE || sites[i].offset < end)
			return false;
		end = sites[i].offset + (u64)patch_length(sites[i].what);
		if (end > size)
			return false;
		if (!(sites[i].what & WHAT_CLASS))
			continue;
		target = (s64)end + displacement(sites[i].what);
		if (target < 0 || target >= (s64)size)
			return false;
	}
	return true;
}
