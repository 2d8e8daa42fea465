// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch: /proc/cmdline says something else
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int patched_cmdline_show(struct seq_file *m, void *v)
{
	seq_puts(m, "patched live\n");
	return 0;
}

static struct klp_func functions[] = {
	{
		.old_name = "cmdline_proc_show",
		.new_func = patched_cmdline_show,
	}, { }
};

static struct klp_object objects[] = {
	{ .funcs = functions }, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);

MODULE_DESCRIPTION("For tests: a live patch");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
