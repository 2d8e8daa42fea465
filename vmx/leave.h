/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: out of VMX operation, with everything as the guest had it
 */
#ifndef CARAPACE_VMX_LEAVE_H
#define CARAPACE_VMX_LEAVE_H

#include "public.h"

struct vcpu;

void vmx_leave(struct vcpu *vcpu, enum leave_reason reason)
	__attribute__((noreturn));

void vmx_shut_down(void) __attribute__((noreturn));

#endif /* CARAPACE_VMX_LEAVE_H */
