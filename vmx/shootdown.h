/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: making all CPUs drop translations, and the lock that goes with it
 */
#ifndef CARAPACE_VMX_SHOOTDOWN_H
#define CARAPACE_VMX_SHOOTDOWN_H

struct vcpu;

void island_lock(struct vcpu *vcpu);
void island_unlock(void);
void island_unlock_if_mine(const struct vcpu *vcpu);

void drop_translations(struct vcpu *vcpu);
void shootdown(struct vcpu *vcpu);
void shootdown_serve(struct vcpu *vcpu);
void shootdown_hold(struct vcpu *vcpu);
void shootdown_release(void);
void shootdown_join(struct vcpu *vcpu);

#endif /* CARAPACE_VMX_SHOOTDOWN_H */
