// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the root half's own page tables (SDM 3A, 4.5)
 *
 * Supervisor only, never global (a global translation would outlive the change
 * back to Linux's CR3 and be used by Linux), and never both writable and
 * executable.  The no-execute bit needs EFER.NXE in root.
 */
#include "host_paging.h"
#include "paging_levels.h"
#include "x86.h"

#define PML4_LEVEL	4

/*
 * Rights of entries that point to tables: a page's own are in its leaf.  The
 * accessed and dirty flags are set from the start, so that no walk of root's
 * writes to a table.
 */
#define TABLE_ENTRY	(PTE_P | PTE_RW | PTE_A)

static bool is_leaf(u64 entry, int level)
{
	return level == 1 || (entry & PTE_PS);
}

static u64 *table_of(const struct host_paging *hp, u64 entry)
{
	return table_pool_va(hp->pool, entry & PTE_ADDR_MASK);
}

/* Canonical from end to end, and all on one side of the gap */
static bool range_valid(const struct host_paging *hp, u64 va, u64 size)
{
	unsigned int shift = 64 - (hp->levels == 5 ? 57 : 48);
	u64 last = va + (size - 1);

	if (!size || va % SIZE_4K || size % SIZE_4K || last < va)
		return false;
	if ((u64)((s64)(va << shift) >> shift) != va ||
	    (u64)((s64)(last << shift) >> shift) != last)
		return false;
	return (va ^ last) >> 63 == 0;
}

/*
 * The slot for @va at @level, with the tables on the way to it.  A leaf that
 * is in the way is the caller's mistake.
 */
static int make_slot(struct host_paging *hp, u64 va, int level, u64 **slot)
{
	u64 *table = table_of(hp, hp->root_pa);
	void *below;
	u64 pa, *entry;
	int at;

	for (at = hp->levels; at > level; at--) {
		entry = &table[paging_level_index(va, at)];
		if (!(*entry & PTE_P)) {
			pa = table_pool_alloc(hp->pool, &below);
			if (!pa)
				return -ENOMEM;
			*entry = pa | TABLE_ENTRY;
		} else if (is_leaf(*entry, at)) {
			return -EEXIST;
		}
		table = table_of(hp, *entry);
	}
	*slot = &table[paging_level_index(va, level)];
	return 0;
}

/* The entry for @va at @level, or the leaf above it that ends the walk */
static u64 *find_slot(const struct host_paging *hp, u64 va, int *level)
{
	u64 *table = table_of(hp, hp->root_pa);
	u64 *entry;
	int at;

	for (at = hp->levels; table; at--) {
		entry = &table[paging_level_index(va, at)];
		if (at == *level)
			return entry;
		if (!(*entry & PTE_P))
			return NULL;
		if (is_leaf(*entry, at)) {
			*level = at;
			return entry;
		}
		table = table_of(hp, *entry);
	}
	return NULL;
}

/**
 * host_paging_init() - make tables that map nothing
 * @hp: what to initialise
 * @pool: where tables come from
 * @levels: as many as Linux uses: a VM exit cannot change CR4.LA57
 *
 * Context: pure, but for the tables: the guest half, before a CPU has entered.
 *
 * Return: 0, -EINVAL for other levels than 4 and 5, -ENOMEM.
 */
int host_paging_init(struct host_paging *hp, struct table_pool *pool, u8 levels)
{
	if (levels != 4 && levels != 5)
		return -EINVAL;

	hp->pool = pool;
	hp->levels = levels;
	hp->root_pa = table_pool_alloc(pool, NULL);
	return hp->root_pa ? 0 : -ENOMEM;
}

/**
 * host_paging_map() - map a range
 * @hp: the tables
 * @va: where, aligned to 4 KiB
 * @pa: what, aligned to 4 KiB
 * @size: how much, a multiple of 4 KiB
 * @flags: HOST_PAGING_*
 *
 * Asking for writable and executable at once is refused.  What this can't see
 * is a frame that is mapped twice, once each way: where the whole pool is
 * mapped writable, executable frames in it are the caller's to leave out.
 *
 * Context: pure, but for the tables: the guest half, before a CPU has entered.
 *
 * Return: 0, -EINVAL, -EEXIST when a part is mapped already, -ENOMEM; after an
 * error the range may be mapped in part.
 */
int host_paging_map(struct host_paging *hp, u64 va, u64 pa, u64 size, u32 flags)
{
	u64 attributes = PTE_P | PTE_A;
	u64 done, step, *slot;
	int level, ret;

	if (!range_valid(hp, va, size) || pa % SIZE_4K ||
	    pa + size < pa || (pa + size - 1) & ~(PTE_ADDR_MASK | 0xfff))
		return -EINVAL;
	if ((flags & HOST_PAGING_WRITE) && (flags & HOST_PAGING_EXEC))
		return -EINVAL;

	if (flags & HOST_PAGING_WRITE)
		attributes |= PTE_RW | PTE_D;
	if (!(flags & HOST_PAGING_EXEC))
		attributes |= PTE_NX;
	/* Entry 3 of the PAT: UC at reset, and as Linux sets it */
	if (flags & HOST_PAGING_UC)
		attributes |= PTE_PCD | PTE_PWT;

	for (done = 0; done < size; done += step) {
		bool large = (flags & HOST_PAGING_LARGE) &&
			     size - done >= SIZE_2M &&
			     !((va + done) % SIZE_2M) &&
			     !((pa + done) % SIZE_2M);

		step = large ? SIZE_2M : SIZE_4K;
		level = large ? 2 : 1;
		ret = make_slot(hp, va + done, level, &slot);
		if (ret)
			return ret;
		if (*slot & PTE_P)
			return -EEXIST;
		*slot = (pa + done) | attributes | (large ? PTE_PS : 0);
	}
	return 0;
}

/**
 * host_paging_reserve() - make the tables for 4 KiB pages, and map nothing
 * @hp: the tables
 * @va: where, aligned to 4 KiB
 * @size: how much, a multiple of 4 KiB
 *
 * For windows: root later writes their entries, found with host_paging_pte(),
 * and never needs a table for them.
 *
 * Context: pure, but for the tables: the guest half, before a CPU has entered.
 *
 * Return: 0, -EINVAL, -EEXIST when a large page is there, -ENOMEM.
 */
int host_paging_reserve(struct host_paging *hp, u64 va, u64 size)
{
	u64 done, *slot;
	int ret;

	if (!range_valid(hp, va, size))
		return -EINVAL;

	for (done = 0; done < size; done += SIZE_4K) {
		ret = make_slot(hp, va + done, 1, &slot);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * host_paging_pte() - the entry that maps, or will map, a 4 KiB page
 * @hp: the tables
 * @va: an address in the page
 *
 * Whoever changes an entry that was present executes INVLPG, on each CPU that
 * may have used it.
 *
 * Context: pure, but for the tables: the guest half, before a CPU has entered.
 *
 * Return: its address, NULL where there is no table for 4 KiB pages.
 */
u64 *host_paging_pte(const struct host_paging *hp, u64 va)
{
	int level = 1;
	u64 *slot = find_slot(hp, va, &level);

	return slot && level == 1 ? slot : NULL;
}

/**
 * host_paging_entry() - the entry of a walk at one level
 * @hp: the tables
 * @va: the address walked to
 * @level: 1 for a PTE … 4 for a PML4E, 5 for a PML5E
 *
 * Context: pure, but for the tables: the guest half, before a CPU has entered.
 *
 * Return: the entry as the CPU reads it, 0 when the walk ends before or @level
 * is not one of the walk's.
 */
u64 host_paging_entry(const struct host_paging *hp, u64 va, int level)
{
	int at = level;
	u64 *slot;

	if (level < 1 || level > hp->levels)
		return 0;
	slot = find_slot(hp, va, &at);
	return slot && at == level && (*slot & PTE_P) ? *slot : 0;
}

/**
 * host_paging_slot_entry() - the PML4 entry that covers an address
 * @hp: the tables
 * @va: the address
 *
 * Planted in the same place of another set of tables, it gives them all that
 * these have in those 512 GiB.
 *
 * Context: pure, but for the tables: the guest half, before a CPU has entered.
 *
 * Return: the entry, 0 when nothing is there.
 */
u64 host_paging_slot_entry(const struct host_paging *hp, u64 va)
{
	return host_paging_entry(hp, va, PML4_LEVEL);
}
