/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: frozen frames
 */
#ifndef CARAPACE_VMX_FROZEN_FRAMES_H
#define CARAPACE_VMX_FROZEN_FRAMES_H

#include "types.h"

struct vcpu;

void frozen_frames_freeze(struct vcpu *vcpu);
bool frozen_frames_thaw(struct vcpu *vcpu, u64 at);
bool frozen_frames_undo(struct vcpu *vcpu, u64 at, u64 function);
void frozen_frames_forget(void);

#endif /* CARAPACE_VMX_FROZEN_FRAMES_H */
