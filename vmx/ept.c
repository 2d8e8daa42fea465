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
#include "ept.h"
#include "paging_levels.h"
#include "x86.h"

/* Rights of entries that point to tables: a page's own are in its leaf */
#define TABLE_RIGHTS	EPT_ALL

static bool is_present(u64 entry)
{
	return entry & EPT_ALL;
}

static bool is_leaf(u64 entry, int level)
{
	return level == EPT_LEVEL_4K || (entry & EPT_LARGE);
}

static u64 leaf_entry(u64 pa, u64 rights, u8 type, int level)
{
	return pa | rights | ((u64)type << EPT_TYPE_SHIFT) |
	       (level == EPT_LEVEL_4K ? 0 : EPT_LARGE);
}

static u64 *table_of(const struct ept *ept, u64 entry)
{
	return table_pool_va(ept->pool, entry & EPT_ADDR_MASK);
}

/*
 * The store that a walking CPU sees.  x86 keeps stores in order; the compiler
 * must do so as well, and must neither tear nor repeat this one.
 */
static void set_entry(u64 *slot, u64 entry)
{
	__asm__ volatile("" : : : "memory");
	*(volatile u64 *)slot = entry;
}

static u64 *new_table(struct ept *ept, u64 *pa)
{
	void *table = NULL;

	*pa = 0;
	if (ept->pool->nr_total - ept->pool->nr_used > ept->reserve)
		*pa = table_pool_alloc(ept->pool, &table);
	if (*pa)
		ept->tables++;
	return table;
}

static u64 count_present(const u64 *table)
{
	u64 count = 0;
	int i;

	for (i = 0; i < PAGING_ENTRIES; i++)
		count += is_present(table[i]);
	return count;
}

/* An entry with only those of its rights that are in @rights */
static u64 narrowed(u64 entry, u64 rights)
{
	return entry & (rights | ~EPT_ALL);
}

/*
 * Make sure that @slot, an entry at @level, points to a table that is this
 * EPT's own: a new one, the pieces of the leaf that was there, or a copy of a
 * shared one.  Translations stay as they are, but what is in a table that was
 * not this EPT's own before keeps no other rights than @rights.
 */
static int descend_with(struct ept *ept, u64 *slot, int level, u64 rights,
			u64 **table)
{
	u64 entry = *slot;
	const u64 *shared;
	u64 *own;
	u64 pa;
	int i;

	if (is_present(entry) && !is_leaf(entry, level) &&
	    !(entry & EPT_SHARED)) {
		*table = table_of(ept, entry);
		return 0;
	}

	own = new_table(ept, &pa);
	if (!own)
		return -ENOMEM;

	if (!is_present(entry)) {
		/* An empty table translates as much as no table */
	} else if (is_leaf(entry, level)) {
		u64 piece = level - 1 == EPT_LEVEL_4K ? entry & ~EPT_LARGE :
							entry;

		for (i = 0; i < PAGING_ENTRIES; i++)
			own[i] = narrowed(piece, rights) +
				 i * paging_level_size(level - 1);
		ept->leaves[level - 1]--;
		ept->leaves[level - 2] += PAGING_ENTRIES;
	} else {
		shared = table_of(ept, entry);
		for (i = 0; i < PAGING_ENTRIES; i++) {
			own[i] = narrowed(shared[i], rights);
			/* What hangs below now has one more owner */
			if (is_present(own[i]) && !is_leaf(own[i], level - 1))
				own[i] |= EPT_SHARED;
		}
	}

	set_entry(slot, pa | TABLE_RIGHTS);
	*table = own;
	return 0;
}

static int descend(struct ept *ept, u64 *slot, int level, u64 **table)
{
	return descend_with(ept, slot, level, EPT_ALL, table);
}

