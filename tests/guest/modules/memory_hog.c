// SPDX-License-Identifier: GPL-2.0
/*
 * Takes every free block of 2 MiB while it is loaded
 *
 * What it leaves is free in single pages, enough for the system to go on. As
 * the kernel makes new blocks out of what moves, whoever wants none at all
 * writes to the parameter "again" until it says so.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/vmalloc.h>

#define BLOCK_ORDER	(21 - PAGE_SHIFT)
#define BLOCKS_MAX	4096
#define SINGLES		4096

static struct page **blocks, **singles;
static unsigned int nr_blocks;

/* As hard as Carapace tries, until even that fails */
static unsigned int take_blocks(void)
{
	unsigned int count = nr_blocks;
	struct page *page;

	while (nr_blocks < BLOCKS_MAX) {
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN |
				   __GFP_RETRY_MAYFAIL, BLOCK_ORDER);
		if (!page)
			break;
		blocks[nr_blocks++] = page;
	}
	return nr_blocks - count;
}

static int again_set(const char *value, const struct kernel_param *parameter)
{
	return take_blocks() ? -EAGAIN : 0;
}

static const struct kernel_param_ops again_ops = {
	.set = again_set,
};

module_param_cb(again, &again_ops, NULL, 0200);
MODULE_PARM_DESC(again, "Write to it: EAGAIN while there were blocks to take");

static int __init memory_hog_init(void)
{
	unsigned int i;

	blocks = vcalloc(BLOCKS_MAX, sizeof(*blocks));
	singles = vcalloc(SINGLES, sizeof(*singles));
	if (!blocks || !singles) {
		vfree(blocks);
		vfree(singles);
		return -ENOMEM;
	}

	for (i = 0; i < SINGLES; i++)
		singles[i] = alloc_page(GFP_KERNEL);
	/* Every other one, so that no two of them become a larger block */
	for (i = 0; i < SINGLES; i += 2) {
		if (singles[i])
			__free_page(singles[i]);
		singles[i] = NULL;
	}
	take_blocks();
	return 0;
}

static void __exit memory_hog_exit(void)
{
	unsigned int i;

	for (i = 0; i < nr_blocks; i++)
		__free_pages(blocks[i], BLOCK_ORDER);
	for (i = 0; i < SINGLES; i++) {
		if (singles[i])
			__free_page(singles[i]);
	}
	vfree(blocks);
	vfree(singles);
}

module_init(memory_hog_init);
module_exit(memory_hog_exit);

MODULE_DESCRIPTION("For tests: takes all large blocks of memory");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
