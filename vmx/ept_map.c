// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: extended page tables: the identity map, its memory types, its holes
 */
#include "ept_entry.h"

static bool run_covers(const struct mtrr_run *run, u64 gpa, u64 size)
{
	return gpa >= run->start && gpa < run->end && run->end - gpa >= size;
}

/*
 * The type that one page at @gpa can have, MTRR_MIXED when it must be split.
 * @run remembers the last uniform block: above the highest MTRR it is so large
 * that terabytes are mapped without another look at the MTRRs.
 */
static int page_type(const struct mtrr_state *mtrr, u64 gpa, int level,
		     struct mtrr_run *run)
{
	u64 size = paging_level_size(level);

	if (!run_covers(run, gpa, size))
		mtrr_run_at(mtrr, gpa, run);
	if (run_covers(run, gpa, size))
		return run->type;
	return mtrr_range_type(mtrr, gpa, gpa + size);
}

static bool page_size_allowed(bool has_1g, int level)
{
	return level < EPT_LEVEL_1G || (level == EPT_LEVEL_1G && has_1g);
}

/* Map what is not yet mapped of [start, end), which lies in @table's reach */
static int fill(struct ept *ept, u64 *table, int level, u64 start, u64 end,
		u64 rights, const struct mtrr_state *mtrr, struct mtrr_run *run)
{
	u64 size = paging_level_size(level);
	u64 *slot, *below;
	u64 gpa, next;
	int type, ret;

	for (gpa = start; gpa < end; gpa = next) {
		next = (gpa | (size - 1)) + 1;
		if (next > end)
			next = end;

		slot = &table[paging_level_index(gpa, level)];
		if (ept_is_present(*slot)) {
			if (ept_is_leaf(*slot, level) || (*slot & EPT_SHARED))
				continue;
		} else if (next - gpa == size &&
			   page_size_allowed(ept->has_1g, level)) {
			type = page_type(mtrr, gpa, level, run);
			if (type != MTRR_MIXED) {
				ept_set_leaf(ept, slot, level,
					     ept_leaf_entry(gpa, rights, type,
							    level));
				continue;
			}
		}

		ret = ept_descend(ept, slot, level, EPT_ALL, &below);
		if (ret)
			return ret;
		ret = fill(ept, below, level - 1, gpa, next, rights, mtrr, run);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ept_map_identity() - map a range to itself, where nothing is mapped yet
 * @ept: the tables
 * @start: first address, aligned to 4 KiB
 * @end: the one behind the last, aligned to 4 KiB
 * @rights: EPT_READ, EPT_WRITE, EPT_EXEC, EPT_EXEC_USER
 * @mtrr: where memory types come from
 *
 * What is mapped already stays as it is.  So frames can be hidden first and
 * the rest filled in around them, and no later call, however it came about,
 * brings a hidden frame back.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL, or -ENOMEM, when a part is mapped and a second call goes
 * on where this one stopped.
 */
int ept_map_identity(struct ept *ept, u64 start, u64 end, u64 rights,
		     const struct mtrr_state *mtrr)
{
	struct mtrr_run run = { 0 };

	if (start % SIZE_4K || end % SIZE_4K || start >= end ||
	    end > ept_limit(ept) || !rights || !ept_rights_valid(rights))
		return -EINVAL;

	return fill(ept, ept_table_of(ept, ept->root_pa), ept->levels, start, end,
		    rights, mtrr, &run);
}

/**
 * ept_map_lazy() - map one address above the range that was mapped eagerly
 * @ept: the tables
 * @gpa: an address that the guest touched
 * @rights: as for ept_map_identity()
 * @mtrr: where memory types come from
 *
 * Maps the largest page around @gpa of which nothing is mapped and whose type
 * is uniform.  Another CPU may have been faster, so walk again first, under the
 * same lock: -EEXIST then says that what is mapped does not allow the access,
 * and resuming would only fault again.
 *
 * The guest chooses @gpa, and each 512 GiB costs a table: -ENOMEM is a result
 * that it can bring about, at nobody's expense but its own.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL for an address that these tables cannot translate,
 * -EEXIST when something is mapped there, -ENOMEM.
 */
int ept_map_lazy(struct ept *ept, u64 gpa, u64 rights,
		 const struct mtrr_state *mtrr)
{
	u64 *table = ept_table_of(ept, ept->root_pa);
	struct mtrr_run run = { 0 };
	int level, type, ret;
	u64 *slot, page;

	if (gpa >= ept_limit(ept) || !rights || !ept_rights_valid(rights))
		return -EINVAL;

	for (level = ept->levels; ; level--) {
		slot = &table[paging_level_index(gpa, level)];
		page = gpa & ~(paging_level_size(level) - 1);

		if (ept_is_present(*slot)) {
			if (ept_is_leaf(*slot, level) || (*slot & EPT_SHARED))
				return -EEXIST;
		} else if (page_size_allowed(ept->has_1g, level)) {
			type = page_type(mtrr, page, level, &run);
			if (type != MTRR_MIXED) {
				ept_set_leaf(ept, slot, level,
					     ept_leaf_entry(page, rights, type,
							    level));
				return 0;
			}
		}

		ret = ept_descend(ept, slot, level, EPT_ALL, &table);
		if (ret)
			return ret;
	}
}

static bool type_valid(u8 type)
{
	return type == MEMTYPE_UC || type == MEMTYPE_WC ||
	       type == MEMTYPE_WT || type == MEMTYPE_WP || type == MEMTYPE_WB;
}

/**
 * ept_map_frame() - let one 4 KiB page lead to a frame
 * @ept: the tables
 * @gpa: the page
 * @hpa: the frame
 * @rights: as for ept_map_identity(), or 0 to unmap the page
 * @type: MEMTYPE_*
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int ept_map_frame(struct ept *ept, u64 gpa, u64 hpa, u64 rights, u8 type)
{
	u64 *slot;
	int ret;

	if (gpa % SIZE_4K || gpa >= ept_limit(ept) || hpa & ~EPT_ADDR_MASK ||
	    !ept_rights_valid(rights) || !type_valid(type))
		return -EINVAL;

	ret = ept_own_slot(ept, gpa, EPT_LEVEL_4K, &slot);
	if (ret)
		return ret;
	ept_set_leaf(ept, slot, EPT_LEVEL_4K,
		     rights ? ept_leaf_entry(hpa, rights, type, EPT_LEVEL_4K) : 0);
	return 0;
}

/**
 * ept_build_hiding_table() - make a table whose every page leads to one frame
 * @ept: the tables, for their pool
 * @frame_pa: the frame, of zeros
 *
 * The pages can be read, so that /proc/kcore and kdump find zeros rather than
 * a fault, and nothing else.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: the table, for ept_hide_chunk(), or 0.
 */
u64 ept_build_hiding_table(struct ept *ept, u64 frame_pa)
{
	void *va = NULL;
	u64 *table;
	u64 pa;
	int i;

	if (frame_pa & ~EPT_ADDR_MASK)
		return 0;
	pa = table_pool_alloc(ept->pool, &va);
	if (!pa)
		return 0;

	table = va;
	for (i = 0; i < PAGING_ENTRIES; i++)
		table[i] = ept_leaf_entry(frame_pa, EPT_READ, MEMTYPE_WB,
					  EPT_LEVEL_4K);
	return pa;
}

static u64 count_present(const u64 *table)
{
	u64 count = 0;
	int i;

	for (i = 0; i < PAGING_ENTRIES; i++)
		count += ept_is_present(table[i]);
	return count;
}

/**
 * ept_hide_chunk() - translate 2 MiB through a prepared table
 * @ept: the tables
 * @gpa: the region, aligned to 2 MiB
 * @table_pa: a table of 4 KiB leaves in the pool, see ept_build_hiding_table()
 *
 * The table is shared by all regions that are hidden with it.  A single page
 * of one region can still be changed with ept_map_frame(), which gives that
 * region a copy.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int ept_hide_chunk(struct ept *ept, u64 gpa, u64 table_pa)
{
	const u64 *hiding = table_pool_va(ept->pool, table_pa);
	u64 *slot, *own;
	int ret, i;

	if (gpa % SIZE_2M || gpa >= ept_limit(ept) || table_pa % SIZE_4K ||
	    !hiding)
		return -EINVAL;

	ret = ept_own_slot(ept, gpa, EPT_LEVEL_2M, &slot);
	if (ret)
		return ret;

	if (ept_is_present(*slot) && !ept_is_leaf(*slot, EPT_LEVEL_2M)) {
		own = ept_table_of(ept, *slot);
		if (!(*slot & EPT_SHARED)) {
			/*
			 * Other CPUs may hold the address of the region's own
			 * table, so it can't be freed here: change it instead.
			 */
			for (i = 0; i < PAGING_ENTRIES; i++)
				ept_set_leaf(ept, &own[i], EPT_LEVEL_4K, hiding[i]);
			return 0;
		}
		ept->leaves[EPT_LEVEL_4K - 1] -= count_present(own);
	} else if (ept_is_present(*slot)) {
		ept->leaves[EPT_LEVEL_2M - 1]--;
	}

	ept->leaves[EPT_LEVEL_4K - 1] += count_present(hiding);
	ept_set_entry(slot, table_pa | TABLE_RIGHTS | EPT_SHARED);
	return 0;
}

