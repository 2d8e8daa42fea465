// SPDX-License-Identifier: GPL-2.0
/*
 * A driver with the bugs that drivers have: vuln.h
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vuln_module.h"

static_assert(VULN_BYTES <= PAGE_SIZE);

static bool wait;
module_param(wait, bool, 0600);
MODULE_PARM_DESC(wait, "Its initialisation waits until this is off");

/* What callers do for administrators, and for nobody else */
noinline void vuln_grant(void)
{
	struct cred *cred = prepare_kernel_cred(&init_task);

	if (cred)
		commit_creds(cred);
}

/* The largest of the commands' arguments decides. */
union argument {
	struct vuln_message message;
	struct vuln_symbol symbol;
	struct vuln_where where;
	struct vuln_memory memory;
	struct vuln_allocation allocation;
	struct vuln_sleep sleep;
	struct vuln_watch watch;
	struct vuln_result result;
	struct vuln_jump jump;
	struct vuln_cr4 cr4;
	struct vuln_race race;
	struct vuln_calls calls;
	struct vuln_context_call context;
	struct vuln_nest nest;
	struct vuln_search search;
};

static noinline long perform(struct vuln_file *file, unsigned int command,
			     union argument *a)
{
	switch (command) {
	case VULN_MESSAGE:
		return vuln_message(file, &a->message);
	case VULN_SYMBOL:
		return capable(CAP_SYS_ADMIN) ? vuln_symbol(&a->symbol) :
						-EPERM;
	case VULN_WHERE:
		vuln_where(&a->where);
		return 0;
	case VULN_READ:
		return vuln_read(file, &a->memory);
	case VULN_WRITE:
		return vuln_write(file, &a->memory);
	case VULN_ALLOCATE:
		return vuln_allocate(file, &a->allocation);
	case VULN_SLEEP:
		return vuln_sleep(file, &a->sleep);
	case VULN_WAKE:
		vuln_wake(file);
		return 0;
	case VULN_WATCH:
		return vuln_watch(file, &a->watch);
	case VULN_DELIVER:
		return vuln_deliver(file, &a->result);
	case VULN_JUMP:
		vuln_jump(&a->jump);
		return 0;
	case VULN_CR4:
		return vuln_cr4(file, &a->cr4);
	case VULN_RACE:
		return vuln_race(file, &a->race);
	case VULN_HAMMER:
		return vuln_hammer(file);
	case VULN_CALL:
		return vuln_calls(&a->calls);
	case VULN_CONTEXT:
		return vuln_context(&a->context);
	case VULN_NEST:
		return vuln_nest(&a->nest);
	case VULN_SEARCH:
		return vuln_search(file, &a->search);
	}
	return -ENOTTY;
}

static long vuln_ioctl(struct file *filp, unsigned int command,
		       unsigned long user)
{
	size_t size = _IOC_SIZE(command);
	union argument a = { 0 };
	long result;

	if (size > sizeof(a))
		return -ENOTTY;
	if (_IOC_DIR(command) & _IOC_WRITE &&
	    copy_from_user(&a, (void __user *)user, size))
		return -EFAULT;
	result = perform(filp->private_data, command, &a);
	if (_IOC_DIR(command) & _IOC_READ &&
	    copy_to_user((void __user *)user, &a, size))
		return -EFAULT;
	return result;
}

static int vuln_open(struct inode *inode, struct file *filp)
{
	struct vuln_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	file->in = (u8 *)get_zeroed_page(GFP_KERNEL);
	file->out = (u8 *)get_zeroed_page(GFP_KERNEL);
	if (!file->in || !file->out) {
		free_page((unsigned long)file->in);
		free_page((unsigned long)file->out);
		kfree(file);
		return -ENOMEM;
	}
	init_waitqueue_head(&file->wait);
	file->cr4_cpu = -1;
	filp->private_data = file;
	return 0;
}

static int vuln_release(struct inode *inode, struct file *filp)
{
	struct vuln_file *file = filp->private_data;

	vuln_jump_release(file);
	vuln_memory_release(file);
	free_page((unsigned long)file->in);
	free_page((unsigned long)file->out);
	kfree(file);
	return 0;
}

static const struct file_operations vuln_fops = {
	.owner = THIS_MODULE,
	.open = vuln_open,
	.release = vuln_release,
	.unlocked_ioctl = vuln_ioctl,
};

static struct miscdevice vuln_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "carapace_vuln",
	.fops = &vuln_fops,
	.mode = 0666,
};

static int __init vuln_init(void)
{
	int err = vuln_symbols_init();

	while (READ_ONCE(wait))
		msleep(20);
	return err ? err : misc_register(&vuln_device);
}

static void __exit vuln_exit(void)
{
	misc_deregister(&vuln_device);
}

module_init(vuln_init);
module_exit(vuln_exit);

MODULE_DESCRIPTION("A driver with bugs, for tests");
MODULE_LICENSE("GPL");
