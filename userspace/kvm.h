/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: KVM, which wants what Carapace wants
 */
#ifndef CARAPACE_USERSPACE_KVM_H
#define CARAPACE_USERSPACE_KVM_H

#include <stdbool.h>

enum kvm_state {
	KVM_ABSENT,	/* not loaded */
	KVM_IDLE,	/* loaded, and no virtual machine */
	KVM_BUSY,	/* with virtual machines */
	KVM_BUILT_IN,	/* part of the kernel */
};

enum kvm_state kvm_state(void);
void kvm_print_users(void);
bool kvm_put_aside(void);
void kvm_bring_back(void);

#endif /* CARAPACE_USERSPACE_KVM_H */
