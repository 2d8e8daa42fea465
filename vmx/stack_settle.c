// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: from when on parked stacks are compared
 *
 * A stack changes while its task runs on a CPU that has no shell; so a CPU that comes
 * or goes unsettles all, and nothing is compared until the guest half has had root
 * note all stacks that are parked, with all CPUs stopped.
 */
#include "frozen_frames.h"
#include "shadow_record.h"
#include "shadow_window.h"
#include "stack_lock.h"
#include "stack_park.h"
#include "stack_record.h"
#include "stack_settle.h"
#include "vcpu.h"

/* Whether that has been done already, since the CPUs were stopped */
static bool is_noted(const struct stack_record *record, u64 task, u64 sp)
{
	return record->task == task && record->sp == sp;
}

/**
 * stack_settle_note() - note the stack of a task that sleeps
 * @vcpu: the CPU
 * @task: the task, as the guest half says
 *
 * Not when all is settled: that would make good what an attacker has written.
 *
 * Context: root, with the lock; all CPUs are stopped by the guest half.
 *
 * Return: 0, also where the stack cannot have a record; -EPERM; -EINVAL for what has no
 * stack; or -ENOMEM.
 */
int stack_settle_note(struct vcpu *vcpu, u64 task)
{
	u64 sp = task_word(vcpu, task, island.config.stacks.task_sp, sizeof(u64));
	u64 base = stack_record_base(sp);
	u64 record_pa;

	if (!island.stacks_armed || island.stacks_settled)
		return -EPERM;
	if (shadow_is_beyond(sp))
		return 0;
	if (!base)
		return -EINVAL;
	/* Linux has freed its stack, and lists it until its parent asks how it ended. */
	if (task_is_dead(vcpu, task))
		return 0;
	record_pa = stack_record_make(vcpu, base);
	if (!record_pa)
		return -ENOMEM;
	stack_lock(vcpu, base);
	if (!is_noted(stack_record_show(vcpu, record_pa), task, sp) &&
	    !stack_is_new(vcpu, record_pa, base, sp + FRAME_POPPED))
		stack_park_note(vcpu, record_pa, base, task, sp);
	stack_unlock(vcpu);
	return 0;
}

static bool is_running_on(u64 base)
{
	u32 i;

	for (i = 0; i < island.config.nr_vcpus; i++) {
		if (vcpu_number(i)->in && vcpu_number(i)->running_stack == base)
			return true;
	}
	return false;
}

/*
 * As the task has it now, if it is still there: it may have been on a CPU that was
 * bare, and have left it elsewhere, or for good.
 */
static void note_again(struct vcpu *vcpu, u64 record_pa, u64 base)
{
	const struct stack_record *record;
	u64 task, sp;

	stack_lock(vcpu, base);
	record = stack_record_show(vcpu, record_pa);
	if (record->sp != STACK_FREE && !is_running_on(base)) {
		task = record->task;
		sp = task_word(vcpu, task, island.config.stacks.task_sp, sizeof(u64));
		stack_record_free(vcpu, record_pa);
		if (stack_record_base(sp) == base && !task_is_dead(vcpu, task) &&
		    !stack_is_new(vcpu, record_pa, base, sp + FRAME_POPPED))
			stack_park_note(vcpu, record_pa, base, task, sp);
	}
	stack_unlock(vcpu);
}

/*
 * The guest half tells of all tasks that Linux lists. A task is not listed any more
 * when it has been released, and may be preempted between that and its end; nobody
 * but root knows its stack. To let it go on without, for what its task_struct says
 * of it, would be to let anybody whose task_struct is made to say so. So what root
 * has seen is not forgotten, and noted again first. Of who was not seen to leave
 * a CPU, before this was armed, the guest half sees to it that none is left.
 *
 * A task that has ended on a bare CPU may be named, too. Nothing is taken from its
 * task_struct that would not be taken from a listed one's: nothing is settled, and
 * that is where Linux goes on.
 */
static void note_known(struct vcpu *vcpu)
{
	u64 record_pa, base = 0;

	while ((record_pa = shadow_record_next(vcpu, &base)))
		note_again(vcpu, record_pa, base);
	note_again(vcpu, island.boot_stack_record, island.config.returns.boot_stack);
}

/**
 * stack_settle() - compare from now on
 * @vcpu: the CPU
 * @done: all stacks are noted; 0 before that, to note those that root knows of
 *
 * Context: root, with the lock; all CPUs are stopped by the guest half.
 *
 * Return: 0; -EPERM where it is settled, or not armed; -ESTALE while a CPU is bare
 * on which tasks run.
 */
int stack_settle(struct vcpu *vcpu, u64 done)
{
	if (!island.stacks_armed || island.stacks_settled)
		return -EPERM;
	if (!done) {
		note_known(vcpu);
		return 0;
	}
	/* In this order, for a CPU that gives up says so before it unsettles all. */
	__atomic_store_n(&island.stacks_settled, true, __ATOMIC_SEQ_CST);
	if (!island_any_degraded())
		return 0;
	__atomic_store_n(&island.stacks_settled, false, __ATOMIC_SEQ_CST);
	return -ESTALE;
}

/**
 * stack_settle_cpu_changes() - a CPU comes or goes
 *
 * Tasks run on it without root's seeing it, before it comes and after it went.
 *
 * Context: root; that CPU, which has no part in shootdowns yet, or any more.
 */
void stack_settle_cpu_changes(void)
{
	__atomic_store_n(&island.stacks_settled, false, __ATOMIC_SEQ_CST);
	frozen_frames_forget();
}
