/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: writes to pages that must not be written
 */
#ifndef CARAPACE_VMX_DECOY_H
#define CARAPACE_VMX_DECOY_H

#include "ept.h"
#include "types.h"

struct vcpu;

/* An instruction writes to two pages at most: to one operand, across a border */
#define DECOY_PAGES	2

/* Of the pool, for each CPU: the pages twice, and tables for a path to each */
#define DECOY_RESERVE	(2 * DECOY_PAGES + 1 + DECOY_PAGES * 4)

/**
 * struct decoy_page - one page that is written
 * @gpa: the page
 * @copy_pa: what the guest writes to instead
 * @before_pa: the same, as it was before
 */
struct decoy_page {
	u64 gpa;
	u64 copy_pa;
	u64 before_pa;
};

/**
 * struct decoy - an instruction that writes to decoys
 * @active: it has not been judged yet
 * @count: pages
 * @attempts: how often in a row the same instruction has been here in vain
 * @rip: the instruction
 * @count_register: RCX, which a repeated one counts down
 * @rsp: its stack pointer
 * @va: the linear address that it writes to
 * @cpl: its privilege level
 * @view: EPT with the decoys
 * @epoch: of translations, as it was when that was made
 * @page: they
 */
struct decoy {
	bool active;
	u32 count;
	u32 attempts;
	u64 rip;
	u64 count_register;
	u64 rsp;
	u64 va;
	u32 cpl;
	struct ept view;
	u64 epoch;
	struct decoy_page page[DECOY_PAGES];
};

struct exit_result decoy_begin(struct vcpu *vcpu, u64 gpa);
void decoy_renew(struct vcpu *vcpu);
void decoy_judge(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_DECOY_H */
