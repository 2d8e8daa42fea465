// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what may be written to sealed kernel code
 */
#include "opcodes.h"
#include "patch.h"

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

/**
 * patch_notes_rewrite() - root itself has written what kprobes may have noted
 * @notes: notes
 * @region: the code that it is in
 * @va: of the first byte
 * @bytes: what stands there now, and no kprobe among it
 * @size: bytes
 *
 * Else what a kprobe restores, which is what stood there when it was optimised,
 * would not be what was noted.
 *
 * Context: pure.
 */
void patch_notes_rewrite(struct patch_notes *notes, const struct patch_region *region,
			 u64 va, const u8 *bytes, u32 size)
{
	struct patch_note *note;
	u32 i, k;

	for (i = 0; i < notes->count; i++) {
		note = &notes->note[i];
		for (k = 0; note->region == region && k < PATCH_PROBE; k++) {
			if (note->va + k - va < size)
				note->original[k] = bytes[note->va + k - va];
		}
	}
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

/**
 * patch_kind_at() - what Linux exchanges at an address
 * @region: the code
 * @va: the address
 *
 * Context: pure.
 *
 * Return: the kind of site that begins there; PATCH_NONE where none does.
 */
enum patch_kind patch_kind_at(const struct patch_region *region, u64 va)
{
	const struct patch_site *site = va - region->va < region->size ?
					site_at(region, va) : NULL;

	return site && region->va + site->offset == va ? patch_kind(site->what) :
							 PATCH_NONE;
}

/**
 * patch_show_calls() - what stands in code as far as it calls
 * @region: the code
 * @notes: notes
 * @va: of the first byte
 * @bytes: what stands there; where it is INT3 only because of a kprobe, or of a call that
 *	is just being exchanged, it becomes what Linux lets it do meanwhile
 * @size: bytes
 *
 * Who runs into the INT3 has the call emulated.
 *
 * Context: pure.
 */
void patch_show_calls(const struct patch_region *region, const struct patch_notes *notes,
		      u64 va, u8 *bytes, u32 size)
{
	u32 i, k;

	for (i = 0; i < size; i++) {
		if (bytes[i] != OPCODE_INT3)
			continue;
		if (patch_kind_at(region, va + i) == PATCH_CALL)
			bytes[i] = OPCODE_CALL;
		for (k = 0; k < notes->count; k++) {
			if (notes->note[k].region == region && notes->note[k].va == va + i)
				bytes[i] = notes->note[k].original[0];
		}
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

/* Whether @va belongs to the bytes that a kprobe may change */
static bool is_free(const struct write *w, u64 va)
{
	return va - w->region->va < w->region->size && !site_at(w->region, va);
}

/* Whether a kprobe at @va can be, or is, optimised */
static bool is_jump(const struct write *w, u64 va, const u8 *bytes)
{
	u32 i;

	if (bytes[0] != OPCODE_INT3 && bytes[0] != OPCODE_JMP)
		return false;
	for (i = 0; i < PATCH_PROBE; i++) {
		if (!is_free(w, va + i))
			return false;
	}
	return w->world->detour(w->world->context,
				patch_leads_to(va + PATCH_PROBE, bytes + 1), va);
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
		if (va == note->va && after[0] == OPCODE_INT3)
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

	if (!c || w->before[i] != OPCODE_NOP)
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
	return w->after[i] == OPCODE_INT3 && add_note(w, va);
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
		    !patch_site_legal(site->what, va, before, after, w->world))
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
