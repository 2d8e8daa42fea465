// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the island: what all CPUs share
 */
#include "cpu_ops.h"
#include "emulate.h"
#include "ept.h"
#include "host_tables.h"
#include "island.h"
#include "pebs.h"
#include "pins.h"
#include "seal.h"
#include "shadow_pages.h"
#include "stack_walk.h"
#include "vcpu.h"
#include "x86.h"

struct island island;

static int show_frame(struct ept *ept, u64 pa)
{
	return ept_map_frame(ept, pa, pa, EPT_READ, MEMTYPE_WB);
}

/*
 * Every page of the pool but the public ones is replaced by one frame of
 * zeros, read-only: whoever reads all of memory (/proc/kcore, kdump) can, and
 * whoever writes gets an exit.
 */
static int hide_pool(struct ept *ept, struct island_config *config)
{
	struct table_pool *pool = &config->pool;
	u64 zero_pa, table_pa;
	struct vcpu *vcpu;
	void *zero;
	u32 i;
	int err;

	zero_pa = table_pool_alloc(pool, &zero);
	if (!zero_pa)
		return -ENOMEM;
	table_pa = ept_build_hiding_table(ept, zero_pa);
	if (!table_pa)
		return -ENOMEM;

	for (i = 0; i < pool->nr_chunks; i++) {
		err = ept_hide_chunk(ept, pool->chunk[i].pa, table_pa);
		if (err)
			return err;
	}
	err = show_frame(ept, config->public_pa);
	for (i = 0; !err && i < config->nr_vcpus; i++) {
		vcpu = vcpu_number(i);
		err = show_frame(ept, vcpu->config.public_pa);
	}
	return err;
}

static int init_msr_bitmaps(struct table_pool *pool)
{
	void *bitmap, *lifted;

	island.msr_bitmap_pa = table_pool_alloc(pool, &bitmap);
	island.msr_bitmap_lifted_pa = table_pool_alloc(pool, &lifted);
	if (!island.msr_bitmap_pa || !island.msr_bitmap_lifted_pa)
		return -ENOMEM;
	emulate_fill_msr_bitmap(bitmap);
	emulate_fill_msr_bitmap(lifted);
	pins_fill_msr_bitmap(bitmap, false);
	pins_fill_msr_bitmap(lifted, true);
	pebs_fill_msr_bitmap(bitmap);
	pebs_fill_msr_bitmap(lifted);
	return 0;
}

/* VMXON regions and VMCSs begin with the revision (SDM 3C, 25.2 and 25.11.5) */
static void init_vcpu(struct island_config *config, struct vcpu *vcpu)
{
	u32 revision = config->controls.revision;

	*(u32 *)table_pool_va(&config->pool, vcpu->config.vmxon_pa) = revision;
	*(u32 *)table_pool_va(&config->pool, vcpu->config.vmcs_pa) = revision;
	host_tables_init(vcpu);
}

void island_publish(void)
{
	struct island_public *public = island.config.public;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(public->ept_leaves); i++)
		public->ept_leaves[i] = island.ept.leaves[i];
	public->sealed_pages = island.ept.class_pages[CLASS_CODE] +
			       island.ept.class_pages[CLASS_DYNAMIC] +
			       island.ept.class_pages[CLASS_RODATA];
	public->pool_pages = island.config.pool.nr_total;
	public->pool_used = island.config.pool.nr_used;
	public->shadow_pages = island.shadow.nr_chunks * SHADOW_CHUNK_PAGES;
	public->shadow_free = 0;
	public->shadow_spare = ~0ULL;
	for (i = 0; i < SHADOW_USES; i++) {
		public->shadow_free += island.shadow.nr_free[i];
		if (island.shadow.nr_free[i] < public->shadow_spare)
			public->shadow_spare = island.shadow.nr_free[i];
	}
	public->stacks_armed = island.stacks_armed;
	public->returns_patched = island.patched_sites;
	public->policy = island.policy;
}

int island_init(void)
{
	struct island_config *config = &island.config;
	const struct vmx_controls *c = &config->controls;
	u32 i;
	int err;

	err = ept_init(&island.ept, &config->pool, c->ept_levels, c->ept_1g);
	if (!err)
		err = ept_map_identity(&island.ept, 0, config->map_limit,
				       seal_rights(CLASS_DATA), &config->mtrr);
	if (!err)
		err = seal_init();
	if (!err)
		err = stack_walk_init();
	if (!err)
		err = hide_pool(&island.ept, config);
	if (!err)
		err = shadow_init();
	if (!err)
		err = init_msr_bitmaps(&config->pool);
	if (err)
		return err;

	/* Decoys must not fail for what the guest had split. */
	island.ept.reserve = config->nr_vcpus * DECOY_RESERVE;
	policy_init(&island.policy);
	for (i = 0; i < config->nr_vcpus; i++)
		init_vcpu(config, vcpu_number(i));
	island_publish();
	return 0;
}
