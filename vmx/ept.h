/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: extended page tables (SDM 3C, 29.3)
 *
 * An identity map of all physical memory, with memory types from the MTRRs and
 * the largest pages that types and rights allow, and with holes in it: frames
 * that the guest sees something else in, or with fewer rights.
 *
 * No locks: callers serialise.  Nothing here invalidates: whoever changes a
 * translation that a CPU may have cached has every such CPU execute INVEPT
 * before relying on the change.
 */
#ifndef CARAPACE_VMX_EPT_H
#define CARAPACE_VMX_EPT_H

#include "mtrr.h"
#include "table_pool.h"
#include "types.h"

/* An entry's bits (SDM 3C, tables 29-1 to 29-7) */
#define EPT_READ		(1ULL << 0)
#define EPT_WRITE		(1ULL << 1)
#define EPT_EXEC		(1ULL << 2)	/* with MBEC: at supervisor addresses */
#define EPT_TYPE_SHIFT		3
#define EPT_TYPE_MASK		(7ULL << EPT_TYPE_SHIFT)
#define EPT_LARGE		(1ULL << 7)
#define EPT_EXEC_USER		(1ULL << 10)	/* ignored without MBEC */
#define EPT_ADDR_MASK		0x000ffffffffff000ULL

/*
 * Software's own bit, ignored by the CPU: the table that this entry points to
 * has other owners too, so it is copied before anything in it changes.
 */
#define EPT_SHARED		(1ULL << 52)

/* What kind of page a leaf maps (protect/code.h); ignored by the CPU */
#define EPT_CLASS_SHIFT		53
#define EPT_CLASS_MASK		(15ULL << EPT_CLASS_SHIFT)
#define EPT_CLASSES		16

/* All rights there are */
#define EPT_ALL			(EPT_READ | EPT_WRITE | EPT_EXEC | EPT_EXEC_USER)

/* Levels of a walk, by what a leaf there maps */
#define EPT_LEVEL_4K		1
#define EPT_LEVEL_2M		2
#define EPT_LEVEL_1G		3

/**
 * struct ept - one set of extended page tables
 * @pool: where its tables come from
 * @root_pa: its top table
 * @levels: 4 or 5
 * @has_1g: 1 GiB leaves may be used
 * @reserve: pages of the pool that it leaves alone
 * @tables: tables that it owns, shared ones not included
 * @leaves: translations by size, 4 KiB first; the entries of a shared table
 *	    count wherever it is used
 * @class_pages: of each class, how many times 4 KiB; not of class 0, which all has
 *	    that is mapped
 */
struct ept {
	struct table_pool *pool;
	u64 root_pa;
	u8 levels;
	bool has_1g;
	u32 reserve;
	u32 tables;
	u64 leaves[3];
	u64 class_pages[EPT_CLASSES];
};

/**
 * struct ept_limit_rule - what ept_restrict() makes of a class's pages
 * @rights: they keep no others
 * @becomes: the class that they have then
 */
struct ept_limit_rule {
	u64 rights;
	u32 becomes;
};

int ept_init(struct ept *ept, struct table_pool *pool, u8 levels, bool has_1g);
u64 ept_pointer(const struct ept *ept);
u64 ept_limit(const struct ept *ept);

int ept_map_identity(struct ept *ept, u64 start, u64 end, u64 rights,
		     const struct mtrr_state *mtrr);
int ept_map_lazy(struct ept *ept, u64 gpa, u64 rights,
		 const struct mtrr_state *mtrr);
int ept_map_frame(struct ept *ept, u64 gpa, u64 hpa, u64 rights, u8 type);
u64 ept_build_hiding_table(struct ept *ept, u64 frame_pa);
int ept_hide_chunk(struct ept *ept, u64 gpa, u64 table_pa);
int ept_split(struct ept *ept, u64 gpa, int level);
u64 ept_merge(struct ept *ept, struct ept *view, u64 gpa, u64 rights);
int ept_protect(struct ept *ept, u64 start, u64 end, u64 rights, u32 class);
bool ept_restrict(struct ept *ept, const struct ept_limit_rule *rule);
int ept_share(struct ept *view, struct ept *base);
int ept_share_readonly(struct ept *view, struct ept *base);
int ept_grant(struct ept *view, u64 gpa, int level, u64 rights);
void ept_destroy(struct ept *ept);
int ept_retype(struct ept *ept, const struct mtrr_state *mtrr);

u64 ept_lookup(const struct ept *ept, u64 gpa, int *level);
u64 ept_rights(const struct ept *ept, u64 gpa);
u32 ept_class(const struct ept *ept, u64 gpa);
bool ept_permits(const struct ept *ept, u64 gpa, u64 access);

u64 ept_tables_needed(u8 levels, bool has_1g, u64 limit,
		      const struct mtrr_state *mtrr, u32 nr_chunks, u32 spare);

#endif /* CARAPACE_VMX_EPT_H */
