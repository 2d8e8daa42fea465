// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: pages of the shadow whose stacks are gone
 *
 * Linux has new stacks where old ones were, once it has flushed the old ones'
 * addresses, which it does when there are enough of them (lazy_max_pages() in
 * mm/vmalloc.c). So their pages stay until memory is short. Then those go that belong
 * to addresses where nothing is mapped any more.
 */
#include "guest_walk.h"
#include "shadow_pages.h"
#include "shadow_reclaim.h"
#include "shadow_window.h"
#include "shootdown.h"
#include "stack_lock.h"
#include "vcpu.h"
#include "x86.h"

/* A page that is about to be free: where it is mapped, and for which stack */
struct stale_page {
	u64 stack;
	u64 entry_pa;
	u64 entry;
};

#define STALE_PAGES	32

/* Whether there may be too little for a stack */
static bool is_full(void)
{
	const u32 *nr_free = island.shadow.nr_free;

	return nr_free[SHADOW_STACKS] < WINDOW_TOP_LEVEL || nr_free[SHADOW_ROOT] < WINDOW_TOP_LEVEL;
}

static bool is_mapped(struct vcpu *vcpu, u64 stack)
{
	struct guest_mapping m;

	return guest_walk(vcpu, stack, &m);
}

/* The page of a stack that an entry is there for */
static u64 stack_page(u64 shadowed, u64 entry)
{
	return entry & PTE_P ? shadowed : shadowed + PAGE_SIZE;
}

/* Unmaps pages whose stack Linux has freed. @looked: at as many entries */
static u32 find_stale(struct vcpu *vcpu, struct stale_page *stale, u32 *looked)
{
	u64 va, stack, pa, entry;
	u32 nr = 0;

	*looked = 0;
	for (va = shadow_window_start();
	     nr < STALE_PAGES && shadow_window_next(vcpu, &va, 0, &pa, &entry);
	     va += PAGE_SIZE) {
		++*looked;
		stack = shadow_window_stack(va);
		if (!is_mapped(vcpu, stack_page(stack, entry))) {
			shadow_entry_set(vcpu, pa, 0);
			stale[nr++] = (struct stale_page){ stack, pa, entry };
		}
	}
	return nr;
}

/* Nothing leads to it any more, but whoever has looked up a record may be at it still. */
static void free_unmapped(u64 stack, u64 entry)
{
	if (!(entry & PTE_P))
		stack_lock_wait(stack + PAGE_SIZE);
	shadow_page_free(entry & PTE_ADDR_MASK);
}

/*
 * Linux may map a stack again between the look at its tables and the shootdown,
 * and what a CPU stores there then, by a translation that it has cached, must not
 * be lost. Whoever comes later waits for the lock.
 *
 * All calls ask for memory where there is none. Who has filled it must not have each of
 * them look through all of it, too: where nothing was found, as many go without.
 */
static u32 reclaim(struct vcpu *vcpu)
{
	struct stale_page stale[STALE_PAGES];
	struct shadow *s = &island.shadow;
	u32 nr, looked, i, freed = 0;

	if (s->nr_without) {
		s->nr_without--;
		return 0;
	}
	nr = find_stale(vcpu, stale, &looked);
	if (!nr) {
		s->nr_without = looked;
		return 0;
	}
	shootdown(vcpu);
	for (i = 0; i < nr; i++) {
		if (is_mapped(vcpu, stack_page(stale[i].stack, stale[i].entry))) {
			shadow_entry_set(vcpu, stale[i].entry_pa, stale[i].entry);
			continue;
		}
		free_unmapped(stale[i].stack, stale[i].entry);
		freed++;
	}
	return freed;
}

/**
 * shadow_entry_replace() - have an entry of the window lead elsewhere
 * @vcpu: the CPU
 * @pa: the entry's physical address
 * @page: the page of a stack, or below one, that it is for
 * @entry: what to store
 *
 * The page below a stack can be another stack's later, and the other way round: what is
 * there for it is of a stack that is gone, and is freed.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void shadow_entry_replace(struct vcpu *vcpu, u64 pa, u64 page, u64 entry)
{
	u64 old = shadow_entry(vcpu, pa);

	shadow_entry_set(vcpu, pa, entry);
	if (old & PTE_P)
		shootdown(vcpu);
	if (old & PTE_ADDR_MASK)
		free_unmapped(page, old);
}

/**
 * shadow_find_room() - have memory for a page of the shadow, or a record
 * @vcpu: the CPU
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether there is enough, tables included.
 */
bool shadow_find_room(struct vcpu *vcpu)
{
	return !is_full() || reclaim(vcpu);
}
