// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the memory of the return addresses' shadow
 *
 * It is Linux's memory, given in pieces of 2 MiB, so that EPT maps it large in
 * both views, and so that it is there on a CPU that is bare, too: such a CPU
 * stores by itself. In the guard view it can only be read.
 */
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "seal.h"
#include "shadow_pages.h"
#include "shadow_window.h"
#include "shootdown.h"
#include "vcpu.h"
#include "window.h"

/* Few enough that the guest half is asked for more */
#define LOW_PAGES	64

/**
 * shadow_init() - make the view in which the shadow can be written
 *
 * Nothing else can, and nothing can be run but the stub.
 *
 * Context: island_init(), with Linux's memory mapped and the pool hidden.
 *
 * Return: 0 or -ENOMEM.
 */
int shadow_init(void)
{
	void *list;
	int err;

	if (!(island.config.controls.secondary & SECONDARY_ENABLE_VMFUNC))
		return 0;
	island.eptp_list_pa = table_pool_alloc(&island.config.pool, &list);
	if (!island.eptp_list_pa)
		return -ENOMEM;
	err = ept_share_readonly(&island.shadow_view, &island.ept);
	if (!err)
		err = ept_grant(&island.shadow_view,
				island.config.returns.stub_pa, EPT_LEVEL_4K,
				EPT_READ | EPT_EXEC);
	if (err)
		return err;
	((u64 *)list)[VIEW_GUARD] = ept_pointer(&island.ept);
	((u64 *)list)[VIEW_SHADOW] = ept_pointer(&island.shadow_view);
	return 0;
}

static bool has_view(void)
{
	return island.eptp_list_pa;
}

/*
 * Also without the lock. This acquire pairs with the release in shadow_give(), which
 * stores a chunk before the number that covers it: those below the number that is read
 * here are complete. One that shadow_take() is just taking stays root's until the
 * shootdown there is over, and that waits for this CPU to be through with the exit.
 */
static struct shadow_chunk *chunk_of(u64 pa)
{
	struct shadow *s = &island.shadow;
	u32 nr = __atomic_load_n(&s->nr_chunks, __ATOMIC_ACQUIRE);
	u32 i;

	for (i = 0; i < nr; i++) {
		if (pa - s->chunk[i].pa < SIZE_2M)
			return &s->chunk[i];
	}
	return NULL;
}

static int protect_chunk(u64 pa, enum page_class class, enum shadow_use use)
{
	bool writable = class == CLASS_SHADOW && use == SHADOW_STACKS;
	int err = seal_set_class(pa, pa + SIZE_2M, class);

	if (!err && has_view())
		err = ept_grant(&island.shadow_view, pa, EPT_LEVEL_2M,
				writable ? EPT_READ | EPT_WRITE : EPT_READ);
	return err;
}

static bool may_become_shadow(u64 pa)
{
	u64 at;

	for (at = pa; at < pa + SIZE_2M; at += PAGE_SIZE) {
		if (!seal_is_memory(at) ||
		    ept_class(&island.ept, at) != CLASS_DATA)
			return false;
	}
	return true;
}

/* Nothing is in it any more, nor can any of it be had. */
static void empty_shadow(struct vcpu *vcpu)
{
	struct shadow *s = &island.shadow;

	shadow_window_close(vcpu);
	memset(s->nr_free, 0, sizeof(s->nr_free));
	memset(s->next, 0, sizeof(s->next));
	s->nr_without = 0;
	island.boot_stack_record = 0;
}

/* Where not all of it was done */
static void undo_give(struct vcpu *vcpu, u64 pa, enum shadow_use use)
{
	if (ept_class(&island.ept, pa) == CLASS_SHADOW && !chunk_of(pa)) {
		protect_chunk(pa, CLASS_DATA, use);
		shootdown(vcpu);
	}
	if (island.shadow.open && !island.shadow.nr_chunks)
		empty_shadow(vcpu);
}

/**
 * shadow_give() - take memory from Linux
 * @vcpu: the CPU
 * @pa: physical address of 2 MiB, aligned to that
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EINVAL for what is no ordinary memory; -ENOSPC; -ENOMEM; -EFAULT
 * where Linux's tables of the window are not as they should be.
 */