/* The slot for @gpa at @level, in tables that are this EPT's own */
static int own_slot(struct ept *ept, u64 gpa, int level, u64 **slot)
{
	u64 *table = table_of(ept, ept->root_pa);
	int at, ret;

	for (at = ept->levels; at > level; at--) {
		ret = descend(ept, &table[paging_level_index(gpa, at)], at, &table);
		if (ret)
			return ret;
	}
	*slot = &table[paging_level_index(gpa, level)];
	return 0;
}

static bool rights_valid(const struct ept *ept, u64 rights)
{
	/* Anything else is an EPT misconfiguration (SDM 3C, 29.3.3.1) */
	if (rights & ~EPT_ALL)
		return false;
	if (rights & EPT_READ)
		return true;
	return !(rights & EPT_WRITE) && (!rights || ept->exec_only);
}

static bool type_valid(u8 type)
{
	return type == MEMTYPE_UC || type == MEMTYPE_WC ||
	       type == MEMTYPE_WT || type == MEMTYPE_WP || type == MEMTYPE_WB;
}

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

static bool page_size_allowed(bool has_2m, bool has_1g, int level)
{
	return level == EPT_LEVEL_4K || (level == EPT_LEVEL_2M && has_2m) ||
	       (level == EPT_LEVEL_1G && has_1g);
}

