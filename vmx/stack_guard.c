// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: parked stacks
 *
 * A task that does not run has left its stack as it wants to find it. Others
 * write there for good reasons (wake-ups, completions, results), but not where
 * the stack says where to go on. So as a CPU changes to another task, root notes
 * those words of the stack that is left, on a page that the guest can only read,
 * and compares those of the stack that comes.
 *
 * The CPU comes here by the jump at the end of __switch_to_asm(), which root has
 * patched: on the new stack already, with the registers from it loaded, and with
 * nothing returned there yet. It can be there by no other way for anything's
 * good, so what is compared holds against whoever jumps there: the stack that is
 * left is the one that root saw this CPU change to, whatever registers say; and a
 * stack that is noted is only changed to where it was left, by its own task.
 *
 * Parked stacks could be read-only in EPT instead, each CPU with tables of its own.
 * Comparing needs no such tables, no INVEPT at a switch, no exit for any of
 * the writes that are legitimate, and none of them to be told from others while
 * it waits; an attacker's write is undone before it has an effect either way. What
 * it cannot tell is who wrote, and when.
 *
 * Words are found by Linux's own unwind tables, from where the task left. A stack
 * changes while its task runs on a CPU that has no shell; so a CPU that comes or
 * goes unsettles all, and nothing is compared until the guest half has had root
 * note all stacks that are parked, with all CPUs stopped.
 */
#include "call_site.h"
#include "cpu_ops.h"
#include "frozen_frames.h"
#include "guard.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "shadow_pages.h"
#include "shadow_record.h"
#include "shadow_window.h"
#include "shootdown.h"
#include "stack_lock.h"
#include "stack_guard.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vcpu.h"
#include "window.h"

#define TASK_COMM	16

/*
 * What a task that is left has on top of its stack (struct inactive_task_frame).
 * The CPU has popped all but the last when it comes here.
 */
enum switch_frame {
	FRAME_R15,
	FRAME_R14,
	FRAME_R13,
	FRAME_R12,
	FRAME_RBX,
	FRAME_RBP,
	FRAME_RETURN,
	FRAME_WORDS,
};

#define FRAME_POPPED	(FRAME_RETURN * sizeof(u64))

/* As many at a time: the window shows either the one page or the other */
#define COPY_AT_ONCE	64

static const struct stacks_config *config(void)
{
	return &island.config.stacks;
}

/* Whether a task has left this stack, and not gone on with it */
static bool is_tasks(const struct stack_record *record, u64 task)
{
	return record->task == task && record->sp > STACK_RUNS;
}

static u64 task_word(struct vcpu *vcpu, u64 task, u64 offset, u32 size)
{
	u64 word = 0;

	guest_read(vcpu, task + offset, &word, size);
	return word;
}

/* Exactly as Linux asks: with that state and another one it has the task go on. */
static bool is_dead(struct vcpu *vcpu, u64 task)
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

static u64 stack_end(u64 base)
{
	return base + island.config.returns.stack_size;
}

/* How many words there are from there to the stack's end */
static u64 words_from(u64 base, u64 at)
{
	return (stack_end(base) - at) / sizeof(u64);
}

/* How many are copied behind the innermost: up to the stack's end */
static u32 nr_outermost(u64 total)
{
	const u32 room = STACK_COPIED - STACK_COPIED_INNERMOST;

	if (total <= STACK_COPIED_INNERMOST)
		return 0;
	total -= STACK_COPIED_INNERMOST;
	return total < room ? total : room;
}

/* Where a copy of a word is; STACK_COPIED where there is none */
static u32 copy_number(u64 base, u64 sp, u64 at)
{
	u64 total = words_from(base, sp), number = (at - sp) / sizeof(u64);
	u32 outermost = nr_outermost(total);

	if (at < sp || number >= total)
		return STACK_COPIED;
	if (number < STACK_COPIED_INNERMOST)
		return number;
	return total - number <= outermost ?
	       STACK_COPIED_INNERMOST + outermost - (total - number) : STACK_COPIED;
}

/* All of them to where copy_number() says of the first */
static bool copy_words(struct stack *stack, u64 record_pa, u64 sp, u64 at, u32 nr)
{
	u32 number = copy_number(stack->base, sp, at), done, piece;
	u64 words[COPY_AT_ONCE];

	for (done = 0; done < nr; done += piece) {
		piece = nr - done < COPY_AT_ONCE ? nr - done : COPY_AT_ONCE;
		piece = stack_read_words(stack, at + done * sizeof(u64), words, piece);
		if (!piece)
			return false;
		memcpy(stack_record_show(stack->vcpu, record_pa)->copy + number + done,
		       words, piece * sizeof(u64));
	}
	return true;
}

