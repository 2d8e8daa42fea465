// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: putting the island together
 *
 * All of it is built here, through Linux's direct map, before any CPU enters:
 * afterwards these pages read as zeros. What root computes for itself (EPT,
 * descriptor tables) it computes in island_init(), still before.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/smp.h>

#include "bridge.h"
#include "compat.h"
#include "core_code.h"
#include "ept.h"
#include "host_paging.h"
#include "hypercall.h"
#include "island.h"
#include "island_load.h"
#include "machine.h"
#include "pool.h"
#include "pool_size.h"

/* image.S */
extern const char island_image[], island_image_end[];

static struct table_pool pool;
static struct host_paging paging;

/* What is needed after loading */
static u64 slot_entry;
static u64 enter_function;
static struct island_public *public;
static struct vcpu_public **vcpu_publics;
static unsigned int nr_vcpus;

#ifdef CARAPACE_TESTING
static unsigned int failing_cpu = UINT_MAX;
static u32 failing_at;

void island_fail_at(unsigned int cpu, u32 fail_at)
{
	failing_cpu = cpu;
	failing_at = fail_at;
}
#endif

static const struct {
	u64 offset;
	u32 pages;
} vcpu_parts[] = {
#define X(offset, pages) { offset, pages },
	VCPU_PARTS(X)
#undef X
};

static const struct island_header *header(void)
{
	return (const struct island_header *)island_image;
}

static u64 pages_needed(const struct machine *m)
{
	const struct vmx_controls *c = &m->controls;
	u64 chunks = 1;
	u64 pages;

	for (;;) {
		pages = header()->image_end / PAGE_SIZE +
			pool_of_all(core_code_max_sites()) +
			nr_vcpus * POOL_OF_CPU +
			ept_tables_needed(c->ept_levels, c->ept_1g,
					  m->map_limit, &m->mtrr, chunks,
					  pool_spare(totalram_pages()));
		if (pages <= chunks * TABLE_POOL_CHUNK_PAGES)
			return pages;
		chunks++;
	}
}

/* Where root sees what Linux sees at @address. Only after table_pool_move(). */
static void *root_address(const void *address)
{
	return table_pool_va(&pool, virt_to_phys((void *)address));
}

static int map_image(struct island_config **config, u64 *image_pa)
{
	const struct island_header *h = header();
	u64 size = h->image_end;
	void *image;
	u64 pa;
	int err;

	pa = table_pool_alloc_contiguous(&pool, size / PAGE_SIZE, &image);
	if (!pa)
		return -ENOMEM;
	memcpy(image, island_image, h->file_end);

	err = host_paging_map(&paging, ISLAND_IMAGE, pa, h->text_end,
			      HOST_PAGING_EXEC);
	if (!err)
		err = host_paging_map(&paging, ISLAND_IMAGE + h->text_end,
				      pa + h->text_end,
				      h->rodata_end - h->text_end, 0);
	if (!err)
		err = host_paging_map(&paging, ISLAND_IMAGE + h->rodata_end,
				      pa + h->rodata_end, size - h->rodata_end,
				      HOST_PAGING_WRITE);

	*config = image + (h->config - ISLAND_IMAGE);
	*image_pa = pa;
	return err;
}

/*
 * All of the pool as data, but for the image's text and read-only data: they
 * have a mapping with their own rights, and no writable one beside it. Their
 * chunk is mapped page by page.
 */
static int map_pool(u64 image_pa)
{
	u64 rodata_end = image_pa + header()->rodata_end;
	u64 pa, va, size;
	u32 flags, i;
	int err;

	for (i = 0; i < pool.nr_chunks; i++) {
		pa = pool.chunk[i].pa;
		va = ISLAND_POOL + i * TABLE_POOL_CHUNK_SIZE;
		size = TABLE_POOL_CHUNK_SIZE;
		flags = HOST_PAGING_WRITE | HOST_PAGING_LARGE;
		if (image_pa >= pa && image_pa < pa + size) {
			flags = HOST_PAGING_WRITE;
			err = host_paging_map(&paging, va, pa, image_pa - pa,
					      flags);
			if (err)
				return err;
			va += rodata_end - pa;
			size -= rodata_end - pa;
			pa = rodata_end;
		}
		err = host_paging_map(&paging, va, pa, size, flags);
		if (err)
			return err;
	}
	return 0;
}

