/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: return sites that are patched
 */
#ifndef CARAPACE_VMX_RETURN_SITES_H
#define CARAPACE_VMX_RETURN_SITES_H

#include "types.h"

struct region;
struct vcpu;

/* As many of a region's as one page of the shadow's memory remembers */
#define RETURN_SITES_PER_PAGE	510

int return_sites_patch(struct vcpu *vcpu, u64 va);
void return_sites_drop(struct vcpu *vcpu, struct region *region);

#endif /* CARAPACE_VMX_RETURN_SITES_H */
