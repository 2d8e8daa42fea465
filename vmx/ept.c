// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: extended page tables (SDM 3C, 29.3)
 *
 * Every function may be used on tables that CPUs are walking.  A new table is
 * complete before the one 64-bit store that links it, so a walk sees the old
 * translation or the new one and never something between.  A function that
 * fails for want of a table has not changed a translation that was there.
 *
 * What a single store can't give is *break before make*: CPUs subject to the
 * iTLB-multihit erratum may raise a machine check when they hold a large
 * executable translation and then fetch through the small ones that replaced
 * it.  On those, the caller splits an executable large page only while no CPU
 * can fetch from it in non-root mode, that is with all of them held in root,
 * and each executes INVEPT before it enters again.
 */
#include "ept_entry.h"

/**
 * ept_new_table() - take an empty table from the pool
 * @ept: whose it will be
 * @pa: set to its physical address, 0 where there is none
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: the table, or NULL.
 */
u64 *ept_new_table(struct ept *ept, u64 *pa)
{
	void *table = NULL;

	*pa = 0;
	if (ept->pool->nr_total - ept->pool->nr_used > ept->reserve)
		*pa = table_pool_alloc(ept->pool, &table);
	if (*pa)
		ept->tables++;
	return table;
}

/**
 * ept_descend() - make sure that an entry points to a table of this EPT's own
 * @ept: the tables
 * @slot: the entry
 * @level: its level
 * @rights: what translations keep that were not in a table of its own before
 * @table: set to the table
 *
 * It is a new one, the pieces of the leaf that was there, or a copy of a shared
 * one.  Translations stay as they are, but for @rights.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0 or -ENOMEM.
 */
int ept_descend(struct ept *ept, u64 *slot, int level, u64 rights, u64 **table)
{
	u64 entry = *slot;
	const u64 *shared;
	u64 *own;
	u64 pa;
	int i;

	if (ept_owns_table(entry, level)) {
		*table = ept_table_of(ept, entry);
		return 0;
	}

	own = ept_new_table(ept, &pa);
	if (!own)
		return -ENOMEM;

	if (!ept_is_present(entry)) {
		/* An empty table translates as much as no table */
	} else if (ept_is_leaf(entry, level)) {
		u64 piece = level - 1 == EPT_LEVEL_4K ? entry & ~EPT_LARGE :
							entry;

		for (i = 0; i < PAGING_ENTRIES; i++)
			own[i] = ept_narrowed(piece, rights) +
				 i * paging_level_size(level - 1);
		ept->leaves[level - 1]--;
		ept->leaves[level - 2] += PAGING_ENTRIES;
	} else {
		shared = ept_table_of(ept, entry);
		for (i = 0; i < PAGING_ENTRIES; i++) {
			own[i] = ept_narrowed(shared[i], rights);
			/* What hangs below now has one more owner */
			if (ept_is_present(own[i]) && !ept_is_leaf(own[i], level - 1))
				own[i] |= EPT_SHARED;
		}
	}

	ept_set_entry(slot, pa | TABLE_RIGHTS);
	*table = own;
	return 0;
}

/**
 * ept_own_slot() - the entry for an address, in tables of this EPT's own
 * @ept: the tables
 * @gpa: the address
 * @level: the entry's level
 * @slot: set to the entry
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0 or -ENOMEM.
 */
int ept_own_slot(struct ept *ept, u64 gpa, int level, u64 **slot)
{
	u64 *table = ept_table_of(ept, ept->root_pa);
	int at, ret;

	for (at = ept->levels; at > level; at--) {
		ret = ept_descend(ept, &table[paging_level_index(gpa, at)], at,
				  EPT_ALL, &table);
		if (ret)
			return ret;
	}
	*slot = &table[paging_level_index(gpa, level)];
	return 0;
}

/**
 * ept_init() - make tables that translate nothing
 * @ept: what to initialise
 * @pool: where tables come from
 * @levels: 4 or 5
 * @has_1g: the CPU has 1 GiB leaves
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL for other levels, -ENOMEM.
 */
