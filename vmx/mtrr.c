// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: memory types from the MTRRs (SDM 3A, 12.11)
 *
 * An MTRR matches an address by base and mask, so it also splits every aligned
 * power-of-two block into "all", "none" or "some".  Types are found by blocks:
 * the largest one around an address which no MTRR splits is uniform.  That is
 * argued from the match rule alone (12.11.2.3), so it holds for masks with holes
 * as well.  Nothing is ever sampled.
 */
#include "mtrr.h"
#include "x86.h"

#define FIXED_END	(1ULL << 20)
#define PHYS_BITS_MAX	52

/*
 * MTRRs with contiguous masks cut memory into less than 40 blocks for each of
 * the 32 ranges and for both ends of the range asked about.  More blocks only
 * come from masks with holes, whose number of pieces has no useful bound: a
 * guest that writes such masks must not be able to keep root counting.
 */
#define BLOCKS_MAX	4096

static unsigned int highest_bit(u64 value)
{
	return 63 - __builtin_clzll(value);
}

static unsigned int lowest_bit(u64 value)
{
	return __builtin_ctzll(value);
}

/*
 * The size, as a power of two, of the largest aligned block around @pa that
 * lies either inside or outside of (base, mask) as a whole.
 */
static unsigned int block_bits(u64 pa, u64 base, u64 mask)
{
	u64 differ = (pa ^ base) & mask;

	if (differ)
		return highest_bit(differ);
	return mask ? lowest_bit(mask) : 63;
}

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Reserved encodings cannot be written on silicon; UC is right in any case */
static u8 checked_type(u64 type)
{
	switch (type & 0xff) {
	case MEMTYPE_WC:
	case MEMTYPE_WT:
	case MEMTYPE_WP:
	case MEMTYPE_WB:
		return type & 0xff;
	default:
		return MEMTYPE_UC;
	}
}

/* Precedence where variable ranges overlap (SDM 3A, 12.11.4.1) */
static u8 combined_type(unsigned int types)
{
	if (types & (1U << MEMTYPE_UC))
		return MEMTYPE_UC;
	if (types == ((1U << MEMTYPE_WT) | (1U << MEMTYPE_WB)))
		return MEMTYPE_WT;
	if (types & (types - 1))
		return MEMTYPE_UC;	/* undefined: take the one that is safe */
	return lowest_bit(types);
}

/* Eight types to a register: 8 * 64 KiB, then 2 * 8 * 16 KiB, then 4 KiB */
static u8 fixed_type(const struct mtrr_state *mtrr, u64 pa, unsigned int *bits)
{
	unsigned int reg, unit;

	if (pa < 0x80000) {
		*bits = 16;
		reg = 0;
		unit = pa >> 16;
	} else if (pa < 0xc0000) {
		*bits = 14;
		unit = (pa - 0x80000) >> 14;
		reg = 1 + unit / 8;
	} else {
		*bits = 12;
		unit = (pa - 0xc0000) >> 12;
		reg = 3 + unit / 8;
	}
	return checked_type(mtrr->fixed[reg] >> (unit % 8 * 8));
}

/**
 * mtrr_run_at() - the type of an address and of what surrounds it
 * @mtrr: the MTRRs
 * @pa: the address
 * @run: set to the largest aligned power-of-two block around @pa that no MTRR
 *	 begins, ends or has a hole in
 *
 * Context: pure.
 */
void mtrr_run_at(const struct mtrr_state *mtrr, u64 pa, struct mtrr_run *run)
{
	u32 phys_bits = mtrr->phys_bits && mtrr->phys_bits < PHYS_BITS_MAX ?
			mtrr->phys_bits : PHYS_BITS_MAX;
	u64 space = (1ULL << phys_bits) - 1;
	unsigned int bits = block_bits(pa, 0, ~space);
	unsigned int types = 0, fixed_bits;
	u32 i;

	if (!(mtrr->def_type & MTRR_DEF_TYPE_E) || (pa & ~space)) {
		run->type = MEMTYPE_UC;
		goto out;
	}

	/* In the first MiB the fixed ranges win over the variable ones */
	if ((mtrr->cap & MTRRCAP_FIX) && (mtrr->def_type & MTRR_DEF_TYPE_FE)) {
		if (pa < FIXED_END) {
			run->type = fixed_type(mtrr, pa, &fixed_bits);
			bits = smaller(bits, fixed_bits);
			goto out;
		}
		bits = smaller(bits, block_bits(pa, 0, ~(FIXED_END - 1)));
	}

	for (i = 0; i < mtrr->nr_var && i < MTRR_VARIABLE_MAX; i++) {
		u64 base = mtrr->var[i].base;
		u64 mask = mtrr->var[i].mask & space & ~(SIZE_4K - 1);

		if (!(mtrr->var[i].mask & MTRR_PHYSMASK_V))
			continue;
		bits = smaller(bits, block_bits(pa, base, mask));
		if (!((pa ^ base) & mask))
			types |= 1U << checked_type(base);
	}
	run->type = types ? combined_type(types) :
			    checked_type(mtrr->def_type);
out:
	run->start = pa & ~((1ULL << bits) - 1);
	run->end = run->start + (1ULL << bits);
}

/**
 * mtrr_range_type() - the memory type that a whole range has
 * @mtrr: the MTRRs
 * @start: its first address
 * @end: the one behind its last
 *
 * Every byte counts.  With masks that have holes, a range of very many pieces
 * may be called mixed although they agree; a range of one page never is.
 *
 * Context: pure.
 *
 * Return: MEMTYPE_*, or MTRR_MIXED (also for an empty range).
 */
int mtrr_range_type(const struct mtrr_state *mtrr, u64 start, u64 end)
{
	struct mtrr_run run;
	unsigned int blocks;
	int type = MTRR_MIXED;
	u64 pa = start;

	for (blocks = 0; pa < end; blocks++) {
		mtrr_run_at(mtrr, pa, &run);
		if (type == MTRR_MIXED)
			type = run.type;
		if (run.type != type || blocks == BLOCKS_MAX)
			return MTRR_MIXED;
		pa = run.end;
	}
	return type;
}
