// SPDX-License-Identifier: GPL-2.0
/*
 * What may be written to sealed code: every step that Linux takes, and what it
 * never does
 *
 * The code is four pages, with a site of each kind and functions in it, and a
 * page of dynamic code far from it. A sequence is a number of writes, each of
 * them legal or not; one that is not leaves everything as it was.
 */
#include "unit.h"

#include "patch.h"

#define BASE		0xffffffff81000000ULL
#define SIZE		(4 * PAGE_SIZE)

/* Offsets of sites */
#define JUMP2		0x10
#define JUMP5		0x20
#define CALL		0x30
#define TAIL		0x38
#define TAIL_IF		0x40
#define FENTRY		0x50
#define TRACER		0x58
#define LOCK		0x60
#define CALL_BPF	0x68
#define TAIL_BPF	0x70
#define TAIL_NULL	0x78
#define FENTRY_JUMP	0x80
#define JUMP5_SPLIT	0xffd
#define FENTRY_SPLIT	0x1ffe
#define LAST		(SIZE - 5)

/* Offsets of other things */
#define LABEL2		0x48
#define LABEL5		0x1510
#define PROBE		0x100	/* no site far and wide */
#define PROBE_JUMP	0x120	/* a jump stands there */
#define PROBE_SPLIT	0x2ffe
#define PROBE_SITE	(JUMP5 - 2)
#define FUNCTION_A	0x2100
#define FUNCTION_B	0x2200
#define CODE		0x2108
#define DYNAMIC		0x100000

#define UNUSED		__attribute__((unused))
#define BYTES4(x)	(u8)(x), (u8)((x) >> 8), (u8)((x) >> 16), (u8)((x) >> 24)
#define REL32(at, target)	BYTES4((u32)((target) - ((at) + 5)))
#define REL32_IF(at, target)	BYTES4((u32)((target) - ((at) + 6)))
#define NOP5_TAIL	0x1f, 0x44, 0x00, 0x00
#define NOP5		0x0f, NOP5_TAIL
#define XOR5_TAIL	0x2e, 0x2e, 0x31, 0xc0
#define RET5_TAIL	0xcc, 0xcc, 0xcc, 0xcc

static u8 code[SIZE];
static u8 clean[SIZE];
static struct patch_note notes_room[64];
static struct patch_notes notes;

static enum patch_target target(void *context UNUSED, u64 va)
{
	u64 offset = va - BASE;

	if (offset == FUNCTION_A || offset == FUNCTION_B)
		return PATCH_TARGET_FUNCTION;
	if (offset < SIZE)
		return PATCH_TARGET_CODE;
	return offset - DYNAMIC < PAGE_SIZE ? PATCH_TARGET_DYNAMIC : PATCH_TARGET_NONE;
}

static bool detour(void *context UNUSED, u64 va, u64 probe UNUSED)
{
	return va - BASE - DYNAMIC < PAGE_SIZE;
}

static bool read_code(void *context UNUSED, u64 va, u8 *bytes, u32 size)
{
	if (va < BASE || va + size > BASE + SIZE)
		return false;
	memcpy(bytes, code + (va - BASE), size);
	return true;
}

static const struct patch_world world = {
	.target = target, .detour = detour, .read = read_code,
};

static const struct {
	u32 offset;
	enum patch_kind kind;
	u32 label;
	bool dynamic;
	u8 bytes[PATCH_LONGEST];
} layout[] = {
	{ JUMP2, PATCH_JUMP2, LABEL2, false, { 0x66, 0x90 } },
	{ JUMP5, PATCH_JUMP5, LABEL5, false, { NOP5 } },
	{ CALL, PATCH_CALL, 0, false, { 0xe8, REL32(CALL, FUNCTION_A) } },
	{ TAIL, PATCH_TAIL, 0, false, { 0xe9, REL32(TAIL, FUNCTION_A) } },
	{ TAIL_IF, PATCH_TAIL_IF, 0, false, { 0x0f, 0x84, REL32_IF(TAIL_IF, FUNCTION_A) } },
	{ FENTRY, PATCH_FENTRY, 0, false, { NOP5 } },
	{ TRACER, PATCH_TRACER, 0, false, { 0xe8, REL32(TRACER, FUNCTION_A) } },
	{ LOCK, PATCH_LOCK, 0, false, { 0x3e } },
	{ CALL_BPF, PATCH_CALL, 0, true, { 0xe8, REL32(CALL_BPF, FUNCTION_A) } },
	{ TAIL_BPF, PATCH_TAIL, 0, true, { 0xe9, REL32(TAIL_BPF, FUNCTION_A) } },
	{ TAIL_NULL, PATCH_TAIL, 0, false, { 0xc3, 0xcc, 0x90, 0x90, 0x90 } },
	{ FENTRY_JUMP, PATCH_FENTRY_JUMP, 0, false, { NOP5 } },
	{ JUMP5_SPLIT, PATCH_JUMP5, LABEL5, false, { 0xe9, REL32(JUMP5_SPLIT, LABEL5) } },
	{ FENTRY_SPLIT, PATCH_FENTRY, 0, false, { NOP5 } },
	{ LAST, PATCH_JUMP5, LABEL5, false, { NOP5 } },
};

static struct patch_site sites[ARRAY_SIZE(layout)];
static struct patch_region region = {
	.va = BASE, .size = SIZE, .sites = sites, .nr_sites = ARRAY_SIZE(sites),
};

static void start(void)
{
	u32 i;

	for (i = 0; i < SIZE; i++)
		code[i] = 0x40 + i % 61;
	code[PROBE_JUMP] = 0xe9;
	for (i = 0; i < ARRAY_SIZE(layout); i++) {
		sites[i].offset = layout[i].offset;
		sites[i].what = layout[i].dynamic ? patch_what_dynamic(layout[i].kind) :
				patch_what(layout[i].kind, BASE + layout[i].offset,
					   BASE + layout[i].label);
		memcpy(code + layout[i].offset, layout[i].bytes, patch_length(sites[i].what));
	}
	memcpy(clean, code, SIZE);
	notes = (struct patch_notes){ .note = notes_room, .capacity = ARRAY_SIZE(notes_room) };
}

enum window {
	WINDOW_PAGES,		/* the pages written to */
	WINDOW_EXACT,		/* the bytes written */
	WINDOW_COUNT,
};

/* Where it was refused, or -1; and then nothing has changed */
static long write_code(u32 at, const u8 *bytes, u32 size, enum window window)
{
	u32 begin = at, end = at + size, result;
	struct patch_note saved[ARRAY_SIZE(notes_room)];
	u32 count = notes.count;
	u8 after[SIZE];

	if (window == WINDOW_PAGES) {
		begin &= ~(PAGE_SIZE - 1);
		end = (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	}
	memcpy(saved, notes_room, sizeof(saved));
	memcpy(after, code, SIZE);
	memcpy(after + at, bytes, size);
	result = patch_judge(&region, &notes, BASE + begin, code + begin, after + begin,
			     end - begin, &world);
	if (result == end - begin) {
		memcpy(code, after, SIZE);
		return -1;
	}
	if (count != notes.count || memcmp(saved, notes_room, count * sizeof(saved[0])))
		abort();
	if (code[begin + result] == after[begin + result])
		abort();
	return begin + result;
}

#define MAX_STEPS	24

struct sequence {
	const char *name;
	struct {
		u32 at;
		u32 size;
		u8 bytes[16];
		bool refused;
		u32 notes;
	} step[MAX_STEPS];
};

#define PUT(at, ...)							\
	{ (at), sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }, false, 0 }
