/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return guard: what the stubs leave to root
 */
#ifndef CARAPACE_VMX_RETURN_GUARD_H
#define CARAPACE_VMX_RETURN_GUARD_H

#include "exit.h"
#include "types.h"

struct vcpu;

u64 return_guard_task_stack(struct vcpu *vcpu);
struct exit_result return_guard_end(struct vcpu *vcpu);
bool return_guard_leave_view(struct vcpu *vcpu);
struct exit_result return_guard_vmfunc(struct vcpu *vcpu);
struct exit_result return_guard_enter(struct vcpu *vcpu, bool choke);
struct exit_result return_guard_check(struct vcpu *vcpu, bool jump);
struct exit_result return_guard_thaw(struct vcpu *vcpu, bool jump);
int return_guard_fill(struct vcpu *vcpu, u64 va);

#endif /* CARAPACE_VMX_RETURN_GUARD_H */
