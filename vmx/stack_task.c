// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: which stack is a task's
 *
 * A hash table: records of stacks whose tasks have the same number are a list, from
 * its head in the island through the records. There are about as many heads as a
 * large machine has tasks, so that a list has a record or two.
 *
 * A record is in a list while it names a task, from the first switch to it to its end.
 * One that is freed earlier is taken out of it first (shadow_reclaim.c).
 */
#include "cpu_ops.h"
#include "memory.h"
#include "spread.h"
#include "stack_record.h"
#include "stack_task.h"
#include "vcpu.h"

/* In a head, which is a page's physical address: somebody is at this list. */
#define LIST_LOCKED	BIT_ULL(0)

static u64 *list_of(u64 task)
{
	return &island.stack_tasks[spread(task / 64, STACK_TASKS)];
}

/*
 * Who has this waits for nothing, as with stack_lock(), which comes first. Return: the
 * first record.
 */
static u64 lock(struct vcpu *vcpu, u64 *list)
{
	u64 first;

	for (;;) {
		first = __atomic_load_n(list, __ATOMIC_RELAXED) & ~LIST_LOCKED;
		if (__atomic_compare_exchange_n(list, &first, first | LIST_LOCKED, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			vcpu->stack_list = list;
			return first;
		}
		pause();
	}
}

static void unlock(struct vcpu *vcpu, u64 first)
{
	__atomic_store_n(vcpu->stack_list, first, __ATOMIC_RELEASE);
	vcpu->stack_list = NULL;
}

/**
 * stack_task_let_go() - let others have the list that this CPU is at
 * @vcpu: the CPU
 *
 * Context: root, as the CPU gives up. Does nothing where it is at none.
 */
void stack_task_let_go(struct vcpu *vcpu)
{
	if (vcpu->stack_list)
		unlock(vcpu, *vcpu->stack_list & ~LIST_LOCKED);
}

/**
 * stack_task_link() - a stack is a task's from now on
 * @vcpu: the CPU
 * @record_pa: the stack's record, in no list
 * @task: the task
 *
 * Context: root, after stack_lock(). Ends what the window showed.
 */
void stack_task_link(struct vcpu *vcpu, u64 record_pa, u64 task)
{
	u64 first = lock(vcpu, list_of(task));

	stack_record_show(vcpu, record_pa)->next = first;
	unlock(vcpu, record_pa);
}

/**
 * stack_task_unlink() - a stack is no longer a task's
 * @vcpu: the CPU
 * @record_pa: the stack's record
 * @task: the task, as when it was linked
 *
 * Context: root, after stack_lock(). Ends what the window showed.
 */
void stack_task_unlink(struct vcpu *vcpu, u64 record_pa, u64 task)
{
	u64 first = lock(vcpu, list_of(task));
	u64 next = stack_record_show(vcpu, record_pa)->next;
	u64 pa = first, before = 0;

	while (pa && pa != record_pa) {
		before = pa;
		pa = stack_record_show(vcpu, pa)->next;
	}
	if (pa && before)
		stack_record_show(vcpu, before)->next = next;
	else if (pa)
		first = next;
	unlock(vcpu, first);
}

/**
 * stack_task_find() - the stack of a task
 * @vcpu: the CPU
 * @task: the task
 * @base: set to the stack's lowest address, or 0
 *
 * Context: root. Ends what the window showed.
 *
 * Return: its record's physical address, or 0 where no stack is that task's.
 */
u64 stack_task_find(struct vcpu *vcpu, u64 task, u64 *base)
{
	const struct stack_record *record;
	u64 first = lock(vcpu, list_of(task));
	u64 pa = first;

	*base = 0;
	while (pa) {
		record = stack_record_show(vcpu, pa);
		if (record->task == task) {
			*base = record->base;
			break;
		}
		pa = record->next;
	}
	unlock(vcpu, first);
	return pa;
}

/**
 * stack_task_none() - no stack is a task's any more
 *
 * Context: root, with the lock; all records are free, or will be before the first is
 *	linked.
 */
void stack_task_none(void)
{
	memset(island.stack_tasks, 0, sizeof(island.stack_tasks));
}
