// SPDX-License-Identifier: GPL-2.0
/*
 * What an attacker who has got into the kernel would do: attack.h
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "attack_module.h"
#include "in_context.h"

static const struct attack_group *const groups[] = {
	&attack_registers,
	&attack_code,
	&attack_patch,
	&attack_exec,
	&attack_helper,
	&attack_self,
	&attack_stub,
};

static DEFINE_MUTEX(last_lock);
static struct attack_request last;

static const struct attack_group *group_of(u32 attack)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (attack >= groups[i]->first && attack <= groups[i]->last)
			return groups[i];
	}
	return NULL;
}

static void undo_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (groups[i]->undo)
			groups[i]->undo();
	}
}

static void keep(const struct attack_request *q)
{
	mutex_lock(&last_lock);
	last = *q;
	mutex_unlock(&last_lock);
}

struct performance {
	const struct attack_group *group;
	struct attack_request *q;
};

static void perform(void *performance)
{
	const struct performance *p = performance;

	p->group->perform(p->q);
}

/* As Linux's own patching does */
static void perform_as_patcher(struct performance *p)
{
	struct mutex *text_mutex = (void *)attack_symbol("text_mutex");

	if (!text_mutex)
		return;
	mutex_lock(text_mutex);
	perform(p);
	mutex_unlock(text_mutex);
}

/* By whom it says. Only what needs nothing of the caller's can be by others. */
static int perform_in_context(struct performance *p)
{
	static DEFINE_MUTEX(errand_lock);
	static struct errand errand;
	int err;

	switch (p->q->context) {
	case CONTEXT_TASK:
		perform(p);
		return 0;
	case CONTEXT_PATCHER:
		perform_as_patcher(p);
		return 0;
	}
	mutex_lock(&errand_lock);
	err = in_context(&errand, p->q->context, perform, p);
	mutex_unlock(&errand_lock);
	return err;
}

static long attack_ioctl(struct file *file, unsigned int command,
			 unsigned long argument)
{
	struct attack_request __user *user = (void __user *)argument;
	struct attack_request q;
	struct performance p = { .q = &q };
	int err;

	if (command == ATTACK_LAST)
		return copy_to_user(user, &last, sizeof(last)) ? -EFAULT : 0;
	if (copy_from_user(&q, user, sizeof(q)))
		return -EFAULT;
	p.group = group_of(q.attack);
	if (!p.group || q.effect >= ATTACK_EFFECTS)
		return -EINVAL;

	switch (command) {
	case ATTACK_PERFORM:
		q.effect = ATTACK_NOT_RUN;
		keep(&q);
		q.effect = ATTACK_NOT_HERE;
		err = perform_in_context(&p);
		if (err)
			return err;
		keep(&q);
		return copy_to_user(user, &q, sizeof(q)) ? -EFAULT : 0;
	case ATTACK_CONFIRM:
		undo_all();
		keep(&q);
		return 0;
	case ATTACK_POWEROFF:
		attack_helper_poweroff();
		return 0;
	}
	return -ENOTTY;
}

static int attack_mmap(struct file *file, struct vm_area_struct *area)
{
	return attack_helper_mmap(area);
}

/* Whoever attacked may have been killed halfway. */
static int attack_release(struct inode *inode, struct file *file)
{
	undo_all();
	return 0;
}

static const struct file_operations attack_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = attack_ioctl,
	.mmap = attack_mmap,
	.release = attack_release,
};

static struct miscdevice attack_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "attack",
	.fops = &attack_fops,
};

static int __init attack_init(void)
{
	int err;

	err = attack_symbols_init();
	if (err)
		return err;
	err = attack_registers_init();
	if (err)
		return err;
	err = attack_exec_init();
	if (err)
		goto out_registers;
	err = attack_helper_init();
	if (err)
		goto out_exec;
	err = misc_register(&attack_device);
	if (!err)
		return 0;
	attack_helper_exit();
out_exec:
	attack_exec_exit();
out_registers:
	attack_registers_exit();
	return err;
}

static void __exit attack_exit(void)
{
	misc_deregister(&attack_device);
	attack_helper_exit();
	attack_exec_exit();
	attack_registers_exit();
}

module_init(attack_init);
module_exit(attack_exit);

MODULE_DESCRIPTION("Attacks on the kernel that it runs in, for tests");
MODULE_LICENSE("GPL");