#define BAD(at, ...)							\
	{ (at), sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }, true, 0 }
/* The same with a number of notes afterwards */
#define PUT_NOTE(n, at, ...)						\
	{ (at), sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }, false, n }
#define BAD_NOTE(n, at, ...)						\
	{ (at), sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }, true, n }

/* text_poke_bp_batch(): INT3, all but the first byte, the first byte */
#define POKE(at, first, ...)						\
	PUT(at, 0xcc), PUT((at) + 1, __VA_ARGS__), PUT(at, first)

/* What the code's bytes are before any write */
#define CLEAN(at)	(u8)(0x40 + (at) % 61)
#define CLEAN4(at)	CLEAN(at), CLEAN((at) + 1), CLEAN((at) + 2), CLEAN((at) + 3)

static const struct sequence sequences[] = {
	{ "a short jump label there and back", {
		POKE(JUMP2, 0xeb, LABEL2 - JUMP2 - 2),
		POKE(JUMP2, 0x66, 0x90),
	} },
	{ "a long jump label there and back", {
		POKE(JUMP5, 0xe9, REL32(JUMP5, LABEL5)),
		POKE(JUMP5, 0x0f, NOP5_TAIL),
	} },
	{ "a jump label that crosses a page", {
		POKE(JUMP5_SPLIT, 0x0f, NOP5_TAIL),
		POKE(JUMP5_SPLIT, 0xe9, REL32(JUMP5_SPLIT, LABEL5)),
		PUT(JUMP5_SPLIT, 0xcc),
		BAD(JUMP5_SPLIT + 1, REL32(JUMP5_SPLIT, LABEL5 + 1)),
		BAD(JUMP5_SPLIT + 1, 0x1f),
		BAD(JUMP5_SPLIT + 3, 0x01, 0x01),
		BAD(JUMP5_SPLIT, 0x0f),
	} },
	{ "a tracer on a function that crosses a page", {
		POKE(FENTRY_SPLIT, 0xe8, REL32(FENTRY_SPLIT, DYNAMIC)),
		POKE(FENTRY_SPLIT, 0x0f, NOP5_TAIL),
	} },
	{ "the last bytes", {
		POKE(LAST, 0xe9, REL32(LAST, LABEL5)),
	} },
	{ "jump labels in one write, without INT3", {
		PUT(JUMP2, 0xeb, LABEL2 - JUMP2 - 2),
		PUT(JUMP5, 0xe9, REL32(JUMP5, LABEL5)),
	} },
	{ "a batch: each step for all, then the next", {
		PUT(JUMP2, 0xcc),
		PUT(JUMP5, 0xcc),
		PUT(FENTRY, 0xcc),
		PUT(JUMP2 + 1, LABEL2 - JUMP2 - 2),
		PUT(JUMP5 + 1, REL32(JUMP5, LABEL5)),
		PUT(FENTRY + 1, REL32(FENTRY, DYNAMIC)),
		PUT(JUMP2, 0xeb),
		PUT(JUMP5, 0xe9),
		PUT(FENTRY, 0xe8),
	} },
	{ "jump labels jump nowhere else", {
		BAD(JUMP2, 0xeb, LABEL2 - JUMP2 - 1),
		BAD(JUMP5, 0xe9, REL32(JUMP5, LABEL5 + 1)),
		BAD(JUMP5, 0xe9, REL32(JUMP5, FUNCTION_A)),
		BAD(JUMP5, 0xe9, REL32(JUMP5, DYNAMIC)),
		BAD(JUMP5, 0xe8, REL32(JUMP5, LABEL5)),
		BAD(JUMP2, 0xeb),
		BAD(JUMP2 + 1, LABEL2 - JUMP2 - 2),
		PUT(JUMP5, 0xcc),
		BAD(JUMP5 + 1, REL32(JUMP5, FUNCTION_A)),
		BAD(JUMP5 + 1, 0x48),
		BAD(JUMP5, 0xe9),
		BAD(JUMP5, 0xc3),
		BAD(JUMP5, 0x90),
		PUT(JUMP5, 0x0f),
	} },
	{ "a static call to another function, to NOP, to return 0, and back", {
		POKE(CALL, 0xe8, REL32(CALL, FUNCTION_B)),
		POKE(CALL, 0x0f, NOP5_TAIL),
		POKE(CALL, 0x2e, XOR5_TAIL),
		POKE(CALL, 0xe8, REL32(CALL, FUNCTION_A)),
	} },
	{ "the two equal stores that copy four bytes", {
		PUT(CALL, 0xcc),
		PUT(CALL + 1, REL32(CALL, FUNCTION_B)),
		PUT(CALL + 1, REL32(CALL, FUNCTION_B)),
		PUT(CALL, 0xe8),
	} },
	{ "static calls call nothing but functions", {
		BAD(CALL, 0xe8, REL32(CALL, CODE)),
		BAD(CALL, 0xe8, REL32(CALL, DYNAMIC)),
		BAD(CALL, 0xe8, REL32(CALL, SIZE + 0x1000)),
		BAD(CALL, 0xe9, REL32(CALL, FUNCTION_A)),
		BAD(CALL, 0xc3, RET5_TAIL),
		BAD(CALL, 0x90, 0x90, 0x90, 0x90, 0x90),
		BAD(CALL + 1, REL32(CALL, CODE)),
		PUT(CALL, 0xcc),
		BAD(CALL + 1, REL32(CALL, CODE)),
		BAD(CALL + 1, 0x31, 0xc0),
		BAD(CALL, 0x2e),
		PUT(CALL + 1, XOR5_TAIL),
		BAD(CALL, 0xe8),
		BAD(CALL, 0x0f),
		PUT(CALL, 0x2e),
	} },
	{ "a trampoline to another function, to a return, and back", {
		POKE(TAIL, 0xe9, REL32(TAIL, FUNCTION_B)),
		POKE(TAIL, 0xc3, RET5_TAIL),
		POKE(TAIL, 0xe9, REL32(TAIL, FUNCTION_A)),
		BAD(TAIL, NOP5),
		BAD(TAIL, 0xe8, REL32(TAIL, FUNCTION_B)),
		BAD(TAIL, 0xe9, REL32(TAIL, DYNAMIC)),
		BAD(TAIL, 0xc3),
	} },
	{ "a trampoline that was never used", {
		POKE(TAIL_NULL, 0xe9, REL32(TAIL_NULL, FUNCTION_A)),
		POKE(TAIL_NULL, 0xc3, RET5_TAIL),
	} },
	{ "BPF's dispatcher goes to dynamic code", {
		POKE(CALL_BPF, 0xe8, REL32(CALL_BPF, DYNAMIC + 0x80)),
		POKE(TAIL_BPF, 0xe9, REL32(TAIL_BPF, DYNAMIC + 0x80)),
		POKE(CALL_BPF, 0xe8, REL32(CALL_BPF, FUNCTION_A)),
		POKE(TAIL_BPF, 0xe9, REL32(TAIL_BPF, FUNCTION_A)),
		BAD(CALL_BPF, 0xe8, REL32(CALL_BPF, CODE)),
	} },
	{ "a conditional tail call to another function", {
		POKE(TAIL_IF, 0x0f, 0x84, REL32_IF(TAIL_IF, FUNCTION_B)),
		BAD(TAIL_IF, 0x0f, 0x85, REL32_IF(TAIL_IF, FUNCTION_B)),
		BAD(TAIL_IF, 0x0f, 0x84, REL32_IF(TAIL_IF, CODE)),
		BAD(TAIL_IF, 0x0f, 0x05),
		PUT(TAIL_IF, 0xcc),
		BAD(TAIL_IF + 1, 0x85),
		BAD(TAIL_IF + 1, 0x84, REL32_IF(TAIL_IF, CODE)),
		PUT(TAIL_IF, 0x0f),
	} },
	{ "the two stores that copy five bytes", {
		PUT(TAIL_IF, 0xcc),
		PUT(TAIL_IF + 1, 0x84, (u8)(FUNCTION_B - TAIL_IF - 6),
		    (u8)((FUNCTION_B - TAIL_IF - 6) >> 8), 0x00),
		PUT(TAIL_IF + 2, REL32_IF(TAIL_IF, FUNCTION_B)),
		PUT(TAIL_IF, 0x0f),
	} },
	{ "a half of a conditional tail call is the half of a legal one", {
		PUT(TAIL_IF, 0xcc),
		BAD(TAIL_IF + 1, 0x84, 0x11, 0x22, 0x33),
		BAD(TAIL_IF + 1, 0x84, (u8)(FUNCTION_B - TAIL_IF - 6),
		    (u8)((FUNCTION_B - TAIL_IF - 6) >> 8), 0x00, 0x77),
	} },
	{ "tracers come, change, and go", {
		POKE(FENTRY, 0xe8, REL32(FENTRY, FUNCTION_A)),
		POKE(FENTRY, 0xe8, REL32(FENTRY, DYNAMIC)),
		POKE(FENTRY, 0x0f, NOP5_TAIL),
		BAD(FENTRY, 0xe8, REL32(FENTRY, CODE)),
		BAD(FENTRY, 0xe9, REL32(FENTRY, FUNCTION_A)),
		BAD(FENTRY, 0xe9, REL32(FENTRY, DYNAMIC)),
		BAD(FENTRY, 0xc3),
		BAD(FENTRY, 0x2e, XOR5_TAIL),
		POKE(TRACER, 0xe8, REL32(TRACER, FUNCTION_B)),
		BAD(TRACER, NOP5),
		BAD(TRACER, 0xe8, REL32(TRACER, DYNAMIC)),
	} },
	{ "BPF's trampolines are jumped to, on the way from and to calls", {
		POKE(FENTRY_JUMP, 0xe9, REL32(FENTRY_JUMP, DYNAMIC + 0x80)),
		POKE(FENTRY_JUMP, 0xe8, REL32(FENTRY_JUMP, FUNCTION_A)),
		POKE(FENTRY_JUMP, 0xe9, REL32(FENTRY_JUMP, DYNAMIC)),
		POKE(FENTRY_JUMP, 0xe8, REL32(FENTRY_JUMP, DYNAMIC)),
		POKE(FENTRY_JUMP, 0x0f, NOP5_TAIL),
	} },
	{ "no function is jumped to instead of another", {
		BAD(FENTRY_JUMP, 0xe9, REL32(FENTRY_JUMP, FUNCTION_A)),
		BAD(FENTRY_JUMP, 0xe9, REL32(FENTRY_JUMP, CODE)),
		BAD(FENTRY_JUMP, 0xe9, REL32(FENTRY_JUMP, SIZE + 0x1000)),
		POKE(FENTRY_JUMP, 0xe8, REL32(FENTRY_JUMP, FUNCTION_A)),
		BAD(FENTRY_JUMP, 0xe9),
		PUT(FENTRY_JUMP, 0xcc),
		BAD(FENTRY_JUMP, 0xe9),
		PUT(FENTRY_JUMP, 0xe8),
	} },
	{ "lock prefixes come for the second CPU, and do not go", {
		BAD(LOCK, 0xcc),
		BAD(LOCK, 0x90),
		PUT(LOCK, 0xf0),
		BAD(LOCK, 0x3e),
	} },
	{ "a kprobe comes and goes", {
		PUT_NOTE(1, PROBE, 0xcc),
		BAD_NOTE(1, PROBE, CLEAN(PROBE + 1)),
		BAD_NOTE(1, PROBE, 0x90),
		BAD_NOTE(1, PROBE + 1, 0x90),
		PUT_NOTE(0, PROBE, CLEAN(PROBE)),
		BAD(PROBE, 0x90),
	} },
	{ "two kprobes side by side go in any order", {
		PUT_NOTE(1, PROBE + 1, 0xcc),
		PUT_NOTE(2, PROBE, 0xcc),
		PUT_NOTE(1, PROBE + 1, CLEAN(PROBE + 1)),
		PUT_NOTE(2, PROBE + 1, 0xcc),
		PUT_NOTE(1, PROBE, CLEAN(PROBE)),
		PUT_NOTE(0, PROBE + 1, CLEAN(PROBE + 1)),
	} },
	{ "a kprobe is optimised, and no longer", {
		PUT_NOTE(1, PROBE, 0xcc),
		/* text_poke_bp() puts INT3 where INT3 is */
		PUT_NOTE(1, PROBE, 0xcc),
		PUT_NOTE(1, PROBE + 1, REL32(PROBE, DYNAMIC + 0x40)),
		PUT_NOTE(1, PROBE, 0xe9),
		BAD_NOTE(1, PROBE, CLEAN(PROBE)),
		BAD_NOTE(1, PROBE + 1, CLEAN4(PROBE + 1)),
		PUT_NOTE(1, PROBE, 0xcc),
		BAD_NOTE(1, PROBE, CLEAN(PROBE)),
		BAD_NOTE(1, PROBE + 1, CLEAN4(PROBE + 2)),
		PUT_NOTE(1, PROBE + 1, CLEAN4(PROBE + 1)),
		PUT_NOTE(0, PROBE, CLEAN(PROBE)),
	} },
	{ "a kprobe on a jump is optimised, and no longer", {
		PUT_NOTE(1, PROBE_JUMP, 0xcc),
		PUT_NOTE(1, PROBE_JUMP + 1, REL32(PROBE_JUMP, DYNAMIC)),
		PUT_NOTE(1, PROBE_JUMP, 0xe9),
		PUT_NOTE(1, PROBE_JUMP, 0xcc),
		PUT_NOTE(1, PROBE_JUMP + 1, CLEAN4(PROBE_JUMP + 1)),
		PUT_NOTE(0, PROBE_JUMP, 0xe9),
	} },
	{ "an optimised kprobe jumps to dynamic code, and needs its INT3", {
		BAD(PROBE, 0xe9, REL32(PROBE, DYNAMIC)),
		BAD(PROBE + 1, REL32(PROBE, DYNAMIC)),
		PUT_NOTE(1, PROBE, 0xcc),
		BAD_NOTE(1, PROBE, 0xe9),
		BAD_NOTE(1, PROBE + 1, REL32(PROBE, FUNCTION_A)),
		BAD_NOTE(1, PROBE + 1, REL32(PROBE, DYNAMIC - 1)),
		BAD_NOTE(1, PROBE + 1, 0x00, 0x00),
		BAD_NOTE(1, PROBE, 0xe8, REL32(PROBE, DYNAMIC)),
	} },
	{ "an optimised kprobe crosses a page", {
		PUT_NOTE(1, PROBE_SPLIT, 0xcc),
		BAD_NOTE(1, PROBE_SPLIT + 1, REL32(PROBE_SPLIT, FUNCTION_A)),
		PUT_NOTE(1, PROBE_SPLIT + 1, REL32(PROBE_SPLIT, DYNAMIC)),
		PUT_NOTE(1, PROBE_SPLIT, 0xe9),
		BAD_NOTE(1, PROBE_SPLIT + 2, 0x90),
		PUT_NOTE(1, PROBE_SPLIT, 0xcc),
		PUT_NOTE(1, PROBE_SPLIT + 1, CLEAN4(PROBE_SPLIT + 1)),
		PUT_NOTE(0, PROBE_SPLIT, CLEAN(PROBE_SPLIT)),
	} },
	{ "a kprobe where another is optimised: first the INT3, then the tail", {
		PUT_NOTE(1, PROBE, 0xcc),
		PUT_NOTE(1, PROBE + 1, REL32(PROBE, DYNAMIC)),
		PUT_NOTE(1, PROBE, 0xe9),
		BAD_NOTE(1, PROBE + 2, 0xcc),
		PUT_NOTE(1, PROBE, 0xcc),
		PUT_NOTE(1, PROBE + 1, CLEAN4(PROBE + 1)),
		PUT_NOTE(2, PROBE + 2, 0xcc),
		/* Not while there is another in the way */
		BAD_NOTE(2, PROBE + 1, REL32(PROBE, FUNCTION_B)),
		PUT_NOTE(1, PROBE, CLEAN(PROBE)),
		PUT_NOTE(0, PROBE + 2, CLEAN(PROBE + 2)),
	} },
	{ "a kprobe behind which another one is optimised", {
		PUT_NOTE(1, PROBE, 0xcc),
		PUT_NOTE(2, PROBE + 3, 0xcc),
		PUT_NOTE(2, PROBE + 4, REL32(PROBE + 3, DYNAMIC)),
		PUT_NOTE(2, PROBE + 3, 0xe9),
		PUT_NOTE(1, PROBE, CLEAN(PROBE)),
		PUT_NOTE(2, PROBE, 0xcc),
		PUT_NOTE(2, PROBE + 3, 0xcc),
		PUT_NOTE(2, PROBE + 4, CLEAN4(PROBE + 4)),
		PUT_NOTE(1, PROBE + 3, CLEAN(PROBE + 3)),
		PUT_NOTE(0, PROBE, CLEAN(PROBE)),
	} },
	{ "a kprobe before a site, which changes meanwhile", {
		PUT_NOTE(1, PROBE_SITE, 0xcc),
		{ JUMP5, 1, { 0xcc }, false, 1 },
		{ JUMP5 + 1, 4, { REL32(JUMP5, LABEL5) }, false, 1 },
		{ JUMP5, 1, { 0xe9 }, false, 1 },
		BAD_NOTE(1, PROBE_SITE + 1, REL32(PROBE_SITE, DYNAMIC)),
		PUT_NOTE(0, PROBE_SITE, CLEAN(PROBE_SITE)),
	} },
	{ "two kprobes in one write, and both restored in one", {
		PUT_NOTE(2, PROBE, 0xcc, CLEAN(PROBE + 1), 0xcc),
		BAD_NOTE(2, PROBE, CLEAN(PROBE), CLEAN(PROBE + 1), 0x90),
		PUT_NOTE(0, PROBE, CLEAN(PROBE), CLEAN(PROBE + 1), CLEAN(PROBE + 2)),
	} },
	{ "one bad byte spoils a write that is good otherwise", {
		BAD(JUMP2 - 1, 0x90, 0xeb, LABEL2 - JUMP2 - 2),
		BAD(JUMP2, 0xeb, LABEL2 - JUMP2 - 2, 0x90),
		BAD(PROBE, 0xcc, 0x90),
		BAD(JUMP2 - 1, 0xcc, 0xeb, LABEL2 - JUMP2 - 1),
	} },
};

