// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch: /proc/cmdline says something else, and a function of
 * carapace_vuln's, where that is loaded, has another result
 */
#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/types.h>

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

static noinline u64 patched_tail_end(u64 a, u64 b)
{
	OPTIMIZER_HIDE_VAR(a);
	return a * b + 1000;
}

static struct klp_func vuln_functions[] = {
	{
		.old_name = "vuln_tail_end",
		.new_func = patched_tail_end,
	}, { }
};

static struct klp_object objects[] = {
	{
		.funcs = functions,
	},
	{
		.name = "carapace_vuln",
		.funcs = vuln_functions,
	}, { }
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
