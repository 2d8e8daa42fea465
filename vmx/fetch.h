/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: attempts to run what may not be run
 */
#ifndef CARAPACE_VMX_FETCH_H
#define CARAPACE_VMX_FETCH_H

#include "exit.h"
#include "types.h"

struct exit_result fetch_violation(struct vcpu *vcpu, u64 gpa,
				   u64 access);

#endif /* CARAPACE_VMX_FETCH_H */
