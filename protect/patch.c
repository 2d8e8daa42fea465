// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what may be written to sealed kernel code
 */
#include "patch.h"

#define INT3	0xcc
#define NOP	0x90
#define CALL32	0xe8
#define JMP32	0xe9
#define JMP8	0xeb
#define JCC	0x0f

/* What follows the fixed bytes of a form */
enum operand {
	OPERAND_NONE,
	OPERAND_LABEL8,		/* displacement to a jump label's target */
	OPERAND_LABEL32,
	OPERAND_FUNCTION,	/* displacement to a function */
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
	[FORM_NOP5] = { { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, 5, OPERAND_NONE },
	[FORM_XOR5] = { { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 }, 5, OPERAND_NONE },
	[FORM_RETURN] = { { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc }, 5, OPERAND_NONE },
	[FORM_RETURN_NULL] = { { 0xc3, 0xcc, 0x90, 0x90, 0x90 }, 5, OPERAND_NONE },
	[FORM_JUMP8] = { { JMP8 }, 1, OPERAND_LABEL8 },
	[FORM_JUMP32] = { { JMP32 }, 1, OPERAND_LABEL32 },
	[FORM_CALL] = { { CALL32 }, 1, OPERAND_FUNCTION },
	[FORM_TAIL] = { { JMP32 }, 1, OPERAND_FUNCTION },
	[FORM_TAIL_IF] = { { JCC }, 1, OPERAND_CONDITION },
	[FORM_DS] = { { 0x3e }, 1, OPERAND_NONE },
	[FORM_LOCK] = { { 0xf0 }, 1, OPERAND_NONE },
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
	[PATCH_TRACER] = { BIT(FORM_CALL), 5, 0 },
	[PATCH_LOCK] = { BIT(FORM_DS) | BIT(FORM_LOCK), 1, ONE_WAY },
};

/*
 * struct patch_site.what: a displacement does not fit beside a kind if it is to
 * reach as far as the kernel's text can (512 MiB), but only jump labels have
 * one. So the two lowest bits tell whether the others are the displacement of a
 * JUMP2 or a JUMP5, or else a kind and its flags. All valid ones differ from 0.
 */
#define WHAT_CLASS	3U
#define WHAT_OTHER	0U
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

static enum patch_target target_of(const struct patch_world *world, u64 next,
				   const u8 *operand)
{
	return world->target(world->context, next + (s64)get_s32(operand));
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

static bool site_legal(u32 what, u64 va, const u8 *before, const u8 *after,
		       const struct patch_world *world)
{
	enum patch_kind kind = patch_kind(what);
	u32 i;

	if (kinds[kind].flags & ONE_WAY)
		return before[0] == forms[FORM_DS].bytes[0] &&
		       after[0] == forms[FORM_LOCK].bytes[0];
	if (has_a_form(what, va, after, before, 0, world))
		return true;
	if (after[0] != INT3)
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

/**
 * patch_note_add() - note a kprobe that is there already
 * @notes: notes
 * @region: the code that it is in
 * @va: of its first byte
 * @original: PATCH_PROBE bytes, as they will be without it and all others
 *
 * Context: pure.
 *
 * Return: false if there is no room, or a note for @va.
 */
bool patch_note_add(struct patch_notes *notes, const struct patch_region *region,
		    u64 va, const u8 *original)
{
	struct patch_note *note = &notes->note[notes->count];
	u32 i;

	for (i = 0; i < notes->count; i++) {
		if (notes->note[i].region == region && notes->note[i].va == va)
			return false;
	}
	if (notes->count >= notes->capacity)
		return false;
	note->region = region;
	note->va = va;
	for (i = 0; i < PATCH_PROBE; i++)
		note->original[i] = original[i];
	notes->count++;
	return true;
}

static void forget(struct patch_notes *notes, u32 i)
{
	notes->note[i] = notes->note[--notes->count];
}

/**
 * patch_notes_drop() - forget what there is in code that goes away
 * @notes: notes
 * @region: the code
 *
 * Context: pure.
 */
void patch_notes_drop(struct patch_notes *notes, const struct patch_region *region)
{
	u32 i;

	for (i = notes->count; i-- > 0; ) {
		if (notes->note[i].region == region)
			forget(notes, i);
	}
}

/* One write that is judged: @count notes, of which some may be new */
struct write {
	const struct patch_region *region;
	const struct patch_world *world;
	struct patch_notes *notes;
	u32 count;
	u64 va;
	const u8 *before;
	const u8 *after;
	u32 size;
};

/* What stands at an address, before and after, also beside the write */
static bool get_bytes(const struct write *w, u64 va, u32 size, u8 *before, u8 *after)
{
	u32 i;

	for (i = 0; i < size; i++) {
		if (va + i - w->va < w->size) {
			before[i] = w->before[va + i - w->va];
			after[i] = w->after[va + i - w->va];
			continue;
		}
		if (!w->world->read(w->world->context, va + i, &before[i], 1))
			return false;
		after[i] = before[i];
	}
	return true;
}

/* The site that has a byte at @va, or NULL */
static const struct patch_site *site_at(const struct patch_region *region, u64 va)
{
	u64 offset = va - region->va;
	u32 low = 0, high = region->nr_sites;
	u32 middle;

	/* The first one behind it */
	while (low < high) {
		middle = low + (high - low) / 2;
		if (region->sites[middle].offset > offset)
			high = middle;
		else
			low = middle + 1;
	}
	if (!low)
		return NULL;
	low--;
	return offset - region->sites[low].offset < patch_length(region->sites[low].what) ?
	       &region->sites[low] : NULL;
}

/* Whether @va belongs to the bytes that a kprobe may change */
static bool is_free(const struct write *w, u64 va)
{
	return va - w->region->va < w->region->size && !site_at(w->region, va);
}

/* Whether a kprobe at @va can be, or is, optimised */
static bool is_jump(const struct write *w, u64 va, const u8 *bytes)
{
	u32 i;

	if (bytes[0] != INT3 && bytes[0] != JMP32)
		return false;
	for (i = 0; i < PATCH_PROBE; i++) {
		if (!is_free(w, va + i))
			return false;
	}
	return target_of(w->world, va + PATCH_PROBE, bytes + 1) == PATCH_TARGET_DYNAMIC;
}

/* Whether what stands at @va is a kprobe's INT3, or a part of its jump */
static bool is_probe(const struct write *w, u64 va)
{
	u8 before[PATCH_PROBE], after[PATCH_PROBE];
	const struct patch_note *note;
	u32 i;

	for (i = 0; i < w->count; i++) {
		note = &w->notes->note[i];
		if (note->region != w->region || va - note->va >= PATCH_PROBE)
			continue;
		if (!get_bytes(w, note->va, 1, before, after))
			continue;
		if (va == note->va && after[0] == INT3)
			return true;
		if (get_bytes(w, note->va, PATCH_PROBE, before, after) &&
		    is_jump(w, note->va, after))
			return true;
	}
	return false;
}

/* What would stand at @va without any kprobe */
static u8 original_of(const struct write *w, u64 va, u8 before)
{
	const struct patch_note *note;
	u32 i;

	for (i = 0; i < w->count; i++) {
		note = &w->notes->note[i];
		if (note->region == w->region && va - note->va < PATCH_PROBE)
			return note->original[va - note->va];
	}
	return before;
}

/* Behind those in use, so that it is there only once the write is accepted */
static bool add_note(struct write *w, u64 va)
{
	struct patch_note *note = &w->notes->note[w->count];
	u8 before, after;
	u32 i;

	if (w->count >= w->notes->capacity)
		return false;
	note->region = w->region;
	note->va = va;
	for (i = 0; i < PATCH_PROBE; i++) {
		note->original[i] = 0;
		if (!is_free(w, va + i))
			continue;
		if (!get_bytes(w, va + i, 1, &before, &after))
			return false;
		note->original[i] = original_of(w, va + i, before);
	}
	w->count++;
	return true;
}

/*
 * A note that the write has touched: its first byte is the original, or INT3,
 * or it is a jump, whole; what is behind it is what was noted, but for other
 * kprobes. Sites among these bytes are judged by themselves.
 */
static bool note_legal(const struct write *w, const struct patch_note *note,
		       bool *restored)
{
	u8 before[PATCH_PROBE] = { 0 }, after[PATCH_PROBE] = { 0 };
	bool same = true;
	u32 i;

	for (i = 0; i < PATCH_PROBE; i++) {
		if (!is_free(w, note->va + i))
			continue;
		if (!get_bytes(w, note->va + i, 1, &before[i], &after[i]))
			return false;
		if (after[i] == note->original[i])
			continue;
		same = false;
		if (!is_probe(w, note->va + i))
			return false;
	}
	/* A probe on a jump, when optimised, has the same first byte */
	*restored = after[0] == note->original[0] &&
		    (same || !is_jump(w, note->va, after));
	return true;
}

static bool touches(const struct write *w, const struct patch_note *note)
{
	u64 va;

	if (note->region != w->region)
		return false;
	for (va = note->va; va - note->va < PATCH_PROBE; va++) {
		if (va - w->va < w->size &&
		    w->before[va - w->va] != w->after[va - w->va])
			return true;
	}
	return false;
}

/* Where before and after differ, from @i on; what is equal is most of it */
static u32 next_change(const struct write *w, u32 i)
{
	u64 before, after;

	while (i < w->size) {
		if (w->size - i >= sizeof(before)) {
			__builtin_memcpy(&before, w->before + i, sizeof(before));
			__builtin_memcpy(&after, w->after + i, sizeof(after));
			if (before == after) {
				i += sizeof(before);
				continue;
			}
		}
		if (w->before[i] != w->after[i])
			break;
		i++;
	}
	return i;
}

/* A byte of what counts the calls of the function at @function */
static u8 counting_byte(const struct patch_counting *c, u64 function, u32 i)
{
	u32 distance = c->target - function;

	if (c->relative && i - c->relative < sizeof(distance))
		return distance >> (i - c->relative) * 8;
	return c->bytes[i];
}

static bool counts_calls(const struct write *w, u32 i)
{
	const struct patch_counting *c = w->world->counting;
	u64 function = w->va + i + 1;
	u32 before;

	if (!c || w->before[i] != NOP)
		return false;
	for (before = 1; before <= c->length; before++, function++) {
		if (w->after[i] == counting_byte(c, function, c->length - before) &&
		    w->world->target(w->world->context, function) ==
		    PATCH_TARGET_FUNCTION)
			return true;
	}
	return false;
}

/* A byte that is in no site; kprobes that become new are noted */
static bool byte_legal(struct write *w, u32 i)
{
	u64 va = w->va + i;

	if (va - w->region->va >= w->region->size)
		return false;
	if (is_probe(w, va) || w->after[i] == original_of(w, va, w->before[i]) ||
	    counts_calls(w, i))
		return true;
	return w->after[i] == INT3 && add_note(w, va);
}

static u32 judge_changes(struct write *w)
{
	u8 before[PATCH_LONGEST], after[PATCH_LONGEST];
	const struct patch_site *site;
	u64 va;
	u32 i;

	for (i = next_change(w, 0); i < w->size; i = next_change(w, i + 1)) {
		va = w->va + i;
		site = va - w->region->va < w->region->size ? site_at(w->region, va) : NULL;
		if (!site) {
			if (!byte_legal(w, i))
				return i;
			continue;
		}
		va = w->region->va + site->offset;
		if (!get_bytes(w, va, patch_length(site->what), before, after) ||
		    !site_legal(site->what, va, before, after, w->world))
			return i;
		i = va + patch_length(site->what) - w->va - 1;
	}
	return w->size;
}

/* What touches() a note, which therefore is in the write */
static u32 first_change_of(const struct write *w, const struct patch_note *note)
{
	return next_change(w, note->va > w->va ? note->va - w->va : 0);
}

/**
 * patch_judge() - judge a write to sealed code
 * @region: the code
 * @notes: kprobes; changed only if the write is legal
 * @va: of the first byte of @before and @after
 * @before: what stands there: a page, or any part of the code that has in it
 *          all that the write changes
 * @after: what will stand there
 * @size: of each
 * @world: what is around
 *
 * Context: pure.
 *
 * Return: @size if the write is legal, or else the offset of the first byte
 * that is not.
 */
u32 patch_judge(const struct patch_region *region, struct patch_notes *notes,
		u64 va, const u8 *before, const u8 *after, u32 size,
		const struct patch_world *world)
{
	struct write w = {
		.region = region,
		.world = world,
		.notes = notes,
		.count = notes->count,
		.va = va,
		.before = before,
		.after = after,
		.size = size,
	};
	bool restored;
	u32 i;

	i = judge_changes(&w);
	if (i < size)
		return i;
	for (i = 0; i < w.count; i++) {
		if (touches(&w, &notes->note[i]) &&
		    !note_legal(&w, &notes->note[i], &restored))
			return first_change_of(&w, &notes->note[i]);
	}

	/* Legal. Forget from the end, where the last one fills each gap. */
	notes->count = w.count;
	for (i = w.count; i-- > 0; ) {
		if (touches(&w, &notes->note[i]) &&
		    note_legal(&w, &notes->note[i], &restored) && restored)
			forget(notes, i);
	}
	return size;
}
