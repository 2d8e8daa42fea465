// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: violations, told to user space's device manager
 *
 * A "change" of the module's own kobject, with the keys as in the log. For who
 * wants to have something done about an attack; whoever must not miss one counts
 * by the file "events".
 */
#include <linux/kfifo.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "uevent.h"

/* As many as the log has lines for */
#define EVENTS	32

static DEFINE_KFIFO(events, struct attack_event, EVENTS);
static DEFINE_SPINLOCK(lock);

static void send(struct attack_event *event)
{
	char *env[6] = { };
	int i;

	env[0] = kasprintf(GFP_KERNEL, "CARAPACE_KIND=%s", event->kind);
	env[1] = kasprintf(GFP_KERNEL, "CARAPACE_ACTION=%s", event->action);
	env[2] = kasprintf(GFP_KERNEL, "CARAPACE_PID=%d", event->pid);
	env[3] = kasprintf(GFP_KERNEL, "CARAPACE_COMM=%s", event->comm);
	env[4] = kasprintf(GFP_KERNEL, "CARAPACE_FN=%pS", (void *)event->rip);
	kobject_uevent_env(&THIS_MODULE->mkobj.kobj, KOBJ_CHANGE, env);
	for (i = 0; i < ARRAY_SIZE(env); i++)
		kfree(env[i]);
}

static void send_all(struct work_struct *work)
{
	struct attack_event event;

	while (kfifo_out_spinlocked(&events, &event, 1, &lock))
		send(&event);
}

static DECLARE_WORK(sender, send_all);

/**
 * uevent_queue() - have an event sent
 * @event: copied
 *
 * Where too many are on their way, it is not.
 *
 * Context: any but NMI.
 */
void uevent_queue(const struct attack_event *event)
{
	if (kfifo_in_spinlocked(&events, event, 1, &lock))
		schedule_work(&sender);
}

/**
 * uevent_finish() - wait until all have been sent
 *
 * Context: may sleep; nobody queues any more.
 */
void uevent_finish(void)
{
	flush_work(&sender);
}
