// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: frozen frames (attacker A2)
 *
 * A module's function has its callers' frames above its own, on the same stack,
 * and a bug of its own writes there first. Between guarded functions return
 * addresses have a shadow; those of the core kernel have none. So when core
 * kernel code calls a guarded function, root notes the words by which its callers
 * go on, found by Linux's own unwind tables, and compares them when that function
 * returns: what was written there is undone before anything goes on by it.
 *
 * DESIGN has the callers' frames read-only in EPT while the module runs one page
 * deeper, and this for where that does not fit. This alone needs no gap on the
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
#include "frozen_frames.h"
#include "guard.h"
#include "guest_walk.h"
#include "memory.h"
#include "shadow.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vcpu.h"
#include "window.h"

static u64 read_word(struct vcpu *vcpu, u64 va)
{
	u64 word = 0;

	guest_read(vcpu, va, &word, sizeof(word));
	return word;
}

/* As Linux says; believed for no more than that there may be a record. */
static bool is_task_stack(struct vcpu *vcpu, u64 base)
{
	const struct returns_config *c = &island.config.returns;
	u64 task = read_word(vcpu, vmread(GUEST_GS_BASE) + c->gs_task);

	return read_word(vcpu, task + c->task_stack) == base;
}

static void forget_behind(struct frozen_frames *f)
{
	u32 i;

	for (i = f->nr; i < FREEZES; i++)
		f->freeze[i].slot = 0;
}

/* What was noted before something that root has not seen, or may not know now */
static void drop_old(struct frozen_frames *f)
{
	u64 epoch = __atomic_load_n(&island.frames_epoch, __ATOMIC_ACQUIRE);
	u64 tables = __atomic_load_n(&island.unwind_tables, __ATOMIC_ACQUIRE);

	if (f->epoch != epoch)
		f->nr = 0;
	if (f->epoch != epoch || f->tables != tables)
		forget_behind(f);
	f->epoch = epoch;
	f->tables = tables;
}

static u32 first_word(const struct frozen_frames *f, u32 i)
{
	return i ? f->freeze[i - 1].end : 0;
}

static void load(const struct frozen_frames *f, u32 i, struct stack_words *words)
{
	u32 first = first_word(f, i);

	words->nr = f->freeze[i].end - first;
	memcpy(words->offset, f->offset + first, words->nr * sizeof(u16));
	memcpy(words->value, f->value + first, words->nr * sizeof(u64));
}

/*
 * How many of a call's words are its own: all, or those up to the call before it,
 * where that one has noted the rest just as it is now
 */
static u32 count_own(const struct frozen_frames *f, const struct stack_words *words)
{
	u32 own = 0, i = f->nr, k, n;

	while (i && own < words->nr && words->offset[own] <= f->freeze[i - 1].slot)
		own++;
	for (n = own; i--;) {
		for (k = first_word(f, i); k < f->freeze[i].end; k++, n++) {
			if (n == words->nr || words->offset[n] != f->offset[k] ||
			    words->value[n] != f->value[k])
				return words->nr;
		}
		if (!f->freeze[i].shares)
			break;
	}
	return n == words->nr ? own : words->nr;
}

/* Whether a call is still under way: what it returns by is among the words. */
static bool is_under_way(const struct freeze *freeze,
			 const struct stack_words *words)
{
	u32 i;

	for (i = 0; i < words->nr; i++) {
		if (words->offset[i] == freeze->slot)
			return words->value[i] == freeze->address;
	}
	return false;
}

/* A function that ends by jumping to one of the core kernel's is not seen to return. */
static void drop_returned(struct frozen_frames *f, const struct stack_words *words)
{
	while (f->nr && !is_under_way(&f->freeze[f->nr - 1], words))
		f->nr--;
}

static bool store(struct frozen_frames *f, const struct freeze *freeze,
		  const struct stack_words *words)
{
	u32 first = first_word(f, f->nr), own = count_own(f, words);

	if (f->nr == FREEZES || first + own > FROZEN_WORDS)
		return false;
	memcpy(f->offset + first, words->offset, own * sizeof(u16));
	memcpy(f->value + first, words->value, own * sizeof(u64));
	f->freeze[f->nr] = *freeze;
	f->freeze[f->nr].end = first + own;
	f->freeze[f->nr].shares = own < words->nr;
	f->nr++;
	forget_behind(f);
	return true;
}

/* A word that is not as it was */
struct changed {
	u64 at;
	u64 expected;
	u64 found;
};

/*
 * Among the words of a call, and of those before it that it shares: the first one
 * that has changed, from the innermost on; all of them are put back, if so wished.
 */
