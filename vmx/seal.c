// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: sealed pages: code and read-only data
 *
 * The core kernel is sealed before the first CPU enters, and stays so. Modules
 * are sealed at the guest half's request, other code when it first runs.
 *
 * A page that was writable must not become executable before every CPU has lost
 * its write to it, and the other way round: rights are reduced first, then all
 * CPUs drop their translations, and only then are others added.
 *
 * Whoever calls here may be an attacker: nothing that a request says is taken
 * for true but that its memory is to be sealed. He gains what he would by loading
 * a module, and loses it with policy/dynamic_code at "deny".
 */
#include "cpu_ops.h"
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "seal.h"
#include "shootdown.h"
#include "vcpu.h"
#include "x86.h"

#define CORE_REGION	0

static bool has_mbec(void)
{
	return island.config.controls.secondary & SECONDARY_MODE_BASED_EXEC;
}

/**
 * seal_rights() - a class's rights in EPT
 * @class: the class
 *
 * Without mode-based execute control one bit stands for both modes, and kernel
 * mode is kept from user and data pages by SMEP and NX alone, pinned.
 *
 * Context: root, and island_init().
 */
u64 seal_rights(enum page_class class)
{
	struct class_rights r = class_rights(class);
	u64 rights = 0;

	if (r.read)
		rights |= EPT_READ;
	if (r.write)
		rights |= EPT_WRITE;
	if (has_mbec()) {
		rights |= r.kernel_exec ? EPT_EXEC : 0;
		rights |= r.user_exec ? EPT_EXEC_USER : 0;
	} else if (r.kernel_exec || r.user_exec) {
		rights |= EPT_EXEC | EPT_EXEC_USER;
	}
	return rights;
}

/**
 * seal_set_class() - make pages what they are from now on
 * @start: first physical address
 * @end: the one behind the last
 * @class: the class
 *
 * Context: root, with the lock, or island_init(). Where rights are reduced, the
 *	caller sees to the shootdown.
 *
 * Return: 0 or -ENOMEM.
 */
int seal_set_class(u64 start, u64 end, enum page_class class)
{
	return ept_protect(&island.ept, start, end, seal_rights(class), class);
}

static bool is_core(u64 pa)
{
	const struct island_config *c = &island.config;

	return (pa >= c->text.pa && pa < c->text.pa + c->text.size) ||
	       (pa >= c->rodata.pa && pa < c->rodata.pa + c->rodata.size) ||
	       pa == c->idt_pa;
}

static void *allocate(u64 bytes)
{
	void *va = NULL;

	table_pool_alloc_contiguous(&island.config.pool,
				    (bytes + PAGE_SIZE - 1) / PAGE_SIZE, &va);
	return va;
}

/* Linux's memory is still mapped: the table is in it. */
static void seal_core_text(struct seal *s)
{
	const struct island_config *c = &island.config;

	memcpy(s->site, c->sites, c->nr_sites * sizeof(*s->site));
	s->nr_sites = c->nr_sites;
	s->region[CORE_REGION] = (struct sealed_region){
		.patch = {
			.va = c->text.va,
			.size = c->text.size,
			.sites = s->site,
			.nr_sites = s->nr_sites,
		},
		.frames = c->text.size / PAGE_SIZE,
	};
}

/**
 * seal_init() - seal the core kernel
 *
 * Context: island_init(), with Linux's memory mapped.
 *
 * Return: 0 or -ENOMEM.
 */
int seal_init(void)
{
	const struct island_config *c = &island.config;
	struct seal *s = &island.seal;
	int err;

	s->region = allocate(SEAL_REGIONS * sizeof(*s->region));
	s->frames.entry = allocate(SEAL_FRAMES * sizeof(u64));
	s->frames.size = SEAL_FRAMES;
	s->site = allocate(c->max_sites * sizeof(*s->site));
	s->max_sites = c->max_sites;
	s->released = allocate(SEAL_RELEASED * sizeof(u64));
	s->notes.note = allocate(SEAL_NOTES * sizeof(*s->notes.note));
	s->notes.capacity = SEAL_NOTES;
	if (!s->region || !s->frames.entry || !s->site || !s->released ||
	    !s->notes.note || c->nr_sites > s->max_sites)
		return -ENOMEM;

	seal_core_text(s);
	err = seal_set_class(c->text.pa, c->text.pa + c->text.size, CLASS_CODE);
	if (!err)
		err = seal_set_class(c->rodata.pa, c->rodata.pa + c->rodata.size,
				     CLASS_RODATA);
	if (!err)
		err = seal_set_class(c->idt_pa, c->idt_pa + PAGE_SIZE,
				     CLASS_TABLE);
	return err;
}

