/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what the CPU records by itself, and the view in which it may
 */
#ifndef CARAPACE_VMX_PEBS_H
#define CARAPACE_VMX_PEBS_H

#include "exit.h"
#include "types.h"

struct vcpu;

void pebs_fill_msr_bitmap(u8 bitmap[4096]);
void pebs_enter(struct vcpu *vcpu);
struct exit_result pebs_wrmsr(struct vcpu *vcpu, u64 value);

#endif /* CARAPACE_VMX_PEBS_H */
