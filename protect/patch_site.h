/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: places where Linux exchanges an instruction, and what may stand there
 *
 * Pure. Which writes are legal by that, and what is beside these places, patch.h
 * says.
 */
#ifndef CARAPACE_PROTECT_PATCH_SITE_H
#define CARAPACE_PROTECT_PATCH_SITE_H

#include "types.h"

/* The longest form */
#define PATCH_LONGEST	6

/*
 * What stands at a site; "function" is the beginning of a known one.
 *
 * JUMP2, JUMP5: a jump label; NOP, or the jump to its one target
 * CALL: a static call; the call, NOP, or "xor %eax, %eax" with prefixes
 * TAIL: a static tail call, or a static call's trampoline; the jump, or a return
 * TAIL_IF: a conditional static tail call; its condition stays
 * FENTRY: a function's entry; NOP, or the call of a tracer's trampoline
 * FENTRY_JUMP: the same where BPF's trampolines may be jumped to. Never a function:
 *	one that is jumped to takes the other's place.
 * TRACER: the call that a tracer's trampoline makes
 * LOCK: a lock prefix, or the DS prefix it had while there was one CPU only
 *
 * A return is also the jump to a return thunk, so thunks are functions here.
 */
enum patch_kind {
	PATCH_NONE,
	PATCH_JUMP2,
	PATCH_JUMP5,
	PATCH_CALL,
	PATCH_TAIL,
	PATCH_TAIL_IF,
	PATCH_FENTRY,
	PATCH_FENTRY_JUMP,
	PATCH_TRACER,
	PATCH_LOCK,
	PATCH_KIND_COUNT,
};

/**
 * struct patch_site - an instruction that Linux exchanges
 * @offset: from the beginning of its region
 * @what: see patch_what()
 */
struct patch_site {
	u32 offset;
	u32 what;
};

/* What an instruction may jump to or call */
enum patch_target {
	PATCH_TARGET_NONE,
	PATCH_TARGET_FUNCTION,	/* sealed known code, where a function begins */
	PATCH_TARGET_CODE,	/* sealed known code elsewhere */
	PATCH_TARGET_DYNAMIC,	/* sealed dynamic code, where such may begin */
};

/* What a kprobe becomes a jump to: of its end, at most */
#define PATCH_DETOUR	24

/* The longest instruction that counts calls */
#define PATCH_COUNTING	10

/**
 * struct patch_counting - the instruction before a function that counts its calls
 * @length: of it; 0 where calls are not counted
 * @relative: where its displacement is; 0 where that is the same everywhere
 * @target: what it leads to
 * @bytes: the instruction
 */
struct patch_counting {
	u32 length;
	u32 relative;
	u64 target;
	u8 bytes[PATCH_COUNTING];
};

/**
 * struct patch_world - what is not in the bytes that are judged
 * @counting: how calls are counted, or NULL
 * @target: what is at an address
 * @detour: whether at an address there is what a kprobe becomes a jump to
 * @read: copy bytes that the write does not change; false if it can't
 * @context: for all of them
 */
struct patch_world {
	const struct patch_counting *counting;
	enum patch_target (*target)(void *context, u64 va);
	bool (*detour)(void *context, u64 va, u64 probe);
	bool (*read)(void *context, u64 va, u8 *bytes, u32 size);
	void *context;
};

u32 patch_what(enum patch_kind kind, u64 va, u64 target);
u32 patch_what_dynamic(enum patch_kind kind);
enum patch_kind patch_kind(u32 what);
u32 patch_length(u32 what);
void patch_sort(struct patch_site *sites, struct patch_site *scratch, u32 nr);
bool patch_sites_valid(const struct patch_site *sites, u32 nr, u64 size);
u64 patch_leads_to(u64 next, const u8 *operand);
bool patch_detour_returns(u64 va, const u8 *bytes, u64 probe);
bool patch_site_legal(u32 what, u64 va, const u8 *before, const u8 *after,
		      const struct patch_world *world);

#endif /* CARAPACE_PROTECT_PATCH_SITE_H */