FIXTURE(patch)
{
};

FIXTURE_VARIANT(patch)
{
	enum window window;
};

FIXTURE_VARIANT_ADD(patch, pages)
{
	.window = WINDOW_PAGES,
};

FIXTURE_VARIANT_ADD(patch, exact)
{
	.window = WINDOW_EXACT,
};

FIXTURE_SETUP(patch)
{
	start();
}

FIXTURE_TEARDOWN(patch)
{
}

TEST_F(patch, sequences)
{
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(sequences); i++) {
		const struct sequence *s = &sequences[i];

		start();
		for (j = 0; j < MAX_STEPS && s->step[j].size; j++) {
			long where = write_code(s->step[j].at, s->step[j].bytes,
						s->step[j].size, variant->window);

			EXPECT_EQ(s->step[j].refused, where >= 0) {
				TH_LOG("%s: step %u", s->name, j);
			}
			EXPECT_EQ(s->step[j].notes, notes.count) {
				TH_LOG("%s: step %u", s->name, j);
			}
		}
	}
}

TEST_F(patch, the_first_illegal_byte_is_told)
{
	static const u8 bytes[] = { 0xcc, 0xcc, 0x90 };

	EXPECT_EQ(PROBE + 2, write_code(PROBE, bytes, 3, variant->window));
	EXPECT_EQ(0, notes.count);
}