/* The sites behind a region's move up, so that there is room at the end. */
static void drop_sites(struct seal *s, struct sealed_region *region)
{
	struct patch_site *gone = (struct patch_site *)region->patch.sites;
	u32 count = region->patch.nr_sites;
	u32 behind = s->site + s->nr_sites - (gone + count);
	u32 i;

	for (i = 0; i < behind; i++)
		gone[i] = gone[i + count];
	s->nr_sites -= count;
	for (i = 0; i < SEAL_REGIONS; i++) {
		if (s->region[i].patch.sites > gone)
			s->region[i].patch.sites -= count;
	}
	region->patch.nr_sites = 0;
}

static void forget_region(struct seal *s, struct sealed_region *region)
{
	drop_sites(s, region);
	patch_notes_drop(&s->notes, &region->patch);
	*region = (struct sealed_region){ .frames = 0 };
}

static void forget_frame(struct seal *s, u64 pa)
{
	u32 region, page;

	if (!frame_map_find(&s->frames, pa, &region, &page))
		return;
	frame_map_remove(&s->frames, pa);
	if (!--s->region[region].frames)
		forget_region(s, &s->region[region]);
}

/**
 * seal_flush_released() - let released pages be data
 * @vcpu: the CPU
 *
 * Context: root, with the lock.
 */
void seal_flush_released(struct vcpu *vcpu)
{
	struct seal *s = &island.seal;
	u32 i;

	if (!s->nr_released)
		return;
	shootdown(vcpu);
	/* Fails for want of a table only, and a page of its own has one. */
	for (i = 0; i < s->nr_released; i++)
		seal_set_class(s->released[i], s->released[i] + PAGE_SIZE,
			       CLASS_DATA);
	s->nr_released = 0;
}

static int release_page(struct vcpu *vcpu, u64 pa)
{
	struct seal *s = &island.seal;
	int err;

	if (s->nr_released == SEAL_RELEASED)
		seal_flush_released(vcpu);
	err = seal_set_class(pa, pa + PAGE_SIZE, CLASS_RELEASED);
	if (err)
		return err;
	forget_frame(s, pa);
	s->released[s->nr_released++] = pa;
	return 0;
}

/**
 * seal_release() - a page is code no more
 * @vcpu: the CPU
 * @pa: its physical address, as the guest half says
 *
 * It can never run again as it is, so calling this for somebody else's page
 * breaks what runs there and gains nothing but the page as data.
 *
 * Context: root, with the lock.
 *
 * Return: 0, also for a page that is data, -EINVAL, or -EPERM for the core's.
 */
int seal_release(struct vcpu *vcpu, u64 pa)
{
	if (pa % PAGE_SIZE || pa >= island.config.map_limit)
		return -EINVAL;
	if (is_core(pa))
		return -EPERM;
	switch (ept_class(&island.ept, pa)) {
	case CLASS_CODE:
	case CLASS_DYNAMIC:
	case CLASS_RODATA:
	case CLASS_OPENED:
		return release_page(vcpu, pa);
	}
	return 0;
}

/*
 * CPUs with the erratum must not find a code page in two sizes (ept.c). The
 * large page loses execution first, then all CPUs drop it, and its pieces are
 * made of what is left. Who wants to run one meanwhile waits for the lock.
 */
