// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return sites that are patched
 *
 * A site is patched only where a return stands, or a jump by which a function ends,
 * and only to be checked; so whoever makes the request can have returns verified, and
 * nothing else. What was there is kept, in the shadow's memory, and is put back when
 * that is asked for.
 *
 * All other CPUs are held meanwhile: the five bytes are not one store, and a CPU
 * could be at any of them.
 */
#include "cpu_ops.h"
#include "guest_walk.h"
#include "region.h"
#include "requests.h"
#include "return_jumps.h"
#include "return_sites.h"
#include "returns.h"
#include "sealed_code.h"
#include "shadow_pages.h"
#include "shootdown.h"
#include "vcpu.h"
#include "window.h"

/**
 * struct site - one that is patched
 * @offset: in its region
 * @distance: from its end to where the jump led that stood there; 0 where it was a
 *	return
 */
struct site {
	u32 offset;
	s32 distance;
};

/**
 * struct site_page - some sites of a region
 * @next: physical address of the next such page; 0 behind the last
 * @nr: how many
 * @site: they
 */
struct site_page {
	u64 next;
	u64 nr;
	struct site site[RETURN_SITES_PER_PAGE];
};

_Static_assert(sizeof(struct site_page) == PAGE_SIZE, "a page");

/* As many as are patched with one look at where they are kept */
#define BATCH	32

/* What is to be remembered of a site; false where no return stands there */
static bool look(struct vcpu *vcpu, const struct region *region, u32 offset,
		 struct site *site)
{
	u64 va = region->patch.va + offset;
	u8 bytes[RETURN_SITE];
	u64 target;

	if (offset > region->patch.size - RETURN_SITE ||
	    !region_read(vcpu, va, bytes, sizeof(bytes)))
		return false;
	switch (return_site_form(bytes, va, &target)) {
	case RETURN_PLAIN:
		*site = (struct site){ .offset = offset };
		return true;
	case RETURN_JUMP:
		*site = (struct site){
			.offset = offset,
			.distance = target - va - RETURN_SITE,
		};
		return is_return_thunk(target) ||
		       return_jump_is_one(vcpu, va, target);
	case RETURN_UNKNOWN:
		break;
	}
	return false;
}

/* Where the function that ends there went on */
static u64 target_of(const struct region *region, const struct site *site)
{
	return region->patch.va + site->offset + RETURN_SITE + site->distance;
}

/* A jump to another function; false for one that is a return */
static bool is_jump(const struct region *region, const struct site *site)
{
	return site->distance && !is_return_thunk(target_of(region, site));
}

/* Where the site is to lead; 0 where there is no room for that */
static u64 lead(struct vcpu *vcpu, const struct region *region,
		const struct site *site)
{
	return is_jump(region, site) ?
	       return_jump_hold(vcpu, target_of(region, site)) :
	       island.config.returns.check;
}

static void forget(const struct region *region, const struct site *site)
{
	island.patched_sites--;
	if (is_jump(region, site))
		return_jump_put(target_of(region, site));
}

/* The page that has room for @room more; made where there is none */
static u64 page_with_room(struct vcpu *vcpu, struct region *region, u32 room)
{
	const struct site_page *page;
	u64 pa = region->returns_pa;
	u64 fresh;

	if (pa) {
		page = window_map(vcpu, pa);
		if (page->nr + room <= ARRAY_SIZE(page->site))
			return pa;
	}
	fresh = shadow_page(vcpu, SHADOW_ROOT);
	if (fresh) {
		((struct site_page *)window_map(vcpu, fresh))->next = pa;
		region->returns_pa = fresh;
	}
	return fresh;
}

static void remember(struct vcpu *vcpu, u64 pa, const struct site *sites, u32 nr)
{
	struct site_page *page = window_map(vcpu, pa);
	u32 i;

	for (i = 0; i < nr; i++)
		page->site[page->nr++] = sites[i];
	island.patched_sites += nr;
}

static int patch_batch(struct vcpu *vcpu, struct region *region,
		       const u32 *offsets, u32 nr)
{
	u64 pa = page_with_room(vcpu, region, nr);
	struct site sites[BATCH];
	u8 bytes[RETURN_SITE];
	u32 i, found = 0;
	u64 va, to;

	if (!pa)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		va = region->patch.va + offsets[i];
		if (!look(vcpu, region, offsets[i], &sites[found]))
			continue;
		to = lead(vcpu, region, &sites[found]);
		if (!to || !return_site_jump(va, to, bytes) ||
		    !region_write(vcpu, va, bytes, sizeof(bytes)))
			continue;
		found++;
	}
	remember(vcpu, pa, sites, found);
	return 0;
}