TEST_F(patch, no_note_no_kprobe)
{
	static const u8 int3s[] = { 0xcc, 0xcc };
	static const u8 int3 = 0xcc;
	u8 byte = clean[PROBE];

	notes.capacity = 1;
	EXPECT_EQ(PROBE + 1, write_code(PROBE, int3s, 2, variant->window));
	EXPECT_EQ(-1, write_code(PROBE, &int3, 1, variant->window));
	EXPECT_EQ(PROBE + 9, write_code(PROBE + 9, &int3, 1, variant->window));
	EXPECT_EQ(-1, write_code(PROBE, &byte, 1, variant->window));
	EXPECT_EQ(-1, write_code(PROBE + 9, &int3, 1, variant->window));
}

/* What was there when the code was sealed */
TEST_F(patch, kprobes_from_before)
{
	u8 original[PATCH_PROBE];
	static const u8 jump[] = { 0xe9, REL32(PROBE, DYNAMIC) };
	static const u8 int3 = 0xcc;

	memcpy(original, clean + PROBE, sizeof(original));
	memcpy(code + PROBE, jump, sizeof(jump));
	notes.capacity = 1;
	EXPECT_TRUE(patch_note_add(&notes, &region, BASE + PROBE, original));
	EXPECT_FALSE(patch_note_add(&notes, &region, BASE + PROBE, original));
	EXPECT_FALSE(patch_note_add(&notes, &region, BASE + PROBE + 8, original));
	EXPECT_EQ(-1, write_code(PROBE, &int3, 1, variant->window));
	EXPECT_EQ(-1, write_code(PROBE + 1, original + 1, 4, variant->window));
	EXPECT_EQ(-1, write_code(PROBE, original, 1, variant->window));
	EXPECT_EQ(0, notes.count);
}

