// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what root keeps of each stack of Linux's, on a page of its own
 *
 * The page belongs to the stack's address (shadow_record()); the first CPU's idle
 * task has its stack in the kernel's image, and its record elsewhere.
 */
#include "memory.h"
#include "shadow_record.h"
#include "shootdown.h"
#include "stack_lock.h"
#include "stack_record.h"
#include "vcpu.h"
#include "window.h"

static const struct returns_config *config(void)
{
	return &island.config.returns;
}

/**
 * stack_record_base() - the stack that a pointer points into
 * @sp: the pointer
 *
 * Context: root.
 *
 * Return: its lowest address; 0 where tasks' stacks never are.
 */
u64 stack_record_base(u64 sp)
{
	if (sp - config()->boot_stack < config()->stack_size)
		return config()->boot_stack;
	return sp - config()->stacks < WINDOW_SIZE ?
	       sp & ~(config()->stack_size - 1) : 0;
}

static u64 look_up(struct vcpu *vcpu, u64 base)
{
	if (base == config()->boot_stack)
		return island.boot_stack_record;
	return base ? shadow_record(vcpu, base) : 0;
}

/**
 * stack_record_hold() - the record of a stack, for nobody else until stack_unlock()
 * @vcpu: the CPU
 * @base: the stack's lowest address; 0
 *
 * Context: root; as stack_lock() says, which is done also where there is none. Ends
 *	what the window showed.
 *
 * Return: its physical address, or 0 where there is none.
 */
u64 stack_record_hold(struct vcpu *vcpu, u64 base)
{
	stack_lock(vcpu, base);
	return look_up(vcpu, base);
}

/**
 * stack_record_make() - make a record of a stack, where there is none
 * @vcpu: the CPU
 * @base: the stack's lowest address
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: its physical address, or 0 where there is no memory.
 */
u64 stack_record_make(struct vcpu *vcpu, u64 base)
{
	return base == config()->boot_stack ? island.boot_stack_record :
					      shadow_record_make(vcpu, base);
}

/**
 * stack_record_hold_or_make() - stack_record_hold(), made where there is none
 * @vcpu: the CPU
 * @base: the stack's lowest address; 0
 * @left: a task has left it, and is to go on with it
 *
 * A stack has its record made once, so that this takes root's lock then only.
 *
 * Context: root, without the lock. Ends what the window showed.
 *
 * Return: its physical address, or 0 where there is no memory, or @base is none. Then
 * stack_record_missed() knows what @left was: no other CPU asks for that task's sake
 * before this one is through with it.
 */
u64 stack_record_hold_or_make(struct vcpu *vcpu, u64 base, bool left)
{
	u64 record_pa = stack_record_hold(vcpu, base);

	if (!base || record_pa)
		return record_pa;
	stack_unlock(vcpu);
	island_lock(vcpu);
	if (!stack_record_make(vcpu, base))
		shadow_record_miss(vcpu, base, left);
	island_publish();
	island_unlock();
	/* Nobody was on it meanwhile, but it may have been taken away again. */
	return stack_record_hold(vcpu, base);
}

/**
 * stack_record_missed() - whether a stack has no record because there was no memory
 * @vcpu: the CPU
 * @base: the stack's lowest address; 0
 *
 * Context: root, after stack_record_hold(). Ends what the window showed.
 *
 * Return: whether a task has left it, and nothing could be noted.
 */
bool stack_record_missed(struct vcpu *vcpu, u64 base)
{
	return base && shadow_record_missed(vcpu, base);
}

/**
 * stack_record_show() - look at a record
 * @vcpu: the CPU
 * @record_pa: its physical address
 *
 * Context: root, after stack_record_hold(), or with the lock, and then only to be
 *	read. Ends what the window showed.
 *
 * Return: where it is seen, until the window shows something else.
 */
struct stack_record *stack_record_show(struct vcpu *vcpu, u64 record_pa)
{
	return window_map(vcpu, record_pa);
}

/*
 * How many records name a task, or one of those that share its number with it. A
 * record that goes with its stack stays counted: that is one search more.
 */
static u32 *names_of(u64 task)
{
	/* By 2^64 divided by the golden ratio: tasks lie at like distances */
	u64 number = task / 64 * 0x9e3779b97f4a7c15;

	return &island.stack_tasks[number / (~0ULL / STACK_TASKS + 1)];
}

/**
 * stack_record_set() - whose a stack is from now on, and where that has left it
 * @vcpu: the CPU
 * @record_pa: the record's physical address
 * @task: the task
 * @sp: as in struct stack_record
 *
 * Context: root, after stack_record_hold(). Ends what the window showed.
 */
void stack_record_set(struct vcpu *vcpu, u64 record_pa, u64 task, u64 sp)
{
	struct stack_record *record = stack_record_show(vcpu, record_pa);

	/* In this order, so that a task that has one always has one. */
	if (sp != STACK_FREE)
		__atomic_add_fetch(names_of(task), 1, __ATOMIC_SEQ_CST);
	if (record->sp != STACK_FREE)
		__atomic_sub_fetch(names_of(record->task), 1, __ATOMIC_SEQ_CST);
	record->task = task;
	record->sp = sp;
}

/**
 * stack_record_free() - a stack is no task's any more, or its task is dead
 * @vcpu: the CPU
 * @record_pa: the stack's record
 *
 * Context: as stack_record_set().
 */
void stack_record_free(struct vcpu *vcpu, u64 record_pa)
{
	stack_record_set(vcpu, record_pa, 0, STACK_FREE);
}

/**
 * stack_record_may_name() - whether a stack may be a task's
 * @task: the task
 *
 * Context: root.
 *
 * Return: false where none is; true, too, for one of some hundreds that have none.
 */
bool stack_record_may_name(u64 task)
{
	return __atomic_load_n(names_of(task), __ATOMIC_SEQ_CST);
}

/**
 * stack_record_none() - no record names a task any more
 *
 * Context: root, with the lock; all records are free, or gone.
 */
void stack_record_none(void)
{
	memset(island.stack_tasks, 0, sizeof(island.stack_tasks));
}
