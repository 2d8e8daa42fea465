/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: writes to sealed code that root performs itself
 */
#ifndef CARAPACE_VMX_CODE_WRITE_H
#define CARAPACE_VMX_CODE_WRITE_H

#include "types.h"

struct vcpu;

int code_write(struct vcpu *vcpu, u64 va);

#endif /* CARAPACE_VMX_CODE_WRITE_H */
