/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: memory types from the MTRRs (SDM 3A, 12.11)
 *
 * With EPT on, the MTRRs no longer decide about guest memory: EPT's leaves do,
 * so they have to say what the MTRRs say.
 */
#ifndef CARAPACE_VMX_MTRR_H
#define CARAPACE_VMX_MTRR_H

#include "types.h"

#define MTRR_VARIABLE_MAX	32
#define MTRR_FIXED_COUNT	11

#define MTRRCAP_FIX		(1ULL << 8)
#define MTRR_DEF_TYPE_FE	(1ULL << 10)
#define MTRR_DEF_TYPE_E		(1ULL << 11)
#define MTRR_PHYSMASK_V		(1ULL << 11)

/* What mtrr_range_type() says of a range that has no single type */
#define MTRR_MIXED		(-1)

struct mtrr_variable {
	u64 base;	/* IA32_MTRR_PHYSBASEn */
	u64 mask;	/* IA32_MTRR_PHYSMASKn */
};

/**
 * struct mtrr_state - the MTRRs of a CPU, raw
 * @cap: IA32_MTRRCAP
 * @def_type: IA32_MTRR_DEF_TYPE; 0 (everything UC) where there are no MTRRs
 * @fixed: FIX64K_00000, FIX16K_80000, FIX16K_A0000, FIX4K_C0000 … FIX4K_F8000
 * @var: the variable ranges
 * @nr_var: how many of @var are there
 * @phys_bits: MAXPHYADDR
 */
struct mtrr_state {
	u64 cap;
	u64 def_type;
	u64 fixed[MTRR_FIXED_COUNT];
	struct mtrr_variable var[MTRR_VARIABLE_MAX];
	u32 nr_var;
	u32 phys_bits;
};

/**
 * struct mtrr_run - addresses around one that surely share its type
 * @start: first of them
 * @end: the one behind the last
 * @type: MEMTYPE_*
 *
 * A neighbouring run may have the same type.
 */
struct mtrr_run {
	u64 start;
	u64 end;
	u8 type;
};

void mtrr_run_at(const struct mtrr_state *mtrr, u64 pa, struct mtrr_run *run);
int mtrr_range_type(const struct mtrr_state *mtrr, u64 start, u64 end);

#endif /* CARAPACE_VMX_MTRR_H */