/* Root changes a return right behind it, and what is optimised afterwards has that. */
TEST_F(patch, kprobe_beside_what_root_writes)
{
	static const u8 jump[] = { 0xe9, REL32(PROBE, DYNAMIC) };
	static const u8 written[] = { 0xe9, REL32(PROBE + 2, FUNCTION_A) };
	static const u8 int3 = 0xcc;
	const u8 first = clean[PROBE];
	u8 behind[PATCH_PROBE - 1];
	struct patch_region other = region;

	EXPECT_EQ(-1, write_code(PROBE, &int3, 1, variant->window));
	memcpy(code + PROBE + 2, written, sizeof(written));
	EXPECT_EQ(PROBE, write_code(PROBE, &first, 1, variant->window));
	patch_notes_rewrite(&notes, &other, BASE + PROBE + 2, written, sizeof(written));
	EXPECT_EQ(PROBE, write_code(PROBE, &first, 1, variant->window));
	patch_notes_rewrite(&notes, &region, BASE + PROBE + 2, written, sizeof(written));

	memcpy(behind, code + PROBE + 1, sizeof(behind));
	EXPECT_EQ(-1, write_code(PROBE + 1, jump + 1, 4, variant->window));
	EXPECT_EQ(-1, write_code(PROBE, jump, 1, variant->window));
	EXPECT_EQ(-1, write_code(PROBE, &int3, 1, variant->window));
	EXPECT_EQ(PROBE + 2, write_code(PROBE + 1, clean + PROBE + 1, 4, variant->window));
	EXPECT_EQ(-1, write_code(PROBE + 1, behind, 4, variant->window));
	EXPECT_EQ(-1, write_code(PROBE, &first, 1, variant->window));
	EXPECT_EQ(0, notes.count);
}

/* Who runs into a kprobe on a call has called all the same. */
TEST_F(patch, calls_are_shown)
{
	static const u8 call[] = { 0xe8, REL32(PROBE, FUNCTION_A) };
	static const u8 int3 = 0xcc;
	struct patch_region other = region;
	u8 bytes[sizeof(call)];

	memcpy(code + PROBE, call, sizeof(call));
	EXPECT_EQ(-1, write_code(PROBE, &int3, 1, variant->window));
	memcpy(bytes, code + PROBE, sizeof(bytes));
	patch_show_calls(&other, &notes, BASE + PROBE, bytes, sizeof(bytes));
	EXPECT_EQ(0xcc, bytes[0]);
	patch_show_calls(&region, &notes, BASE + PROBE, bytes, sizeof(bytes));
	EXPECT_EQ(0, memcmp(bytes, call, sizeof(call)));

	/* A static call that Linux is exchanging; no other site is one */
	EXPECT_EQ(-1, write_code(CALL, &int3, 1, variant->window));
	memcpy(bytes, code + CALL, sizeof(bytes));
	patch_show_calls(&region, &notes, BASE + CALL, bytes, sizeof(bytes));
	EXPECT_EQ(0xe8, bytes[0]);
	EXPECT_EQ(PATCH_CALL, patch_kind_at(&region, BASE + CALL));
	EXPECT_EQ(PATCH_NONE, patch_kind_at(&region, BASE + CALL + 1));
	EXPECT_EQ(PATCH_FENTRY, patch_kind_at(&region, BASE + FENTRY));
	EXPECT_EQ(PATCH_NONE, patch_kind_at(&region, BASE + PROBE));
	EXPECT_EQ(PATCH_NONE, patch_kind_at(&region, BASE - 5));
	bytes[0] = 0xcc;
	patch_show_calls(&region, &notes, BASE + JUMP5, bytes, sizeof(bytes));
	EXPECT_EQ(0xcc, bytes[0]);
}

TEST_F(patch, what_goes_away_is_forgotten)
{
	static const u8 original[PATCH_PROBE];
	const struct patch_region other = region;
	static const u8 int3 = 0xcc;

	EXPECT_EQ(-1, write_code(PROBE, &int3, 1, variant->window));
	EXPECT_TRUE(patch_note_add(&notes, &other, BASE + PROBE, original));
	EXPECT_EQ(-1, write_code(PROBE + 0x10, &int3, 1, variant->window));
	patch_notes_drop(&notes, &other);
	ASSERT_EQ(2, notes.count);
	EXPECT_EQ(&region, notes.note[0].region);
	EXPECT_EQ(&region, notes.note[1].region);
	patch_notes_drop(&notes, &region);
	EXPECT_EQ(0, notes.count);
}

/*
 * Whoever writes page tables can have code of his own sealed where other code
 * is. A kprobe that he puts there is no reason to "restore" his bytes here.
 */
TEST_F(patch, a_probe_in_other_code_at_the_same_address)
{
	static const struct patch_site none[1];
	const struct patch_region other = { .va = BASE, .size = SIZE, .sites = none };
	u8 before[PATCH_PROBE], after[PATCH_PROBE];
	u32 i;

	for (i = 0; i < PATCH_PROBE; i++)
		before[i] = after[i] = ~code[PROBE + i];
	after[0] = 0xcc;
	ASSERT_EQ(PATCH_PROBE, patch_judge(&other, &notes, BASE + PROBE, before, after,
					   PATCH_PROBE, &world));
	ASSERT_EQ(1, notes.count);

	EXPECT_EQ(PROBE, write_code(PROBE, before, PATCH_PROBE, variant->window));
	EXPECT_EQ(PROBE + 1, write_code(PROBE + 1, before + 1, 4, variant->window));
	EXPECT_EQ(1, notes.count);

	/* Each has its own, and loses its own */
	EXPECT_EQ(-1, write_code(PROBE, after, 1, variant->window));
	EXPECT_EQ(2, notes.count);
	EXPECT_EQ(-1, write_code(PROBE, clean + PROBE, 1, variant->window));
	EXPECT_EQ(1, notes.count);
	EXPECT_EQ(PATCH_PROBE, patch_judge(&other, &notes, BASE + PROBE, after, before,
					   PATCH_PROBE, &world));
	EXPECT_EQ(0, notes.count);
}

/* A kprobe in the last bytes, where not all that could be noted is there */
TEST(beside_the_code)
{
	static const struct patch_site none[1];
	struct patch_region small = { .va = BASE, .size = 0x103, .sites = none };
	u8 after[PAGE_SIZE];

	start();
	memcpy(after, code, PAGE_SIZE);
	after[0x102] = 0xcc;
	EXPECT_EQ(PAGE_SIZE, patch_judge(&small, &notes, BASE, code, after, PAGE_SIZE, &world));
	EXPECT_EQ(1, notes.count);
	memcpy(after, code, PAGE_SIZE);
	after[0x103] = 0xcc;
	EXPECT_EQ(0x103, patch_judge(&small, &notes, BASE, code, after, PAGE_SIZE, &world));

	/* Its last 5 bytes may not become a jump that reaches out of it */
	after[0x103] = code[0x103];
	after[0x102] = 0xcc;
	memcpy(code, after, PAGE_SIZE);
	memcpy(after + 0x103, (u8[]){ REL32(0x102, DYNAMIC) }, 4);
	EXPECT_EQ(0x103, patch_judge(&small, &notes, BASE, code, after, PAGE_SIZE, &world));
}

static bool all_detours(void *context UNUSED, u64 va UNUSED, u64 probe UNUSED)
{
	return true;
}