static void copy_stack(struct stack *stack, u64 record_pa, u64 sp)
{
	u64 total = words_from(stack->base, sp);
	u32 outermost = nr_outermost(total);
	u32 innermost = outermost ? STACK_COPIED_INNERMOST : total;
	bool copied;

	copied = copy_words(stack, record_pa, sp, sp, innermost) &&
		 copy_words(stack, record_pa, sp,
			    stack_end(stack->base) - outermost * sizeof(u64),
			    outermost);
	stack_record_show(stack->vcpu, record_pa)->copied = copied;
}

static void note_stack(struct vcpu *vcpu, u64 record_pa, u64 base, u64 task,
		       u64 sp)
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
	copy_stack(&stack, record_pa, sp);
}

static void free_stack(struct vcpu *vcpu, u64 record_pa)
{
	stack_record_set(vcpu, record_pa, 0, STACK_FREE);
}

/* The task that this CPU leaves */
static void park(struct vcpu *vcpu, u64 task)
{
	u64 sp = task_word(vcpu, task, config()->task_sp, sizeof(u64));
	u64 base = vcpu->running_stack ? : stack_record_base(sp);
	bool dead = is_dead(vcpu, task);
	u64 record_pa;

	/* Who is dead has no stack any more, wherever it was in the end. */
	if (!dead && stack_record_base(sp) != base)
		return;
	record_pa = stack_record_hold_or_make(vcpu, base, !dead);
	if (record_pa && dead)
		free_stack(vcpu, record_pa);
	else if (record_pa)
		note_stack(vcpu, record_pa, base, task, sp);
	stack_unlock(vcpu);
}

/*
 * A task that has never run is where fork put it, on a stack of no other task. That is
 * how it looks; an attacker has one look so who can write such a frame, anywhere, and
 * the task's stack pointer. So only who has no other stack is taken for one.
 */
static bool is_new_stack(struct vcpu *vcpu, u64 record_pa, u64 base, u64 rsp)
{
	u64 address = 0;

	return base && rsp == base + config()->fork_slot &&
	       (!record_pa || stack_record_show(vcpu, record_pa)->sp == STACK_FREE) &&
	       !guest_read(vcpu, rsp, &address, sizeof(address)) &&
	       address == config()->fork_return;
}

static u64 *popped(struct vcpu *vcpu, u32 i)
{
	u64 *const reg[FRAME_RETURN] = {
		[FRAME_R15] = &vcpu->regs.r15,
		[FRAME_R14] = &vcpu->regs.r14,
		[FRAME_R13] = &vcpu->regs.r13,
		[FRAME_R12] = &vcpu->regs.r12,
		[FRAME_RBX] = &vcpu->regs.rbx,
		[FRAME_RBP] = &vcpu->regs.rbp,
	};

	return reg[i];
}

/* Of a noted stack, the first word that is not as it was; or words->nr */
static u32 first_changed(struct vcpu *vcpu, struct stack *stack,
			 const struct stack_words *words, u64 *found)
{
	u32 i;

	for (i = 0; i < words->nr; i++) {
		if (i < FRAME_RETURN)
			*found = *popped(vcpu, i);
		else if (!stack_read(stack, stack->base + words->offset[i],
				     found))
			*found = 0;
		if (*found != words->value[i])
			break;
	}
	return i;
}

/* One word, as it was; false where it is, or where there is no copy of it */
static bool undo_word(struct stack *stack, u64 record_pa, u64 sp, u64 at)
{
	const struct stack_record *record = stack_record_show(stack->vcpu, record_pa);
	u32 number = copy_number(stack->base, sp, at);
	u64 copy, found;

	if (!record->copied || number == STACK_COPIED)
		return false;
	copy = record->copy[number];
	return stack_read(stack, at, &found) && found != copy &&
	       stack_write(stack, at, copy);
}

/*
 * What was written from a word on, outwards. Of the registers that entering the kernel
 * has saved all goes back: a chain of returns that reaches them has words in common
 * with them (zeros), and user mode would go on with what is beyond those.
 */
static void undo_outwards(struct stack *stack, u64 record_pa, u64 sp, u64 at)
{
	const u64 entry = stack->base + config()->fork_slot + sizeof(u64);

	while (at < stack_end(stack->base) &&
	       (undo_word(stack, record_pa, sp, at) || at >= entry))
		at += sizeof(u64);
}

