/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the memory of the return addresses' shadow
 */
#ifndef CARAPACE_VMX_SHADOW_H
#define CARAPACE_VMX_SHADOW_H

#include "returns.h"
#include "types.h"

struct vcpu;
struct sealed_write;

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

/**
 * struct shadow - all of it
 * @open: the window's entries in Linux's tables are root's
 * @nr_chunks: how many of @chunk there are
 * @nr_free: pages of theirs that are free, by their use
 * @next: the chunk to look for one first
 * @nr_without: so many do not look for pages that are free by now, for there were none
 * @missed: a bit for each 2 MiB of stacks: there was no memory for a table of theirs
 * @chunk: the memory
 */
struct shadow {
	bool open;
	u32 nr_chunks;
	u32 nr_free[SHADOW_USES];
	u32 next[SHADOW_USES];
	u32 nr_without;
	u64 missed[WINDOW_SIZE / SIZE_2M / 64];
	struct shadow_chunk chunk[SHADOW_CHUNKS];
};

int shadow_init(void);
int shadow_give(struct vcpu *vcpu, u64 pa);
int shadow_take(struct vcpu *vcpu, u64 va);
bool shadow_owns(u64 pa);
bool shadow_is_beyond(u64 stack);
u64 shadow_page(struct vcpu *vcpu, enum shadow_use use);
u64 shadow_record(struct vcpu *vcpu, u64 stack);
u64 shadow_record_make(struct vcpu *vcpu, u64 stack);
u64 shadow_record_next(struct vcpu *vcpu, u64 *stack);
void shadow_record_miss(struct vcpu *vcpu, u64 stack, bool missed);
bool shadow_record_missed(struct vcpu *vcpu, u64 stack);
void shadow_page_free(u64 pa);
bool shadow_has(struct vcpu *vcpu, u64 stack);
bool shadow_is_seen(struct vcpu *vcpu, u64 stack);
bool shadow_make(struct vcpu *vcpu, u64 stack);
bool shadow_missed(struct vcpu *vcpu, u64 stack);
bool shadow_read(struct vcpu *vcpu, u64 stack, struct shadow_word *word);
bool shadow_write(struct vcpu *vcpu, u64 stack, struct shadow_word word);
bool shadow_table_write_legal(u64 pa, u32 size);

#endif /* CARAPACE_VMX_SHADOW_H */
