/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what may be written to sealed kernel code
 *
 * Pure. Linux patches its own code all the time, and whoever can write to its
 * data can make an honest patch write something else; so a write is judged by
 * what it leaves behind, not by who wrote.
 *
 * What can legally stand in a place is recorded when the code is sealed. A
 * *site* is an instruction that Linux exchanges (jump labels, static calls,
 * ftrace, lock prefixes); each kind of site has a few *forms*. Outside of sites
 * there are only kprobes, and a *note* keeps what they cover.
 *
 * A write is legal if each site that it changes afterwards
 *
 *  - has one of its forms, whole; or
 *  - has INT3 as its first byte, and behind it either what stood there before
 *    or the rest of one of its forms, whole. That is what text_poke_bp_batch()
 *    does (arch/x86/kernel/alternative.c of 6.1 and 6.12): INT3 first, then all
 *    bytes but the first, then the first. Whoever runs into the INT3 gets to
 *    Linux's handler. Whoever jumps behind it finds a displacement that would
 *    stand there anyway, with the same or with another first byte.
 *
 * and if outside of sites
 *
 *  - a byte becomes INT3: a kprobe, which is noted with the five bytes that
 *    stood there;
 *  - the four bytes behind a noted INT3 become the displacement of a jump to
 *    dynamic code that comes back right there, and then the INT3 the jump: an
 *    optimised kprobe; and back;
 *  - what was noted is restored exactly, and with its first byte forgotten;
 *  - a NOP right before a function becomes what counts its calls there, byte by
 *    byte: with retbleed=stuff, Linux has calls lead there, once it is whole
 *    (arch/x86/kernel/callthunks.c).
 *
 * A write means all that one instruction writes: what a REP MOVSB stores byte
 * by byte, or one store to two pages, is to be judged when it is complete.
 * Halves of a displacement have no legal meaning, so they are refused. Of the
 * copies that text_poke() makes (arch/x86/lib/memcpy_64.S), those of one byte
 * are one store. Those of four bytes are two stores of the same four bytes
 * where the CPU has no FSRM; and the five bytes behind the first of a Jcc are
 * two stores that overlap, which is the one half that passes: all of the
 * displacement but its last byte, if with some last byte it would be legal.
 *
 * What this cannot tell: whether an INT3 is put at the beginning of an
 * instruction. Inside of one it changes what that does, until it is restored.
 */
#ifndef CARAPACE_PROTECT_PATCH_H
#define CARAPACE_PROTECT_PATCH_H

#include "patch_site.h"
#include "types.h"

/* What an optimised kprobe overwrites */
#define PATCH_PROBE	5

/**
 * struct patch_region - code that is sealed as one
 * @va: where it begins
 * @size: of it, in bytes; 4 GiB at most
 * @sites: sorted; see patch_sites_valid()
 * @nr_sites: how many
 */
struct patch_region {
	u64 va;
	u64 size;
	const struct patch_site *sites;
	u32 nr_sites;
};

/**
 * struct patch_note - a kprobe
 * @region: the code that it is in; others may claim to be at the same address
 * @va: of its first byte
 * @original: what stood there
 */
struct patch_note {
	const struct patch_region *region;
	u64 va;
	u8 original[PATCH_PROBE];
};

/**
 * struct patch_notes - all kprobes
 * @note: room for @capacity of them, the first @count in use, in any order
 * @capacity: a kprobe for which there is no room is refused
 * @count: how many there are
 */
struct patch_notes {
	struct patch_note *note;
	u32 capacity;
	u32 count;
};

bool patch_note_add(struct patch_notes *notes, const struct patch_region *region,
		    u64 va, const u8 *original);
void patch_notes_drop(struct patch_notes *notes, const struct patch_region *region);
void patch_notes_rewrite(struct patch_notes *notes, const struct patch_region *region,
			 u64 va, const u8 *bytes, u32 size);
enum patch_kind patch_kind_at(const struct patch_region *region, u64 va);
void patch_show_calls(const struct patch_region *region, const struct patch_notes *notes,
		      u64 va, u8 *bytes, u32 size);
u32 patch_judge(const struct patch_region *region, struct patch_notes *notes,
		u64 va, const u8 *before, const u8 *after, u32 size,
		const struct patch_world *world);

#endif /* CARAPACE_PROTECT_PATCH_H */
