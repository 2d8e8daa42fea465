// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: extended page tables: rights, classes, and views that have others
 */
#include "ept_entry.h"

/* Whether [gpa, end) covers the page at @level that @gpa begins */
static bool covers(u64 gpa, u64 end, int level)
{
	u64 size = paging_level_size(level);

	return gpa % size == 0 && end - gpa >= size;
}

static u32 class_of(u64 entry)
{
	return (entry & EPT_CLASS_MASK) >> EPT_CLASS_SHIFT;
}

/* A leaf that leads where it did; what each class has is counted */
static void set_rights(struct ept *ept, u64 *slot, int level, u64 entry)
{
	u64 pages = paging_level_size(level) / SIZE_4K;

	ept->class_pages[class_of(*slot)] -= pages;
	ept->class_pages[class_of(entry)] += pages;
	ept_set_entry(slot, entry);
}

/* From @gpa on, what one table has of the range: a walk each would be slow */
static int protect_in_table(struct ept *ept, u64 gpa, u64 end, u64 bits,
			    u64 *next)
{
	u64 *slot;
	int level, ret;

	/* Tables on the way to nothing would stay, and keep large pages out */
	if (!ept_lookup(ept, gpa, NULL))
		return -EINVAL;
	for (level = EPT_LEVEL_2M; ; level--) {
		ret = ept_own_slot(ept, gpa, level, &slot);
		if (ret)
			return ret;
		if (level == EPT_LEVEL_4K ||
		    (ept_is_present(*slot) && ept_is_leaf(*slot, level) &&
		     covers(gpa, end, level)))
			break;
	}
	do {
		set_rights(ept, slot, level,
			   (*slot & ~(EPT_ALL | EPT_CLASS_MASK)) | bits);
		slot++;
		gpa += paging_level_size(level);
	} while (covers(gpa, end, level) && paging_level_index(gpa, level) &&
		 ept_is_present(*slot) && ept_is_leaf(*slot, level));
	*next = gpa;
	return 0;
}

/**
 * ept_protect() - give pages other rights, and a class
 * @ept: the tables
 * @start: first address, aligned to 4 KiB
 * @end: the one behind the last, aligned to 4 KiB
 * @rights: EPT_READ, EPT_WRITE, EPT_EXEC, EPT_EXEC_USER
 * @class: what ept_class() says from now on, below EPT_CLASSES
 *
 * Pages of 2 MiB stay whole where the range covers them. Where they lead, and
 * their memory types, stay.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered. Where
 *	rights are reduced, the caller sees to the shootdown.
 *
 * Return: 0, -EINVAL where something is not mapped, -ENOMEM; then some of the
 * range, from its start on, has changed.
 */
int ept_protect(struct ept *ept, u64 start, u64 end, u64 rights, u32 class)
{
	u64 gpa = start;
	int ret = 0;

	if (start % SIZE_4K || end % SIZE_4K || start >= end ||
	    end > ept_limit(ept) || !rights || !ept_rights_valid(rights) ||
	    class >= EPT_CLASSES)
		return -EINVAL;
	while (!ret && gpa < end)
		ret = protect_in_table(ept, gpa, end,
				       rights | (u64)class << EPT_CLASS_SHIFT, &gpa);
	return ret;
}

static bool restrict_table(struct ept *ept, u64 *table, int level,
			   const struct ept_limit_rule *rule)
{
	bool reduced = false;
	u64 entry, now;
	u32 class;
	int i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		entry = table[i];
		if (!ept_is_present(entry) || (entry & EPT_SHARED))
			continue;
		if (!ept_is_leaf(entry, level)) {
			reduced |= restrict_table(ept, ept_table_of(ept, entry),
						  level - 1, rule);
			continue;
		}
		class = class_of(entry);
		now = entry & ~(EPT_CLASS_MASK | (EPT_ALL & ~rule[class].rights));
		now |= (u64)rule[class].becomes << EPT_CLASS_SHIFT;
		if (now == entry)
			continue;
		set_rights(ept, &table[i], level, now);
		reduced = true;
	}
	return reduced;
}

/**
 * ept_restrict() - take from pages what is not a class's
 * @ept: the tables
 * @rule: one for each of EPT_CLASSES
 *
 * Where they lead, and their sizes, stay. CPUs may use what they cached until they
 * invalidate.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered. Where
 *	rights are reduced, the caller sees to the shootdown.
 *
 * Return: whether anything changed.
 */
bool ept_restrict(struct ept *ept, const struct ept_limit_rule *rule)
{
	return restrict_table(ept, ept_table_of(ept, ept->root_pa), ept->levels,
			      rule);
}

/**
 * ept_share() - make tables that translate as others do, as far as possible
 * @view: what to initialise
 * @base: the others; they stay the owner of what is shared
 *
 * A change of @base shows in @view, too, but where @view has changed something
 * and so has a copy, and where @base had no table at all below its root. @view
 * does without @base's reserve.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered. Where
 *	rights are reduced, the caller sees to the shootdown.
 *
 * Return: 0 or -ENOMEM.
 */
int ept_share(struct ept *view, struct ept *base)
{
	const u64 *from = ept_table_of(base, base->root_pa);
	u64 *table;
	int i;

	*view = *base;
	view->reserve = 0;
	view->tables = 0;
	table = ept_new_table(view, &view->root_pa);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < PAGING_ENTRIES; i++) {
		table[i] = from[i];
		if (ept_is_present(table[i]))
			table[i] |= EPT_SHARED;
	}
	return 0;
}

/**
 * ept_share_readonly() - the same, with nothing left but the right to read
 * @view: what to initialise
 * @base: the others
 *
 * Rights count as far as every entry on the way has them, so those of the top
 * table are enough, and what @base changes below shows all the same.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered. Where
 *	rights are reduced, the caller sees to the shootdown.
 *
 * Return: 0 or -ENOMEM.
 */
int ept_share_readonly(struct ept *view, struct ept *base)
{
	int ret = ept_share(view, base);
	u64 *table;
	int i;

	if (ret)
		return ret;
	table = ept_table_of(view, view->root_pa);
	for (i = 0; i < PAGING_ENTRIES; i++)
		table[i] = ept_narrowed(table[i], EPT_READ);
	return 0;
}

/**
 * ept_grant() - let such a view have more for one page
 * @view: from ept_share_readonly(), and not changed otherwise
 * @gpa: the page, aligned to its size; ordinary memory
 * @level: its size: EPT_LEVEL_4K or EPT_LEVEL_2M
 * @rights: what it has from now on
 *
 * What lies around it can still only be read, and no longer follows @base where
 * that changes to what frame a page leads.
 *
 * Context: pure, but for the tables: with the lock, or before a CPU has entered. Where
 *	rights are reduced, the caller sees to the shootdown.
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int ept_grant(struct ept *view, u64 gpa, int level, u64 rights)
{
	u64 *table = ept_table_of(view, view->root_pa);
	int at, ret;

	if (gpa % paging_level_size(level) || gpa >= ept_limit(view) || !rights ||
	    !ept_rights_valid(rights))
		return -EINVAL;
	for (at = view->levels; at > level; at--) {
		ret = ept_descend(view, &table[paging_level_index(gpa, at)], at,
				  EPT_READ, &table);
		if (ret)
			return ret;
	}
	ept_set_leaf(view, &table[paging_level_index(gpa, level)], level,
		     ept_leaf_entry(gpa, rights, MEMTYPE_WB, level));
	return 0;
}

