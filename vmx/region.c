// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: regions: sealed memory that is contiguous in the kernel's addresses
 */
#include "cpu_ops.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "requests.h"
#include "return_sites.h"
#include "stub_words.h"
#include "vcpu.h"
#include "window.h"

static void *allocate(u64 bytes)
{
	void *va = NULL;

	table_pool_alloc_contiguous(&island.config.pool,
				    (bytes + PAGE_SIZE - 1) / PAGE_SIZE, &va);
	return va;
}

/**
 * regions_init() - make room, and the first one
 *
 * Context: island_init(), with Linux's memory mapped: the sites are in it.
 *
 * Return: 0 or -ENOMEM.
 */
int regions_init(void)
{
	const struct island_config *c = &island.config;
	struct regions *r = &island.regions;

	r->region = allocate(REGION_PAGES * PAGE_SIZE);
	r->frames.entry = allocate(REGION_FRAMES * sizeof(u64));
	r->frames.size = REGION_FRAMES;
	r->dynamic.entry = allocate(REGION_DYNAMIC * sizeof(u64));
	r->dynamic.size = REGION_DYNAMIC;
	r->site = allocate(c->max_sites * sizeof(*r->site));
	r->max_sites = c->max_sites;
	r->notes.note = allocate(REGION_NOTE_PAGES * PAGE_SIZE);
	r->notes.capacity = PROBE_NOTES;
	if (!r->region || !r->frames.entry || !r->dynamic.entry || !r->site || !r->notes.note ||
	    c->nr_sites > r->max_sites)
		return -ENOMEM;

	memcpy(r->site, c->sites, c->nr_sites * sizeof(*r->site));
	r->nr_sites = c->nr_sites;
	r->region[REGION_CORE] = (struct region){
		.class = CLASS_CODE,
		.patch = {
			.va = c->text.va,
			.size = c->text.size,
			.sites = r->site,
			.nr_sites = c->nr_sites,
		},
		.frames = c->text.size / PAGE_SIZE,
	};
	r->end = REGION_CORE + 1;
	return 0;
}

/**
 * region_create() - begin a region, without frames
 * @vcpu: the CPU
 * @q: what the guest half wants; its sites are copied
 * @err: set where it fails
 *
 * Context: root, with the lock.
 *
 * Return: the region, or NULL: -ENOSPC, -EFAULT, -EINVAL for sites that are none,
 * -EEXIST where another region has some of the addresses.
 */
struct region *region_create(struct vcpu *vcpu, const struct seal_request *q,
			     int *err)
{
	struct regions *r = &island.regions;
	struct patch_site *sites = r->site + r->nr_sites;
	u64 size = q->pages * PAGE_SIZE;
	struct region *region;

	*err = -EEXIST;
	if (region_at(q->va, size))
		return NULL;
	*err = -ENOSPC;
	if (q->nr_sites > r->max_sites - r->nr_sites)
		return NULL;
	for (region = r->region; region->frames; region++) {
		if (region == r->region + REGION_COUNT - 1)
			return NULL;
	}
	*err = guest_read(vcpu, q->sites, sites, q->nr_sites * sizeof(*sites));
	if (*err)
		return NULL;
	*err = -EINVAL;
	if (!patch_sites_valid(sites, q->nr_sites, size))
		return NULL;

	*region = (struct region){
		.class = q->class,
		.patch = {
			.va = q->va,
			.size = size,
			.sites = sites,
			.nr_sites = q->nr_sites,
		},
		.transient = q->transient,
	};
	r->nr_sites += q->nr_sites;
	if (region == r->region + r->end)
		__atomic_store_n(&r->end, r->end + 1, __ATOMIC_RELEASE);
	*err = 0;
	return region;
}

/* The sites behind a region's move up, so that there is room at the end. */
static void drop_sites(struct regions *r, struct region *region)
{
	struct patch_site *gone = (struct patch_site *)region->patch.sites;
	u32 count = region->patch.nr_sites;
	u32 behind = r->site + r->nr_sites - (gone + count);
	u32 i;

	for (i = 0; i < behind; i++)
		gone[i] = gone[i + count];
	r->nr_sites -= count;
	for (i = 0; i < r->end; i++) {
		if (r->region[i].patch.sites > gone)
			r->region[i].patch.sites -= count;
	}
}

