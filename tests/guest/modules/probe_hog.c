// SPDX-License-Identifier: GPL-2.0
/*
 * Has kprobes within its own code, while it is loaded
 *
 * They are never armed, nor optimised, but could be armed at any time.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <asm/asm.h>

#define PLACES		544	/* instructions of one byte */

static unsigned int count;
module_param(count, uint, 0400);
MODULE_PARM_DESC(count, "How many; where one fails, loading fails");

static struct kprobe *probes;
static struct kprobe **list;

/* Where one instruction may fault, none is made a jump, which would take long to find. */
static noinline void places(void)
{
	asm volatile("1:\n\t.rept " __stringify(PLACES) "\n\tnop\n\t.endr\n"
		     _ASM_EXTABLE(1b, 1b));
}

/* Behind what is to be patched at its entry, and an ENDBR before that */
static void describe(void)
{
	u8 *code = (u8 *)places;
	unsigned int i;

	/* Or there is a pointer into the function, which objtool objects to. */
	OPTIMIZER_HIDE_VAR(code);
	for (i = 0; i < count; i++) {
		probes[i].addr = code + 16 + i;
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

	if (count > PLACES - 16)
		return -EINVAL;
	probes = kvcalloc(count, sizeof(*probes), GFP_KERNEL);
	list = kcalloc(count, sizeof(*list), GFP_KERNEL);
	if (probes && list) {
		describe();
		err = register_kprobes(list, count);
	}
	if (err)
		free_all();
	else
		places();
	return err;
}

static void __exit probe_hog_exit(void)
{
	unregister_kprobes(list, count);
	free_all();
}

module_init(probe_hog_init);
module_exit(probe_hog_exit);

MODULE_DESCRIPTION("Has kprobes, for tests");
MODULE_LICENSE("GPL");
