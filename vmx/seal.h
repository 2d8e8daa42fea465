/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: sealed pages: code and read-only data
 *
 * A sealed page cannot be written, and kernel mode runs sealed code only. What a
 * page is stands in its EPT entry; here is what more root knows of it.
 */
#ifndef CARAPACE_VMX_SEAL_H
#define CARAPACE_VMX_SEAL_H

#include "code.h"
#include "types.h"

struct vcpu;

/* Tables: a 1 GiB page, and the 2 MiB ones where what is sealed at attach ends */
#define SEAL_SPLITS		8
#define SEAL_RELEASED		256

/**
 * struct seal - what else root knows of sealed pages
 * @nr_released: how many of @released there are
 * @released: pages that become data as soon as no CPU can run them any more
 */
struct seal {
	u32 nr_released;
	u64 released[SEAL_RELEASED];
};

int seal_init(void);
int seal_request(struct vcpu *vcpu, u64 va);
int seal_note_probe(u64 va, u64 bytes);
int seal_release(struct vcpu *vcpu, u64 pa);
int seal_release_page(struct vcpu *vcpu, u64 pa);
int seal_transient(u64 va, bool transient);
void seal_flush_released(struct vcpu *vcpu);
int seal_set_class(u64 start, u64 end, enum page_class class);
int seal_split(struct vcpu *vcpu, u64 pa);
int seal_new_code(struct vcpu *vcpu, u64 pa, u64 va);
bool seal_dynamic_code(struct vcpu *vcpu, u64 va, u64 *pa);
void seal_close(struct vcpu *vcpu);
bool seal_may_be_dynamic(void);
bool seal_in_range(u64 va);
bool seal_is_memory(u64 pa);
u64 seal_rights(enum page_class class);

#endif /* CARAPACE_VMX_SEAL_H */
