// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's sandbox: its page table and pages, before and after a trial
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

#include "fuzz_registers.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_KEY_1	BIT_ULL(59)
#define PTE_NX		BIT_ULL(63)

#define INT3		0xcc

/* The pages that a trial has */
enum page_number {
#define X(name) PAGE_##name,
	FUZZ_PAGES(X)
#undef X
	PAGE_COUNT,
};

static const struct {
	unsigned long va;
	u64 flags;
} layout[PAGE_COUNT] = {
	[PAGE_CODE]	 = { FUZZ_CODE, PTE_P | PTE_U },
	[PAGE_CODE_MORE] = { FUZZ_CODE_MORE, PTE_P | PTE_U },
	[PAGE_KCODE]	 = { FUZZ_KCODE, PTE_P },
	[PAGE_DATA]	 = { FUZZ_DATA, PTE_P | PTE_W | PTE_U | PTE_NX },
	[PAGE_RODATA]	 = { FUZZ_RODATA, PTE_P | PTE_U | PTE_NX },
	[PAGE_KEYDATA]	 = { FUZZ_KEYDATA, PTE_P | PTE_W | PTE_U | PTE_KEY_1 },
	[PAGE_KDATA]	 = { FUZZ_KDATA, PTE_P | PTE_W | PTE_NX },
	[PAGE_KRODATA]	 = { FUZZ_KRODATA, PTE_P | PTE_NX },
	[PAGE_STACK]	 = { FUZZ_STACK, PTE_P | PTE_W | PTE_U | PTE_NX },
	[PAGE_KSTACK]	 = { FUZZ_KSTACK, PTE_P | PTE_W | PTE_NX },
};

static u8 *pages[PAGE_COUNT];
static u64 *page_pte[PAGE_COUNT];
static u64 page_entry[PAGE_COUNT];	/* what is in it before a trial */
static u64 pristine[PAGE_SIZE / 8];	/* what is in data pages and stacks */
static u64 traps[PAGE_SIZE / 8];	/* and in those for code */

/*
 * For page tables of random shape: tables and the page that they map lie in one
 * aligned block of 2 MiB, and at its place within the GiB in the addresses,
 * too. So whatever level becomes a leaf, it maps what the others do.
 */
#define ARENA_ORDER	9
#define ARENA_PDPT	0
#define ARENA_PD	1
#define ARENA_PT	2
#define ARENA_TARGET	3
#define ARENA_BEHIND	4
#define TARGET_SLOT	1UL		/* of the top level */
#define GIB		(1UL << 30)

static u64 *arena;
static u64 *target_entry[FUZZ_LEVELS];
static u64 target_base[FUZZ_LEVELS];
static unsigned long target_va;

static u64 *top;
static void *tables[32];
static unsigned int nr_tables;

/**
 * sandbox_target() - where the page is whose entries PAGING trials vary
 */
u64 sandbox_target(void)
{
	return target_va;
}

static u64 *table_below(u64 *entry, bool user)
{
	if (!(*entry & PTE_P)) {
		void *table;

		if (nr_tables == ARRAY_SIZE(tables))
			return NULL;
		table = (void *)get_zeroed_page(GFP_KERNEL);
		if (!table)
			return NULL;
		tables[nr_tables++] = table;
		*entry = __pa(table) | PTE_P | PTE_W | PTE_A;
	}
	if (user)
		*entry |= PTE_U;
	return __va(*entry & PTE_PFN_MASK);
}

static u64 *map(unsigned long va, u64 entry)
{
	u64 *table = top;
	int shift;

	for (shift = 39; shift > 12; shift -= 9) {
		table = table_below(&table[va >> shift & 511], entry & PTE_U);
		if (!table)
			return NULL;
	}
	table[va >> 12 & 511] = entry;
	return &table[va >> 12 & 511];
}