int shadow_give(struct vcpu *vcpu, u64 pa)
{
	struct shadow *s = &island.shadow;
	enum shadow_use use = s->nr_free[SHADOW_ROOT] < s->nr_free[SHADOW_STACKS] ?
			      SHADOW_ROOT : SHADOW_STACKS;
	int err = 0;

	if (pa % SIZE_2M || !shadow_window_start())
		return -EINVAL;
	if (s->nr_chunks == SHADOW_CHUNKS)
		return -ENOSPC;
	if (!s->open)
		err = shadow_window_open(vcpu);
	/* The window's tables are none, as they are guarded by now. */
	if (!err && !may_become_shadow(pa))
		err = -EINVAL;
	if (!err)
		err = protect_chunk(pa, CLASS_SHADOW, use);
	if (err) {
		undo_give(vcpu, pa, use);
		return err;
	}
	shootdown(vcpu);
	s->chunk[s->nr_chunks] = (struct shadow_chunk){ .pa = pa, .use = use };
	/* Who looks a page up does so without the lock. */
	__atomic_store_n(&s->nr_chunks, s->nr_chunks + 1, __ATOMIC_RELEASE);
	s->nr_free[use] += SHADOW_CHUNK_PAGES;
	return 0;
}

/**
 * shadow_take() - give Linux a piece of its memory back
 * @vcpu: the CPU
 * @va: the guest's address of a u64 for its physical address, or 0 where there is
 *	none left
 *
 * All of the shadow is gone with the first.
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EPERM once the policy is locked; -EBUSY while returns compare, or
 * stacks are looked at;
 * -EFAULT.
 */
int shadow_take(struct vcpu *vcpu, u64 va)
{
	struct shadow *s = &island.shadow;
	u64 pa = 0;

	if (island_locked())
		return -EPERM;
	if (island.patched_sites || island.stacks_armed)
		return -EBUSY;
	if (guest_write_word(vcpu, va, 0))
		return -EFAULT;
	if (!s->nr_chunks)
		return 0;
	if (s->open)
		empty_shadow(vcpu);
	pa = s->chunk[--s->nr_chunks].pa;
	protect_chunk(pa, CLASS_DATA, s->chunk[s->nr_chunks].use);
	shootdown(vcpu);
	return guest_write_word(vcpu, va, pa);
}

/**
 * shadow_owns() - whether a page is the shadow's
 * @pa: any physical address in it
 *
 * Context: root, with the lock or without.
 */
bool shadow_owns(u64 pa)
{
	return chunk_of(pa);
}

/**
 * shadow_is_stored() - whether the stubs can write to a page
 * @pa: any physical address in it
 *
 * Context: root, with the lock.
 */
bool shadow_is_stored(u64 pa)
{
	const struct shadow_chunk *chunk = chunk_of(pa);

	return chunk && chunk->use == SHADOW_STACKS;
}

static u64 claim_page(struct shadow_chunk *chunk)
{
	u32 word, bit;

	for (word = 0; word < ARRAY_SIZE(chunk->used); word++) {
		if (!~chunk->used[word])
			continue;
		bit = __builtin_ctzll(~chunk->used[word]);
		chunk->used[word] |= BIT_ULL(bit);
		return chunk->pa + (word * 64 + bit) * PAGE_SIZE;
	}
	return 0;
}

/**
 * shadow_page_fill() - store a word again and again, from an address to its page's end
 * @vcpu: the CPU
 * @pa: the physical address, aligned to a word
 * @word: what to store
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void shadow_page_fill(struct vcpu *vcpu, u64 pa, u64 word)
{
	u64 *page = window_map(vcpu, pa);
	u32 i;

	for (i = pa % PAGE_SIZE / sizeof(*page); i < PAGE_SIZE / sizeof(*page); i++)
		page[i] = word;
}

/**
 * shadow_page() - a page of the shadow's memory
 * @vcpu: the CPU
 * @use: what for
 *
 * The guest half learns from struct island_public how many are left.
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, zeroed, or 0.
 */
u64 shadow_page(struct vcpu *vcpu, enum shadow_use use)
{
	struct shadow *s = &island.shadow;
	u64 pa = 0;
	u32 i;

	for (i = 0; !pa && s->nr_free[use] && i < s->nr_chunks; i++) {
		if (s->chunk[s->next[use]].use == use)
			pa = claim_page(&s->chunk[s->next[use]]);
		if (!pa)
			s->next[use] = (s->next[use] + 1) % s->nr_chunks;
	}
	if (!pa)
		return 0;
	s->nr_free[use]--;
	shadow_page_fill(vcpu, pa, 0);
	/* The guest half is to give more before there is none. */
	if (s->nr_free[use] == LOW_PAGES) {
		island.config.public->shadow_low++;
		__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
	}
	return pa;
}

/**
 * shadow_page_free() - it is not used any more
 * @pa: from shadow_page(); mapped nowhere, and cached by no CPU
 *
 * Context: root, with the lock.
 */
void shadow_page_free(u64 pa)
{
	struct shadow_chunk *chunk = chunk_of(pa);
	u32 page;

	if (!chunk)
		return;
	page = (pa - chunk->pa) / PAGE_SIZE;
	chunk->used[page / 64] &= ~BIT_ULL(page % 64);
	island.shadow.nr_free[chunk->use]++;
}