/* Not even where what stands in the site could be the jump's displacement */
TEST(an_optimised_kprobe_has_no_part_of_a_site)
{
	static const struct patch_world dynamic = {
		.target = target, .detour = all_detours, .read = read_code,
	};
	static const u8 int3 = 0xcc, jmp = 0xe9;
	u32 at = JUMP5 - 1;

	start();
	EXPECT_EQ(1, patch_judge(&region, &notes, BASE + at, code + at, &int3, 1, &dynamic));
	code[at] = int3;
	EXPECT_EQ(0, patch_judge(&region, &notes, BASE + at, code + at, &jmp, 1, &dynamic));
	EXPECT_EQ(1, notes.count);
}

/* A detour is one of the kprobe at @probe only: its jump back says so. */
TEST(a_detour_ends_where_it_began)
{
	const u64 va = BASE + DYNAMIC + 0x80, probe = BASE + PROBE;
	u8 bytes[PATCH_DETOUR];
	u32 size, back, i;

	for (size = 0; size + 5 <= PATCH_DETOUR; size++) {
		memset(bytes, 0xe9, sizeof(bytes));
		back = (u32)(probe - (va + 5));
		memcpy(bytes + size + 1, &back, sizeof(back));
		EXPECT_EQ(size >= 5, patch_detour_returns(va, bytes, probe));
		EXPECT_FALSE(patch_detour_returns(va, bytes, probe + 1));
		EXPECT_FALSE(patch_detour_returns(va + 1, bytes, probe));
		EXPECT_EQ(size >= 5, patch_detour_returns(va + PAGE_SIZE, bytes,
							  probe + PAGE_SIZE));
		for (i = 0; i < 4; i++) {
			bytes[size + 1 + i] ^= 0x10;
			EXPECT_FALSE(patch_detour_returns(va, bytes, probe));
			bytes[size + 1 + i] ^= 0x10;
		}
		bytes[size] = 0xe8;
		EXPECT_FALSE(patch_detour_returns(va, bytes, probe));
	}
}

/* sarq $5, %gs:X(%rip), as two stores that overlap, and nothing else there */
TEST(padding_counts_calls)
{
	static const struct patch_counting counting = {
		.length = 9,
		.relative = 4,
		.target = 0x35010,
		.bytes = { 0x65, 0x48, 0xc1, 0x3d, 0, 0, 0, 0, 0x05 },
	};
	static const struct patch_world counted = {
		.counting = &counting, .target = target, .detour = detour, .read = read_code,
	};
	u32 at = FUNCTION_A - counting.length, i;
	u32 distance = counting.target - (BASE + FUNCTION_A);
	u8 after[16];

	start();
	memset(code + at - 7, 0x90, 16);
	memcpy(after, counting.bytes, sizeof(counting.bytes));
	memcpy(after + 4, &distance, sizeof(distance));
	EXPECT_EQ(0, patch_judge(&region, &notes, BASE + at, code + at, after, 8, &world));
	EXPECT_EQ(0, patch_judge(&region, &notes, BASE + at - 1, code + at - 1, after, 8,
				 &counted));
	for (i = 0; i < counting.length; i++) {
		after[i] ^= 0x01;
		EXPECT_EQ(i, patch_judge(&region, &notes, BASE + at, code + at, after,
					 counting.length, &counted));
		after[i] ^= 0x01;
	}
	EXPECT_EQ(8, patch_judge(&region, &notes, BASE + at, code + at, after, 8, &counted));
	memcpy(code + at, after, 8);
	EXPECT_EQ(8, patch_judge(&region, &notes, BASE + at + 1, code + at + 1, after + 1, 8,
				 &counted));
	memcpy(code + at, after, 9);
	/* Nor is it changed again. */
	after[0] = 0x90;
	EXPECT_EQ(0, patch_judge(&region, &notes, BASE + at, code + at, after, 1, &counted));
	EXPECT_EQ(0, notes.count);
}

static bool read_nothing(void *context UNUSED, u64 va UNUSED, u8 *bytes UNUSED, u32 size UNUSED)
{
	return false;
}

/* What can't be read can't be judged. */
TEST(the_other_part_cannot_be_read)
{
	static const struct patch_world blind = {
		.target = target, .detour = detour, .read = read_nothing,
	};
	u8 after[PAGE_SIZE];

	start();
	memcpy(after, code, PAGE_SIZE);
	after[JUMP5_SPLIT] = 0xcc;
	EXPECT_EQ(JUMP5_SPLIT, patch_judge(&region, &notes, BASE, code, after, PAGE_SIZE, &blind));
	memcpy(after, code, PAGE_SIZE);
	after[JUMP5] = 0xcc;
	EXPECT_EQ(PAGE_SIZE, patch_judge(&region, &notes, BASE, code, after, PAGE_SIZE, &blind));
}

TEST(kinds_are_packed)
{
	static const u8 nop[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const u64 va = BASE + 0x1000000;
	enum patch_kind kind;
	u64 i;

	for (kind = PATCH_NONE + 1; kind < PATCH_KIND_COUNT; kind++) {
		EXPECT_EQ(kind, patch_kind(patch_what(kind, va, va + 0x20)));
		EXPECT_NE(0, patch_length(patch_what(kind, va, va)));
	}
	EXPECT_EQ(0, patch_what(PATCH_NONE, va, va));
	EXPECT_EQ(0, patch_what(PATCH_KIND_COUNT, va, va));
	EXPECT_EQ(PATCH_NONE, patch_kind(0));
	EXPECT_EQ(PATCH_NONE, patch_kind(~0U));
	EXPECT_EQ(0, patch_length(0));
	EXPECT_EQ(PATCH_NONE, patch_kind(patch_what(PATCH_JUMP2, va, va + 129) + (1 << 2)));

	EXPECT_NE(0, patch_what(PATCH_JUMP2, va, va + 2 + 127));
	EXPECT_NE(0, patch_what(PATCH_JUMP2, va, va + 2 - 128));
	EXPECT_EQ(0, patch_what(PATCH_JUMP2, va, va + 2 + 128));
	EXPECT_EQ(0, patch_what(PATCH_JUMP2, va, va + 2 - 129));
	EXPECT_NE(0, patch_what(PATCH_JUMP5, va, va + 5 + (512 << 20) - 1));
	EXPECT_NE(0, patch_what(PATCH_JUMP5, va, va + 5 - (512 << 20)));
	EXPECT_EQ(0, patch_what(PATCH_JUMP5, va, va + 5 + (512 << 20)));
	EXPECT_EQ(0, patch_what(PATCH_JUMP5, va, va + 5 - (512 << 20) - 1));

	EXPECT_EQ(PATCH_CALL, patch_kind(patch_what_dynamic(PATCH_CALL)));
	EXPECT_EQ(PATCH_TAIL, patch_kind(patch_what_dynamic(PATCH_TAIL)));
	EXPECT_EQ(PATCH_NONE, patch_kind(patch_what_dynamic(PATCH_LOCK)));
	EXPECT_EQ(PATCH_NONE, patch_kind(patch_what_dynamic(PATCH_TRACER)));

	/* The jump is to the target, whatever it is */
	for (i = 0; i < fuzz_rounds(10000); i++) {
		s64 distance = (s64)random_below(1 << 30) - (512 << 20);
		u8 jump[5] = { 0xe9, BYTES4((u32)distance) };
		const struct patch_site site = {
			.what = patch_what(PATCH_JUMP5, va, va + 5 + distance),
		};
		const struct patch_region one = {
			.va = va, .size = 5, .sites = &site, .nr_sites = 1,
		};

		ASSERT_EQ(5, patch_judge(&one, &notes, va, nop, jump, 5, &world));
		jump[1 + random_below(4)] ^= 1 << random_below(8);
		ASSERT_GT(5, patch_judge(&one, &notes, va, nop, jump, 5, &world));
	}
}

TEST(sites_that_are_not_valid)
{
	struct patch_site s[ARRAY_SIZE(layout)];

	start();
	EXPECT_TRUE(patch_sites_valid(sites, ARRAY_SIZE(sites), SIZE));
	EXPECT_TRUE(patch_sites_valid(NULL, 0, 0));
	EXPECT_FALSE(patch_sites_valid(sites, ARRAY_SIZE(sites), SIZE - 1));
	EXPECT_FALSE(patch_sites_valid(sites, 1, BIT_ULL(32) + 1));

#define WITH(...) ({							\
	memcpy(s, sites, sizeof(s));					\
	__VA_ARGS__;							\
	patch_sites_valid(s, ARRAY_SIZE(s), SIZE);			\
})
	EXPECT_TRUE(WITH((void)0));
	EXPECT_FALSE(WITH(s[1].what = 0));
	EXPECT_FALSE(WITH(s[1].what = ~0U));
	EXPECT_FALSE(WITH(s[2].what |= 1U << 31));
	EXPECT_FALSE(WITH(s[2].what = PATCH_KIND_COUNT << 2));
	EXPECT_FALSE(WITH(s[2].offset = s[1].offset));
	EXPECT_FALSE(WITH(s[2].offset = s[1].offset + 4));
	EXPECT_TRUE(WITH(s[2].offset = s[1].offset + 5));
	EXPECT_FALSE(WITH(s[2].offset = s[1].offset - 1));
	EXPECT_FALSE(WITH(s[13].offset = ~0U));
	EXPECT_FALSE(WITH(s[1].what = patch_what(PATCH_JUMP5, BASE + JUMP5, BASE + SIZE)));
	EXPECT_FALSE(WITH(s[1].what = patch_what(PATCH_JUMP5, BASE + JUMP5, BASE - 1)));
	EXPECT_TRUE(WITH(s[1].what = patch_what(PATCH_JUMP5, BASE + JUMP5, BASE)));
