/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: functions that end by jumping to another
 */
#ifndef CARAPACE_VMX_RETURN_JUMPS_H
#define CARAPACE_VMX_RETURN_JUMPS_H

#include "types.h"

struct vcpu;

/**
 * struct return_jump - one of the places in the guest half that such jumps are led to
 * @target: where it goes on; 0 where it has never been used
 * @users: how many jumps lead there
 */
struct return_jump {
	u64 target;
	u32 users;
};

bool return_jump_is_one(struct vcpu *vcpu, u64 va, u64 target);
u64 return_jump_hold(struct vcpu *vcpu, u64 target);
void return_jump_put(u64 target);
u64 return_jump_target(u64 va);

#endif /* CARAPACE_VMX_RETURN_JUMPS_H */