static void set_leaf(struct ept *ept, u64 *slot, int level, u64 entry)
{
	ept->leaves[level - 1] -= is_present(*slot);
	ept->leaves[level - 1] += is_present(entry);
	set_entry(slot, entry);
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
		if (is_present(*slot)) {
			if (is_leaf(*slot, level) || (*slot & EPT_SHARED))
				continue;
		} else if (next - gpa == size &&
			   page_size_allowed(ept->has_2m, ept->has_1g, level)) {
			type = page_type(mtrr, gpa, level, run);
			if (type != MTRR_MIXED) {
				set_leaf(ept, slot, level,
					 leaf_entry(gpa, rights, type, level));
				continue;
			}
		}

		ret = descend(ept, slot, level, &below);
		if (ret)
			return ret;
		ret = fill(ept, below, level - 1, gpa, next, rights, mtrr, run);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ept_init() - make tables that translate nothing
 * @ept: what to initialise
 * @pool: where tables come from
 * @levels: 4 or 5
 * @has_2m: the CPU has 2 MiB leaves
 * @has_1g: the CPU has 1 GiB leaves
 *
 * Return: 0, -EINVAL for other levels, -ENOMEM.
 */
int ept_init(struct ept *ept, struct table_pool *pool, u8 levels, bool has_2m,
	     bool has_1g)
{
	__builtin_memset(ept, 0, sizeof(*ept));
	if (levels != 4 && levels != 5)
		return -EINVAL;

	ept->pool = pool;
	ept->levels = levels;
	ept->has_2m = has_2m;
	/* A 1 GiB leaf splits into 2 MiB leaves: one without the other is none */
	ept->has_1g = has_1g && has_2m;
	return new_table(ept, &ept->root_pa) ? 0 : -ENOMEM;
}

/**
 * ept_pointer() - the value for the VMCS's EPT pointer (SDM 3C, 25.6.11)
 * @ept: the tables
 *
 * The accessed and dirty flags stay off (bit 6): with them on, every access of
 * the guest's own page walks counts as a write (29.3.5), and guest page tables
 * in write-protected frames could not be walked any more.
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
 * Return: 2^48 with four levels; with five, 2^52, where physical addresses end.
 */
u64 ept_limit(const struct ept *ept)
{
	return 1ULL << (ept->levels == 4 ? 48 : 52);
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
 * Return: 0, -EINVAL, or -ENOMEM, when a part is mapped and a second call goes
 * on where this one stopped.
 */
int ept_map_identity(struct ept *ept, u64 start, u64 end, u64 rights,
		     const struct mtrr_state *mtrr)
{
	struct mtrr_run run = { 0 };

	if (start % SIZE_4K || end % SIZE_4K || start >= end ||
	    end > ept_limit(ept) || !rights || !rights_valid(ept, rights))
		return -EINVAL;

	return fill(ept, table_of(ept, ept->root_pa), ept->levels, start, end,
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
 * Return: 0, -EINVAL for an address that these tables cannot translate,
 * -EEXIST when something is mapped there, -ENOMEM.
 */
int ept_map_lazy(struct ept *ept, u64 gpa, u64 rights,
		 const struct mtrr_state *mtrr)
{
	u64 *table = table_of(ept, ept->root_pa);
	struct mtrr_run run = { 0 };
	int level, type, ret;
	u64 *slot, page;

	if (gpa >= ept_limit(ept) || !rights || !rights_valid(ept, rights))
		return -EINVAL;

	for (level = ept->levels; ; level--) {
		slot = &table[paging_level_index(gpa, level)];
		page = gpa & ~(paging_level_size(level) - 1);

		if (is_present(*slot)) {
			if (is_leaf(*slot, level) || (*slot & EPT_SHARED))
				return -EEXIST;
		} else if (page_size_allowed(ept->has_2m, ept->has_1g, level)) {
			type = page_type(mtrr, page, level, &run);
			if (type != MTRR_MIXED) {
				set_leaf(ept, slot, level,
					 leaf_entry(page, rights, type, level));
				return 0;
			}
		}

		ret = descend(ept, slot, level, &table);
		if (ret)
			return ret;
	}
}

/**
 * ept_map_frame() - let one 4 KiB page lead to a frame
 * @ept: the tables
 * @gpa: the page
 * @hpa: the frame
 * @rights: as for ept_map_identity(), or 0 to unmap the page
 * @type: MEMTYPE_*
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int ept_map_frame(struct ept *ept, u64 gpa, u64 hpa, u64 rights, u8 type)
{
	u64 *slot;
	int ret;

	if (gpa % SIZE_4K || gpa >= ept_limit(ept) || hpa & ~EPT_ADDR_MASK ||
	    !rights_valid(ept, rights) || !type_valid(type))
		return -EINVAL;

	ret = own_slot(ept, gpa, EPT_LEVEL_4K, &slot);
	if (ret)
		return ret;
	set_leaf(ept, slot, EPT_LEVEL_4K,
		 rights ? leaf_entry(hpa, rights, type, EPT_LEVEL_4K) : 0);
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
		table[i] = leaf_entry(frame_pa, EPT_READ, MEMTYPE_WB,
				      EPT_LEVEL_4K);
	return pa;
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

	ret = own_slot(ept, gpa, EPT_LEVEL_2M, &slot);
	if (ret)
		return ret;

	if (is_present(*slot) && !is_leaf(*slot, EPT_LEVEL_2M)) {
		own = table_of(ept, *slot);
		if (!(*slot & EPT_SHARED)) {
			/*
			 * Other CPUs may hold the address of the region's own
			 * table, so it can't be freed here: change it instead.
			 */
			for (i = 0; i < PAGING_ENTRIES; i++)
				set_leaf(ept, &own[i], EPT_LEVEL_4K, hiding[i]);
			return 0;
		}
		ept->leaves[EPT_LEVEL_4K - 1] -= count_present(own);
	} else if (is_present(*slot)) {
		ept->leaves[EPT_LEVEL_2M - 1]--;
	}

	ept->leaves[EPT_LEVEL_4K - 1] += count_present(hiding);
	set_entry(slot, table_pa | TABLE_RIGHTS | EPT_SHARED);
	return 0;
}

/**
 * ept_split() - translate an address by a page of at most a given size
 * @ept: the tables
 * @gpa: the address
 * @level: EPT_LEVEL_4K or EPT_LEVEL_2M
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
	return own_slot(ept, gpa, level, &slot);
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

		if (!is_present(entry))
			continue;

		if (!is_leaf(entry, level)) {
			if (entry & EPT_SHARED)
				continue;
			ret = retype(ept, table_of(ept, entry), level - 1, gpa,
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
			if (!descend(ept, &table[i], level, &below)) {
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
			set_entry(&table[i], entry);
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
 * Return: 0, -ENOMEM when a page was made uncacheable for want of a table.
 */
int ept_retype(struct ept *ept, const struct mtrr_state *mtrr)
{
	struct mtrr_run run = { 0 };

	return retype(ept, table_of(ept, ept->root_pa), ept->levels, 0, mtrr,
		      &run);
}

/* Whether [gpa, end) covers the page at @level that @gpa begins */
static bool covers(u64 gpa, u64 end, int level)
{
	u64 size = paging_level_size(level);

	return gpa % size == 0 && end - gpa >= size;
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
		ret = own_slot(ept, gpa, level, &slot);
		if (ret)
			return ret;
		if (level == EPT_LEVEL_4K ||
		    (is_present(*slot) && is_leaf(*slot, level) &&
		     covers(gpa, end, level)))
			break;
	}
	do {
		set_entry(slot, (*slot & ~(EPT_ALL | EPT_CLASS_MASK)) | bits);
		slot++;
		gpa += paging_level_size(level);
	} while (covers(gpa, end, level) && paging_level_index(gpa, level) &&
		 is_present(*slot) && is_leaf(*slot, level));
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
 * Return: 0, -EINVAL where something is not mapped, -ENOMEM; then some of the
 * range, from its start on, has changed.
 */
int ept_protect(struct ept *ept, u64 start, u64 end, u64 rights, u32 class)
{
	u64 gpa = start;
	int ret = 0;

	if (start % SIZE_4K || end % SIZE_4K || start >= end ||
	    end > ept_limit(ept) || !rights || !rights_valid(ept, rights) ||
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
		if (!is_present(entry) || (entry & EPT_SHARED))
			continue;
		if (!is_leaf(entry, level)) {
			reduced |= restrict_table(ept, table_of(ept, entry),
						  level - 1, rule);
			continue;
		}
		class = (entry & EPT_CLASS_MASK) >> EPT_CLASS_SHIFT;
		now = entry & ~(EPT_CLASS_MASK | (EPT_ALL & ~rule[class].rights));
		now |= (u64)rule[class].becomes << EPT_CLASS_SHIFT;
		if (now == entry)
			continue;
		set_entry(&table[i], now);
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
 * Return: whether anything changed.
 */
bool ept_restrict(struct ept *ept, const struct ept_limit_rule *rule)
{
	return restrict_table(ept, table_of(ept, ept->root_pa), ept->levels,
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
 * Return: 0 or -ENOMEM.
 */
int ept_share(struct ept *view, struct ept *base)
{
	const u64 *from = table_of(base, base->root_pa);
	u64 *table;
	int i;

	*view = *base;
	view->reserve = 0;
	view->tables = 0;
	table = new_table(view, &view->root_pa);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < PAGING_ENTRIES; i++) {
		table[i] = from[i];
		if (is_present(table[i]))
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
 * Return: 0 or -ENOMEM.
 */
int ept_share_readonly(struct ept *view, struct ept *base)
{
	int ret = ept_share(view, base);
	u64 *table;
	int i;

	if (ret)
		return ret;
	table = table_of(view, view->root_pa);
	for (i = 0; i < PAGING_ENTRIES; i++)
		table[i] = narrowed(table[i], EPT_READ);
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
 * Return: 0, -EINVAL, -ENOMEM.
 */
int ept_grant(struct ept *view, u64 gpa, int level, u64 rights)
{
	u64 *table = table_of(view, view->root_pa);
	int at, ret;

	if (gpa % paging_level_size(level) || gpa >= ept_limit(view) || !rights ||
	    !rights_valid(view, rights))
		return -EINVAL;
	for (at = view->levels; at > level; at--) {
		ret = descend_with(view, &table[paging_level_index(gpa, at)], at,
				   EPT_READ, &table);
		if (ret)
			return ret;
	}
	set_leaf(view, &table[paging_level_index(gpa, level)], level,
		 leaf_entry(gpa, rights, MEMTYPE_WB, level));
	return 0;
}

static void destroy(struct ept *ept, u64 table_pa, int level)
{
	const u64 *table = table_pool_va(ept->pool, table_pa);
	int i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		if (is_present(table[i]) && !is_leaf(table[i], level) &&
		    !(table[i] & EPT_SHARED))
			destroy(ept, table[i] & EPT_ADDR_MASK, level - 1);
	}
	table_pool_free(ept->pool, table_pa);
}

/**
 * ept_destroy() - give the pool back all tables that are not shared
 * @ept: the tables, which no CPU uses any more
 *
 * Tables that could not be made, or are destroyed already, are none.
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
	const u64 *table = table_of(ept, ept->root_pa);
	u64 entry;
	int at;

	*rights = EPT_ALL;
	if (gpa >= ept_limit(ept))
		return 0;

	for (at = ept->levels; table; at--) {
		entry = table[paging_level_index(gpa, at)];
		if (!is_present(entry))
			return 0;
		*rights &= entry;
		if (is_leaf(entry, at)) {
			*level = at;
			return entry;
		}
		table = table_of(ept, entry);
	}
	return 0;
}

/**
 * ept_lookup() - the leaf that translates an address
 * @ept: the tables
 * @gpa: the address
 * @level: set to the leaf's level when there is one; may be NULL
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
 * Return: true when it may, so that a violation was only a race.
 */
bool ept_permits(const struct ept *ept, u64 gpa, u64 access)
{
	int at;
	u64 rights;

	return walk(ept, gpa, &at, &rights) && !(access & ~rights);
}

/* How many tables fill() takes for the 1 GiB from @gpa on, cut at @limit */
static u64 tables_for_1g(bool has_2m, bool has_1g, u64 gpa, u64 limit,
			 const struct mtrr_state *mtrr, struct mtrr_run *run)
{
	u64 end = limit - gpa < SIZE_1G ? limit : gpa + SIZE_1G;
	u64 tables = 1;

	if (has_1g && end - gpa == SIZE_1G &&
	    page_type(mtrr, gpa, EPT_LEVEL_1G, run) != MTRR_MIXED)
		return 0;
	if (has_2m && end % SIZE_2M == 0 && run_covers(run, gpa, end - gpa))
		return tables;

	for (; gpa < end; gpa += SIZE_2M) {
		if (!has_2m || end - gpa < SIZE_2M ||
		    page_type(mtrr, gpa, EPT_LEVEL_2M, run) == MTRR_MIXED)
			tables++;
	}
	return tables;
}

/**
 * ept_tables_needed() - how many pages the pool must have for an identity map
 * @levels: 4 or 5
 * @has_2m: the CPU has 2 MiB leaves
 * @has_1g: the CPU has 1 GiB leaves
 * @limit: the map goes from 0 to here
 * @mtrr: where memory types come from
 * @nr_chunks: 2 MiB regions that will be hidden, all of them below @limit
 * @spare: pages to have left for later splits and lazy mappings
 *
 * Return: an upper bound: exact for the map, plus what hiding can cost at most
 * (a split each, and the one table that hides them), plus @spare.
 */
u64 ept_tables_needed(u8 levels, bool has_2m, bool has_1g, u64 limit,
		      const struct mtrr_state *mtrr, u32 nr_chunks, u32 spare)
{
	struct mtrr_run run = { 0 };
	u64 tables = 1;		/* the root */
	u64 gpa;
	int level;

	has_1g = has_1g && has_2m;
	for (level = levels; level > EPT_LEVEL_1G; level--)
		tables += (limit + paging_level_size(level) - 1) / paging_level_size(level);
	for (gpa = 0; gpa < limit; gpa += SIZE_1G)
		tables += tables_for_1g(has_2m, has_1g, gpa, limit, mtrr, &run);

	if (nr_chunks)
		tables += nr_chunks + 1ULL;
	return tables + spare;
}