/*
 * As the task left it: what the CPU has loaded from it, too, and what was written
 * together with such a word. What Linux has written stays: that is apart from it.
 */
static void put_back(struct stack *stack, u64 record_pa, u64 sp,
		     const struct stack_words *words)
{
	struct vcpu *vcpu = stack->vcpu;
	u64 at, slot, found;
	u32 i;

	for (i = 0; i < words->nr; i++) {
		slot = stack->base + words->offset[i];
		if (i < FRAME_RETURN)
			*popped(vcpu, i) = words->value[i];
		if (stack_read(stack, slot, &found) && found == words->value[i])
			continue;
		stack_write(stack, slot, words->value[i]);
		for (at = slot - sizeof(u64); undo_word(stack, record_pa, sp, at);)
			at -= sizeof(u64);
		undo_outwards(stack, record_pa, sp, slot + sizeof(u64));
	}
	vmwrite(GUEST_RSP, sp + FRAME_POPPED);
}

static enum verdict report(struct vcpu *vcpu, u64 task, u64 slot, u64 expected,
			   u64 found, bool hopeless)
{
	struct report r = {
		.kind = REPORT_STACK,
		.rip = vmread(GUEST_RIP),
		.rsp = vmread(GUEST_RSP),
		.object = slot,
		.expected = expected,
		.found = found,
		.pid = task_word(vcpu, task, config()->task_pid, sizeof(u32)),
	};

	guest_read(vcpu, task + config()->task_comm, r.text, TASK_COMM);
	return hopeless ? guard_violation_hopeless(vcpu, POLICY_PARKED_STACKS, &r) :
			  guard_violation(vcpu, POLICY_PARKED_STACKS, &r);
}

/* Whether this stack is the task's: it is on it, or has left it so */
static bool names(const struct stack_record *record, u64 task)
{
	return record->task == task && record->sp != STACK_FREE;
}

/* A task's stack, wherever it is: slow, for when something seems to be wrong */
static u64 find_stack(struct vcpu *vcpu, u64 task, u64 *base)
{
	u64 record_pa;

	*base = 0;
	while ((record_pa = shadow_record_next(vcpu, base))) {
		if (names(stack_record_show(vcpu, record_pa), task))
			return record_pa;
	}
	*base = island.config.returns.boot_stack;
	record_pa = island.boot_stack_record;
	return names(stack_record_show(vcpu, record_pa), task) ? record_pa : 0;
}

/* With the lock: a task that no stack is of; whether it begins on this one */
static bool begins(struct vcpu *vcpu, u64 task, u64 base, u64 rsp)
{
	u64 record_pa = stack_record_hold(vcpu, base);
	bool new = is_new_stack(vcpu, record_pa, base, rsp);

	if (new && record_pa)
		stack_record_set(vcpu, record_pa, task, STACK_RUNS);
	stack_unlock(vcpu);
	return new;
}

/*
 * The CPU is on a stack that is not the task's, or not where it left it. Back to
 * that; where there is none the machine cannot go on. But a new task may come here,
 * too, when another one shares its number. Return: the stack that the task goes on
 * with.
 */
static u64 wrong_stack(struct vcpu *vcpu, u64 task, u64 base, u64 rsp)
{
	u64 right, record_pa, sp = 0;
	struct stack stack;
	bool parked, undone;

	island_lock(vcpu);
	record_pa = find_stack(vcpu, task, &right);
	if (!record_pa && begins(vcpu, task, base, rsp)) {
		island_unlock();
		return base;
	}
	stack_lock(vcpu, right);
	/* Another CPU may be on it, or have gone on with it just now. */
	parked = record_pa && is_tasks(stack_record_show(vcpu, record_pa), task);
	if (parked) {
		sp = stack_record_show(vcpu, record_pa)->sp;
		memcpy(&vcpu->walk, &stack_record_show(vcpu, record_pa)->words,
		       sizeof(vcpu->walk));
	}
	undone = verdict_undoes(report(vcpu, task, task + config()->task_sp, sp,
				       rsp - FRAME_POPPED, !parked));
	if (parked && undone) {
		stack = (struct stack){ .vcpu = vcpu, .base = right };
		put_back(&stack, record_pa, sp, &vcpu->walk);
		base = right;
	} else if (record_pa) {
		/* It never comes back there. */
		free_stack(vcpu, record_pa);
	}
	stack_unlock(vcpu);
	island_publish();
	island_unlock();
	return base;
}

