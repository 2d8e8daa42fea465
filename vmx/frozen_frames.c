// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: frozen frames
 *
 * A module's function has its callers' frames above its own, on the same stack,
 * and a bug of its own writes there first. Between guarded functions return
 * addresses have a shadow; those of the core kernel have none. So when core
 * kernel code calls a guarded function, root notes the words by which its callers
 * go on, found by Linux's own unwind tables, and compares them when that function
 * returns: what was written there is undone before anything goes on by it.
 *
 * The callers' frames could be read-only in EPT instead, while the module runs one page
 * deeper, with this for where that does not fit. This alone needs no gap on the
 * stack, no tables of each CPU's own, and no exit for what modules write to locals
 * of their callers; it costs two exits a call. It cannot tell which instruction
 * wrote, and a callee that never returns is not compared; but then nobody goes on by
 * those frames either, other than by way of frames that are compared.
 *
 * A call within another one shares what that one has noted, if it is just what there
 * is: an outer one may be of the past, for a return that is not covered has left it.
 * Mostly all is as it was the last time, and then it is only compared: a walk depends
 * on nothing but where it begins, the words that it comes by, and the tables.
 *
 * Words of what an exception has saved are left out: kprobes' handlers change
 * where to go on. So are interrupts' own stacks. Another CPU has the time between a
 * call and this, and between this and a caller's return. Who can have kernel code
 * run at will can call these again; that attacker needs no stack.
 */
#include "cpu_ops.h"
#include "frozen_frames.h"
#include "guard.h"
#include "return_guard.h"
#include "stack_lock.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vcpu.h"

static struct frozen *show(struct vcpu *vcpu, u64 record_pa)
{
	return &stack_record_show(vcpu, record_pa)->frozen;
}

static struct frozen *show_renewed(struct vcpu *vcpu, u64 record_pa)
{
	struct frozen *f = show(vcpu, record_pa);

	frozen_renew(f, __atomic_load_n(&island.frames_epoch, __ATOMIC_ACQUIRE),
		     __atomic_load_n(&island.unwind_tables, __ATOMIC_ACQUIRE));
	return f;
}

/* A word that is not as it was */
struct changed {
	u64 at;
	u64 expected;
	u64 found;
};

/*
 * Among RBP and the words of a call, and of those before it that it shares: the first
 * one that has changed, from the innermost on; all of them are put back, if so wished.
 * RBP is the caller's at a function's beginning and end, and in between it is in its own
 * frame, or that of who was called by it. Where it is noted is where it returns by.
 */
static bool find_changed(struct stack *stack, u64 record_pa, u32 call,
			 bool put_back, struct changed *first)
{
	const struct frozen_call *last = &show(stack->vcpu, record_pa)->call[call];
	struct stack_words *words = &stack->vcpu->walk;
	u64 *bp = &stack->vcpu->regs.rbp;
	u64 at = stack->base + last->slot, found;
	bool any = *bp != last->bp, shares;
	u32 i;

	if (any)
		*first = (struct changed){ at, last->bp, *bp };
	if (any && put_back)
		*bp = last->bp;
	else if (any)
		return true;
	do {
		shares = frozen_words(show(stack->vcpu, record_pa), call--, words);
		for (i = 0; i < words->nr; i++) {
			at = stack->base + words->offset[i];
			if (!stack_read(stack, at, &found))
				found = 0;
			if (found == words->value[i])
				continue;
			if (!any)
				*first = (struct changed){ at, words->value[i], found };
			any = true;
			if (!put_back)
				return true;
			stack_write(stack, at, words->value[i]);
		}
	} while (shares);
	return any;
}

static bool freeze_again(struct stack *stack, u64 record_pa,
			 const struct frozen_call *call)
{
	struct vcpu *vcpu = stack->vcpu;
	struct changed changed;

	if (!frozen_was(show(vcpu, record_pa), call) ||
	    find_changed(stack, record_pa, show(vcpu, record_pa)->nr, false,
			 &changed))
		return false;
	frozen_again(show(vcpu, record_pa));
	return true;
}

static bool freeze_anew(struct stack *stack, u64 record_pa,
			const struct frozen_call *call)
{
	struct vcpu *vcpu = stack->vcpu;
	struct unwind_frame frame = {
		.ip = call->address,
		.sp = stack->base + call->slot + sizeof(u64),
		.bp = call->bp,
		.after_call = true,
	};
	bool whole;

	vcpu->walk.nr = 0;
	vcpu->walk.left_out = 0;
	whole = stack_walk(stack, &frame, &vcpu->walk, STACK_WALK_CALLS);
	if (!whole)
		vcpu->config.public->frozen_in_part++;
	return frozen_add(show(vcpu, record_pa), call, &vcpu->walk, whole);
}