static bool find_changed(struct stack *stack, u64 record_pa, u32 call,
			 bool put_back, struct changed *first)
{
	struct stack_words *words = &stack->vcpu->walk;
	const struct frozen_frames *f;
	bool any = false, shares;
	u64 at, found;
	u32 i;

	do {
		f = &stack_record_show(stack->vcpu, record_pa)->frozen;
		shares = f->freeze[call].shares;
		load(f, call--, words);
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

/* Whether the call is the one that was made at this depth the last time */
static bool is_same(const struct freeze *a, const struct freeze *b)
{
	return a->slot == b->slot && a->address == b->address && a->bp == b->bp;
}

static bool freeze_again(struct stack *stack, u64 record_pa,
			 const struct freeze *freeze)
{
	struct frozen_frames *f = &stack_record_show(stack->vcpu, record_pa)->frozen;
	struct changed changed;

	if (f->nr == FREEZES || !is_same(&f->freeze[f->nr], freeze) ||
	    find_changed(stack, record_pa, f->nr, false, &changed))
		return false;
	stack_record_show(stack->vcpu, record_pa)->frozen.nr++;
	return true;
}

static bool freeze_anew(struct stack *stack, u64 record_pa,
			const struct freeze *freeze)
{
	struct vcpu *vcpu = stack->vcpu;
	struct unwind_frame frame = {
		.ip = freeze->address,
		.sp = stack->base + freeze->slot + sizeof(u64),
		.bp = freeze->bp,
		.after_call = true,
	};

	struct frozen_frames *f;
	bool whole;

	vcpu->walk.nr = 0;
	whole = stack_walk(stack, &frame, &vcpu->walk, STACK_WALK_CALLS);
	f = &stack_record_show(vcpu, record_pa)->frozen;
	if (whole)
		drop_returned(f, &vcpu->walk);
	else
		vcpu->config.public->frozen_in_part++;
	return store(f, freeze, &vcpu->walk);
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
	struct stack stack = { .vcpu = vcpu, .base = stack_record_base(at) };
	struct freeze freeze = { .bp = vcpu->regs.rbp, .slot = at - stack.base };
	u64 record_pa = stack_record(vcpu, stack.base);
	struct frozen_frames *f;

	if (!record_pa) {
		if (!is_task_stack(vcpu, stack.base))
			return;
		record_pa = stack_record_made(vcpu, stack.base);
	}
	if (!record_pa || !stack_read(&stack, at, &freeze.address)) {
		vcpu->config.public->unfrozen++;
		return;
	}
	f = &stack_record_show(vcpu, record_pa)->frozen;
	drop_old(f);
	while (f->nr && f->freeze[f->nr - 1].slot <= freeze.slot)
		f->nr--;
	if (freeze_again(&stack, record_pa, &freeze) ||
	    freeze_anew(&stack, record_pa, &freeze))
		vcpu->config.public->frozen++;
	else
		vcpu->config.public->unfrozen++;
}

/* The call that this return belongs to; those within it never returned. */
static bool take(struct frozen_frames *f, u16 slot)
{
	while (f->nr && f->freeze[f->nr - 1].slot < slot)
		f->nr--;
	if (!f->nr || f->freeze[f->nr - 1].slot != slot)
		return false;
	f->nr--;
	return true;
}

/**
 * frozen_frames_thaw() - a guarded function is about to return to core kernel code
 * @vcpu: the CPU
 * @at: where its return address is
 * @call: set to the number of the call that it returns from
 *
 * Where nothing was noted it was called before root began to.
 *
 * Context: root, on that stack; without the lock, for each such return comes here.
 *	Ends what the window showed.
 *
 * Return: whether all is as it was; if not, the caller has frozen_frames_undo().
 */
bool frozen_frames_thaw(struct vcpu *vcpu, u64 at, u32 *call)
{
	struct stack stack = { .vcpu = vcpu, .base = stack_record_base(at) };
	u64 record_pa = stack_record(vcpu, stack.base);
	struct frozen_frames *f;
	struct changed changed;

	if (!record_pa)
		return true;
	f = &stack_record_show(vcpu, record_pa)->frozen;
	drop_old(f);
	if (!take(f, at - stack.base))
		return true;
	*call = f->nr;
	return !find_changed(&stack, record_pa, *call, false, &changed);
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

/**
 * frozen_frames_undo() - something was written to callers' frames
 * @vcpu: the CPU
 * @at: where the function's return address is that was called
 * @call: from frozen_frames_thaw()
 * @function: an address in that function, for the report
 *
 * Context: root, with the lock. Ends what the window showed.
 *
 * Return: whether it is undone, so that this must not go on; else it is let be.
 */
bool frozen_frames_undo(struct vcpu *vcpu, u64 at, u32 call, u64 function)
{
	struct stack stack = { .vcpu = vcpu, .base = stack_record_base(at) };
	u64 record_pa = stack_record(vcpu, stack.base);
	struct changed changed;

	if (policy_verdict(&island.policy, POLICY_FROZEN_FRAMES) == VERDICT_ALLOW ||
	    !find_changed(&stack, record_pa, call, false, &changed) ||
	    !verdict_undoes(report(vcpu, function, &changed)))
		return false;
	find_changed(&stack, record_pa, call, true, &changed);
	return true;
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

/**
 * frozen_frames_arm() - tell the stubs whether to ask, as the policy says
 * @vcpu: the CPU
 *
 * By a word of the guest half's that it cannot write itself.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void frozen_frames_arm(struct vcpu *vcpu)
{
	u64 on = island.policy.value[POLICY_FROZEN_FRAMES];
	u64 va = island.config.returns.freezing;
	struct guest_mapping m;
	volatile u64 *word;

	if (!va || !guest_walk(vcpu, va, &m) || !guest_owns(m.pa))
		return;
	word = (u64 *)((u8 *)window_map(vcpu, m.pa) + va % PAGE_SIZE);
	if (*word == on)
		return;
	if (on)
		frozen_frames_forget();
	*word = on;
}
