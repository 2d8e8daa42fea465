// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return sites
 *
 * The compiler leaves "jmp __x86_return_thunk" where a function returns, and
 * Linux makes RET of it, or a jump to the thunk that the CPU needs, when it loads
 * the code (apply_returns()). Either way a site has the room of a jump.
 */
#include "call_site.h"
#include "opcodes.h"
#include "returns.h"

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
	u32 i;

	*target = 0;
	if (jump_target(bytes, va + RETURN_SITE, target))
		return RETURN_JUMP;
	if (bytes[0] != OPCODE_RET)
		return RETURN_UNKNOWN;
	for (i = 1; i < RETURN_SITE; i++) {
		if (bytes[i] != OPCODE_INT3)
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
	bytes[0] = OPCODE_JMP;
	for (i = 1; i < RETURN_SITE; i++)
		bytes[i] = (u32)distance >> 8 * (i - 1);
	return true;
}

/**
 * return_jump_code() - what a function that ends by jumping to another is led to
 * @va: where this is to stand
 * @check: what it calls
 * @target: where it jumps then
 * @bytes: set
 *
 * Context: pure.
 *
 * Return: false where one of them is too far.
 */
bool return_jump_code(u64 va, u64 check, u64 target, u8 bytes[RETURN_JUMP_CODE])
{
	if (!return_site_jump(va, check, bytes) ||
	    !return_site_jump(va + RETURN_SITE, target, bytes + RETURN_SITE))
		return false;
	bytes[0] = OPCODE_CALL;
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

	bytes[0] = OPCODE_RET;
	for (i = 1; i < RETURN_SITE; i++)
		bytes[i] = OPCODE_INT3;
}