/**
 * region_destroy() - forget a region that has no frames
 * @vcpu: the CPU
 * @region: the region
 *
 * Context: root, with the lock.
 */
void region_destroy(struct vcpu *vcpu, struct region *region)
{
	struct regions *r = &island.regions;

	return_sites_drop(vcpu, region);
	patch_notes_drop(&r->notes, &region->patch);
	drop_sites(r, region);
	/* Other code may come to lie there, with other frames. */
	__atomic_add_fetch(&island.unwind_tables, 1, __ATOMIC_RELEASE);
	*region = (struct region){ .frames = 0 };
	while (!r->region[r->end - 1].frames)
		__atomic_store_n(&r->end, r->end - 1, __ATOMIC_RELEASE);
}

static u32 number_of(const struct region *region)
{
	return region - island.regions.region;
}

/**
 * region_add_frame() - a frame becomes a region's
 * @region: the region
 * @pa: the frame; one that is another region's already is refused
 * @page: which page of the region it is
 *
 * Context: root, with the lock.
 *
 * Return: 0, -EEXIST, -ENOSPC, or -EINVAL.
 */
int region_add_frame(struct region *region, u64 pa, u32 page)
{
	struct frame_map *frames = &island.regions.frames;
	u32 other;
	int err;

	if (frame_map_find(frames, pa, &other, &other))
		return -EEXIST;
	err = frame_map_add(frames, pa, number_of(region), page);
	if (!err)
		region->frames++;
	return err;
}

/**
 * region_forget_frame() - a frame is no region's any more
 * @vcpu: the CPU
 * @pa: the frame
 *
 * With its last frame, a region is gone. Ends what the window showed.
 *
 * Context: root, with the lock.
 *
 * Return: whether it was one's.
 */
bool region_forget_frame(struct vcpu *vcpu, u64 pa)
{
	struct regions *r = &island.regions;
	u32 region, page;

	if (!frame_map_find(&r->frames, pa, &region, &page))
		return false;
	stub_callers_forget(vcpu);
	frame_map_remove(&r->frames, pa);
	if (!--r->region[region].frames)
		region_destroy(vcpu, &r->region[region]);
	return true;
}

/**
 * region_frame() - go through a region's frames
 * @region: the region
 * @at: from 0 to REGION_FRAMES, exclusive
 * @pa: set to the frame
 *
 * Context: root, with the lock.
 *
 * Return: whether there is one of them at that place. After one was forgotten,
 * another may be there.
 */
bool region_frame(const struct region *region, u32 at, u64 *pa)
{
	return frame_map_entry(&island.regions.frames, at, number_of(region),
			       pa);
}

/**
 * region_of() - the region that a frame belongs to
 * @pa: a physical address
 * @va: set to the kernel's address of it
 *
 * Context: root, with the lock or without.
 *
 * Return: the region, or NULL.
 */
const struct region *region_of(u64 pa, u64 *va)
{
	const struct code_range *text = &island.config.text;
	struct regions *r = &island.regions;
	u32 number, page;

	if (pa - text->pa < text->size) {
		*va = text->va + (pa - text->pa);
		return &r->region[REGION_CORE];
	}
	if (!frame_map_find(&r->frames, pa, &number, &page))
		return NULL;
	*va = r->region[number].patch.va + page * PAGE_SIZE + pa % PAGE_SIZE;
	return &r->region[number];
}

/**
 * region_at() - a region that has one of these addresses
 * @va: the first
 * @size: how many
 *
 * Context: root, with the lock or without.
 *
 * Return: the region, or NULL.
 */
const struct region *region_at(u64 va, u64 size)
{
	u32 end = __atomic_load_n(&island.regions.end, __ATOMIC_ACQUIRE);
	const struct region *region = island.regions.region;
	u32 i;

	for (i = 0; i < end; i++, region++) {
		if (region->frames && va < region->patch.va + region->patch.size &&
		    region->patch.va < va + size)
			return region;
	}
	return NULL;
}

