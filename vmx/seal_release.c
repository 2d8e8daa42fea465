// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: sealed pages that Linux frees
 *
 * They are data again once no CPU can run them any more. Who says that they are free
 * may be an attacker: what is still mapped as it was stays sealed.
 */
#include "dynamic_code.h"
#include "ept.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "seal.h"
#include "shootdown.h"
#include "vcpu.h"
#include "x86.h"

static bool in_range(const struct code_range *range, u64 pa)
{
	return pa - range->pa < range->size;
}

static bool is_firmware(u64 pa)
{
	const struct firmware_piece *piece = island.config.firmware;
	u32 i;

	for (i = 0; i < ISLAND_FIRMWARE; i++) {
		if (pa >= piece[i].start && pa < piece[i].end)
			return true;
	}
	return false;
}

/* What is there for as long as Linux is */
static bool is_core(u64 pa)
{
	const struct island_config *c = &island.config;

	return is_firmware(pa) || in_range(&c->text, pa) || in_range(&c->rodata, pa) ||
	       in_range(&c->unwind, pa) || in_range(&c->start_code, pa) ||
	       pa == c->idt_pa;
}

/* A large page that is one again, and the table that stood for it */
struct merged {
	u64 gpa;
	u64 table_pa;
};

#define MERGED	16

/*
 * Code comes to lie anywhere in memory; without this, there would be a table for each
 * 2 MiB where some has ever been, and root's memory for tables would be used up in the
 * end. A decoy's view ends by the shootdown. What is not merged for want of room has
 * its turn when code goes there again.
 */
static void merge_released(struct vcpu *vcpu)
{
	struct ept *view = island.eptp_list_pa ? &island.shadow_view : NULL;
	const u64 rights = seal_rights(CLASS_DATA);
	const struct seal *s = &island.seal;
	struct merged merged[MERGED];
	u32 i, nr = 0;

	for (i = 0; i < s->nr_released && nr < MERGED; i++) {
		merged[nr].gpa = s->released[i] & ~(SIZE_2M - 1);
		merged[nr].table_pa = ept_merge(&island.ept, view, merged[nr].gpa,
						rights & ~(EPT_EXEC | EPT_EXEC_USER));
		if (merged[nr].table_pa)
			nr++;
	}
	if (!nr)
		return;
	shootdown(vcpu);
	for (i = 0; i < nr; i++) {
		table_pool_free(&island.config.pool, merged[i].table_pa);
		seal_set_class(merged[i].gpa, merged[i].gpa + SIZE_2M, CLASS_DATA);
	}
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
	merge_released(vcpu);
	s->nr_released = 0;
}

/**
 * seal_release_page() - a page is what it was no more, and data soon
 * @vcpu: the CPU
 * @pa: its physical address
 *
 * Context: root, with the lock.
 *
 * Return: 0 or -ENOMEM.
 */
int seal_release_page(struct vcpu *vcpu, u64 pa)
{
	struct seal *s = &island.seal;
	int err;

	region_forget_frame(vcpu, pa);
	dynamic_code_forget(pa);
	if (s->nr_released == ARRAY_SIZE(s->released))
		seal_flush_released(vcpu);
	err = seal_set_class(pa, pa + PAGE_SIZE, CLASS_RELEASED);
	if (!err)
		s->released[s->nr_released++] = pa;
	return err;
}

/*
 * What Linux frees is mapped no more; or it was code, and cannot be run where it is
 * mapped. Locked, only what may go at any time goes: modules' initialisation, modules
 * that may still fail, and code without a list of what may stand in it.
 */
static bool may_release(struct vcpu *vcpu, u64 pa)
{
	const struct region *region;
	struct guest_mapping m;
	u64 va;

	region = region_of(pa, &va);
	if (!region)
		return !island_locked() ||
		       ept_class(&island.ept, pa) != CLASS_RODATA;
	if (island_locked() && !region->transient)
		return false;
	if (!guest_walk(vcpu, va, &m) || m.pa != pa)
		return true;
	return ept_class(&island.ept, pa) == CLASS_CODE && !m.executable;
}

/**
 * seal_release() - a page is code no more
 * @vcpu: the CPU
 * @pa: its physical address, as the guest half says
 *
 * Context: root, with the lock.
 *
 * Return: 0, also for a page that is data, -EINVAL, or -EPERM for what is not to
 * be released.
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
		return may_release(vcpu, pa) ? seal_release_page(vcpu, pa) : -EPERM;
	}
	return 0;
}

/**
 * seal_transient() - whether Linux may free a region, also while the policy is locked
 * @va: where it begins
 * @transient: whether it may
 *
 * A module's region may go until its initialisation is over, for that may fail; and
 * from when it is being unloaded. Locked, none may that may not already: who has root
 * never hear of the end keeps to himself what rights he has over a module that is
 * loaded after that.
 *
 * Context: root, with the lock.
 *
 * Return: 0, -EINVAL where no region begins, or -EPERM.
 */
int seal_transient(u64 va, bool transient)
{
	struct region *region = region_from(va);

	if (!region || !seal_in_range(va))
		return -EINVAL;
	if (transient && island_locked())
		return -EPERM;
	region->transient = transient;
	return 0;
}
