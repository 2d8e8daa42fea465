/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: MTRR states for unit tests, and what they mean page by page
 *
 * The reference follows the SDM's text (3A, 12.11) one page at a time and
 * shares nothing with vmx/mtrr.c.
 */
#ifndef CARAPACE_TESTS_UNIT_RANDOM_MTRR_H
#define CARAPACE_TESTS_UNIT_RANDOM_MTRR_H

#include "mtrr.h"
#include "unit.h"

static inline u8 random_type(void)
{
	static const u8 types[] = { 0, 1, 4, 5, 6, 6, 6, 4 };

	/* Now and then one that is reserved */
	return one_in(30) ? random_below(256) : types[random_below(8)];
}

/* @holes: some masks are not contiguous */
static inline void random_mtrr(struct mtrr_state *mtrr, u32 phys_bits, bool holes)
{
	u64 space = (1ULL << phys_bits) - 1;
	unsigned int i, j;

	memset(mtrr, 0, sizeof(*mtrr));
	mtrr->phys_bits = phys_bits;
	mtrr->cap = one_in(6) ? 0 : MTRRCAP_FIX;
	mtrr->def_type = random_type() | (one_in(12) ? 0 : MTRR_DEF_TYPE_E) |
			 (one_in(3) ? 0 : MTRR_DEF_TYPE_FE);
	for (i = 0; i < MTRR_FIXED_COUNT; i++) {
		u8 common = random_type();

		for (j = 0; j < 8; j++)
			mtrr->fixed[i] |= (u64)(one_in(4) ? random_type() :
						common) << (8 * j);
	}
	mtrr->nr_var = one_in(10) ? MTRR_VARIABLE_MAX : random_below(9);
	for (i = 0; i < MTRR_VARIABLE_MAX; i++) {
		unsigned int bits = 12 + random_below(phys_bits - 11);
		u64 mask = space & ~((1ULL << bits) - 1);

		if (holes && one_in(2))
			mask &= ~(random_u64() & random_u64() & random_u64());
		/* Bits that are reserved or beyond the space mean nothing */
		mtrr->var[i].base = (random_u64() & space & ~0xfffULL) |
				    random_type() |
				    (one_in(5) ? ~space : 0);
		mtrr->var[i].mask = mask | (one_in(5) ? 0 : MTRR_PHYSMASK_V) |
				    (one_in(5) ? ~space : 0) | (one_in(5) ? 0x7ff : 0);
	}
}

static inline u8 reference_valid_type(u8 type)
{
	return type == 1 || type == 4 || type == 5 || type == 6 ? type : 0;
}

static inline u8 reference_type(const struct mtrr_state *mtrr, u64 pa)
{
	u64 limit = 1ULL << mtrr->phys_bits;
	/* By type: does any range that covers the page have it? */
	bool has[8] = { false };
	unsigned int i;

	if (!(mtrr->def_type >> 11 & 1) || pa >= limit)
		return 0;

	if (pa < 0x100000 && (mtrr->def_type >> 10 & 1) && (mtrr->cap >> 8 & 1)) {
		u64 start = 0, unit = 0x10000;
		unsigned int field = 0;

		while (pa >= start + unit) {
			start += unit;
			field++;
			if (start == 0x80000)
				unit = 0x4000;
			if (start == 0xc0000)
				unit = 0x1000;
		}
		return reference_valid_type(((const u8 *)mtrr->fixed)[field]);
	}

	for (i = 0; i < mtrr->nr_var; i++) {
		u64 mask = mtrr->var[i].mask & (limit - 1) & ~0xfffULL;

		if (!(mtrr->var[i].mask >> 11 & 1) ||
		    (pa & mask) != (mtrr->var[i].base & mask))
			continue;
		has[reference_valid_type(mtrr->var[i].base & 0xff)] = true;
	}
	if (has[0])
		return 0;
	switch (has[1] + has[4] + has[5] + has[6]) {
	case 0:
		return reference_valid_type(mtrr->def_type & 0xff);
	case 1:
		return has[1] ? 1 : has[4] ? 4 : has[5] ? 5 : 6;
	case 2:
		return has[4] && has[6] ? 4 : 0;
	default:
		return 0;
	}
}

#endif /* CARAPACE_TESTS_UNIT_RANDOM_MTRR_H */
