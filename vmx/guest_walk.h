/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the guest's memory by its linear addresses
 *
 * The tables are the guest's to change at any time: an answer is as good as any
 * access of its own would be.
 */
#ifndef CARAPACE_VMX_GUEST_WALK_H
#define CARAPACE_VMX_GUEST_WALK_H

#include "types.h"

struct vcpu;

/**
 * struct guest_mapping - what the guest's tables say of an address
 * @pa: the physical address
 * @user: a user-mode address
 * @writable: may be written
 * @executable: may be executed
 */
struct guest_mapping {
	u64 pa;
	bool user;
	bool writable;
	bool executable;
};

bool root_owns(u64 pa);
bool guest_owns(u64 pa);
bool guest_walk_from(struct vcpu *vcpu, u64 cr3, int levels, u64 va,
		     struct guest_mapping *mapping);
bool guest_walk(struct vcpu *vcpu, u64 va, struct guest_mapping *mapping);
bool guest_walk_entry(struct vcpu *vcpu, u64 va, int level, u64 *pa);
int guest_read(struct vcpu *vcpu, u64 va, void *to, u64 size);
int guest_write_word(struct vcpu *vcpu, u64 va, u64 value);

#endif /* CARAPACE_VMX_GUEST_WALK_H */
