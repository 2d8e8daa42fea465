// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the window through which the stubs see the return addresses' shadow
 *
 * It is Linux's address space, with tables of root's in the shadow's memory. Only the
 * entries at the top lie in a table of Linux's; that page is write-protected, and of
 * what Linux writes there nothing may touch them. EPT guards frames, not addresses:
 * who makes a top-level table of his own, or changes an entry in a process's, leads
 * that process's stubs elsewhere. In memory that is no shadow they cannot store, and
 * root looks whether it is so whenever it is asked (shadow_is_seen()); but what is only
 * compared there is not noticed, nor is what they store in another stack's shadow.
 *
 * Where there was no memory for what an entry would lead to, the entry says so; of
 * 2 MiB of stacks together it is noted where there is no table for that entry either.
 */
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "seal.h"
#include "shadow_pages.h"
#include "shadow_window.h"
#include "stub_words.h"
#include "vcpu.h"
#include "x86.h"

/* A level-3 entry's reach; the window is made of such */
#define WINDOW_PART	SIZE_1G
#define WINDOW_PARTS	(WINDOW_SIZE / WINDOW_PART)

/* Where an entry at the window's top lies, in Linux's table */
static bool top_entry(struct vcpu *vcpu, u64 va, u64 *pa)
{
	return guest_walk_entry(vcpu, va, WINDOW_TOP_LEVEL, pa);
}

/*
 * Where the window's entries lie, in Linux's tables. They are found by the page
 * tables of who asks, so each has to be in ordinary memory that nothing is known of:
 * else any page could be made one that Linux may write to, but for these entries.
 * Looked up once: the tables may be others the next time.
 */
static int find_tables(struct vcpu *vcpu)
{
	u64 pa;
	u32 i;

	for (i = 0; i < WINDOW_PARTS; i++) {
		if (!top_entry(vcpu, shadow_window_start() + i * WINDOW_PART, &pa) ||
		    !seal_is_memory(pa) ||
		    ept_class(&island.ept, pa) != CLASS_DATA)
			return -EFAULT;
		island.window_entry[i] = pa;
	}
	return 0;
}

/* The pages that they are in: no longer Linux's to change, or again */
static int guard_tables(enum page_class class)
{
	u64 page = 0;
	u32 i;
	int err = 0;

	for (i = 0; !err && i < WINDOW_PARTS; i++) {
		if ((island.window_entry[i] & ~(PAGE_SIZE - 1)) == page)
			continue;
		page = island.window_entry[i] & ~(PAGE_SIZE - 1);
		err = seal_set_class(page, page + PAGE_SIZE, class);
	}
	return err;
}

/**
 * shadow_table_write_legal() - whether a write leaves the window's entries alone
 * @pa: physical address of the first byte that changes
 * @size: to the last one
 *
 * Context: root, with the lock; for a page of class TABLE.
 */
bool shadow_table_write_legal(u64 pa, u32 size)
{
	const struct shadow *s = &island.shadow;
	u32 i;

	for (i = 0; i < WINDOW_PARTS && s->open; i++) {
		if (pa < island.window_entry[i] + sizeof(u64) &&
		    island.window_entry[i] < pa + size)
			return false;
	}
	return s->open && (pa ^ island.config.idt_pa) >> PAGE_SHIFT;
}

/**
 * shadow_window_open() - have the window's entries in Linux's tables be root's
 * @vcpu: the CPU
 *
 * The stubs may be used from now on.
 *
 * Context: root, with the lock. Ends what the CPU's window showed.
 *
 * Return: 0; -EFAULT where those tables are not as they should be; another errno of
 * seal_set_class().
 */
int shadow_window_open(struct vcpu *vcpu)
{
	int err = find_tables(vcpu);

	if (err)
		return err;
	err = guard_tables(CLASS_TABLE);
	if (err) {
		guard_tables(CLASS_DATA);
		return err;
	}
	/* Pairs with shadow_window_entry(): where the entries are is known by then. */
	__atomic_store_n(&island.shadow.open, true, __ATOMIC_RELEASE);
	stub_words_set(vcpu);
	return 0;
}

/**
 * shadow_window_close() - leave them to Linux again, as they were
 * @vcpu: the CPU
 *
 * Context: root, with the lock; no stub is in use any more. Ends what the CPU's window
 *	showed.
 */
void shadow_window_close(struct vcpu *vcpu)
{
	struct shadow *s = &island.shadow;
	u32 i;

	for (i = 0; i < WINDOW_PARTS; i++) {
		if (shadow_owns(shadow_entry(vcpu, island.window_entry[i]) &
				PTE_ADDR_MASK))
			shadow_entry_set(vcpu, island.window_entry[i], 0);
	}
	guard_tables(CLASS_DATA);
	s->open = false;
	memset(s->missed, 0, sizeof(s->missed));
}

/* What a last-level table is for: its number in the window */
static u64 area_of(u64 va)
{
	return (va - shadow_window_start()) / SIZE_2M;
}

/* Without the lock, too: what is set stays, and is asked for where there is no table. */
static bool area_missed(u64 va)
{
	const u64 *word = &island.shadow.missed[area_of(va) / 64];

	return __atomic_load_n(word, __ATOMIC_RELAXED) & BIT_ULL(area_of(va) % 64);
}

