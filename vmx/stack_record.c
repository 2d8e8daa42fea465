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
#include "stack_task.h"
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
	u64 record_pa = base == config()->boot_stack ? island.boot_stack_record :
						       shadow_record_make(vcpu, base);

	if (record_pa)
		stack_record_show(vcpu, record_pa)->base = base;
	return record_pa;
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
	bool was_named = record->sp != STACK_FREE, is_named = sp != STACK_FREE;
	bool links = is_named != was_named || record->task != task;

	if (was_named && links) {
		stack_task_unlink(vcpu, record_pa, record->task);
		record = stack_record_show(vcpu, record_pa);
	}
	record->task = task;
	record->sp = sp;
	if (is_named && links)
		stack_task_link(vcpu, record_pa, task);
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
 * stack_record_free_all() - no stack is a task's any more
 * @vcpu: the CPU
 *
 * Context: root, with the lock; no CPU is noting a stack.
 */
void stack_record_free_all(struct vcpu *vcpu)
{
	u64 record_pa, base = 0;

	stack_task_none();
	while ((record_pa = shadow_record_next(vcpu, &base)))
		stack_record_show(vcpu, record_pa)->sp = STACK_FREE;
	if (island.boot_stack_record)
		stack_record_show(vcpu, island.boot_stack_record)->sp = STACK_FREE;
}