#undef WITH
}

static int by_offset(const void *a, const void *b)
{
	const struct patch_site *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

TEST(sorting)
{
	struct patch_site s[100], expected[100], scratch[100];
	u32 i, j, nr;

	for (i = 0; i < fuzz_rounds(2000); i++) {
		nr = random_below(ARRAY_SIZE(s) + 1);
		for (j = 0; j < nr; j++) {
			s[j].offset = one_in(2) ? random_u64() : j * 8;
			s[j].what = ~s[j].offset;
		}
		memcpy(expected, s, sizeof(s));
		qsort(expected, nr, sizeof(s[0]), by_offset);
		patch_sort(s, scratch, nr);
		ASSERT_EQ(0, memcmp(s, expected, nr * sizeof(s[0])));
	}
}

/* All that the sites may have, written out for the tests' own judgement */
static const struct {
	u32 offset;
	u32 length;
	u8 bytes[PATCH_LONGEST];
} legal[] = {
	{ JUMP2, 2, { 0x66, 0x90 } },
	{ JUMP2, 2, { 0xeb, LABEL2 - JUMP2 - 2 } },
	{ JUMP5, 5, { NOP5 } },
	{ JUMP5, 5, { 0xe9, REL32(JUMP5, LABEL5) } },
	{ CALL, 5, { 0xe8, REL32(CALL, FUNCTION_A) } },
	{ CALL, 5, { 0xe8, REL32(CALL, FUNCTION_B) } },
	{ CALL, 5, { NOP5 } },
	{ CALL, 5, { 0x2e, XOR5_TAIL } },
	{ TAIL, 5, { 0xe9, REL32(TAIL, FUNCTION_A) } },
	{ TAIL, 5, { 0xe9, REL32(TAIL, FUNCTION_B) } },
	{ TAIL, 5, { 0xc3, RET5_TAIL } },
	{ TAIL, 5, { 0xc3, 0xcc, 0x90, 0x90, 0x90 } },
	{ TAIL_IF, 6, { 0x0f, 0x84, REL32_IF(TAIL_IF, FUNCTION_A) } },
	{ TAIL_IF, 6, { 0x0f, 0x84, REL32_IF(TAIL_IF, FUNCTION_B) } },
	{ FENTRY, 5, { NOP5 } },
	{ FENTRY, 5, { 0xe8, REL32(FENTRY, FUNCTION_A) } },
	{ FENTRY, 5, { 0xe8, REL32(FENTRY, FUNCTION_B) } },
	{ FENTRY, 5, { 0xe8, REL32(FENTRY, DYNAMIC) } },
	{ TRACER, 5, { 0xe8, REL32(TRACER, FUNCTION_A) } },
	{ TRACER, 5, { 0xe8, REL32(TRACER, FUNCTION_B) } },
	{ LOCK, 1, { 0x3e } },
	{ LOCK, 1, { 0xf0 } },
	{ JUMP5_SPLIT, 5, { NOP5 } },
	{ JUMP5_SPLIT, 5, { 0xe9, REL32(JUMP5_SPLIT, LABEL5) } },
	{ FENTRY_SPLIT, 5, { NOP5 } },
	{ FENTRY_SPLIT, 5, { 0xe8, REL32(FENTRY_SPLIT, FUNCTION_A) } },
	{ FENTRY_SPLIT, 5, { 0xe8, REL32(FENTRY_SPLIT, FUNCTION_B) } },
	{ FENTRY_SPLIT, 5, { 0xe8, REL32(FENTRY_SPLIT, DYNAMIC) } },
	{ FENTRY_JUMP, 5, { NOP5 } },
	{ FENTRY_JUMP, 5, { 0xe8, REL32(FENTRY_JUMP, FUNCTION_A) } },
	{ FENTRY_JUMP, 5, { 0xe8, REL32(FENTRY_JUMP, FUNCTION_B) } },
	{ FENTRY_JUMP, 5, { 0xe8, REL32(FENTRY_JUMP, DYNAMIC) } },
	{ FENTRY_JUMP, 5, { 0xe9, REL32(FENTRY_JUMP, DYNAMIC) } },
	{ CALL_BPF, 5, { 0xe8, REL32(CALL_BPF, FUNCTION_A) } },
	{ CALL_BPF, 5, { 0xe8, REL32(CALL_BPF, FUNCTION_B) } },
	{ CALL_BPF, 5, { 0xe8, REL32(CALL_BPF, DYNAMIC) } },
	{ CALL_BPF, 5, { NOP5 } },
	{ CALL_BPF, 5, { 0x2e, XOR5_TAIL } },
	{ TAIL_BPF, 5, { 0xe9, REL32(TAIL_BPF, FUNCTION_A) } },
	{ TAIL_BPF, 5, { 0xe9, REL32(TAIL_BPF, FUNCTION_B) } },
	{ TAIL_BPF, 5, { 0xe9, REL32(TAIL_BPF, DYNAMIC) } },
	{ TAIL_BPF, 5, { 0xc3, RET5_TAIL } },
	{ TAIL_BPF, 5, { 0xc3, 0xcc, 0x90, 0x90, 0x90 } },
	{ TAIL_NULL, 5, { 0xe9, REL32(TAIL_NULL, FUNCTION_A) } },
	{ TAIL_NULL, 5, { 0xe9, REL32(TAIL_NULL, FUNCTION_B) } },
	{ TAIL_NULL, 5, { 0xc3, RET5_TAIL } },
	{ TAIL_NULL, 5, { 0xc3, 0xcc, 0x90, 0x90, 0x90 } },
};

static bool in_legal(u32 at)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(legal); i++) {
		if (at - legal[i].offset < legal[i].length)
			return true;
	}
	return false;
}

