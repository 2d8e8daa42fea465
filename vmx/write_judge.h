/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the verdict on a write to a page that must not be written
 */
#ifndef CARAPACE_VMX_WRITE_JUDGE_H
#define CARAPACE_VMX_WRITE_JUDGE_H

#include "types.h"

struct vcpu;

/**
 * struct sealed_write - what an instruction wrote, or would have
 * @rip: the instruction
 * @rsp: its stack pointer
 * @cpl: its privilege level
 * @va: linear address of the first byte
 * @pa: its physical address; what lies behind the page's end is the next page
 *	of the same region of code
 * @before: bytes before
 * @after: bytes after
 * @size: how many
 */
struct sealed_write {
	u64 rip;
	u64 rsp;
	u32 cpl;
	u64 va;
	u64 pa;
	const u8 *before;
	const u8 *after;
	u32 size;
};

bool write_judge(struct vcpu *vcpu, const struct sealed_write *write);
void write_refused(struct vcpu *vcpu, u64 va, u64 pa);

#endif /* CARAPACE_VMX_WRITE_JUDGE_H */
