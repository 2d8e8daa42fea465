/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the register guard: where pinned registers are, and their exits
 *
 * Which bits stay is protect/registers.h's to say. Here a write that may break
 * a pin is caught, tried, and judged by its result.
 */
#ifndef CARAPACE_VMX_PINS_H
#define CARAPACE_VMX_PINS_H

#include "exit.h"
#include "registers.h"

u64 pins_mask(const struct vcpu *vcpu, enum pinned_register reg);
void pins_fill_msr_bitmap(u8 bitmap[4096], bool lifted);
int pins_record(struct vcpu *vcpu);

bool pins_allow(struct vcpu *vcpu, enum pinned_register reg, u64 value);
struct exit_result pins_try(struct vcpu *vcpu);
void pins_judge(struct vcpu *vcpu);
struct exit_result pins_wrmsr(struct vcpu *vcpu, enum pinned_register reg,
			      u64 value);

#endif /* CARAPACE_VMX_PINS_H */
