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
#include "dynamic_code.h"
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "requests.h"
#include "seal.h"
#include "shootdown.h"
#include "vcpu.h"
#include "x86.h"

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

static int seal_range(const struct code_range *range, enum page_class class)
{
	return range->size ? seal_set_class(range->pa, range->pa + range->size,
					    class) : 0;
}

/* Its code is no region's: nothing may be written there. */
static int seal_firmware(const struct firmware_piece *piece)
{
	if (piece->start >= piece->end)
		return 0;
	return seal_set_class(piece->start, piece->end,
			      piece->kind == FIRMWARE_CODE ? CLASS_CODE :
							     CLASS_FIRMWARE);
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
	u32 i;
	int err;

	err = regions_init();
	if (!err)
		err = seal_range(&c->text, CLASS_CODE);
	if (!err)
		err = seal_range(&c->rodata, CLASS_RODATA);
	if (!err)
		err = seal_range(&c->unwind, CLASS_RODATA);
	if (!err)
		err = seal_range(&c->start_code, CLASS_RODATA);
	if (!err)
		err = seal_set_class(c->idt_pa, c->idt_pa + PAGE_SIZE,
				     CLASS_TABLE);
	for (i = 0; !err && i < ISLAND_FIRMWARE; i++)
		err = seal_firmware(&c->firmware[i]);
	return err;
}

/**
 * seal_split() - give a page an entry of its own
 * @vcpu: the CPU
 * @pa: the page
 *
 * CPUs with the iTLB-multihit erratum must not find a code page in two sizes
 * (ept.c). The large page loses execution first, then all CPUs drop it, and its
 * pieces are made of what is left. Who wants to run one meanwhile waits for the
 * lock.
 *
 * Context: root, with the lock.
 *
 * Return: 0 or -ENOMEM.
 */
int seal_split(struct vcpu *vcpu, u64 pa)
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

/* What both the class and the page as it was allow, until the shootdown */
static int reduce(struct vcpu *vcpu, u64 pa, enum page_class class)
{
	u64 rights = seal_rights(class) & ept_rights(&island.ept, pa);
	int err;

	err = seal_split(vcpu, pa);
	return err ? : ept_protect(&island.ept, pa, pa + PAGE_SIZE,
				   rights | EPT_READ, class);
}

/**
 * seal_is_memory() - whether a page is memory, Linux's, and not a device's
 * @pa: any address in it
 *
 * What is written to a sealed page is copied and compared.
 *
 * Context: root, with the lock.
 */
bool seal_is_memory(u64 pa)
{
	return guest_owns(pa) && pa < island.config.map_limit &&
	       (ept_lookup(&island.ept, pa, NULL) & EPT_TYPE_MASK) >>
	       EPT_TYPE_SHIFT == MEMTYPE_WB;
}

/* What a request may seal: ordinary memory, or code that ran before it. */
static bool may_seal(struct vcpu *vcpu, u64 pa)
{
	if (!seal_is_memory(pa))
		return false;
	if (ept_class(&island.ept, pa) == CLASS_RELEASED)
		seal_flush_released(vcpu);
	switch (ept_class(&island.ept, pa)) {
	case CLASS_DATA:
	case CLASS_DYNAMIC:
	case CLASS_OPENED:
		return true;
	}
	return false;
}

/*
 * The region's pages have lost what they must not have: now they may run. Where
 * the guest maps something else by now, what was there stays as it is.
 */
static void raise(struct vcpu *vcpu, const struct region *region,
		  enum page_class class)
{
	u64 end = region->patch.va + region->patch.size;
	struct guest_mapping m;
	u64 va, found;

	for (va = region->patch.va; va < end; va += PAGE_SIZE) {
		if (guest_walk(vcpu, va, &m) &&
		    region_of(m.pa, &found) == region && found == va)
			seal_set_class(m.pa, m.pa + PAGE_SIZE, class);
	}
}

