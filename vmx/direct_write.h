/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: writes to sealed pages that root performs itself
 */
#ifndef CARAPACE_VMX_DIRECT_WRITE_H
#define CARAPACE_VMX_DIRECT_WRITE_H

#include "types.h"

/* As many bytes are judged as one; a patch is six at most */
#define DIRECT_WRITE_LONGEST	64
/* As many are compared with what is there already */
#define DIRECT_WRITE_COMPARED	512

struct vcpu;

bool direct_write_possible(struct vcpu *vcpu);
bool direct_write_unchanged(struct vcpu *vcpu, u64 va, u64 gpa, const u8 *bytes,
			    u64 size);
u64 direct_write(struct vcpu *vcpu, u64 rip, u64 va, u64 gpa, const u8 *bytes,
		 u64 size);

#endif /* CARAPACE_VMX_DIRECT_WRITE_H */
