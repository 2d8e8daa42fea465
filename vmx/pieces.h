/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stores that others see as a CPU's own
 *
 * A CPU makes a store of 2, 4 or 8 bytes that is naturally aligned at once (SDM 3A,
 * "Guaranteed Atomic Operations"), and Linux relies on it: for its page tables, which
 * other CPUs walk meanwhile. Where root stores in a CPU's place it does the same.
 */
#ifndef CARAPACE_VMX_PIECES_H
#define CARAPACE_VMX_PIECES_H

#include "types.h"

/**
 * piece_size() - how much can be stored at once
 * @at: where, as far as its alignment goes
 * @size: how many bytes there are, 1 or more
 *
 * Context: pure.
 *
 * Return: 8, 4, 2 or 1.
 */
static inline u64 piece_size(u64 at, u64 size)
{
	u64 piece = sizeof(u64);

	while (at % piece || piece > size)
		piece /= 2;
	return piece;
}

/**
 * changed_piece() - the smallest piece of a word that has all that differs
 * @before: the word
 * @after: the word, and it differs
 * @size: set to its bytes: 1, 2, 4 or 8
 *
 * Whatever a store of up to eight bytes, aligned, has changed is in it.
 *
 * Context: pure.
 *
 * Return: the offset of its first byte.
 */
static inline u32 changed_piece(u64 before, u64 after, u32 *size)
{
	u64 changed = before ^ after;
	u32 first = __builtin_ctzll(changed) / 8;
	u32 last = (63 - __builtin_clzll(changed)) / 8;

	for (*size = 1; first / *size != last / *size;)
		*size *= 2;
	return first - first % *size;
}

/**
 * store_pieces() - store bytes, each aligned piece of them at once
 * @to: where to
 * @from: what
 * @size: how many
 *
 * Context: any.
 */
static inline void store_pieces(u8 *to, const u8 *from, u64 size)
{
	u64 piece;

	for (; size; size -= piece, to += piece, from += piece) {
		piece = piece_size((u64)to, size);
		switch (piece) {
		case 8: {
			u64 value;

			__builtin_memcpy(&value, from, sizeof(value));
			*(volatile u64 *)to = value;
			break;
		}
		case 4: {
			u32 value;

			__builtin_memcpy(&value, from, sizeof(value));
			*(volatile u32 *)to = value;
			break;
		}
		case 2: {
			u16 value;

			__builtin_memcpy(&value, from, sizeof(value));
			*(volatile u16 *)to = value;
			break;
		}
		default:
			*(volatile u8 *)to = *from;
		}
	}
}

#endif /* CARAPACE_VMX_PIECES_H */