/* Some memory of the island's, zeroed, mapped at @va when that is not 0 */
static int map_part(u64 va, u32 pages, u64 *pa, void **address)
{
	*pa = table_pool_alloc_contiguous(&pool, pages, address);
	if (!*pa)
		return -ENOMEM;
	return va ? host_paging_map(&paging, va, *pa, pages * PAGE_SIZE,
				    HOST_PAGING_WRITE) : 0;
}

static u64 vcpu_address(unsigned int cpu)
{
	return ISLAND_VCPUS + cpu * VCPU_STRIDE;
}

/*
 * One vCPU. Its pointers are Linux's for now; seal_config() turns them into
 * root's when the pool has moved.
 */
static int map_vcpu(unsigned int cpu, struct vcpu_config **result)
{
	u64 va = vcpu_address(cpu);
	struct vcpu_config *config = NULL;
	void *address;
	u64 pa;
	u32 i;
	int err;

	for (i = 0; i < ARRAY_SIZE(vcpu_parts); i++) {
		err = map_part(va + vcpu_parts[i].offset, vcpu_parts[i].pages,
			       &pa, &address);
		if (err)
			return err;
		if (!config) {
			config = address + VCPU_CONFIG;
			config->pa = pa;
		}
	}
	err = map_part(0, 1, &config->public_pa, (void **)&vcpu_publics[cpu]);
	if (!err)
		err = map_part(0, 1, &config->vmxon_pa, &address);
	if (!err)
		err = map_part(0, 1, &config->vmcs_pa, &address);
	if (!err)
		err = host_paging_reserve(&paging, va + VCPU_WINDOW, PAGE_SIZE);
	if (err)
		return err;

	config->window_pte = host_paging_pte(&paging, va + VCPU_WINDOW);
	config->public = vcpu_publics[cpu];
	config->index = cpu;
	config->apic_id = cpu_physical_id(cpu);
#ifdef CARAPACE_TESTING
	if (cpu == failing_cpu)
		config->fail_at = failing_at;
#endif
	*result = config;
	return 0;
}

/* The local APIC, for NMIs, and for the INIT that a CPU passes on to itself */
static int map_apic(void)
{
	u64 base;

	rdmsrq(MSR_IA32_APICBASE, base);
	return host_paging_map(&paging, ISLAND_APIC,
			       base & MSR_IA32_APICBASE_BASE, PAGE_SIZE,
			       HOST_PAGING_WRITE | HOST_PAGING_UC);
}

static void seal_config(const struct machine *m, struct island_config *config,
			struct vcpu_config **vcpus)
{
	unsigned int cpu;

	table_pool_move(&pool, ISLAND_POOL);
	for (cpu = 0; cpu < nr_vcpus; cpu++) {
		vcpus[cpu]->window_pte = root_address(vcpus[cpu]->window_pte);
		vcpus[cpu]->public = root_address(vcpus[cpu]->public);
	}
	config->controls = m->controls;
	config->mtrr = m->mtrr;
	config->map_limit = m->map_limit;
	config->cpuid_faulting = m->cpuid_faulting;
	config->itlb_multihit = m->itlb_multihit;
	config->pebs = m->pebs;
	config->pebs_pretended = m->pebs_pretended;
	config->has_endbr = IS_ENABLED(CONFIG_X86_KERNEL_IBT);
	config->firmware_calls = m->firmware_calls;
	config->under_kvm = m->under_kvm;
	config->hw_feedback_size = m->hw_feedback_size;
	config->phys_limit = m->phys_limit;
	config->apic_base = m->apic_base;
	config->host_cr3 = paging.root_pa;
	config->slot_entry = slot_entry;
	config->public = root_address(public);
	config->public_pa = virt_to_phys(public);
	config->nr_vcpus = nr_vcpus;
	core_code_describe(config);
	config->pool = pool;
}

static int build(const struct machine *m, struct vcpu_config **vcpus)
{
	struct island_config *config;
	unsigned int cpu;
	u64 image_pa = 0, public_pa;
	int err;

	err = map_part(0, 1, &public_pa, (void **)&public);
	if (!err)
		err = host_paging_init(&paging, &pool,
				       pgtable_l5_enabled() ? 5 : 4);
	if (!err)
		err = map_image(&config, &image_pa);
	if (!err)
		err = map_pool(image_pa);
	if (!err)
		err = map_apic();
	for (cpu = 0; !err && cpu < nr_vcpus; cpu++)
		err = map_vcpu(cpu, &vcpus[cpu]);
	if (err)
		return err;

	slot_entry = host_paging_slot_entry(&paging, ISLAND_BASE);
	enter_function = header()->enter;
	seal_config(m, config, vcpus);
	return 0;
}