static int split_large(struct vcpu *vcpu, u64 pa)
{
	u64 start = pa & ~(SIZE_2M - 1);
	u64 rights = ept_rights(&island.ept, pa);
	u32 class = ept_class(&island.ept, pa);
	int level, err;

	if (!island.config.itlb_multihit ||
	    !ept_lookup(&island.ept, pa, &level) || level == EPT_LEVEL_4K)
		return 0;
	err = ept_protect(&island.ept, start, start + SIZE_2M,
			  rights & ~(EPT_EXEC | EPT_EXEC_USER), class);
	if (err)
		return err;
	shootdown(vcpu);
	err = ept_split(&island.ept, pa, EPT_LEVEL_4K);
	ept_protect(&island.ept, start, start + SIZE_2M, rights, class);
	return err;
}

static int reduce(struct vcpu *vcpu, u64 pa, enum page_class class)
{
	u64 rights = seal_rights(class) & ept_rights(&island.ept, pa);
	int err;

	err = split_large(vcpu, pa);
	return err ? : ept_protect(&island.ept, pa, pa + PAGE_SIZE,
				   rights | EPT_READ, class);
}

/* What a request may seal: ordinary memory, or code that ran before it. */
static bool may_seal(struct vcpu *vcpu, u64 pa)
{
	if (pa >= island.config.map_limit ||
	    table_pool_contains(&island.config.pool, pa, PAGE_SIZE))
		return false;
	if (ept_class(&island.ept, pa) == CLASS_RELEASED)
		seal_flush_released(vcpu);
	switch (ept_class(&island.ept, pa)) {
	case CLASS_DATA:
	case CLASS_DYNAMIC:
	case CLASS_OPENED:
		return ept_lookup(&island.ept, pa, NULL);
	}
	return false;
}

static struct sealed_region *new_region(const struct seal_request *q,
					struct vcpu *vcpu, int *err)
{
	struct seal *s = &island.seal;
	struct patch_site *sites = s->site + s->nr_sites;
	struct sealed_region *region;

	*err = -ENOSPC;
	if (q->nr_sites > s->max_sites - s->nr_sites)
		return NULL;
	for (region = s->region; region->frames; region++) {
		if (region == s->region + SEAL_REGIONS - 1)
			return NULL;
	}
	*err = guest_read(vcpu, q->sites, sites, q->nr_sites * sizeof(*sites));
	if (*err)
		return NULL;
	region->patch = (struct patch_region){
		.va = q->va,
		.size = q->pages * PAGE_SIZE,
		.sites = sites,
		.nr_sites = q->nr_sites,
	};
	if (!patch_sites_valid(sites, q->nr_sites, region->patch.size)) {
		*err = -EINVAL;
		return NULL;
	}
	s->nr_sites += q->nr_sites;
	return region;
}

/* The region's pages have lost what they must not have: now they may run. */
static void raise(struct seal *s, u32 number)
{
	u64 pa;
	u32 i;

	for (i = 0; i < s->frames.size; i++) {
		if (frame_map_entry(&s->frames, i, number, &pa))
			seal_set_class(pa, pa + PAGE_SIZE, CLASS_CODE);
	}
}

static void undo(struct vcpu *vcpu, u32 number)
{
	struct seal *s = &island.seal;
	u32 i;
	u64 pa;

	/* Removing moves others up, into the same place: look there again. */
	for (i = 0; i < s->frames.size; i++) {
		while (frame_map_entry(&s->frames, i, number, &pa))
			release_page(vcpu, pa);
	}
}

static int seal_code(struct vcpu *vcpu, const struct seal_request *q)
{
	struct seal *s = &island.seal;
	struct guest_mapping m;
	struct sealed_region *region;
	u32 number, i;
	int err;

	region = new_region(q, vcpu, &err);
	if (!region)
		return err;
	number = region - s->region;
	for (i = 0; !err && i < q->pages; i++) {
		err = -EFAULT;
		if (!guest_walk(vcpu, q->va + i * PAGE_SIZE, &m) ||
		    !may_seal(vcpu, m.pa))
			break;
		err = frame_map_add(&s->frames, m.pa, number, i);
		if (err)
			break;
		region->frames++;
		err = reduce(vcpu, m.pa, CLASS_CODE);
	}
	if (err) {
		if (region->frames)
			undo(vcpu, number);
		else
			forget_region(s, region);
		return err;
	}
	shootdown(vcpu);
	raise(s, number);
	return 0;
}

