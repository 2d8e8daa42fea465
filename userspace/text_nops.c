// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: code that is the same but for how it does nothing
 *
 * Linux writes padding anew when it applies alternatives, with longer NOPs or a
 * jump over all of it (arch/x86/kernel/alternative.c: x86_nops, add_nop).
 */
#include <string.h>

#include "text_parts.h"

#define LONGEST	255	/* an alternative's length is a byte */

/* The length of the one instruction at @code that does nothing; 0 for none */
static u32 nop_length(const u8 *code, u32 length)
{
	static const u8 long_nops[][8] = {
		{ 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 },
		{ 0x0f, 0x1f, 0x80, 0, 0, 0, 0 },
		{ 0x0f, 0x1f, 0x44, 0, 0 },
		{ 0x0f, 0x1f, 0x40, 0 },
		{ 0x0f, 0x1f, 0x00 },
		{ 0x90 },
	};
	static const u8 sizes[] = { 8, 7, 5, 4, 3, 1 };
	u32 prefixes = 0, i;

	while (prefixes < length && prefixes < 4 &&
	       (code[prefixes] == 0x66 || code[prefixes] == 0x2e))
		prefixes++;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] <= length - prefixes &&
		    !memcmp(code + prefixes, long_nops[i], sizes[i]))
			return prefixes + sizes[i];
	}
	return 0;
}

/**
 * text_is_nops() - whether code does nothing
 * @code: the code
 * @length: of it
 *
 * What an INT3 stands for can't be reached: it is behind a jump.
 */
bool text_is_nops(const u8 *code, u32 length)
{
	u32 at = 0, nop;

	/* A jump over what remains */
	if (length >= 2 && code[0] == 0xeb && code[1] == length - 2)
		at = 2;
	else if (length >= 5 && code[0] == 0xe9 && code[1] == (u8)(length - 5) &&
		 !code[2] && !code[3] && !code[4])
		at = 5;
	while (at < length) {
		if (code[at] == 0xcc) {
			at++;
			continue;
		}
		nop = nop_length(code + at, length - at);
		if (!nop)
			return false;
		at += nop;
	}
	return true;
}

/*
 * Whether the rest is the same, from where both are at the beginning of an
 * instruction or in the middle of the same one. @dead: places that lead nowhere,
 * so that each is tried once.
 */
static bool same_from(const u8 *wanted, const u8 *found, u32 length, u32 at,
		      bool dead[LONGEST + 1])
{
	u32 end;

	for (; at < length; at++) {
		if (dead[at])
			return false;
		dead[at] = true;
		for (end = length; end > at; end--) {
			if (text_is_nops(wanted + at, end - at) &&
			    text_is_nops(found + at, end - at) &&
			    same_from(wanted, found, length, end, dead))
				return true;
		}
		if (wanted[at] != found[at])
			return false;
	}
	return true;
}

/**
 * text_same_but_nops() - whether code is other code, with other NOPs
 * @wanted: that other code
 * @wanted_length: of it; NOPs are to follow up to @length
 * @found: the code
 * @length: of it, 255 at most
 */
bool text_same_but_nops(const u8 *wanted, u32 wanted_length, const u8 *found,
			u32 length)
{
	bool dead[LONGEST + 1] = { false };
	u8 padded[LONGEST];

	if (length > LONGEST || wanted_length > length)
		return false;
	memset(padded, 0x90, sizeof(padded));
	memcpy(padded, wanted, wanted_length);
	return same_from(padded, found, length, 0, dead);
}