static void undo(struct vcpu *vcpu, struct region *region)
{
	u64 pa;
	u32 i;

	if (!region->frames) {
		region_destroy(vcpu, region);
		return;
	}
	/* Forgetting moves others up, into the same place: look there again. */
	for (i = 0; i < REGION_FRAMES; i++) {
		while (region_frame(region, i, &pa))
			seal_release_page(vcpu, pa);
	}
}

/* As Linux maps what is to be sealed: code as for new code, data of its own */
static bool mapped_for(const struct guest_mapping *m, enum page_class class)
{
	return !m->user && (class != CLASS_CODE ||
			    (m->executable && !m->writable));
}

static int seal_region(struct vcpu *vcpu, const struct seal_request *q)
{
	struct guest_mapping m;
	struct region *region;
	u32 i;
	int err;

	region = region_create(vcpu, q, &err);
	if (!region)
		return err;
	for (i = 0; !err && i < q->pages; i++) {
		err = -EFAULT;
		if (!guest_walk(vcpu, q->va + i * PAGE_SIZE, &m) ||
		    !mapped_for(&m, q->class) || !may_seal(vcpu, m.pa))
			break;
		err = region_add_frame(region, m.pa, i);
		if (!err)
			err = reduce(vcpu, m.pa, q->class);
	}
	if (err) {
		undo(vcpu, region);
		return err;
	}
	shootdown(vcpu);
	raise(vcpu, region, q->class);
	return 0;
}

/**
 * seal_may_be_dynamic() - whether policy allows new code
 *
 * Context: root, with the lock.
 */
bool seal_may_be_dynamic(void)
{
	return island.policy.value[POLICY_DYNAMIC_CODE] == DYNAMIC_CODE_SEAL;
}

/*
 * Whatever of it can be code: what is known already stays what it is, and what Linux
 * has freed meanwhile is gone.
 */
static int seal_dynamic(struct vcpu *vcpu, const struct seal_request *q)
{
	u64 end = q->va + q->pages * PAGE_SIZE;
	struct guest_mapping m;
	bool reduced = false;
	int err = 0;
	u64 va;

	for (va = q->va; !err && va < end; va += PAGE_SIZE) {
		if (!guest_walk(vcpu, va, &m) || !mapped_for(&m, CLASS_CODE) ||
		    !may_seal(vcpu, m.pa))
			continue;
		err = reduce(vcpu, m.pa, CLASS_DYNAMIC);
		dynamic_code_note(m.pa, va);
		reduced = true;
	}
	if (!reduced)
		return err;
	shootdown(vcpu);
	for (va = q->va; va < end; va += PAGE_SIZE) {
		if (guest_walk(vcpu, va, &m) &&
		    ept_class(&island.ept, m.pa) == CLASS_DYNAMIC)
			seal_set_class(m.pa, m.pa + PAGE_SIZE, CLASS_DYNAMIC);
	}
	return err;
}

/**
 * seal_request() - seal what the guest half names
 * @vcpu: the CPU
 * @va: the guest's address of a struct seal_request
 *
 * Context: root, with the lock.
 *
 * Return: 0, and all of it is sealed, or nothing: -EINVAL for a request that is
 * none; -EPERM where policy allows no new code; -EFAULT where memory is not
 * mapped as it should be, or is something else already; -EEXIST where the
 * addresses are sealed; -ENOSPC and -ENOMEM where root has no room. Of what is to
 * be CLASS_DYNAMIC all that can be is sealed, also where the result is -ENOMEM.
 */
