// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what a MOV to memory stores, and where
 *
 * Of all instructions that write, those that memcpy() and memset() consist of
 * where they use no REP.
 */
#include "store.h"

#define OPERAND_SIZE	0x66
#define REX		0x40
#define REX_MASK	0xf0
#define REX_W		8
#define REX_R		4
#define REX_X		2
#define REX_B		1

#define MOV_BYTE	0x88	/* of a register */
#define MOV		0x89
#define MOV_BYTE_IMM	0xc6	/* of a constant */
#define MOV_IMM		0xc7

#define SP		4
#define BP		5

/* What is left of the instruction; reading past the end gives zeros, and shows */
struct reader {
	const u8 *code;
	u32 available;
	u32 at;
};

static u8 next(struct reader *r)
{
	u32 at = r->at++;

	return at < r->available ? r->code[at] : 0;
}

/* Sign-extended */
static u64 constant(struct reader *r, u32 size)
{
	u64 value = 0;
	u32 i;

	for (i = 0; i < size; i++)
		value |= (u64)next(r) << (8 * i);
	if (size < sizeof(value) && value >> (8 * size - 1))
		value |= ~0ULL << (8 * size);
	return value;
}

/* SDM 2A, 2.1.5 and 2.2.1: what SIB adds up to */
static u64 scaled(u8 sib, u8 mod, u8 rex, const u64 *reg, bool *no_base)
{
	u32 index = (sib >> 3 & 7) | (rex & REX_X ? 8 : 0);
	u32 base = (sib & 7) | (rex & REX_B ? 8 : 0);
	u64 address = 0;

	*no_base = mod == 0 && (sib & 7) == BP;
	if (!*no_base)
		address = reg[base];
	if (index != SP)
		address += reg[index] << (sib >> 6);
	return address;
}

/* All but what is relative to the instruction's end, which is not known yet */
static u64 effective(struct reader *r, u8 modrm, u8 rex, const u64 *reg,
		     bool *relative)
{
	u8 mod = modrm >> 6, rm = modrm & 7;
	bool no_base = false;
	u64 address;

	*relative = mod == 0 && rm == BP;
	if (rm == SP)
		address = scaled(next(r), mod, rex, reg, &no_base);
	else
		address = *relative ? 0 : reg[rm | (rex & REX_B ? 8 : 0)];
	if (mod == 1)
		address += constant(r, 1);
	else if (mod == 2 || *relative || no_base)
		address += constant(r, 4);
	return address;
}

static bool is_byte(u8 opcode)
{
	return opcode == MOV_BYTE || opcode == MOV_BYTE_IMM;
}

static bool is_constant(u8 opcode)
{
	return opcode == MOV_BYTE_IMM || opcode == MOV_IMM;
}

/**
 * store_decode() - read an instruction of 64-bit mode
 * @code: its bytes
 * @available: how many there are
 * @rip: its address
 * @reg: general registers, in the order in which instructions number them
 * @store: set
 *
 * Segments have the base 0: what names another one is refused, as is what names
 * AH to BH.
 *
 * Context: pure.
 *
 * Return: whether it is a MOV of a general register or of a constant to memory.
 */
bool store_decode(const u8 *code, u32 available, u64 rip,
		  const u64 reg[STORE_REGISTERS], struct store *store)
{
	struct reader r = { .code = code, .available = available };
	u8 byte = next(&r), rex = 0, modrm, opcode;
	bool operand_size = byte == OPERAND_SIZE;
	bool relative;
	u32 from;

	if (operand_size)
		byte = next(&r);
	if ((byte & REX_MASK) == REX) {
		rex = byte;
		byte = next(&r);
	}
	opcode = byte;
	if (opcode != MOV && opcode != MOV_IMM && !is_byte(opcode))
		return false;
	modrm = next(&r);
	from = (modrm >> 3 & 7) | (rex & REX_R ? 8 : 0);
	/* No memory; another instruction; the second byte of a register */
	if (modrm >> 6 == 3 || (is_constant(opcode) && (modrm >> 3 & 7)) ||
	    (opcode == MOV_BYTE && !rex && from >= SP))
		return false;

	if (is_byte(opcode))
		store->size = 1;
	else if (rex & REX_W)
		store->size = 8;
	else
		store->size = operand_size ? 2 : 4;
	store->address = effective(&r, modrm, rex, reg, &relative);
	if (is_constant(opcode))
		store->value = constant(&r, store->size == 8 ? 4 : store->size);
	else
		store->value = reg[from];
	store->length = r.at;
	if (relative)
		store->address += rip + r.at;
	return r.at <= available;
}
