/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what a MOV to memory stores, and where
 */
#ifndef CARAPACE_PROTECT_STORE_H
#define CARAPACE_PROTECT_STORE_H

#include "types.h"

#define STORE_REGISTERS	16

/**
 * struct store - a MOV to memory
 * @address: of the first byte, a linear one
 * @value: what is stored, the first byte lowest
 * @size: bytes
 * @length: of the instruction
 */
struct store {
	u64 address;
	u64 value;
	u32 size;
	u32 length;
};

bool store_decode(const u8 *code, u32 available, u64 rip,
		  const u64 reg[STORE_REGISTERS], struct store *store);

#endif /* CARAPACE_PROTECT_STORE_H */
