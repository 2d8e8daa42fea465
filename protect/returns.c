// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return sites
 *
 * The compiler leaves "jmp __x86_return_thunk" where a function returns, and
 * Linux makes RET of it, or a jump to the thunk that the CPU needs, when it loads
 * the code (apply_returns()). Either way a site has the room of a jump.
 */
#include "returns.h"

#define RET	0xc3
#define INT3	0xcc
#define JMP32	0xe9

/**
 * return_site_form() - what stands at a return site
 * @bytes: what stands there
 * @va: where that is
 * @target: where a jump leads to; 0 for other forms
 *
 * Context: pure.
 */
enum return_form return_site_form(const u8 bytes[RETURN_SITE], u64 va,
				  u64 *target)
{
	u32 distance = 0;
	u32 i;

	*target = 0;
	if (bytes[0] == JMP32) {
		for (i = 1; i < RETURN_SITE; i++)
			distance |= (u32)bytes[i] << 8 * (i - 1);
		*target = va + RETURN_SITE + (u64)(s64)(s32)distance;
		return RETURN_JUMP;
	}
	if (bytes[0] != RET)
		return RETURN_UNKNOWN;
	for (i = 1; i < RETURN_SITE; i++) {
		if (bytes[i] != INT3)
			return RETURN_UNKNOWN;
	}
	return RETURN_PLAIN;
}

/**
 * return_site_jump() - a jump for a return site
 * @va: the site
 * @target: where to
 * @bytes: set
 *
 * Context: pure.
 *
 * Return: false where that is too far.
 */
bool return_site_jump(u64 va, u64 target, u8 bytes[RETURN_SITE])
{
	s64 distance = (s64)(target - va - RETURN_SITE);
	u32 i;

	if (distance != (s32)distance)
		return false;
	bytes[0] = JMP32;
	for (i = 1; i < RETURN_SITE; i++)
		bytes[i] = (u32)distance >> 8 * (i - 1);
	return true;
}

/**
 * return_site_plain() - a return for a return site
 * @bytes: set
 *
 * Context: pure.
 */
void return_site_plain(u8 bytes[RETURN_SITE])
{
	u32 i;

	bytes[0] = RET;
	for (i = 1; i < RETURN_SITE; i++)
		bytes[i] = INT3;
}