int seal_request(struct vcpu *vcpu, u64 va)
{
	struct seal_request q;
	int err;

	err = guest_read(vcpu, va, &q, sizeof(q));
	if (err)
		return err;
	if (q.va % PAGE_SIZE || !q.pages || q.pages > FRAME_MAP_PAGES ||
	    !seal_in_range(q.va) ||
	    !seal_in_range(q.va + q.pages * PAGE_SIZE - 1) ||
	    q.nr_sites > island.regions.max_sites)
		return -EINVAL;
	switch (q.class) {
	case CLASS_CODE:
		return seal_may_be_dynamic() ? seal_region(vcpu, &q) : -EPERM;
	case CLASS_DYNAMIC:
		return seal_may_be_dynamic() ? seal_dynamic(vcpu, &q) : -EPERM;
	case CLASS_RODATA:
		return seal_region(vcpu, &q);
	}
	return -EINVAL;
}

/**
 * seal_note_probe() - what is under a kprobe that was there before the seal
 * @va: where it is
 * @bytes: PATCH_PROBE bytes as they are without it, the first one lowest
 *
 * Not once guards are on: root sees then what probes replace.
 *
 * Context: root, with the lock.
 *
 * Return: 0, -EPERM, -EINVAL for what is no sealed code, or -ENOSPC.
 */
int seal_note_probe(u64 va, u64 bytes)
{
	const struct region *region = region_at(va, PATCH_PROBE);
	u8 original[PATCH_PROBE];

	if (island.policy.value[POLICY_ENFORCE])
		return -EPERM;
	if (!region)
		return -EINVAL;
	memcpy(original, &bytes, sizeof(original));
	return patch_note_add(&island.regions.notes, &region->patch, va,
			      original) ? 0 : -ENOSPC;
}

/**
 * seal_new_code() - seal a page that is about to run for the first time
 * @vcpu: the CPU
 * @pa: the page
 * @va: the kernel's address of it
 *
 * Context: root, with the lock.
 *
 * Return: 0, -EPERM for what is no ordinary memory, or -ENOMEM.
 */
int seal_new_code(struct vcpu *vcpu, u64 pa, u64 va)
{
	int err;

	pa &= ~(PAGE_SIZE - 1);
	if (!may_seal(vcpu, pa))
		return -EPERM;
	err = reduce(vcpu, pa, CLASS_DYNAMIC);
	if (err)
		return err;
	shootdown(vcpu);
	dynamic_code_note(pa, va);
	return seal_set_class(pa, pa + PAGE_SIZE, CLASS_DYNAMIC);
}

/**
 * seal_dynamic_code() - have an address lead to dynamic code, if it may
 * @vcpu: the CPU
 * @va: the address
 * @pa: set to its physical address
 *
 * Linux has code patched to lead to what has never run. That is sealed now, where it
 * would be when it runs; before that is so, and where there is no memory for it, in
 * which case it will not run (fetch.c), what could be counts.
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether dynamic code is mapped there as Linux maps code.
 */
bool seal_dynamic_code(struct vcpu *vcpu, u64 va, u64 *pa)
{
	struct guest_mapping m;

	if (!seal_in_range(va) || region_at(va, 1) || !guest_walk(vcpu, va, &m) ||
	    !mapped_for(&m, CLASS_CODE) || !seal_is_memory(m.pa))
		return false;
	*pa = m.pa;
	switch (ept_class(&island.ept, m.pa)) {
	case CLASS_DYNAMIC:
		return dynamic_code_is_at(m.pa, va);
	case CLASS_DATA:
		return !island.policy.value[POLICY_ENFORCE] ||
		       (seal_may_be_dynamic() &&
			seal_new_code(vcpu, m.pa, va) != -EPERM);
	}
	return false;
}

/**
 * seal_close() - let no page keep what it got because policy allowed it
 * @vcpu: the CPU
 *
 * Context: root, with the lock.
 */
void seal_close(struct vcpu *vcpu)
{
	struct ept_limit_rule rule[EPT_CLASSES];
	u32 class;

	for (class = 0; class < CLASS_COUNT; class++)
		rule[class] = (struct ept_limit_rule){
			.rights = seal_rights(class),
			.becomes = class,
		};
	rule[CLASS_OPENED] = rule[CLASS_DATA];
	if (ept_restrict(&island.ept, rule))
		shootdown(vcpu);
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
