/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: from a violation to its verdict and its report
 */
#ifndef CARAPACE_VMX_GUARD_H
#define CARAPACE_VMX_GUARD_H

#include "policy.h"
#include "report.h"

struct vcpu;

enum verdict guard_violation(struct vcpu *vcpu, enum policy_key guard,
			     struct report *report);
enum verdict guard_violation_hopeless(struct vcpu *vcpu, enum policy_key guard,
				      struct report *report);

#endif /* CARAPACE_VMX_GUARD_H */
