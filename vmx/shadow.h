/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the return addresses' shadow
 *
 * Its memory: shadow_pages.h. Where it is seen: shadow_window.h.
 */
#ifndef CARAPACE_VMX_SHADOW_H
#define CARAPACE_VMX_SHADOW_H

#include "returns.h"
#include "shadow_pages.h"
#include "types.h"

struct vcpu;

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

bool shadow_has(struct vcpu *vcpu, u64 stack);
bool shadow_is_seen(struct vcpu *vcpu, u64 stack);
bool shadow_make(struct vcpu *vcpu, u64 stack);
bool shadow_missed(struct vcpu *vcpu, u64 stack);
bool shadow_read(struct vcpu *vcpu, u64 stack, struct shadow_word *word);
bool shadow_write(struct vcpu *vcpu, u64 stack, struct shadow_word word);

#endif /* CARAPACE_VMX_SHADOW_H */