static int patch(struct vcpu *vcpu, struct region *region,
		 const struct return_patch *q)
{
	u32 offsets[BATCH];
	u64 done, nr;
	int err = 0;

	for (done = 0; !err && done < q->nr_sites; done += nr) {
		nr = q->nr_sites - done < BATCH ? q->nr_sites - done : BATCH;
		err = guest_read(vcpu, q->sites + done * sizeof(offsets[0]),
				 offsets, nr * sizeof(offsets[0]));
		if (!err)
			err = patch_batch(vcpu, region, offsets, nr);
	}
	return err;
}

/* Not under a probe, which would put back what it found: false, then */
static bool restore(struct vcpu *vcpu, const struct region *region,
		    const struct site *site)
{
	u64 va = region->patch.va + site->offset;
	u8 bytes[RETURN_SITE];
	u64 target;

	if (!region_read(vcpu, va, bytes, sizeof(bytes)))
		return true;
	if (return_site_form(bytes, va, &target) != RETURN_JUMP ||
	    (is_jump(region, site) ?
	     return_jump_target(target) != target_of(region, site) :
	     target != island.config.returns.check))
		return false;
	if (site->distance)
		return_site_jump(va, target_of(region, site), bytes);
	else
		return_site_plain(bytes);
	return region_write(vcpu, va, bytes, sizeof(bytes));
}

static u32 restore_page(struct vcpu *vcpu, const struct region *region, u64 pa,
			u64 *next)
{
	struct site_page *page;
	struct site site;
	u32 i, nr, left = 0;

	nr = ((struct site_page *)window_map(vcpu, pa))->nr;
	for (i = 0; i < nr; i++) {
		site = ((struct site_page *)window_map(vcpu, pa))->site[i];
		if (restore(vcpu, region, &site)) {
			forget(region, &site);
			continue;
		}
		page = window_map(vcpu, pa);
		page->site[left++] = site;
	}
	page = window_map(vcpu, pa);
	page->nr = left;
	*next = page->next;
	return left;
}

static int unpatch(struct vcpu *vcpu, struct region *region)
{
	u64 pa = region->returns_pa;
	u64 next, kept = 0;
	u32 left = 0, here;

	for (; pa; pa = next) {
		here = restore_page(vcpu, region, pa, &next);
		left += here;
		if (!here) {
			shadow_page_free(pa);
			continue;
		}
		((struct site_page *)window_map(vcpu, pa))->next = kept;
		kept = pa;
	}
	region->returns_pa = kept;
	return left;
}

/**
 * return_sites_patch() - have returns compare with the shadow, or no longer
 * @vcpu: the CPU
 * @va: the guest's address of a struct return_patch
 *
 * What is no return is left as it is. Not once the policy is locked: no module is
 * guarded any more then, and that something is a jump is known by its first byte, which
 * can lie within another instruction.
 *
 * Context: root, with the lock.
 *
 * Return: 0; when undoing, the number of sites that could not be restored because
 * something else stands there; -EFAULT; -EINVAL where no region begins, or for more
 * sites than it can have; -EPERM; -ENOMEM, and then nothing has changed but what has.
 */
int return_sites_patch(struct vcpu *vcpu, u64 va)
{
	struct return_patch q;
	struct region *region;
	int ret;

	if (guest_read(vcpu, va, &q, sizeof(q)))
		return -EFAULT;
	if (island_locked())
		return -EPERM;
	region = region_from(q.text);
	/* All CPUs wait for as long as this takes. */
	if (!region || q.nr_sites > region->patch.size / RETURN_SITE)
		return -EINVAL;
	shootdown_hold(vcpu);
	ret = q.undo ? unpatch(vcpu, region) : patch(vcpu, region, &q);
	shootdown_release();
	return ret;
}

/**
 * return_sites_drop() - forget the sites of a region that is gone
 * @vcpu: the CPU
 * @region: the region
 *
 * Context: root, with the lock.
 */
void return_sites_drop(struct vcpu *vcpu, struct region *region)
{
	const struct site_page *page;
	u64 pa, next;
	u32 i;

	for (pa = region->returns_pa; pa; pa = next) {
		page = window_map(vcpu, pa);
		next = page->next;
		for (i = 0; i < page->nr; i++)
			forget(region, &page->site[i]);
		shadow_page_free(pa);
	}
	region->returns_pa = 0;
}
