// SPDX-License-Identifier: GPL-2.0
/*
 * Takes the kernel addresses at which the return guard has a shadow for stacks
 *
 * No memory: from then on, while it is loaded, new stacks lie beyond them. Those that
 * Linux has kept of tasks that are gone may be used again. Or only a few, with memory,
 * by which stacks come to lie elsewhere.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/static_call.h>
#include <linux/vmalloc.h>

#include "lookup.h"

/* protect/returns.h: WINDOW_SIZE */
#define REACH		(1ULL << 36)
#define AREAS_MAX	4096
#define FEW_MAX		16

static struct vm_struct **areas;
static unsigned int nr_areas;

static unsigned int few;
module_param(few, uint, 0400);
MODULE_PARM_DESC(few, "Take this many times three pages, and nothing else");

static void *some[FEW_MAX];

static struct vm_struct *no_area(unsigned long size, unsigned long flags,
				 unsigned long start, unsigned long end,
				 const void *caller)
{
	return NULL;
}

DEFINE_STATIC_CALL(address_hog_take, no_area);

static bool is_beyond(u64 stack)
{
	return stack >= VMALLOC_START + REACH && stack < VMALLOC_END;
}

static int beyond_get(char *buffer, const struct kernel_param *parameter)
{
	struct task_struct *process, *task;
	int count = 0;

	rcu_read_lock();
	for_each_process_thread(process, task)
		count += is_beyond((u64)task_stack_page(task));
	rcu_read_unlock();
	return sprintf(buffer, "%d\n", count);
}

static const struct kernel_param_ops beyond_ops = {
	.get = beyond_get,
};

module_param_cb(beyond, &beyond_ops, NULL, 0400);
MODULE_PARM_DESC(beyond, "Read it: how many tasks have their stack beyond");

static int __init address_hog_init(void)
{
	struct vm_struct *area;
	unsigned long size;
	u64 address;
	unsigned int i;
	int err;

	for (i = 0; i < few && i < FEW_MAX; i++)
		some[i] = vmalloc(3 * PAGE_SIZE);
	if (few)
		return 0;
	err = find_function("__get_vm_area_caller", &address);
	if (err)
		return err;
	static_call_update(address_hog_take, (typeof(&no_area))address);
	areas = vcalloc(AREAS_MAX, sizeof(*areas));
	if (!areas)
		return -ENOMEM;
	for (size = REACH / 2; size >= PAGE_SIZE; size /= 2) {
		while (nr_areas < AREAS_MAX) {
			area = static_call(address_hog_take)(size, VM_MAP, VMALLOC_START,
							     VMALLOC_START + REACH,
							     THIS_MODULE);
			if (!area)
				break;
			areas[nr_areas++] = area;
		}
	}
	return 0;
}

static void __exit address_hog_exit(void)
{
	unsigned int i;

	for (i = 0; i < FEW_MAX; i++)
		vfree(some[i]);
	while (nr_areas)
		free_vm_area(areas[--nr_areas]);
	vfree(areas);
}

module_init(address_hog_init);
module_exit(address_hog_exit);

MODULE_DESCRIPTION("Takes the addresses of stacks, for tests");
MODULE_LICENSE("GPL");