static int call_init(void)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = (int)bridge_call(slot_entry, header()->init, 0);
	local_irq_restore(flags);
	return err;
}

/**
 * island_load() - build everything that no CPU can do without
 *
 * Context: may sleep; after machine_read(). No CPU is in VMX operation.
 *
 * Return: 0, or a negative errno after one line, and then nothing is held.
 */
int island_load(void)
{
	struct vcpu_config **vcpus;
	int err;

	if (header()->magic != ISLAND_MAGIC) {
		pr_err("the island's image is damaged; build the module again\n");
		return -ENOEXEC;
	}
	nr_vcpus = cpumask_last(cpu_present_mask) + 1;
	vcpus = kcalloc(nr_vcpus, sizeof(*vcpus), GFP_KERNEL);
	vcpu_publics = kcalloc(nr_vcpus, sizeof(*vcpu_publics), GFP_KERNEL);
	err = -ENOMEM;
	if (!vcpus || !vcpu_publics) {
		pr_err("out of memory: no room to list %u CPUs; free some memory\n",
		       nr_vcpus);
		goto out_vcpus;
	}

	err = pool_allocate(&pool, pages_needed(machine()));
	if (err)
		goto out_vcpus;
	err = bridge_allocate();
	if (err) {
		pr_err("out of memory: no room for page tables; free some memory\n");
		goto out_pool;
	}
	err = build(machine(), vcpus);
	if (!err)
		err = call_init();
	if (err) {
		pr_err("cannot build the island in %llu KiB of memory (%d); please report this line\n",
		       pool_bytes() / SZ_1K, err);
		goto out_bridge;
	}
	kfree(vcpus);
	return 0;

out_bridge:
	bridge_free();
out_pool:
	pool_release();
out_vcpus:
	kfree(vcpu_publics);
	kfree(vcpus);
	return err;
}

/*
 * A CPU that left because of a failure left the slot in a page table of
 * Linux's. It is taken out only where it still is: the page may have become
 * something else.
 */
static void unplant(unsigned int cpu)
{
	u64 pa = island_vcpu_public(cpu)->planted_pa;
	u64 *entry;

	if (!pa)
		return;
	entry = (u64 *)__va(pa) + ISLAND_PML4_INDEX;
	cmpxchg64(entry, slot_entry, 0);
}

/**
 * island_unload() - take it apart
 *
 * Context: may sleep. No CPU is in VMX operation.
 */
void island_unload(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_vcpus; cpu++)
		unplant(cpu);
	/* No CPU may walk the island's tables when they are something else. */
	bridge_flush_all_cpus();
	bridge_free();
	pool_release();
	kfree(vcpu_publics);
}

/**
 * island_call_enter() - put the calling CPU into VMX non-root mode
 * @cpu: its number
 *
 * Context: interrupts off.
 *
 * Return: 0, now in non-root mode, or a negative errno and
 * island_vcpu_public() says why.
 */
long island_call_enter(unsigned int cpu)
{
	unplant(cpu);
	return (int)bridge_call(slot_entry, enter_function, vcpu_address(cpu));
}

/**
 * island_call_leave() - take the calling CPU out of VMX non-root mode
 *
 * Context: interrupts off, or NMI.
 *
 * Return: 0, or -ENXIO where the CPU was not in it.
 */
long island_call_leave(void)
{
	return bridge_hypercall(slot_entry, HYPERCALL_DETACH);
}

/**
 * island_nr_vcpus() - CPUs that have a place in the island: 0 to this, exclusive
 *
 * Context: any, from island_load() to island_unload().
 */
unsigned int island_nr_vcpus(void)
{
	return nr_vcpus;
}

/**
 * island_public() - what root shows of the whole
 *
 * Valid from island_load() to island_unload(), as is the next.
 *
 * Context: any, from island_load() to island_unload().
 */
const struct island_public *island_public(void)
{
	return public;
}

/**
 * island_vcpu_public() - what root shows of a CPU
 * @cpu: its number, below island_nr_vcpus()
 *
 * Context: any, from island_load() to island_unload().
 */
const struct vcpu_public *island_vcpu_public(unsigned int cpu)
{
	return vcpu_publics[cpu];
}

/**
 * island_note_bare() - the calling CPU goes on without root, and stays online
 * @cpu: its number
 *
 * Root reads it, too: tasks run there unseen. It is overwritten when that CPU enters.
 *
 * Context: any; that CPU is bare, so the page is not read-only to it.
 */
void island_note_bare(unsigned int cpu)
{
	WRITE_ONCE(vcpu_publics[cpu]->state, VCPU_DEGRADED);
}
