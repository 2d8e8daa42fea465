// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: all tasks that there are
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "kernel_symbols.h"
#include "tasks.h"

/* What each CPU runs when it has nothing to do is in no list of tasks. */
static struct task_struct * __percpu *idle_tasks;

/**
 * tasks_prepare() - find out where they are
 *
 * Context: may sleep.
 */
void tasks_prepare(void)
{
	idle_tasks = (void __percpu *)kernel_symbol("idle_threads");
}

/**
 * tasks_count() - how many there are just now
 *
 * Context: any.
 */
u32 tasks_count(void)
{
	struct task_struct *process, *task;
	u32 count = num_possible_cpus();

	rcu_read_lock();
	for_each_process_thread(process, task)
		count++;
	rcu_read_unlock();
	return count;
}

/**
 * tasks_walk_asleep() - go through all that no CPU is running
 * @function: called for each, until it fails
 * @data: for it
 *
 * Context: all CPUs are stopped (stop_machine()).
 *
 * Return: 0, or what @function returned.
 */
int tasks_walk_asleep(int (*function)(struct task_struct *task, void *data),
		      void *data)
{
	struct task_struct *process, *task;
	unsigned int cpu;
	int err = 0;

	for_each_process_thread(process, task) {
		if (!err && !task->on_cpu)
			err = function(task, data);
	}
	for_each_possible_cpu(cpu) {
		task = idle_tasks ? *per_cpu_ptr(idle_tasks, cpu) : NULL;
		if (!err && task && !task->on_cpu)
			err = function(task, data);
	}
	return err;
}
