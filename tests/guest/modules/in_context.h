/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Have somebody else in the kernel call a function
 */
#ifndef IN_CONTEXT_H
#define IN_CONTEXT_H

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "contexts.h"

struct errand {
	void (*function)(void *argument);
	void *argument;
	struct work_struct work;
	struct timer_list timer;
	struct irq_work irq_work;
	struct completion over;
};

static void errand_run(struct errand *e)
{
	e->function(e->argument);
	complete(&e->over);
}

static void errand_by_worker(struct work_struct *work)
{
	errand_run(container_of(work, struct errand, work));
}

static int errand_by_thread(void *errand)
{
	errand_run(errand);
	return 0;
}

/* container_of(), for the macro that is made for this changed its name. */
static void errand_by_timer(struct timer_list *timer)
{
	errand_run(container_of(timer, struct errand, timer));
}

static void errand_by_interrupt(struct irq_work *work)
{
	errand_run(container_of(work, struct errand, irq_work));
}

static int errand_start(struct errand *e, enum context by)
{
	switch (by) {
	case CONTEXT_WORKER:
		INIT_WORK(&e->work, errand_by_worker);
		schedule_work(&e->work);
		return 0;
	case CONTEXT_THREAD:
		return PTR_ERR_OR_ZERO(kthread_run(errand_by_thread, e,
						   "errand"));
	case CONTEXT_TIMER:
		timer_setup(&e->timer, errand_by_timer, 0);
		mod_timer(&e->timer, jiffies + 1);
		return 0;
	case CONTEXT_INTERRUPT:
		init_irq_work(&e->irq_work, errand_by_interrupt);
		irq_work_queue(&e->irq_work);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The end of the function, and of whoever called it: a softirq is RCU's reader, too. */
static void errand_end(struct errand *e, enum context by)
{
	wait_for_completion(&e->over);
	switch (by) {
	case CONTEXT_WORKER:
		flush_work(&e->work);
		break;
	case CONTEXT_INTERRUPT:
		irq_work_sync(&e->irq_work);
		break;
	default:
		synchronize_rcu();
	}
}

/**
 * in_context() - have a function called, and wait for it
 * @e: for the time of it; one at a time
 * @by: who is to call it; TASK and PATCHER are the caller's own
 * @function: the function
 * @argument: its argument
 *
 * Return: 0, -EINVAL, or why there is no thread.
 */
static int in_context(struct errand *e, enum context by,
		      void (*function)(void *argument), void *argument)
{
	int err;

	e->function = function;
	e->argument = argument;
	init_completion(&e->over);
	err = errand_start(e, by);
	if (!err)
		errand_end(e, by);
	return err;
}

#endif /* IN_CONTEXT_H */
