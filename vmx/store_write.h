/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: MOVs to sealed pages
 */
#ifndef CARAPACE_VMX_STORE_WRITE_H
#define CARAPACE_VMX_STORE_WRITE_H

#include "exit.h"
#include "types.h"

bool store_write(struct vcpu *vcpu, u64 gpa, struct exit_result *result);

#endif /* CARAPACE_VMX_STORE_WRITE_H */
