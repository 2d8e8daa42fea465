// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return guard: who calls a choke point
 *
 * Only what calls that very function can have it return behind the call. How it is
 * called is read from code, where what is written is compared; calls by pointer are
 * known by who makes them.
 */
#include "call_site.h"
#include "choke_call.h"
#include "region.h"
#include "return_jumps.h"
#include "sealed_code.h"
#include "stub_words.h"
#include "vcpu.h"

/* At a function's beginning */
#define FENTRY_LENGTH	5
#define ENDBR_LENGTH	4

/*
 * Padding before it: in the last bytes of that Linux counts calls, and has them lead
 * there (retbleed=stuff; arch/x86/kernel/callthunks.c)
 */
#define FUNCTION_PADDING	16

/* How far a function is looked through, and how many of them one after the other */
#define TAIL_REACH	2048
#define TAIL_DEPTH	2
#define TAIL_PIECE	256

static const struct returns_config *config(void)
{
	return &island.config.returns;
}

/* At a region's end there is less, up to a page's. How many bytes */
static u32 read_piece(struct vcpu *vcpu, u64 va, u8 *bytes, u32 size)
{
	u32 in_page = PAGE_SIZE - va % PAGE_SIZE;

	if (region_read_calls(vcpu, va, bytes, size))
		return size;
	return in_page < size && region_read_calls(vcpu, va, bytes, in_page) ? in_page : 0;
}

/*
 * Whether a function ends by jumping to another's beginning. Its own end is not
 * known, so those behind it count, too.
 */
static bool tail_calls(struct vcpu *vcpu, u64 from, u64 to, u32 depth)
{
	u8 bytes[TAIL_PIECE + CALL_NEAR];
	u64 at, target;
	u32 i, size;

	for (at = from; at < from + TAIL_REACH; at += TAIL_PIECE) {
		size = read_piece(vcpu, at, bytes, sizeof(bytes));
		if (!size)
			return false;
		for (i = 0; i < TAIL_PIECE && i + CALL_NEAR <= size; i++) {
			if (!jump_target(bytes + i, at + i + CALL_NEAR, &target))
				continue;
			target = return_jump_target(target);
			if (target == to)
				return true;
			if (depth > 1 &&
			    sealed_code_begins_function(vcpu, target) &&
			    tail_calls(vcpu, target, to, depth - 1))
				return true;
		}
	}
	return false;
}

static bool leads_to(u64 target, u64 start)
{
	return start - target <= FUNCTION_PADDING;
}

/* The choke point that begins there, or NULL: nothing else has such a slot. */
static const struct choke_point *choke_point_at(u64 start)
{
	const struct choke_point *p = config()->choke_points;
	u32 i;

	for (i = 0; i < CHOKE_POINTS; i++) {
		if (p[i].function && leads_to(p[i].function, start))
			return &p[i];
	}
	return NULL;
}

static bool called_by_pointer(u64 va, u64 start)
{
	const struct choke_pointer *p = config()->choke_pointers;
	u32 i;

	for (i = 0; i < CHOKE_POINTERS; i++) {
		if (p[i].function && leads_to(p[i].function, start) &&
		    va - p[i].caller < p[i].caller_size)
			return true;
	}
	return false;
}

/**
 * choke_call_known() - whether a choke point can have been called so that it returns there
 * @vcpu: the CPU
 * @va: where it returns to
 * @function: where the call in its slot returns to
 *
 * A call of that very function ends there, or of one that jumps to it. The loader of
 * modules has one that does so by a pointer; some more are called by pointer
 * themselves, and those who do are known. From then on the stub knows, too. Another
 * function's call is none, whoever comes to the stub with one: what is compared later is
 * where to return only, and not from what.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
bool choke_call_known(struct vcpu *vcpu, u64 va, u64 function)
{
	const struct choke_point *point;
	u64 start = function - FENTRY_LENGTH;
	u8 bytes[CALL_NEAR];
	u64 target;

	if (!region_read_calls(vcpu, va - sizeof(bytes), bytes, sizeof(bytes)))
		return false;
	if (sealed_code_has_endbr(vcpu, start - ENDBR_LENGTH))
		start -= ENDBR_LENGTH;
	point = choke_point_at(start);
	if (!point)
		return false;
	if (!called_by_pointer(va, start) &&
	    !(call_target(bytes, va, &target) &&
	      (leads_to(target, start) ||
	       (point->by_loader && leads_to(target, config()->choke_caller)) ||
	       tail_calls(vcpu, target, start, TAIL_DEPTH))))
		return false;
	stub_callers_note(vcpu, va, function);
	return true;
}