int ept_init(struct ept *ept, struct table_pool *pool, u8 levels, bool has_1g)
{
	__builtin_memset(ept, 0, sizeof(*ept));
	if (levels != 4 && levels != 5)
		return -EINVAL;

	ept->pool = pool;
	ept->levels = levels;
	ept->has_1g = has_1g;
	return ept_new_table(ept, &ept->root_pa) ? 0 : -ENOMEM;
}

/**
 * ept_pointer() - the value for the VMCS's EPT pointer (SDM 3C, 25.6.11)
 * @ept: the tables
 *
 * The accessed and dirty flags stay off (bit 6): with them on, every access of
 * the guest's own page walks counts as a write (29.3.5), and guest page tables
 * in write-protected frames could not be walked any more.
 *
 * Context: pure.
 *
 * Return: the pointer, for a write-back walk.
 */
u64 ept_pointer(const struct ept *ept)
{
	return ept->root_pa | (u64)(ept->levels - 1) << 3 | MEMTYPE_WB;
}

/**
 * ept_limit() - the first guest-physical address that cannot be mapped
 * @ept: the tables
 *
 * Context: pure.
 *
 * Return: 2^48 with four levels; with five, 2^52, where physical addresses end.
 */
u64 ept_limit(const struct ept *ept)
{
	return 1ULL << (ept->levels == 4 ? 48 : 52);
}

/**
 * ept_split() - translate an address by a page of at most a given size
 * @ept: the tables
 * @gpa: the address
 * @level: EPT_LEVEL_4K or EPT_LEVEL_2M
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL, -ENOENT when nothing is mapped there, -ENOMEM.
 */
int ept_split(struct ept *ept, u64 gpa, int level)
{
	u64 *slot;
	int at;

	if (level < EPT_LEVEL_4K || level > EPT_LEVEL_1G ||
	    gpa >= ept_limit(ept))
		return -EINVAL;
	if (!ept_lookup(ept, gpa, &at))
		return -ENOENT;
	if (at <= level)
		return 0;
	return ept_own_slot(ept, gpa, level, &slot);
}

/* The entry for an address at 2 MiB, where the tables to it are there, and this EPT's */
static u64 *find_2m(const struct ept *ept, u64 gpa)
{
	u64 *slot, *table = ept_table_of(ept, ept->root_pa);
	int at;

	for (at = ept->levels; ; at--) {
		slot = &table[paging_level_index(gpa, at)];
		if (at == EPT_LEVEL_2M)
			return slot;
		if (!ept_owns_table(*slot, at))
			return NULL;
		table = ept_table_of(ept, *slot);
	}
}

/* The leaf that can stand for a table of 4 KiB pages, or 0 */
static u64 as_one_leaf(const u64 *table)
{
	u64 first = table[0];
	u32 i;

	if (!ept_is_present(first) || (first & EPT_ADDR_MASK) % SIZE_2M)
		return 0;
	for (i = 1; i < PAGING_ENTRIES; i++) {
		if (table[i] != first + i * SIZE_4K)
			return 0;
	}
	return first | EPT_LARGE;
}

static void count_merged(struct ept *ept)
{
	ept->leaves[EPT_LEVEL_4K - 1] -= PAGING_ENTRIES;
	ept->leaves[EPT_LEVEL_2M - 1]++;
}

/**
 * ept_merge() - translate 2 MiB by one page again, if all its pages are alike
 * @ept: the tables
 * @view: from ept_share() of them, or NULL; there must be no other one
 * @gpa: any address in it, below ept_limit()
 * @rights: what it keeps
 *
 * A CPU that has pages of both sizes cached has the same of both, but for @rights.
 * The table is walked until all have executed INVEPT, and is for table_pool_free()
 * then. With rights to execute, that would be too late for CPUs with the
 * iTLB-multihit erratum; so the caller leaves them out, and gives them afterwards.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: the table that is not needed any more, or 0, and then nothing changed.
 */
