/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: what is noted of a stack as its task leaves it
 */
#ifndef CARAPACE_VMX_STACK_PARK_H
#define CARAPACE_VMX_STACK_PARK_H

#include "types.h"

struct vcpu;

/*
 * What a task that is left has on top of its stack (struct inactive_task_frame).
 * The CPU has popped all but the last when it comes to stack_guard_switch().
 */
enum switch_frame {
	FRAME_R15,
	FRAME_R14,
	FRAME_R13,
	FRAME_R12,
	FRAME_RBX,
	FRAME_RBP,
	FRAME_RETURN,
	FRAME_WORDS,
};

#define FRAME_POPPED	(FRAME_RETURN * sizeof(u64))

u64 task_word(struct vcpu *vcpu, u64 task, u64 offset, u32 size);
bool task_is_dead(struct vcpu *vcpu, u64 task);
bool stack_is_new(struct vcpu *vcpu, u64 record_pa, u64 base, u64 rsp);
void stack_park_note(struct vcpu *vcpu, u64 record_pa, u64 base, u64 task, u64 sp);

#endif /* CARAPACE_VMX_STACK_PARK_H */