static bool freeze(struct vcpu *vcpu, u64 record_pa, u64 base, u64 at)
{
	struct stack stack = { .vcpu = vcpu, .base = base };
	struct frozen_call call = { .bp = vcpu->regs.rbp, .slot = at - base };

	if (!stack_read(&stack, at, &call.address))
		return false;
	frozen_return_to(show_renewed(vcpu, record_pa), call.slot);
	return freeze_again(&stack, record_pa, &call) ||
	       freeze_anew(&stack, record_pa, &call);
}

/**
 * frozen_frames_freeze() - core kernel code has called a guarded function
 * @vcpu: the CPU
 *
 * Where the stub has stored its return address: that is the second word at the
 * stack pointer.
 *
 * Context: root, at a VMCALL of the stub's.
 */
void frozen_frames_freeze(struct vcpu *vcpu)
{
	u64 at = vmread(GUEST_RSP) + sizeof(u64);
	u64 base = stack_record_base(at);
	u64 record_pa = stack_record_hold(vcpu, base);

	if (!record_pa) {
		stack_unlock(vcpu);
		if (return_guard_task_stack(vcpu) != base)
			return;
		record_pa = stack_record_hold_or_make(vcpu, base, false);
	}
	if (record_pa && freeze(vcpu, record_pa, base, at))
		vcpu->config.public->frozen++;
	else
		vcpu->config.public->unfrozen++;
	stack_unlock(vcpu);
}

/**
 * frozen_frames_thaw() - a guarded function is about to return to core kernel code
 * @vcpu: the CPU
 * @at: where its return address is
 *
 * Where nothing was noted it was called before root began to. While a CPU is bare, what
 * was noted may be of a call that has ended there, unseen, and of whose stack another one
 * has made use since: then nothing is made of it.
 *
 * Context: root, on that stack; without the lock, for each such return comes here.
 *	Ends what the window showed.
 *
 * Return: whether all is as it was, or may well be otherwise; if not, the caller has
 * frozen_frames_undo().
 */
bool frozen_frames_thaw(struct vcpu *vcpu, u64 at)
{
	struct stack stack = { .vcpu = vcpu, .base = stack_record_base(at) };
	u64 record_pa = stack_record_hold(vcpu, stack.base);
	u16 slot = at - stack.base;
	struct changed changed;
	bool same;

	same = !record_pa || !frozen_end(show_renewed(vcpu, record_pa), slot) ||
	       !find_changed(&stack, record_pa, show(vcpu, record_pa)->nr, false,
			     &changed) ||
	       island_any_degraded();
	stack_unlock(vcpu);
	return same;
}

static enum verdict report(struct vcpu *vcpu, u64 function,
			   const struct changed *changed)
{
	struct report r = {
		.kind = REPORT_FRAME,
		.rip = function,
		.rsp = vmread(GUEST_RSP),
		.object = changed->at,
		.expected = changed->expected,
		.found = changed->found,
	};

	return guard_violation(vcpu, POLICY_FROZEN_FRAMES, &r);
}

/*
 * Meanwhile another CPU may have said that it is on this stack, too: then the call
 * is no longer the last one that has ended, and there is nothing to go by.
 */
static bool undo(struct stack *stack, u64 record_pa, u16 slot, u64 function)
{
	const struct frozen *f = show(stack->vcpu, record_pa);
	struct changed changed;
	u32 call = f->nr;

	if (!frozen_ended(f, slot) ||
	    !find_changed(stack, record_pa, call, false, &changed) ||
	    !verdict_undoes(report(stack->vcpu, function, &changed)))
		return false;
	find_changed(stack, record_pa, call, true, &changed);
	return true;
}

/**
 * frozen_frames_undo() - something was written to callers' frames
 * @vcpu: the CPU
 * @at: where the function's return address is that was called
 * @function: an address in that function, for the report
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether it is undone, so that this must not go on; else it is let be.
 */
bool frozen_frames_undo(struct vcpu *vcpu, u64 at, u64 function)
{
	struct stack stack = { .vcpu = vcpu, .base = stack_record_base(at) };
	u64 record_pa;
	bool undone;

	if (policy_verdict(&island.policy, POLICY_FROZEN_FRAMES) == VERDICT_ALLOW)
		return false;
	record_pa = stack_record_hold(vcpu, stack.base);
	undone = record_pa &&
		 undo(&stack, record_pa, at - stack.base, function);
	stack_unlock(vcpu);
	return undone;
}

/**
 * frozen_frames_forget() - nothing that was noted counts any more
 *
 * Functions may have been called, or return, without root's seeing it.
 *
 * Context: root.
 */
void frozen_frames_forget(void)
{
	__atomic_add_fetch(&island.frames_epoch, 1, __ATOMIC_RELEASE);
}