/* Of the module, at its own address; not NX, for that bit may become invalid */
static int map_module(const void *start, const void *end, u64 flags)
{
	const void *at;

	for (at = start; at < end; at += PAGE_SIZE) {
		if (!map((unsigned long)at,
			 (u64)vmalloc_to_pfn(at) << PAGE_SHIFT | flags))
			return -ENOMEM;
	}
	return 0;
}

static void fill_page(enum page_number i)
{
	memcpy(pages[i], i <= PAGE_KCODE ? traps : pristine, PAGE_SIZE);
}

static int make_pages(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pristine); i++)
		pristine[i] = (i + 1) * 0x9e3779b97f4a7c15UL;
	memset(traps, INT3, sizeof(traps));
	for (i = 0; i < PAGE_COUNT; i++) {
		pages[i] = (u8 *)__get_free_page(GFP_KERNEL);
		if (!pages[i])
			return -ENOMEM;
		fill_page(i);
		page_entry[i] = __pa(pages[i]) | layout[i].flags;
		page_pte[i] = map(layout[i].va, page_entry[i]);
		if (!page_pte[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_target(void)
{
	u64 pa;
	u64 *table;
	int level;

	arena = (u64 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, ARENA_ORDER);
	if (!arena)
		return -ENOMEM;
	pa = __pa(arena);
	target_va = (TARGET_SLOT << 39) + (pa & (GIB - 1)) +
		    ARENA_TARGET * PAGE_SIZE;
	table = top;
	for (level = 0; level < FUZZ_LEVELS; level++) {
		target_entry[level] =
			&table[target_va >> (39 - 9 * level) & 511];
		table = (u64 *)((u8 *)arena + level * PAGE_SIZE);
		target_base[level] = __pa(table) | PTE_P | PTE_W | PTE_U;
	}
	return 0;
}

/**
 * sandbox_create_memory() - make the sandbox's page table and pages
 *
 * Return: 0 or -ENOMEM; then sandbox_destroy_memory() frees what there is.
 */
int sandbox_create_memory(void)
{
	int err;

	/* A MOV to CR3 in compatibility mode loads 32 bits. */
	top = (u64 *)get_zeroed_page(GFP_KERNEL | GFP_DMA32);
	if (!top)
		return -ENOMEM;
	ctx.cr3 = __pa(top);
	err = make_pages();
	if (!err)
		err = make_target();
	if (!err)
		err = map_module(fuzz_text, fuzz_text_end, PTE_P);
	if (!err)
		err = map_module(&fuzz_sandbox, fuzz_sandbox.idt,
				 PTE_P | PTE_W | PTE_A | PTE_D);
	if (!err)
		err = map_module(fuzz_sandbox.idt, &fuzz_sandbox + 1, PTE_P);
	return err;
}

/**
 * sandbox_destroy_memory() - free them
 */
void sandbox_destroy_memory(void)
{
	unsigned int i;

	for (i = 0; i < PAGE_COUNT; i++)
		free_page((unsigned long)pages[i]);
	while (nr_tables)
		free_page((unsigned long)tables[--nr_tables]);
	free_pages((unsigned long)arena, ARENA_ORDER);
	free_page((unsigned long)top);
}

/*
 * What has changed in a page, and where; put back. The code pages have INT3s,
 * and are only written to where CR0.WP is clear.
 */
static u64 mix_changes(u64 hash, u64 *page, const u64 *before)
{
	unsigned int i, k;

	for (i = 0; i < PAGE_SIZE / sizeof(*page); i += 4) {
		if (!((page[i] ^ before[i]) |
		      (page[i + 1] ^ before[i + 1]) |
		      (page[i + 2] ^ before[i + 2]) |
		      (page[i + 3] ^ before[i + 3])))
			continue;
		for (k = i; k < i + 4; k++) {
			hash = mix(hash + k, page[k]);
			page[k] = before[k];
		}
	}
	return hash;
}

/**
 * sandbox_place_code() - write a trial's instruction where it runs
 * @t: trial
 * @set: or else write what was there
 *
 * What lies at the end of a page goes on in the next, if there is one.
 */
void sandbox_place_code(const struct fuzz_trial *t, bool set)
{
	unsigned long offset = t->rip & (PAGE_SIZE - 1);
	enum page_number page;
	unsigned int i;

	if (t->kind == FUZZ_PAGING && t->rip >= target_va) {
		u8 *to = (u8 *)arena + ARENA_TARGET * PAGE_SIZE + offset;

		for (i = 0; i < sizeof(t->bytes); i++)
			to[i] = set ? t->bytes[i] : 0;
		return;
	}
	page = fuzz_is_kernel(t->mode) ? PAGE_KCODE : PAGE_CODE;
	for (i = 0; i < sizeof(t->bytes); i++, offset++) {
		if (offset < PAGE_SIZE)
			pages[page][offset] = set ? t->bytes[i] : INT3;
		else if (page == PAGE_CODE)
			pages[PAGE_CODE_MORE][offset - PAGE_SIZE] =
				set ? t->bytes[i] : INT3;
	}
}

static void set_paging(const struct fuzz_trial *t)
{
	unsigned int level;

	/* Another level's change may have gone into the tables as data. */
	for (level = 0; level < FUZZ_LEVELS; level++)
		*target_entry[level] = target_base[level] ^
				       t->entry_flips[level];
}

/**
 * sandbox_prepare_memory() - write what a trial starts with
 * @t: trial
 */
void sandbox_prepare_memory(const struct fuzz_trial *t)
{
	static const enum page_number data[] = {
		PAGE_DATA, PAGE_KDATA, PAGE_KEYDATA,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(data); i++)
		memcpy(pages[data[i]] + FUZZ_OPERANDS, t->operands,
		       sizeof(t->operands));
	memcpy(pages[PAGE_STACK] + 0x800, t->stack, sizeof(t->stack));
	memcpy(pages[PAGE_KSTACK] + 0x800, t->stack, sizeof(t->stack));
	for (i = 0; i < FUZZ_DESCRIPTORS; i++) {
		fuzz_sandbox.gdt[SANDBOX_RANDOM / 8 + i] = t->descriptors[i];
		fuzz_sandbox.ldt[SANDBOX_RANDOM / 8 + i] = t->descriptors[i];
	}
	sandbox_place_code(t, true);
	if (t->kind == FUZZ_PAGING)
		set_paging(t);
}

/**
 * sandbox_collect_memory() - what a trial did to memory, put back
 * @t: trial
 * @r: its result: accessed and dirty bits of all pages, and contents of those
 *	that are dirty
 */
void sandbox_collect_memory(const struct fuzz_trial *t,
			    struct fuzz_result *r)
{
	u8 *target = (u8 *)arena + ARENA_TARGET * PAGE_SIZE;
	unsigned int i;

	r->pages = 0;
	r->memory = 0;
	for (i = 0; i < PAGE_COUNT; i++) {
		u64 entry = *page_pte[i];

		if (entry == page_entry[i])
			continue;
		r->pages |= (entry & (PTE_A | PTE_D)) >> 5 << 2 * i;
		if (entry & PTE_D) {
			r->memory = mix_changes(r->memory + i,
						(u64 *)pages[i],
						i <= PAGE_KCODE ? traps : pristine);
		}
		*page_pte[i] = page_entry[i];
	}

	r->paging = 0;
	if (t->kind != FUZZ_PAGING)
		return;
	for (i = 0; i < FUZZ_LEVELS; i++) {
		r->paging = mix(r->paging, *target_entry[i]);
		*target_entry[i] = 0;
	}
	/* Two pages lie behind each other when one entry maps both. */
	r->memory = mix_words(r->memory, target + (t->target_offset & ~7), 16);
	memset(target + (t->target_offset & ~7), 0, 128);
}