u64 ept_merge(struct ept *ept, struct ept *view, u64 gpa, u64 rights)
{
	u64 *slot = find_2m(ept, gpa);
	u64 *seen = view ? find_2m(view, gpa) : NULL;
	u64 leaf, pa;

	if (!slot || !ept_owns_table(*slot, EPT_LEVEL_2M))
		return 0;
	leaf = as_one_leaf(ept_table_of(ept, *slot));
	if (!leaf)
		return 0;
	leaf = ept_narrowed(leaf, rights);
	pa = *slot & EPT_ADDR_MASK;
	if (seen && (*seen & EPT_SHARED) && (*seen & EPT_ADDR_MASK) == pa) {
		ept_set_entry(seen, ept_narrowed(leaf, *seen));
		count_merged(view);
	}
	ept_set_entry(slot, leaf);
	count_merged(ept);
	ept->tables--;
	return pa;
}

static void destroy(struct ept *ept, u64 table_pa, int level)
{
	const u64 *table = table_pool_va(ept->pool, table_pa);
	int i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		if (ept_owns_table(table[i], level))
			destroy(ept, table[i] & EPT_ADDR_MASK, level - 1);
	}
	table_pool_free(ept->pool, table_pa);
}

/**
 * ept_destroy() - give the pool back all tables that are not shared
 * @ept: the tables, which no CPU uses any more
 *
 * Tables that could not be made, or are destroyed already, are none.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 */
void ept_destroy(struct ept *ept)
{
	if (!ept->root_pa)
		return;
	destroy(ept, ept->root_pa, ept->levels);
	ept->root_pa = 0;
}

static u64 walk(const struct ept *ept, u64 gpa, int *level, u64 *rights)
{
	const u64 *table = ept_table_of(ept, ept->root_pa);
	u64 entry;
	int at;

	*rights = EPT_ALL;
	if (gpa >= ept_limit(ept))
		return 0;

	for (at = ept->levels; table; at--) {
		entry = table[paging_level_index(gpa, at)];
		if (!ept_is_present(entry))
			return 0;
		*rights &= entry;
		if (ept_is_leaf(entry, at)) {
			*level = at;
			return entry;
		}
		table = ept_table_of(ept, entry);
	}
	return 0;
}

/**
 * ept_lookup() - the leaf that translates an address
 * @ept: the tables
 * @gpa: the address
 * @level: set to the leaf's level when there is one; may be NULL
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: the entry, 0 when nothing is mapped there.
 */
u64 ept_lookup(const struct ept *ept, u64 gpa, int *level)
{
	u64 rights;
	int at;
	u64 entry = walk(ept, gpa, &at, &rights);

	if (entry && level)
		*level = at;
	return entry;
}

/**
 * ept_rights() - what the guest may do at an address
 * @ept: the tables
 * @gpa: the address
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: EPT_READ, EPT_WRITE, EPT_EXEC, EPT_EXEC_USER, as far as every entry
 * on the way has them.
 */
u64 ept_rights(const struct ept *ept, u64 gpa)
{
	u64 rights;
	int at;

	return walk(ept, gpa, &at, &rights) ? rights : 0;
}

/**
 * ept_class() - what kind of page an address leads to
 * @ept: the tables
 * @gpa: the address
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: as ept_protect() was told, else 0.
 */
u32 ept_class(const struct ept *ept, u64 gpa)
{
	u64 rights;
	int at;

	return (walk(ept, gpa, &at, &rights) & EPT_CLASS_MASK) >>
	       EPT_CLASS_SHIFT;
}

/**
 * ept_permits() - may the guest do all this at an address?
 * @ept: the tables
 * @gpa: the address
 * @access: rights it needs
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: true when it may, so that a violation was only a race.
 */
bool ept_permits(const struct ept *ept, u64 gpa, u64 access)
{
	int at;
	u64 rights;

	return walk(ept, gpa, &at, &rights) && !(access & ~rights);
}
