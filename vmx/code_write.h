/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: writes to sealed code that root performs itself
 */
#ifndef CARAPACE_VMX_CODE_WRITE_H
#define CARAPACE_VMX_CODE_WRITE_H

#include "types.h"

struct vcpu;

/* The longest instruction that Linux patches while it may be running */
#define CODE_PATCH_LONGEST	6

/**
 * struct code_patch - an instruction of dynamic code that is being patched
 * @pa: physical address of each byte
 * @after: what it is to become
 * @size: bytes; 0 while there is none
 */
struct code_patch {
	u64 pa[CODE_PATCH_LONGEST];
	u8 after[CODE_PATCH_LONGEST];
	u32 size;
};

int code_write(struct vcpu *vcpu, u64 va);
u32 code_patch_illegal(u64 pa, const u8 *before, const u8 *after, u32 size);

#endif /* CARAPACE_VMX_CODE_WRITE_H */