/* Whether the stack is the task's, parked here; and what was noted, then */
static bool is_where_left(struct vcpu *vcpu, u64 record_pa, u64 task, u64 rsp)
{
	const struct stack_record *record;

	if (!record_pa)
		return false;
	record = stack_record_show(vcpu, record_pa);
	if (!is_tasks(record, task) || record->sp + FRAME_POPPED != rsp)
		return false;
	memcpy(&vcpu->walk, &record->words, sizeof(vcpu->walk));
	return true;
}

/* The words that say where the task goes on, when it is where it should be */
static void compare(struct vcpu *vcpu, u64 record_pa, u64 task, u64 base,
		    u64 rsp)
{
	struct stack stack = { .vcpu = vcpu, .base = base };
	const struct stack_words *words = &vcpu->walk;
	u64 found = 0;
	u32 i = first_changed(vcpu, &stack, words, &found);

	if (i < words->nr &&
	    verdict_undoes(report(vcpu, task, base + words->offset[i],
				  words->value[i], found, false)))
		put_back(&stack, record_pa, rsp - FRAME_POPPED, words);
}

/*
 * Whether nothing could be noted as the task left its stack: it is out of reach, or
 * there was no memory. And it is the task's, as Linux says.
 */
static bool is_unknown(struct vcpu *vcpu, u64 task, u64 base, u64 rsp)
{
	const struct returns_config *c = &island.config.returns;

	return (shadow_is_beyond(rsp) || stack_record_missed(vcpu, base)) &&
	       rsp - task_word(vcpu, task, c->task_stack, sizeof(u64)) < c->stack_size;
}

/* Whether the task goes on with that stack; false where it is to have another */
static bool goes_on(struct vcpu *vcpu, u64 record_pa, u64 task, u64 base, u64 rsp)
{
	if (!island.stacks_settled ||
	    policy_verdict(&island.policy, POLICY_PARKED_STACKS) == VERDICT_ALLOW)
		return true;
	if (is_where_left(vcpu, record_pa, task, rsp)) {
		compare(vcpu, record_pa, task, base, rsp);
		return true;
	}
	if (is_new_stack(vcpu, record_pa, base, rsp))
		return !stack_record_may_name(task);
	if (record_pa || !is_unknown(vcpu, task, base, rsp))
		return false;
	vcpu->config.public->unparked_unverified++;
	return true;
}

/* The task that this CPU goes on with. Return: the stack that it does so on. */
static u64 unpark(struct vcpu *vcpu, u64 task, u64 rsp)
{
	u64 base = stack_record_base(rsp);
	u64 record_pa = stack_record_hold(vcpu, base);
	bool right = goes_on(vcpu, record_pa, task, base, rsp);

	/* At once: no other CPU goes on with it, too. */
	if (right && record_pa)
		stack_record_set(vcpu, record_pa, task, STACK_RUNS);
	stack_unlock(vcpu);
	return right ? base : wrong_stack(vcpu, task, base, rsp);
}

/**
 * stack_guard_switch() - this CPU changes to another task
 * @vcpu: the CPU
 *
 * Context: root, at a VMCALL of the stub's.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result stack_guard_switch(struct vcpu *vcpu)
{
	u64 from = vcpu->regs.rdi, to = vcpu->regs.rsi;
	u64 base, record_pa;

	if (!island.stacks_armed)
		return RESULT_SKIP;
	park(vcpu, from);
	base = unpark(vcpu, to, vmread(GUEST_RSP));
	record_pa = stack_record_hold_or_make(vcpu, base, false);
	if (record_pa)
		stack_record_set(vcpu, record_pa, to, STACK_RUNS);
	stack_unlock(vcpu);
	vcpu->running_stack = base;
	return RESULT_SKIP;
}

/* Whether that has been done already, since the CPUs were stopped */
static bool is_noted(const struct stack_record *record, u64 task, u64 sp)
{
	return record->task == task && record->sp == sp;
}

/**
 * stack_guard_note() - note the stack of a task that sleeps
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
int stack_guard_note(struct vcpu *vcpu, u64 task)
{
	u64 sp = task_word(vcpu, task, config()->task_sp, sizeof(u64));
	u64 base = stack_record_base(sp);
	u64 record_pa;

	if (!island.stacks_armed || island.stacks_settled)
		return -EPERM;
	if (shadow_is_beyond(sp))
		return 0;
	if (!base)
		return -EINVAL;
	/* Linux has freed its stack, and lists it until its parent asks how it ended. */
	if (is_dead(vcpu, task))
		return 0;
	record_pa = stack_record_make(vcpu, base);
	if (!record_pa)
		return -ENOMEM;
	stack_lock(vcpu, base);
	if (!is_noted(stack_record_show(vcpu, record_pa), task, sp) &&
	    !is_new_stack(vcpu, record_pa, base, sp + FRAME_POPPED))
		note_stack(vcpu, record_pa, base, task, sp);
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
		sp = task_word(vcpu, task, config()->task_sp, sizeof(u64));
		free_stack(vcpu, record_pa);
		if (stack_record_base(sp) == base && !is_dead(vcpu, task) &&
		    !is_new_stack(vcpu, record_pa, base, sp + FRAME_POPPED))
			note_stack(vcpu, record_pa, base, task, sp);
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

