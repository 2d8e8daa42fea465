/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the memory of the return addresses' shadow
 */
#ifndef CARAPACE_VMX_SHADOW_PAGES_H
#define CARAPACE_VMX_SHADOW_PAGES_H

#include "types.h"

struct vcpu;

#define SHADOW_CHUNKS		128
#define SHADOW_CHUNK_PAGES	(SIZE_2M / PAGE_SIZE)

/* Tables of the shadow view, and the list of views */
#define SHADOW_VIEW_PAGES	8

/* What a piece is used for */
enum shadow_use {
	SHADOW_STACKS,		/* the stubs write there, in the shadow view */
	SHADOW_ROOT,		/* root alone writes: tables, and what it notes */
	SHADOW_USES,
};

/**
 * struct shadow_chunk - 2 MiB that Linux gave
 * @pa: where
 * @use: what for
 * @used: a bit for each page
 */
struct shadow_chunk {
	u64 pa;
	enum shadow_use use;
	u64 used[SHADOW_CHUNK_PAGES / 64];
};

int shadow_init(void);
int shadow_give(struct vcpu *vcpu, u64 pa);
int shadow_take(struct vcpu *vcpu, u64 va);
bool shadow_owns(u64 pa);
bool shadow_is_stored(u64 pa);
u64 shadow_page(struct vcpu *vcpu, enum shadow_use use);
void shadow_page_fill(struct vcpu *vcpu, u64 pa, u64 word);
void shadow_page_free(u64 pa);

#endif /* CARAPACE_VMX_SHADOW_PAGES_H */