static int seal_data(struct vcpu *vcpu, const struct seal_request *q)
{
	struct guest_mapping m;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < q->pages; i++) {
		if (!guest_walk(vcpu, q->va + i * PAGE_SIZE, &m) ||
		    !may_seal(vcpu, m.pa))
			return -EFAULT;
		err = reduce(vcpu, m.pa, q->class);
	}
	shootdown(vcpu);
	return err;
}

/**
 * seal_request() - seal what the guest half names
 * @vcpu: the CPU
 * @va: the guest's address of a struct seal_request
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EINVAL for a request that is none; -EPERM where policy allows no
 * new code; -EFAULT where memory is not mapped or is something else already;
 * -ENOSPC and -ENOMEM where root has no room. Of code, all is sealed or nothing.
 */
int seal_request(struct vcpu *vcpu, u64 va)
{
	struct seal_request q;
	int err;

	err = guest_read(vcpu, va, &q, sizeof(q));
	if (err)
		return err;
	if (q.va % PAGE_SIZE || !q.pages || q.pages > FRAME_MAP_PAGES ||
	    q.nr_sites > island.seal.max_sites)
		return -EINVAL;
	switch (q.class) {
	case CLASS_CODE:
		if (island.policy.value[POLICY_DYNAMIC_CODE] ==
		    DYNAMIC_CODE_DENY)
			return -EPERM;
		return seal_code(vcpu, &q);
	case CLASS_RODATA:
		return seal_data(vcpu, &q);
	}
	return -EINVAL;
}

/**
 * seal_new_code() - seal a page that is about to run for the first time
 * @vcpu: the CPU
 * @pa: the page
 *
 * Context: root, with the lock.
 *
 * Return: 0, or -ENOMEM.
 */
int seal_new_code(struct vcpu *vcpu, u64 pa)
{
	int err;

	pa &= ~(PAGE_SIZE - 1);
	err = reduce(vcpu, pa, CLASS_DYNAMIC);
	if (err)
		return err;
	shootdown(vcpu);
	return seal_set_class(pa, pa + PAGE_SIZE, CLASS_DYNAMIC);
}

/**
 * seal_region() - the region of code that a frame belongs to
 * @pa: a physical address
 * @va: set to its address in the region
 *
 * Context: root, with the lock.
 *
 * Return: the region, or NULL.
 */
const struct patch_region *seal_region(u64 pa, u64 *va)
{
	const struct island_config *c = &island.config;
	struct seal *s = &island.seal;
	u32 number, page;

	if (pa - c->text.pa < c->text.size) {
		*va = c->text.va + (pa - c->text.pa);
		return &s->region[CORE_REGION].patch;
	}
	if (!frame_map_find(&s->frames, pa, &number, &page))
		return NULL;
	*va = s->region[number].patch.va + page * PAGE_SIZE + pa % PAGE_SIZE;
	return &s->region[number].patch;
}

/**
 * seal_is_known() - whether an address is that of known code
 * @va: the address
 *
 * Context: root, with the lock.
 */
bool seal_is_known(u64 va)
{
	const struct sealed_region *region = island.seal.region;
	u32 i;

	for (i = 0; i < SEAL_REGIONS; i++) {
		if (region[i].frames &&
		    va - region[i].patch.va < region[i].patch.size)
			return true;
	}
	return false;
}

/**
 * seal_class_at() - the class of what an address of the guest's leads to
 * @vcpu: the CPU
 * @va: the address
 *
 * Context: root. Ends what the window showed.
 *
 * Return: the class; CLASS_DATA also for an address that leads nowhere.
 */
enum page_class seal_class_at(struct vcpu *vcpu, u64 va)
{
	struct guest_mapping m;

	return guest_walk(vcpu, va, &m) ? ept_class(&island.ept, m.pa) :
					  CLASS_DATA;
}

/**
 * seal_in_range() - whether an address is one where Linux puts code
 * @va: the address
 *
 * Context: root.
 */
bool seal_in_range(u64 va)
{
	return va >= island.config.modules_start &&
	       va < island.config.modules_end;
}
