// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the memory that becomes the island's
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "pool.h"

/*
 * Chunks are as large as a large page: EPT hides each with one entry, and the
 * large pages around stay whole.
 */
#define CHUNK_ORDER	get_order(SZ_2M)

static struct page *chunks[TABLE_POOL_CHUNKS_MAX];
static unsigned int nr_chunks;

/**
 * pool_allocate() - get the memory and make a pool of it
 * @pool: set up, with addresses in Linux's direct map
 * @pages: how many pages it must have at least
 *
 * Context: may sleep; once, before pool_release().
 *
 * Return: 0 or -ENOMEM, and then nothing is held.
 */
int pool_allocate(struct table_pool *pool, u64 pages)
{
	u64 want = DIV_ROUND_UP_ULL(pages, TABLE_POOL_CHUNK_PAGES);
	struct page *page;

	table_pool_init(pool);
	if (want > TABLE_POOL_CHUNKS_MAX) {
		pr_err("this machine would need %llu MiB of memory for EPT and CPUs, and %u MiB is the most; EPT pages of 1 GiB or fewer CPUs would do\n",
		       2 * want, 2 * TABLE_POOL_CHUNKS_MAX);
		return -ENOMEM;
	}

	while (nr_chunks < want) {
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN |
				   __GFP_RETRY_MAYFAIL, CHUNK_ORDER);
		if (!page) {
			pr_err("out of memory: needs %llu free blocks of 2 MiB, found %u; free some memory, or load earlier after boot\n",
			       want, nr_chunks);
			pool_release();
			return -ENOMEM;
		}
		chunks[nr_chunks++] = page;
		table_pool_add(pool, page_to_phys(page),
			       (u64)page_address(page));
	}
	return 0;
}

/**
 * pool_release() - give the memory back
 *
 * It is cleared first: what it held is nobody's business.
 *
 * Context: no CPU in VMX operation, no page table with the island's slot.
 */
void pool_release(void)
{
	while (nr_chunks) {
		nr_chunks--;
		memset(page_address(chunks[nr_chunks]), 0,
		       TABLE_POOL_CHUNK_SIZE);
		__free_pages(chunks[nr_chunks], CHUNK_ORDER);
	}
}

/**
 * pool_bytes() - size of the pool
 *
 * Context: any.
 */
u64 pool_bytes(void)
{
	return (u64)nr_chunks * TABLE_POOL_CHUNK_SIZE;
}

#ifdef CARAPACE_TESTING
/* A page of the pool that is hidden: the first chunk's last one */
u64 pool_address(void)
{
	return page_to_phys(chunks[0]) + TABLE_POOL_CHUNK_SIZE - PAGE_SIZE;
}
#endif