/* Of the level below @level. Before it is linked, a last-level one has what is known. */
static u64 make_table(struct vcpu *vcpu, u64 va, int level)
{
	u64 pa = shadow_page(vcpu, SHADOW_ROOT);

	if (pa && level == 2 && area_missed(va))
		shadow_page_fill(vcpu, pa, WINDOW_MISSED);
	return pa;
}

/**
 * shadow_window_entry() - where the last-level entry for an address is
 * @vcpu: the CPU
 * @va: the address, in the window
 * @make: make the tables on the way, where there are none
 * @pa: set to the entry's physical address
 *
 * Context: root; with the lock where @make is set. Ends what the CPU's window showed.
 *
 * Return: false where there is none, or no memory for a table.
 */
bool shadow_window_entry(struct vcpu *vcpu, u64 va, bool make, u64 *pa)
{
	u64 entry;
	int level;

	if (!__atomic_load_n(&island.shadow.open, __ATOMIC_ACQUIRE))
		return false;
	*pa = island.window_entry[(va - shadow_window_start()) / WINDOW_PART];
	for (level = WINDOW_TOP_LEVEL; level > 1; level--) {
		entry = shadow_entry(vcpu, *pa);
		if (!(entry & PTE_P)) {
			entry = make ? make_table(vcpu, va, level) : 0;
			if (!entry)
				return false;
			entry |= WINDOW_TABLE_FLAGS;
			shadow_entry_set(vcpu, *pa, entry);
		}
		if (!shadow_owns(entry & PTE_ADDR_MASK))
			return false;
		*pa = (entry & PTE_ADDR_MASK) +
		      (va >> (12 + 9 * (level - 2)) & 511) * sizeof(u64);
	}
	return true;
}

/**
 * shadow_window_next() - the next address that an entry is there for
 * @vcpu: the CPU
 * @va: where to begin, in the window; changed to that address
 * @without: entries with one of these bits are passed over
 * @pa: set to the physical address of the entry
 * @entry: set to it; that something is missed is none
 *
 * Each table is looked up and mapped once, for the most part of one is empty.
 *
 * Context: root, with the lock. Ends what the CPU's window showed.
 *
 * Return: false behind the last.
 */
bool shadow_window_next(struct vcpu *vcpu, u64 *va, u64 without, u64 *pa, u64 *entry)
{
	u64 end = shadow_window_start() + WINDOW_SIZE;
	const volatile u64 *at;
	u64 top;

	while (*va < end) {
		if (!shadow_window_entry(vcpu, *va, false, pa)) {
			top = shadow_entry(vcpu, island.window_entry[(*va - shadow_window_start()) /
								     WINDOW_PART]);
			*va = (*va | ((top & PTE_P ? SIZE_2M : WINDOW_PART) - 1)) + 1;
			continue;
		}
		at = window_at(vcpu, *pa);
		do {
			*entry = *at++;
			if (*entry & PTE_ADDR_MASK && !(*entry & without))
				return true;
			*va += PAGE_SIZE;
			*pa += sizeof(*at);
		} while (*pa % PAGE_SIZE);
	}
	return false;
}

/**
 * shadow_window_miss() - note whether there was no memory for what an address is for
 * @vcpu: the CPU
 * @va: the address, in the window
 * @missed: there is none; or nothing is missed
 *
 * As long as there is any for a table, it says so of that address alone.
 *
 * Context: root, with the lock. Ends what the CPU's window showed.
 */
void shadow_window_miss(struct vcpu *vcpu, u64 va, bool missed)
{
	const u64 from = missed ? 0 : WINDOW_MISSED;
	const u64 to = missed ? WINDOW_MISSED : 0;
	u64 pa;

	if (shadow_window_entry(vcpu, va, missed, &pa)) {
		if (shadow_entry(vcpu, pa) == from)
			shadow_entry_set(vcpu, pa, to);
	} else if (missed) {
		__atomic_or_fetch(&island.shadow.missed[area_of(va) / 64],
				  BIT_ULL(area_of(va) % 64), __ATOMIC_RELAXED);
	}
}

/**
 * shadow_window_missed() - whether there was none
 * @vcpu: the CPU
 * @va: the address, in the window
 *
 * Context: root. Ends what the CPU's window showed.
 */
bool shadow_window_missed(struct vcpu *vcpu, u64 va)
{
	u64 pa;

	return shadow_window_entry(vcpu, va, false, &pa) ?
	       shadow_entry(vcpu, pa) == WINDOW_MISSED : area_missed(va);
}

/**
 * shadow_is_beyond() - whether Linux may have a stack there that the window cannot cover
 * @stack: an address
 *
 * That takes more of Linux's addresses in use than the window covers; else nothing is
 * there. Such a stack has no shadow and no record.
 *
 * Context: root.
 */
bool shadow_is_beyond(u64 stack)
{
	const struct returns_config *c = &island.config.returns;

	return stack >= c->stacks && stack < c->stacks_end && !shadow_window_covers(stack);
}