static int retype(struct ept *ept, u64 *table, int level, u64 base,
		  const struct mtrr_state *mtrr, struct mtrr_run *run)
{
	int result = 0;
	int i, type, ret;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		u64 gpa = base + i * paging_level_size(level);
		u64 entry = table[i];
		u64 *below;

		if (!ept_is_present(entry))
			continue;

		if (!ept_is_leaf(entry, level)) {
			if (entry & EPT_SHARED)
				continue;
			ret = retype(ept, ept_table_of(ept, entry), level - 1, gpa,
				     mtrr, run);
			if (ret)
				result = ret;
			continue;
		}

		/* Root chose what is here, and it is ordinary memory */
		if ((entry & EPT_ADDR_MASK) != gpa)
			continue;

		type = page_type(mtrr, gpa, level, run);
		if (type == MTRR_MIXED) {
			if (!ept_descend(ept, &table[i], level, EPT_ALL,
					 &below)) {
				ret = retype(ept, below, level - 1, gpa, mtrr,
					     run);
				if (ret)
					result = ret;
				continue;
			}
			type = MEMTYPE_UC;
			result = -ENOMEM;
		}

		entry &= ~EPT_TYPE_MASK;
		entry |= (u64)type << EPT_TYPE_SHIFT;
		if (entry != table[i])
			ept_set_entry(&table[i], entry);
	}
	return result;
}

