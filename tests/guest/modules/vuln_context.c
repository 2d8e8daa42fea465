// SPDX-License-Identifier: GPL-2.0
/*
 * A function that returns elsewhere, called by whoever there is in a kernel
 */
#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "vuln_module.h"

/* One at a time */
static DEFINE_MUTEX(detour_mutex);
static DECLARE_COMPLETION(detour_over);
static bool detour_strayed;

/* What an overflow does. The return address is above the frame pointer. */
noinline u64 vuln_detour_function(void)
{
	WRITE_ONCE(((u64 *)__builtin_frame_address(0))[1],
		   (u64)vuln_detour_strayed);
	return 1;
}

static void detour(void)
{
	detour_strayed = vuln_detour();
	complete(&detour_over);
}

static void by_worker(struct work_struct *work)
{
	detour();
}

static DECLARE_WORK(detour_work, by_worker);

static int by_thread(void *unused)
{
	detour();
	return 0;
}

static void by_timer(struct timer_list *timer)
{
	detour();
}

static struct timer_list detour_timer;

static void by_interrupt(struct irq_work *work)
{
	detour();
}

static struct irq_work detour_irq_work;

static int start(enum vuln_context context)
{
	switch (context) {
	case VULN_WORKER:
		schedule_work(&detour_work);
		return 0;
	case VULN_THREAD:
		return PTR_ERR_OR_ZERO(kthread_run(by_thread, NULL, "vuln"));
	case VULN_TIMER:
		timer_setup(&detour_timer, by_timer, 0);
		mod_timer(&detour_timer, jiffies + 1);
		return 0;
	case VULN_INTERRUPT:
		init_irq_work(&detour_irq_work, by_interrupt);
		irq_work_queue(&detour_irq_work);
		return 0;
	default:
		return -EINVAL;
	}
}

/* Not locked where the caller himself may not come back. */
int vuln_context(struct vuln_context_call *c)
{
	int err;

	if (c->context == VULN_TASK) {
		c->strayed = vuln_detour();
		return 0;
	}
	mutex_lock(&detour_mutex);
	reinit_completion(&detour_over);
	err = start(c->context);
	if (!err)
		wait_for_completion(&detour_over);
	c->strayed = detour_strayed;
	mutex_unlock(&detour_mutex);
	return err;
}
