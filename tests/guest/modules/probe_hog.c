// SPDX-License-Identifier: GPL-2.0
/*
 * Has kprobes within code of its own, or a function of the kernel's, while it is loaded
 *
 * They are never armed, but could be at any time.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/objtool.h>
#include <linux/slab.h>

/*
 * Many short functions, for Linux goes through one from its beginning to find whether an
 * instruction begins at an address. Nobody calls them.
 */
#define FUNCTIONS	4
#define PLACES		17	/* in each, behind its first instruction */
#define ROOM		32

asm(".pushsection .text, \"ax\"\n"
	".balign " __stringify(ROOM) "\n"
	"probe_places:\n"
	ANNOTATE_NOENDBR "\n"
	".macro probe_place\n"
	".type probe_place_\\@, @function\n"
	"probe_place_\\@:\n"
	".rept " __stringify(PLACES) " + 1\n"
	"	nop\n"
	".endr\n"
	"	ud2\n"
	".size probe_place_\\@, . - probe_place_\\@\n"
	".balign " __stringify(ROOM) ", 0xcc\n"
	".endm\n"
	".rept " __stringify(FUNCTIONS) "\n"
	"	probe_place\n"
	".endr\n"
	".popsection\n");

extern u8 probe_places[];

static unsigned int count;
module_param(count, uint, 0400);
MODULE_PARM_DESC(count, "How many; where one fails, loading fails");

static char *function;
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "Where each of so many bytes is tried, instead");

static unsigned int placed;
module_param(placed, uint, 0400);
MODULE_PARM_DESC(placed, "How many there are");

static struct kprobe *probes;
static struct kprobe **list;

/* Those that are no instruction's beginning fail. */
static void try_function(void)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		probes[i].symbol_name = function;
		probes[i].offset = i;
		probes[i].flags = KPROBE_FLAG_DISABLED;
		if (!register_kprobe(&probes[i]))
			list[placed++] = &probes[i];
	}
}

static void describe(void)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		probes[i].addr = probe_places + i / PLACES * ROOM + 1 + i % PLACES;
		probes[i].flags = KPROBE_FLAG_DISABLED;
		list[i] = &probes[i];
	}
}

static void free_all(void)
{
	kfree(list);
	kvfree(probes);
}

static int __init probe_hog_init(void)
{
	int err = -ENOMEM;

	if (!function && count > FUNCTIONS * PLACES)
		return -EINVAL;
	probes = kvcalloc(count, sizeof(*probes), GFP_KERNEL);
	list = kcalloc(count, sizeof(*list), GFP_KERNEL);
	if (probes && list && function) {
		try_function();
		err = 0;
	} else if (probes && list) {
		describe();
		err = register_kprobes(list, count);
		placed = count;
	}
	if (err)
		free_all();
	return err;
}

static void __exit probe_hog_exit(void)
{
	unregister_kprobes(list, placed);
	free_all();
}

module_init(probe_hog_init);
module_exit(probe_hog_exit);

MODULE_DESCRIPTION("Has kprobes, for tests");
MODULE_LICENSE("GPL");