/**
 * ept_retype() - follow the guest's change of its MTRRs
 * @ept: the tables
 * @mtrr: the MTRRs as they are now
 *
 * Gives each page that is mapped to itself the type that the MTRRs have for
 * it, and splits the pages that no longer have a single one.  What leads
 * elsewhere, and what is hidden, keeps its type.  Pages are never merged.
 * Memory must not be used with two types at once: hold all CPUs meanwhile, and
 * have each execute INVEPT.
 *
 * The guest can ask for more splits than there are tables.  A page that cannot
 * be split becomes uncacheable as a whole, which is slow but never wrong, and
 * the rest is done all the same; a later call makes up for it.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered.
 *
 * Return: 0, -ENOMEM when a page was made uncacheable for want of a table.
 */
int ept_retype(struct ept *ept, const struct mtrr_state *mtrr)
{
	struct mtrr_run run = { 0 };

	return retype(ept, ept_table_of(ept, ept->root_pa), ept->levels, 0, mtrr,
		      &run);
}

/* How many tables fill() takes for the 1 GiB from @gpa on, cut at @limit */
static u64 tables_for_1g(bool has_1g, u64 gpa, u64 limit,
			 const struct mtrr_state *mtrr, struct mtrr_run *run)
{
	u64 end = limit - gpa < SIZE_1G ? limit : gpa + SIZE_1G;
	u64 tables = 1;

	if (has_1g && end - gpa == SIZE_1G &&
	    page_type(mtrr, gpa, EPT_LEVEL_1G, run) != MTRR_MIXED)
		return 0;
	if (end % SIZE_2M == 0 && run_covers(run, gpa, end - gpa))
		return tables;

	for (; gpa < end; gpa += SIZE_2M) {
		if (end - gpa < SIZE_2M ||
		    page_type(mtrr, gpa, EPT_LEVEL_2M, run) == MTRR_MIXED)
			tables++;
	}
	return tables;
}

/**
 * ept_tables_needed() - how many pages the pool must have for an identity map
 * @levels: 4 or 5
 * @has_1g: the CPU has 1 GiB leaves
 * @limit: the map goes from 0 to here
 * @mtrr: where memory types come from
 * @nr_chunks: 2 MiB regions that will be hidden, all of them below @limit
 * @spare: pages to have left for later splits and lazy mappings
 *
 * Context: pure.
 *
 * Return: an upper bound: exact for the map, plus what hiding can cost at most
 * (a split each, and the one table that hides them), plus @spare.
 */
u64 ept_tables_needed(u8 levels, bool has_1g, u64 limit,
		      const struct mtrr_state *mtrr, u32 nr_chunks, u32 spare)
{
	struct mtrr_run run = { 0 };
	u64 tables = 1;		/* the root */
	u64 gpa;
	int level;

	for (level = levels; level > EPT_LEVEL_1G; level--)
		tables += (limit + paging_level_size(level) - 1) / paging_level_size(level);
	for (gpa = 0; gpa < limit; gpa += SIZE_1G)
		tables += tables_for_1g(has_1g, gpa, limit, mtrr, &run);

	if (nr_chunks)
		tables += nr_chunks + 1ULL;
	return tables + spare;
}