/**
 * region_code_at() - a region of code that has one of these addresses
 * @va: the first
 * @size: how many
 *
 * What is read-only data can be anything, also where policy allows no new code.
 *
 * Context: root, with the lock or without.
 *
 * Return: the region, or NULL.
 */
const struct region *region_code_at(u64 va, u64 size)
{
	const struct region *region = region_at(va, size);

	return region && region->class == CLASS_CODE ? region : NULL;
}

/**
 * region_from() - the region that begins at an address
 * @va: the address
 *
 * Context: root, with the lock.
 *
 * Return: the region, or NULL.
 */
struct region *region_from(u64 va)
{
	const struct region *region = region_at(va, 1);

	return region && region->patch.va == va ? (struct region *)region : NULL;
}

/*
 * The guest's tables say where to look, and root's knowledge whether that is it:
 * what another frame has at the address tells nothing of the code. Whose it is; NULL
 * where that is no region's.
 */
static const struct region *resolve(struct vcpu *vcpu, u64 va, u64 *pa)
{
	const struct region *region;
	const struct code_range *text = &island.config.text;
	struct guest_mapping m;
	u64 found;

	if (va - text->va < text->size) {
		*pa = text->pa + (va - text->va);
		return &island.regions.region[REGION_CORE];
	}
	if (!guest_walk(vcpu, va, &m))
		return NULL;
	region = region_of(m.pa, &found);
	if (!region || found != va)
		return NULL;
	*pa = m.pa;
	return region;
}

/**
 * region_read() - copy from a region by the kernel's addresses
 * @vcpu: the CPU
 * @va: from here
 * @to: where to
 * @size: bytes
 *
 * Ends what the window showed.
 *
 * Context: root, with the lock or without.
 *
 * Return: false where that is no region's, or the guest maps something else
 * there.
 */
bool region_read(struct vcpu *vcpu, u64 va, void *to, u32 size)
{
	u32 part;
	u64 pa;

	while (size) {
		part = PAGE_SIZE - va % PAGE_SIZE;
		if (part > size)
			part = size;
		if (!resolve(vcpu, va, &pa))
			return false;
		memcpy(to, window_at(vcpu, pa), part);
		to = (u8 *)to + part;
		va += part;
		size -= part;
	}
	return true;
}

/**
 * region_read_calls() - the same of code, as far as calls and jumps are looked for
 * @vcpu: the CPU
 * @va: from here
 * @to: where to
 * @size: bytes
 *
 * Calls that a kprobe has been put on are shown (patch_show_calls()). Ends what the
 * window showed.
 *
 * Context: root, with the lock.
 *
 * Return: as region_read().
 */
bool region_read_calls(struct vcpu *vcpu, u64 va, u8 *to, u32 size)
{
	const struct region *region = region_code_at(va, size);

	if (!region || !region_read(vcpu, va, to, size))
		return false;
	patch_show_calls(&region->patch, &island.regions.notes, va, to, size);
	return true;
}

/**
 * region_write() - what stands in a region is something else from now on
 * @vcpu: the CPU
 * @va: to here
 * @from: from where
 * @size: bytes
 *
 * Byte by byte, from the last to the first. Ends what the window showed. A kprobe
 * right before it restores what is written here.
 *
 * Context: root, with the lock.
 *
 * Return: false where that is no region's, or the guest maps something else
 * there, and then a part may have been written.
 */
bool region_write(struct vcpu *vcpu, u64 va, const u8 *from, u32 size)
{
	const struct region *region = NULL;
	u32 i = size;
	u64 pa;

	while (i) {
		i--;
		region = resolve(vcpu, va + i, &pa);
		if (!region)
			return false;
		*(volatile u8 *)window_at(vcpu, pa) = from[i];
	}
	if (region)
		patch_notes_rewrite(&island.regions.notes, &region->patch, va, from, size);
	return true;
}
