// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: what is noted of a stack as its task leaves it
 *
 * The words by which the task goes on: the frame of the switch, on top, and return
 * addresses, found by Linux's own unwind tables from there on.
 */
#include "guest_walk.h"
#include "memory.h"
#include "stack_copy.h"
#include "stack_park.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vcpu.h"

static const struct stacks_config *config(void)
{
	return &island.config.stacks;
}

/**
 * task_word() - read from a task
 * @vcpu: the CPU
 * @task: Linux's address of it
 * @offset: where in it
 * @size: how many bytes, up to 8
 *
 * Context: root. Ends what the window showed.
 *
 * Return: what is there; 0 where nothing is mapped.
 */
u64 task_word(struct vcpu *vcpu, u64 task, u64 offset, u32 size)
{
	u64 word = 0;

	guest_read(vcpu, task + offset, &word, size);
	return word;
}

/**
 * task_is_dead() - whether a task will not run again
 * @vcpu: the CPU
 * @task: Linux's address of it
 *
 * Exactly as Linux asks: with that state and another one it has the task go on.
 *
 * Context: root. Ends what the window showed.
 */
bool task_is_dead(struct vcpu *vcpu, u64 task)
{
	return task_word(vcpu, task, config()->task_state, sizeof(u32)) ==
	       config()->task_dead;
}

/* The frame on top, as the CPU left it; all of it is compared. */
static bool note_frame(struct stack *stack, u64 sp, struct stack_words *words)
{
	u32 i;

	words->nr = 0;
	words->left_out = 0;
	for (i = 0; i < FRAME_WORDS; i++) {
		if (!stack_note(stack, words, sp + i * sizeof(u64)))
			return false;
	}
	return true;
}

/**
 * stack_park_note() - note what is compared of a stack when its task goes on
 * @vcpu: the CPU
 * @record_pa: the stack's record
 * @base: its lowest address
 * @task: its task
 * @sp: where that has left it
 *
 * Nothing is noted of what cannot be read.
 *
 * Context: root, after stack_record_hold(), or with the lock and stack_lock(). Ends what
 *	the window showed, and uses the CPU's @walk.
 */
void stack_park_note(struct vcpu *vcpu, u64 record_pa, u64 base, u64 task, u64 sp)
{
	struct stack stack = { .vcpu = vcpu, .base = base };
	struct vcpu_public *public = vcpu->config.public;
	struct stack_words *words = &vcpu->walk;
	struct unwind_frame frame = {
		.sp = sp + FRAME_WORDS * sizeof(u64),
		.after_call = true,
	};
	struct stack_record *record;

	if (!note_frame(&stack, sp, words))
		return;
	frame.ip = words->value[FRAME_RETURN];
	frame.bp = words->value[FRAME_RBP];
	public->parked++;
	/* What called the first CPU's idle loop is gone since the boot. */
	if (!stack_walk(&stack, &frame, words, STACK_WALK_ALL) && task != config()->boot_task)
		public->parked_in_part++;
	stack_record_set(vcpu, record_pa, task, sp);
	record = stack_record_show(vcpu, record_pa);
	record->copied = false;
	memcpy(&record->words, words, sizeof(*words));
	stack_copy(&stack, record_pa, sp);
}

/**
 * stack_is_new() - whether a stack looks as fork leaves one
 * @vcpu: the CPU
 * @record_pa: the stack's record, or 0
 * @base: its lowest address; 0
 * @rsp: the stack pointer as the switch ends, all but the return address popped
 *
 * A task that has never run is where fork put it, on a stack of no other task. That is
 * how it looks; an attacker has one look so who can write such a frame, anywhere, and
 * the task's stack pointer. So only who has no other stack is taken for one.
 *
 * Context: root, after stack_record_hold(), or with the lock and stack_lock(). Ends what
 *	the window showed.
 */
bool stack_is_new(struct vcpu *vcpu, u64 record_pa, u64 base, u64 rsp)
{
	u64 address = 0;

	return base && rsp == base + config()->fork_slot &&
	       (!record_pa || stack_record_show(vcpu, record_pa)->sp == STACK_FREE) &&
	       !guest_read(vcpu, rsp, &address, sizeof(address)) &&
	       address == config()->fork_return;
}