static bool is_any_degraded(void)
{
	u32 i;

	for (i = 0; i < island.config.nr_vcpus; i++) {
		if (vcpu_number(i)->config.public->state == VCPU_DEGRADED)
			return true;
	}
	return false;
}

/**
 * stack_guard_settle() - compare from now on
 * @vcpu: the CPU
 * @done: all stacks are noted; 0 before that, to note those that root knows of
 *
 * Context: root, with the lock; all CPUs are stopped by the guest half.
 *
 * Return: 0; -EPERM where it is settled, or not armed; -ESTALE while a CPU is bare
 * on which tasks run.
 */
int stack_guard_settle(struct vcpu *vcpu, u64 done)
{
	if (!island.stacks_armed || island.stacks_settled)
		return -EPERM;
	if (is_any_degraded())
		return -ESTALE;
	if (done)
		island.stacks_settled = true;
	else
		note_known(vcpu);
	return 0;
}

/**
 * stack_guard_cpu_changes() - a CPU comes or goes
 *
 * Tasks run on it without root's seeing it, before it comes and after it went.
 *
 * Context: root; that CPU, which has no part in shootdowns yet, or any more.
 */
void stack_guard_cpu_changes(void)
{
	__atomic_store_n(&island.stacks_settled, false, __ATOMIC_SEQ_CST);
	frozen_frames_forget();
}

static bool patch_switch(struct vcpu *vcpu, u64 from, u64 to)
{
	u64 va = config()->switch_jump;
	u8 bytes[RETURN_SITE];
	u64 target;

	return region_read(vcpu, va, bytes, sizeof(bytes)) &&
	       jump_target(bytes, va + sizeof(bytes), &target) &&
	       target == from && return_site_jump(va, to, bytes) &&
	       region_write(vcpu, va, bytes, sizeof(bytes));
}

/* What was known when this was armed before, and is not any more */
static void forget_all(struct vcpu *vcpu)
{
	u64 record_pa, base = 0;

	while ((record_pa = shadow_record_next(vcpu, &base)))
		free_stack(vcpu, record_pa);
	free_stack(vcpu, island.boot_stack_record);
	stack_record_none();
}

static int prepare(struct vcpu *vcpu)
{
	if (!config()->switch_jump || !config()->stub || !island.config.unwind.size ||
	    island.config.returns.stack_size > STACK_PAGES_MAX * PAGE_SIZE)
		return -EOPNOTSUPP;
	if (!island.boot_stack_record)
		island.boot_stack_record = shadow_page(vcpu, SHADOW_ROOT);
	if (!island.boot_stack_record)
		return -ENOMEM;
	forget_all(vcpu);
	return 0;
}

/**
 * stack_guard_arm() - have each switch to another task come here, or no longer
 * @vcpu: the CPU
 * @on: which of the two
 *
 * Context: root, with the lock.
 *
 * Return: 0; -EPERM once the policy is locked, for the latter; -ENOMEM;
 * -EOPNOTSUPP where the kernel is not as it should be for this; -EBUSY where
 * something else stands at the place that is patched.
 */
int stack_guard_arm(struct vcpu *vcpu, u64 on)
{
	u64 from = on ? config()->switch_to : config()->stub;
	u64 to = on ? config()->stub : config()->switch_to;
	bool done;
	u32 i;
	int err;

	if (!!on == island.stacks_armed)
		return 0;
	if (!on && island_locked())
		return -EPERM;
	err = on ? prepare(vcpu) : 0;
	if (err)
		return err;
	shootdown_hold(vcpu);
	done = patch_switch(vcpu, from, to);
	if (done) {
		island.stacks_armed = on;
		island.stacks_settled = false;
		for (i = 0; i < island.config.nr_vcpus; i++)
			vcpu_number(i)->running_stack = 0;
	}
	shootdown_release();
	return done ? 0 : -EBUSY;
}
