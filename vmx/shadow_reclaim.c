// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: pages of the shadow whose stacks are gone
 *
 * Linux has new stacks where old ones were, once it has flushed the old ones'
 * addresses, which it does when there are enough of them (lazy_max_pages() in
 * mm/vmalloc.c). So their pages stay until memory is short. Then those go that belong
 * to addresses where nothing is mapped any more.
 *
 * That Linux's tables say, to which an attacker can write. Of a stack that is a task's
 * nothing goes, whatever they say, while the stack guard knows that of all; else who has
 * died on a bare CPU would have one for good.
 */
#include "guest_walk.h"
#include "shadow_pages.h"
#include "shadow_reclaim.h"
#include "shadow_record.h"
#include "shadow_window.h"
#include "shootdown.h"
#include "stack_lock.h"
#include "stack_record.h"
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

/* The page of a stack that an entry is there for */
static u64 stack_page(const struct stale_page *p)
{
	return p->entry & PTE_P ? p->stack : p->stack + PAGE_SIZE;
}

static u64 record_of(struct vcpu *vcpu, const struct stale_page *p)
{
	return p->entry & PTE_P ? shadow_record(vcpu, stack_record_base(p->stack)) :
				  p->entry & PTE_ADDR_MASK;
}

/*
 * With the lock: whether nothing of a stack is needed any more. After stack_lock() that
 * holds for a record to which nothing leads.
 */
static bool is_gone(struct vcpu *vcpu, const struct stale_page *p)
{
	struct guest_mapping m;
	u64 record_pa;

	if (guest_walk(vcpu, stack_page(p), &m))
		return false;
	record_pa = island.stacks_settled ? record_of(vcpu, p) : 0;
	return !record_pa || stack_record_show(vcpu, record_pa)->sp == STACK_FREE;
}

/* Unmaps pages whose stack Linux has freed. @looked: at as many entries */
static u32 find_stale(struct vcpu *vcpu, struct stale_page *stale, u32 *looked)
{
	struct stale_page p;
	u32 nr = 0;
	u64 va;

	*looked = 0;
	for (va = shadow_window_start();
	     nr < STALE_PAGES && shadow_window_next(vcpu, &va, 0, &p.entry_pa, &p.entry);
	     va += PAGE_SIZE) {
		++*looked;
		p.stack = shadow_window_stack(va);
		if (is_gone(vcpu, &p)) {
			shadow_entry_set(vcpu, p.entry_pa, 0);
			stale[nr++] = p;
		}
	}
	return nr;
}

/* Nothing leads to it any more; who has looked up a record is through with it then. */
static void free_unmapped(struct vcpu *vcpu, u64 page, u64 entry)
{
	if (!(entry & PTE_P)) {
		stack_lock(vcpu, page + PAGE_SIZE);
		stack_record_free(vcpu, entry & PTE_ADDR_MASK);
		stack_unlock(vcpu);
	}
	shadow_page_free(entry & PTE_ADDR_MASK);
}

/* Or lead to it again. Return: whether it is free */
static bool free_stale(struct vcpu *vcpu, const struct stale_page *p)
{
	bool gone;

	stack_lock(vcpu, stack_page(p));
	gone = is_gone(vcpu, p);
	stack_unlock(vcpu);
	if (gone)
		free_unmapped(vcpu, p->stack, p->entry);
	else
		shadow_entry_set(vcpu, p->entry_pa, p->entry);
	return gone;
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
	for (i = 0; i < nr; i++)
		freed += free_stale(vcpu, &stale[i]);
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
		free_unmapped(vcpu, page, old);
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
