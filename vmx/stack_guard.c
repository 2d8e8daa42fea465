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
 * left is the one that root saw this CPU change to, and its task the one that runs
 * there, whatever registers say; and a stack that is noted is only changed to where it
 * was left, by its own task.
 *
 * Parked stacks could be read-only in EPT instead, each CPU with tables of its own.
 * Comparing needs no such tables, no INVEPT at a switch, no exit for any of
 * the writes that are legitimate, and none of them to be told from others while
 * it waits; an attacker's write is undone before it has an effect either way. What
 * it cannot tell is who wrote, and when.
 *
 * What is noted: stack_park.c. From when on it is compared: stack_settle.c.
 */
#include "call_site.h"
#include "cpu_ops.h"
#include "guard.h"
#include "guest_walk.h"
#include "memory.h"
#include "region.h"
#include "return_guard.h"
#include "shadow_pages.h"
#include "shadow_window.h"
#include "shootdown.h"
#include "stack_copy.h"
#include "stack_guard.h"
#include "stack_lock.h"
#include "stack_park.h"
#include "stack_record.h"
#include "stack_task.h"
#include "stack_walk.h"
#include "vcpu.h"

#define TASK_COMM	16

/* Where there is none to go on with. A stack out of the window's reach has base 0. */
#define NO_STACK	(~0ULL)

static const struct stacks_config *config(void)
{
	return &island.config.stacks;
}

/* Whether a task has left this stack, and not gone on with it */
static bool is_tasks(const struct stack_record *record, u64 task)
{
	return record->task == task && record->sp > STACK_RUNS;
}

static bool is_compared(void)
{
	return island.stacks_settled &&
	       policy_verdict(&island.policy, POLICY_PARKED_STACKS) != VERDICT_ALLOW;
}

/*
 * Linux does not come here so; who jumps here to have his own stack noted as another
 * task's does. He ends; but Linux would have interrupts off, and a lock that everything
 * waits for.
 */
static enum verdict report_jump(struct vcpu *vcpu, u64 runs, u64 task)
{
	struct report r = {
		.kind = REPORT_SELF,
		.rip = vmread(GUEST_RIP),
		.rsp = vmread(GUEST_RSP),
		.object = vmread(GUEST_RIP),
		.expected = runs,
		.found = task,
	};

	return vmread(GUEST_RFLAGS) & RFLAGS_IF ?
	       guard_violation(vcpu, POLICY_PARKED_STACKS, &r) :
	       guard_violation_hopeless(vcpu, POLICY_PARKED_STACKS, &r);
}

/*
 * Who runs on a stack, as far as is known; or @task, which may be who is not known, but
 * not who has another stack; or 0.
 */
static u64 who_runs(struct vcpu *vcpu, u64 record_pa, u64 task)
{
	const struct stack_record *record;
	u64 other;

	if (record_pa) {
		record = stack_record_show(vcpu, record_pa);
		if (record->sp == STACK_RUNS)
			return record->task;
	}
	return stack_task_find(vcpu, task, &other) ? 0 : task;
}

/* Linux has interrupts off, and there is one VMCALL for this. */
static bool is_switch(void)
{
	return vmread(GUEST_RIP) == config()->stub_call &&
	       !(vmread(GUEST_RFLAGS) & RFLAGS_IF);
}

/*
 * While stacks are compared each CPU has changed to a task before: who runs on no stack
 * that is known has one that root cannot know.
 */
static u64 stack_that_runs(const struct vcpu *vcpu, u64 sp)
{
	if (vcpu->running_stack || is_compared())
		return vcpu->running_stack;
	return stack_record_base(sp);
}

/* The task that this CPU leaves. Return: false where it does not, and who runs is to end */
static bool park(struct vcpu *vcpu, u64 task)
{
	u64 sp = task_word(vcpu, task, config()->task_sp, sizeof(u64));
	u64 base = stack_that_runs(vcpu, sp);
	bool dead = task_is_dead(vcpu, task);
	/* Who is dead has no stack any more, wherever it was in the end. */
	bool left = !dead && stack_record_base(sp) == base;
	u64 record_pa = stack_record_hold_or_make(vcpu, base, left);
	u64 runs = who_runs(vcpu, record_pa, task);
	bool undone = false;

	if (is_compared() && (runs != task || !is_switch()))
		undone = verdict_undoes(report_jump(vcpu, runs, task));
	else if (record_pa && dead)
		stack_record_free(vcpu, record_pa);
	else if (record_pa && left)
		stack_park_note(vcpu, record_pa, base, task, sp);
	stack_unlock(vcpu);
	return !undone;
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

/*
 * As the task left it: what the CPU has loaded from it, too, and what was written
 * together with such a word.
 */
static void put_back(struct stack *stack, u64 record_pa, u64 sp,
		     const struct stack_words *words)
{
	struct vcpu *vcpu = stack->vcpu;
	u64 slot, found;
	u32 i;

	for (i = 0; i < words->nr; i++) {
		slot = stack->base + words->offset[i];
		if (i < FRAME_RETURN)
			*popped(vcpu, i) = words->value[i];
		if (stack_read(stack, slot, &found) && found == words->value[i])
			continue;
		stack_write(stack, slot, words->value[i]);
		stack_copy_undo(stack, record_pa, sp, slot);
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

/*
 * The CPU is on a stack that is not the task's, or not where it left it. Back to
 * that; where there is none the machine cannot go on. Return: the stack that the task
 * goes on with, as stack_record_base() says, or NO_STACK.
 */
static u64 wrong_stack(struct vcpu *vcpu, u64 task, u64 base, u64 rsp)
{
	u64 right, record_pa, sp = 0;
	struct stack stack;
	bool parked, undone;

	island_lock(vcpu);
	record_pa = stack_task_find(vcpu, task, &right);
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
		stack_record_set(vcpu, record_pa, task, STACK_RUNS);
		base = right;
	} else if (undone) {
		base = NO_STACK;
	} else if (record_pa) {
		/* It never comes back there. */
		stack_record_free(vcpu, record_pa);
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
	u64 other;

	if (!is_compared())
		return true;
	if (is_where_left(vcpu, record_pa, task, rsp)) {
		compare(vcpu, record_pa, task, base, rsp);
		return true;
	}
	if (stack_task_find(vcpu, task, &other))
		return false;
	if (stack_is_new(vcpu, record_pa, base, rsp))
		return true;
	if (record_pa || !is_unknown(vcpu, task, base, rsp))
		return false;
	vcpu->config.public->unparked_unverified++;
	return true;
}

/* The task that this CPU goes on with. Return: as wrong_stack(). */
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
	if (!park(vcpu, from))
		return return_guard_end(vcpu);
	base = unpark(vcpu, to, vmread(GUEST_RSP));
	/* Linux is to panic. Who has kept it from that is not to go on with that stack. */
	if (base == NO_STACK)
		return return_guard_end(vcpu);
	record_pa = stack_record_hold_or_make(vcpu, base, false);
	if (record_pa)
		stack_record_set(vcpu, record_pa, to, STACK_RUNS);
	stack_unlock(vcpu);
	vcpu->running_stack = base;
	return RESULT_SKIP;
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

static int prepare(struct vcpu *vcpu)
{
	if (!config()->switch_jump || !config()->stub || !island.config.unwind.size ||
	    island.config.returns.stack_size > STACK_PAGES_MAX * PAGE_SIZE)
		return -EOPNOTSUPP;
	if (!island.boot_stack_record)
		island.boot_stack_record = shadow_page(vcpu, SHADOW_ROOT);
	if (!island.boot_stack_record)
		return -ENOMEM;
	stack_record_free_all(vcpu);
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