/* Whether at @at there is a displacement to dynamic code, behind any byte */
static bool to_dynamic(u32 at)
{
	s32 distance = code[at + 1] | code[at + 2] << 8 | code[at + 3] << 16 |
		       (u32)code[at + 4] << 24;

	return (u64)at + 5 + (s64)distance - DYNAMIC < PAGE_SIZE;
}

/* A legal form, but that it may be any place in dynamic code */
static bool is_dynamic_form(u32 i)
{
	u32 at = legal[i].offset;
	s32 distance = legal[i].bytes[1] | legal[i].bytes[2] << 8 |
		       legal[i].bytes[3] << 16 | (u32)legal[i].bytes[4] << 24;

	return (u64)at + 5 + (s64)distance == DYNAMIC && to_dynamic(at) &&
	       (code[at] == legal[i].bytes[0] || code[at] == 0xcc);
}

/* Where the code has what it must not have, or -1 */
static long first_illegal(u32 begin, u32 end)
{
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(legal); i++) {
		u32 at = legal[i].offset;
		u32 from = code[at] == 0xcc && legal[i].length > 1;
		bool found = false;

		for (j = 0; j < ARRAY_SIZE(legal); j++) {
			if (legal[j].offset == at &&
			    !memcmp(code + at + from, legal[j].bytes + from,
				    legal[j].length - from))
				found = true;
			if (legal[j].offset == at && is_dynamic_form(j))
				found = true;
		}
		/* The half that is allowed: all but the last byte */
		if (at == TAIL_IF && code[at] == 0xcc) {
			for (j = 0; j < ARRAY_SIZE(legal); j++)
				found |= legal[j].offset == at &&
					 !memcmp(code + at + 1, legal[j].bytes + 1, 4);
		}
		if (!found)
			return at;
	}
	for (i = begin; i < end; i++) {
		bool explained = code[i] == clean[i] || in_legal(i);

		for (j = 0; j < notes.count && !explained; j++) {
			u32 at = notes.note[j].va - BASE;

			if (i == at && code[i] == 0xcc)
				explained = true;
			if (i - at < 5 && to_dynamic(at) &&
			    (code[at] == 0xcc || code[at] == 0xe9))
				explained = true;
		}
		if (!explained)
			return i;
	}
	return -1;
}

/* Things that a write may be made of, so that many get far */
static u32 random_write(u32 *at, u8 *bytes)
{
	u32 i = random_below(ARRAY_SIZE(legal));
	u32 length = legal[i].length;
	u32 to;

	switch (random_below(10)) {
	case 0:
		*at = legal[i].offset;
		bytes[0] = 0xcc;
		return 1;
	case 1:
	case 2:
		*at = legal[i].offset + 1;
		memcpy(bytes, legal[i].bytes + 1, length - 1);
		return length - 1;
	case 3:
	case 4:
		*at = legal[i].offset;
		bytes[0] = legal[i].bytes[0];
		return 1;
	case 5:
		*at = legal[i].offset + random_below(length);
		bytes[0] = random_u64();
		return 1;
	case 6:
		*at = PROBE + random_below(12);
		bytes[0] = one_in(2) ? 0xcc : clean[*at];
		return 1;
	case 7:
		*at = PROBE + random_below(12);
		to = DYNAMIC + random_below(PAGE_SIZE) - *at - 5;
		memcpy(bytes, (u8[]){ 0xe9, BYTES4(to) }, 5);
		if (one_in(2))
			return 1;
		++*at;
		memmove(bytes, bytes + 1, 4);
		return 4;
	case 8:
		*at = PROBE + random_below(12);
		length = 1 + random_below(5);
		memcpy(bytes, clean + *at, length);
		return length;
	default:
		*at = random_below(0x200);
		length = 1 + random_below(8);
		memcpy(bytes, code + *at, length);
		bytes[random_below(length)] ^= 1 << random_below(8);
		return length;
	}
}

/*
 * Whatever is accepted leaves only what is legal, and both windows agree. All
 * that is accepted can also be undone.
 */
TEST_F(patch, random_writes_leave_what_is_legal)
{
	u64 i, accepted = 0, noted = 0;
	u8 bytes[16];
	u32 at, size;

	for (i = 0; i < fuzz_rounds(200000); i++) {
		size = random_write(&at, bytes);
		if (!size || write_code(at, bytes, size, variant->window) >= 0)
			continue;
		accepted++;
		noted += notes.count;
		ASSERT_EQ(-1, first_illegal(0, 0x200)) {
			TH_LOG("round %llu: %u bytes at %#x", (unsigned long long)i, size, at);
		}
		if (one_in(5000))
			start();
	}
	ASSERT_EQ(-1, first_illegal(0, SIZE));
	/* A test that accepts nothing would show nothing */
	EXPECT_LT(fuzz_rounds(200000) / 20, accepted);
	EXPECT_LT(0, noted);
}

/* Kprobes as Linux has them, anywhere; in the end nothing is left of them. */
TEST_F(patch, random_kprobes_come_and_go)
{
	enum { AWAY, ARMED, OPTIMISED } state[16] = { 0 };
	static const u8 int3 = 0xcc, jmp = 0xe9;
	u8 tail[4];
	u64 i;
	u32 k, at, to;

	for (i = 0; i < fuzz_rounds(50000); i++) {
		bool last = i + 100 > fuzz_rounds(50000);

		k = last ? i % ARRAY_SIZE(state) : random_below(ARRAY_SIZE(state));
		/* Some next to each other, so no jump; some apart */
		at = PROBE + (k < 4 ? k : 8 * k);
		if (state[k] == OPTIMISED) {
			ASSERT_EQ(-1, write_code(at, &int3, 1, variant->window));
			ASSERT_EQ(-1, write_code(at + 1, clean + at + 1, 4, variant->window));
			state[k] = ARMED;
		} else if (state[k] == ARMED && k >= 4 && !last && one_in(2)) {
			to = DYNAMIC + random_below(PAGE_SIZE) - at - 5;
			memcpy(tail, (u8[]){ BYTES4(to) }, 4);
			ASSERT_EQ(-1, write_code(at + 1, tail, 4, variant->window));
			ASSERT_EQ(-1, write_code(at, &jmp, 1, variant->window));
			state[k] = OPTIMISED;
		} else if (state[k] == ARMED) {
			ASSERT_EQ(-1, write_code(at, clean + at, 1, variant->window));
			state[k] = AWAY;
		} else if (!last) {
			ASSERT_EQ(-1, write_code(at, &int3, 1, variant->window));
			state[k] = ARMED;
		}
	}
	EXPECT_EQ(0, notes.count);
	EXPECT_EQ(0, memcmp(code, clean, SIZE));
}

TEST_HARNESS_MAIN
