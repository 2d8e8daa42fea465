// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: whether an address can be one that a call returns to
 */
#include "call_site.h"
#include "opcodes.h"

#define OPCODE_GROUP5	0xff
#define GROUP5_CALL	2

/* How long a FF /2 is that has this ModRM and SIB; 0 where it is none (SDM 2A, 2.1) */
static u32 indirect_length(u8 modrm, u8 sib)
{
	u32 mod = modrm >> 6;
	u32 rm = modrm & 7;
	u32 length = 2;

	if ((modrm >> 3 & 7) != GROUP5_CALL)
		return 0;
	if (mod == 3)
		return length;
	if (rm == 4) {
		length++;
		if (mod == 0 && (sib & 7) == 5)
			length += 4;
	} else if (mod == 0 && rm == 5) {
		length += 4;
	}
	if (mod == 1)
		length++;
	if (mod == 2)
		length += 4;
	return length;
}

/**
 * call_ends_here() - whether a call ends with these bytes
 * @bytes: those before an address
 *
 * Instructions cannot be read backwards with certainty: other bytes can look
 * like a call, a call is never missed. Prefixes lie before the opcode, so they
 * do not matter.
 *
 * Context: pure.
 */
bool call_ends_here(const u8 bytes[CALL_LONGEST])
{
	u32 length;

	if (bytes[CALL_LONGEST - 5] == OPCODE_CALL)
		return true;
	for (length = 2; length <= 7; length++) {
		const u8 *at = bytes + CALL_LONGEST - length;

		if (at[0] == OPCODE_GROUP5 &&
		    indirect_length(at[1], length > 2 ? at[2] : 0) == length)
			return true;
	}
	return false;
}

static bool near_target(u8 opcode, const u8 bytes[CALL_NEAR], u64 va, u64 *target)
{
	u32 distance = 0;
	u32 i;

	if (bytes[0] != opcode)
		return false;
	for (i = 1; i < CALL_NEAR; i++)
		distance |= (u32)bytes[i] << 8 * (i - 1);
	*target = va + (u64)(s64)(s32)distance;
	return true;
}

/**
 * call_target() - what the direct call leads to that ends at an address
 * @bytes: those before the address
 * @va: the address
 * @target: set
 *
 * Context: pure.
 *
 * Return: false where there is no such call.
 */
bool call_target(const u8 bytes[CALL_NEAR], u64 va, u64 *target)
{
	return near_target(OPCODE_CALL, bytes, va, target);
}

/**
 * jump_target() - what a jump leads to
 * @bytes: where it might be
 * @va: the address behind it
 * @target: set
 *
 * Context: pure.
 *
 * Return: false where there is none.
 */
bool jump_target(const u8 bytes[CALL_NEAR], u64 va, u64 *target)
{
	return near_target(OPCODE_JMP, bytes, va, target);
}
