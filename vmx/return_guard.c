// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return guard: what the stubs leave to root
 *
 * The stubs (module/returns_stub.S) store and compare by themselves. They come
 * here where a stack has no shadow yet or is none, where an address does not look
 * like one that a call returns to, where the two differ, and on CPUs without
 * VMFUNC always.
 *
 * In the shadow view nothing but the stub can be run and nothing but the shadow
 * be written, so whatever happens there is an exit: of an event while it is being
 * delivered, or of its handler's fetch where the stack pointer leads to the shadow; or
 * of the instruction behind a VMFUNC that was none of the stub's.
 * Root then does what is left of the stub, so that it is done however many events
 * come, and the event is delivered in the guard view. What the stub does follows
 * from the stack pointer alone: who jumps into the middle of it gets what he
 * would get at its beginning.
 */
#include "choke_call.h"
#include "cpu_ops.h"
#include "ept.h"
#include "exit.h"
#include "frozen_frames.h"
#include "guard.h"
#include "guest_walk.h"
#include "memory.h"
#include "own_stack.h"
#include "requests.h"
#include "return_guard.h"
#include "sealed_code.h"
#include "shadow.h"
#include "shadow_window.h"
#include "shootdown.h"
#include "vcpu.h"
#include "x86.h"

/* What the stub is told */
#define LOOK_AGAIN	0
#define RETURN		1

/* What an event pushes at most: SS, RSP, RFLAGS, CS, RIP, and an error code */
#define EVENT_WORDS	6

/* A function's entry, by the stack pointer: below, where the stub goes on */
struct entry {
	u64 stack;		/* where its return address is */
	u64 address;		/* that */
	u64 function;		/* an address in it */
};

static const struct returns_config *config(void)
{
	return &island.config.returns;
}

/* A word of the kernel's, at an offset from its GS base */
static u64 percpu_word(struct vcpu *vcpu, u64 offset)
{
	u64 word = 0;

	guest_read(vcpu, vmread(GUEST_GS_BASE) + offset, &word, sizeof(word));
	return word;
}

/**
 * return_guard_task_stack() - the stack of the task that runs
 * @vcpu: the CPU
 *
 * As Linux says, in data that it can write: no more is to be believed of it than
 * that there is a stack.
 *
 * Context: root, handling an exit of this CPU. Ends what the window showed.
 *
 * Return: its lowest address.
 */
u64 return_guard_task_stack(struct vcpu *vcpu)
{
	u64 stack = 0;

	guest_read(vcpu, percpu_word(vcpu, config()->gs_task) +
			 config()->task_stack, &stack, sizeof(stack));
	return stack;
}

/*
 * Where Linux says that this CPU's stacks are. That is data, and holds against
 * who has moved the stack pointer and no more.
 */
static bool is_current_stack(struct vcpu *vcpu, u64 stack)
{
	u64 irq_top = percpu_word(vcpu, config()->gs_irq_stack) | (PAGE_SIZE - 1);

	return stack - return_guard_task_stack(vcpu) < config()->stack_size ||
	       irq_top - stack < config()->stack_size;
}

static bool is_trampoline(u64 va)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(config()->trampolines); i++) {
		if (va && va == config()->trampolines[i])
			return true;
	}
	return false;
}

/* Whether a function can have been called so that it returns there */
static bool follows_call(struct vcpu *vcpu, u64 va)
{
	return is_code_address(va) && sealed_code_follows_call(vcpu, va);
}

/*
 * The guest is to end its task there: in the middle, for what lies above is of no use
 * any more, and that needs some room. Nothing leads back to where it came from.
 */
static void set_stack(u64 stack)
{
	vmwrite(GUEST_RSP, stack + config()->stack_size / 2);
}

/*
 * The guest half ends the task (module/blocked.c), or goes on: at @address, or where
 * it was about to jump. On the task's own stack again, if it had another one, which may
 * be another task's.
 */
static void land(struct vcpu *vcpu, bool stack_lost, u64 address, bool jump)
{
	u64 rsp = vmread(GUEST_RSP), stack = return_guard_task_stack(vcpu);

	stack_lost |= !own_stack_is(rsp) && !is_current_stack(vcpu, rsp);
	if (stack_lost && stack) {
		set_stack(stack);
		address = 0;
	}
	vcpu->regs.rax = vcpu->regs.r10;
	vcpu->regs.r10 = address;
	guest_go_to(vcpu, jump ? config()->blocked_jump : config()->blocked);
}

/**
 * return_guard_end() - end the task that runs, on its own stack
 * @vcpu: the CPU
 *
 * Interrupts are off until the guest half has put right what else is another task's.
 *
 * Context: root, handling an exit of this CPU, after a report. Ends what the window
 *	showed.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result return_guard_end(struct vcpu *vcpu)
{
	u64 stack = vcpu->running_stack ? : return_guard_task_stack(vcpu);

	if (stack)
		set_stack(stack);
	vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) & ~RFLAGS_IF);
	vcpu->regs.r10 = 0;
	guest_go_to(vcpu, config()->blocked);
	return RESULT_RESUME;
}

static enum verdict report(struct vcpu *vcpu, u64 function, u64 stack,
			   u64 expected, u64 found)
{
	struct report r = {
		.kind = REPORT_RETURN,
		.rip = function,
		.rsp = vmread(GUEST_RSP),
		.object = stack,
		.expected = expected,
		.found = found,
	};

	return guard_violation(vcpu, POLICY_RETURNS, &r);
}

static struct shadow_word word_of(const struct entry *e)
{
	return (struct shadow_word){
		.address = e->address,
		.function = function_half(e->function, island.config.modules_start),
	};
}

static u64 function_of(const struct shadow_word *word)
{
	return function_address(word->function, island.config.modules_start);
}

/*
 * Whether it is one, as far as that is known. No choke point is called on a CPU's own,
 * where user mode can have its registers saved.
 */
static bool is_stack(struct vcpu *vcpu, u64 stack, bool choke)
{
	return own_stack_is(stack) ? !choke : shadow_has(vcpu, stack) ||
					      is_current_stack(vcpu, stack);
}

/*
 * On a stack. Where there is no memory for a shadow, or the window does not cover the
 * stack, the function returns unverified; that is counted. The guest half sees to it
 * that it does not come to the one, and the other takes more addresses than Linux mostly
 * has in use.
 */
static void store(struct vcpu *vcpu, const struct entry *e)
{
	if (own_stack_is(e->stack))
		own_stack_write(vcpu, e->stack, word_of(e));
	else if (!shadow_write(vcpu, e->stack, word_of(e)) &&
		 !(shadow_make(vcpu, e->stack) &&
		   shadow_write(vcpu, e->stack, word_of(e))))
		island.config.public->returns_unshadowed++;
}

/*
 * Whether the stubs see another shadow than root does: an entry of this process's
 * top-level table leads there. Nothing of Linux's does that.
 */
static bool is_misled(struct vcpu *vcpu, u64 stack)
{
	return !own_stack_is(stack) && shadow_has(vcpu, stack) &&
	       !shadow_is_seen(vcpu, stack);
}

static enum verdict report_misled(struct vcpu *vcpu, u64 function, u64 stack)
{
	struct report r = {
		.kind = REPORT_SELF,
		.rip = function,
		.rsp = vmread(GUEST_RSP),
		.object = config()->window + (stack - config()->stacks),
	};

	return guard_violation(vcpu, POLICY_ENFORCE, &r);
}

/*
 * Whether a function can have been called so that it returns where it says. Of the
 * core kernel's only choke points have slots that lead to a stub, and to that of
 * choke points: who comes to the other one with a choke point's address has been
 * called by nobody.
 */
static bool is_called(struct vcpu *vcpu, const struct entry *e, bool choke)
{
	bool core = e->function < island.config.modules_start;

	if (core != choke)
		return false;
	if (is_trampoline(e->address))
		return true;
	return follows_call(vcpu, e->address) &&
	       (!choke || choke_call_known(vcpu, e->address, e->function));
}

/*
 * A function was entered. What is blocked is not stored: it may be on another task's
 * stack, which is to return there. Return: false where the guest is to go elsewhere,
 * and then it does.
 */
static bool enter(struct vcpu *vcpu, u64 rsp, bool choke)
{
	struct entry e = { .stack = rsp + sizeof(u64) };
	bool known;

	if (guest_read(vcpu, e.stack, &e.address, sizeof(e.address)) ||
	    guest_read(vcpu, rsp, &e.function, sizeof(e.function)))
		e.address = 0;
	known = is_stack(vcpu, e.stack, choke) && e.stack % sizeof(u64) == 0;
	if (!(known && is_called(vcpu, &e, choke)) &&
	    verdict_undoes(report(vcpu, e.function, e.stack, 0, e.address))) {
		land(vcpu, !known, 0, false);
		return false;
	}
	if (known)
		store(vcpu, &e);
	if (is_misled(vcpu, e.stack) &&
	    verdict_undoes(report_misled(vcpu, e.function, e.stack))) {
		land(vcpu, false, 0, false);
		return false;
	}
	return true;
}

static bool is_vmfunc(struct vcpu *vcpu, u64 va)
{
	static const u8 vmfunc[] = { 0x0f, 0x01, 0xd4 };
	u8 bytes[sizeof(vmfunc)];
	u32 i;

	if (guest_read(vcpu, va, bytes, sizeof(bytes)))
		return false;
	for (i = 0; i < sizeof(bytes); i++) {
		if (bytes[i] != vmfunc[i])
			return false;
	}
	return true;
}

/*
 * A VMFUNC that is none of the stub's, or another way into the view than through
 * the stub's beginning: the stub at another address, say, where kernel mode can be
 * compatibility mode. A CPU without VMX has no such instruction. Any ring can
 * execute it, so ring 3's is no attack: it gets nowhere.
 */
static void refuse_view(struct vcpu *vcpu, u64 rip, bool tried, bool on_shadow)
{
	struct report r = {
		.kind = REPORT_SELF,
		.rip = rip,
		.rsp = vmread(GUEST_RSP),
		.cpl = guest_cpl(),
		.object = rip,
	};
	u64 from = rip - sizeof("\x0f\x01\xd4") + 1;

	if (from < rip && is_vmfunc(vcpu, from))
		vmwrite(GUEST_RIP, from);
	if (!tried)
		return;		/* An event comes first, and then that again. */
	/* No handler could do anything on such a stack. */
	if (!r.cpl && verdict_undoes(guard_violation(vcpu, POLICY_ENFORCE, &r)) &&
	    on_shadow) {
		return_guard_end(vcpu);
		return;
	}
	vcpu->event.exception = (struct event_exception){
		.wanted = true,
		.vector = VECTOR_UD,
	};
}

/*
 * No stack is in the shadow. Where the stack pointer leads there, what an event has
 * pushed, or begun to, stands for words of whatever stacks those are: nothing is known
 * of these, then. Until here, who returns on another CPU may have found it. Return:
 * whether it leads there.
 */
static bool forget_pushed(struct vcpu *vcpu)
{
	u64 sp = vmread(GUEST_RSP);
	struct guest_mapping m;
	bool there = false;
	u32 i;

	/* Ring 3 has nothing pushed to where its stack pointer leads. */
	if (guest_cpl())
		return false;
	if (vcpu->event.vectoring_info)
		sp = (sp & ~0xfULL) - EVENT_WORDS * sizeof(u64);
	for (i = 0; i < EVENT_WORDS; i++) {
		if (!guest_walk(vcpu, sp + i * sizeof(u64), &m) || !shadow_is_stored(m.pa))
			continue;
		shadow_entry_set(vcpu, m.pa & ~7ULL, 0);
		there = true;
	}
	return there;
}

/**
 * return_guard_leave_view() - back to the guard view, if this exit left another
 * @vcpu: the CPU
 *
 * Context: root, at the beginning of an exit, before its handler.
 *
 * Return: true where the exit was of the view's making, and there is nothing else
 * to handle.
 */
bool return_guard_leave_view(struct vcpu *vcpu)
{
	bool violation = (vcpu->exit_reason & 0xffff) == EXIT_REASON_EPT_VIOLATION;
	u32 vectoring = vcpu->event.vectoring_info;
	u32 vector = vectoring & INTR_INFO_VECTOR_MASK;
	u64 rip = vmread(GUEST_RIP);
	bool asked, on_shadow;

	if (!island.eptp_list_pa ||
	    vmread(EPT_POINTER) != ept_pointer(&island.shadow_view))
		return false;
	vmwrite(EPT_POINTER, ept_pointer(&island.ept));
	island_lock(vcpu);
	on_shadow = forget_pushed(vcpu);

	asked = (vcpu->exit_reason & 0xffff) == EXIT_REASON_VMCALL;
	if (rip < config()->shadow_begin || rip >= config()->stored || guest_cpl()) {
		island_unlock();
		refuse_view(vcpu, rip, asked || (violation && !vectoring), on_shadow);
		return asked || violation;
	}

	/* What the stub itself met with: root looks for itself. */
	if ((vectoring & INTR_INFO_TYPE_MASK) ==
	    INTR_TYPE_HARD_EXCEPTION << INTR_INFO_TYPE_SHIFT &&
	    (vector == VECTOR_PF || vector == VECTOR_GP || vector == VECTOR_SS))
		vcpu->event.vectoring_info = 0;
	if (enter(vcpu, vmread(GUEST_RSP), rip < config()->shadow_plain))
		vmwrite(GUEST_RIP, config()->stored);
	island_publish();
	island_unlock();
	return asked || violation;
}

/**
 * return_guard_enter() - a function was entered, and the stub asks
 * @vcpu: the CPU
 * @choke: it is a choke point
 *
 * Context: root, at a VMCALL, or at a VMFUNC in its place.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result return_guard_enter(struct vcpu *vcpu, bool choke)
{
	bool stored;

	island_lock(vcpu);
	stored = enter(vcpu, vmread(GUEST_RSP), choke);
	island_publish();
	island_unlock();
	return stored ? RESULT_SKIP : RESULT_RESUME;
}

/**
 * return_guard_vmfunc() - VMFUNC exited
 * @vcpu: the CPU
 *
 * For want of a view of that number; or for this CPU may not switch to one now
 * (pebs.c), and then the stub's is a function's entry. The stub has the operands of a
 * function's caller in registers of its own, and has them back where it goes on.
 *
 * Context: root, at the exit.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result return_guard_vmfunc(struct vcpu *vcpu)
{
	u64 next = vmread(GUEST_RIP) + vcpu->event.instruction_len;
	struct exit_result result;

	if (!island.eptp_list_pa || (u32)vcpu->regs.rax ||
	    (u32)vcpu->regs.rcx != VIEW_SHADOW)
		return RESULT_UD;
	if (guest_cpl() ||
	    (next != config()->entered && next != config()->entered_choke)) {
		refuse_view(vcpu, next, true, false);
		return RESULT_RESUME;
	}
	result = return_guard_enter(vcpu, next == config()->entered_choke);
	/* As if that were the instruction right before where the stub goes on. */
	if (result.action == EXIT_SKIP)
		vmwrite(GUEST_RIP, config()->stored - vcpu->event.instruction_len);
	return result;
}

static bool read_word(struct vcpu *vcpu, u64 stack, struct shadow_word *word)
{
	return own_stack_is(stack) ? own_stack_read(vcpu, stack, word) :
				     shadow_read(vcpu, stack, word);
}

/* Whether nothing was stored as the function was entered, for there was no place */
static bool is_unknown(struct vcpu *vcpu, u64 stack, bool known,
		       const struct shadow_word *word)
{
	if (known)
		return shadow_word_missed(word);
	return !own_stack_is(stack) &&
	       (shadow_missed(vcpu, stack) || shadow_is_beyond(stack));
}

/* What the stub is told; or the guest goes elsewhere */
static bool check(struct vcpu *vcpu, u64 stack, bool jump, u64 *answer)
{
	struct shadow_word word = { .address = 0 };
	bool known = read_word(vcpu, stack, &word);
	u64 rip = word.address && word.function ? function_of(&word) :
						  vmread(GUEST_RIP);
	u64 expected = code_address(word.address);
	u64 found = 0;

	*answer = RETURN;
	guest_read(vcpu, stack, &found, sizeof(found));
	if (known && expected && expected == found) {
		if (own_stack_is(stack))
			return true;
		if (is_misled(vcpu, stack)) {
			if (!verdict_undoes(report_misled(vcpu, rip, stack)))
				return true;
			land(vcpu, false, expected, jump);
			return false;
		}
		*answer = LOOK_AGAIN;
		return true;
	}
	/* Whatever is missing, it is missing there: not where a stack pointer was moved to. */
	if (is_unknown(vcpu, stack, known, &word) &&
	    is_current_stack(vcpu, stack)) {
		island.config.public->returns_unverified++;
		return true;
	}
	if (!verdict_undoes(report(vcpu, rip, stack, expected, found)))
		return true;
	/* For who looks at the stack, and for who can't be ended */
	if (expected)
		guest_write_word(vcpu, stack, expected);
	land(vcpu, !known, expected, jump);
	return false;
}

/* Where the return address is; what such a jump is led to has put one more there. */
static u64 return_slot(bool jump)
{
	return vmread(GUEST_RSP) + (jump ? sizeof(u64) : 0);
}

/**
 * return_guard_check() - a function is about to return, and the stub asks
 * @vcpu: the CPU
 * @jump: it is about to jump to another one, which returns in its place
 *
 * Context: root, at a VMCALL.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result return_guard_check(struct vcpu *vcpu, bool jump)
{
	u64 answer;
	bool goes_on;

	island_lock(vcpu);
	goes_on = check(vcpu, return_slot(jump), jump, &answer);
	if (goes_on)
		vcpu->regs.rax = answer;
	island_publish();
	island_unlock();
	return goes_on ? RESULT_SKIP : RESULT_RESUME;
}

/**
 * return_guard_thaw() - a function is about to return to core kernel code
 * @vcpu: the CPU
 * @jump: as for return_guard_check()
 *
 * Its own return address is compared already, and in R10.
 *
 * Context: root, at a VMCALL.
 *
 * Return: what the exit's handler returns.
 */
struct exit_result return_guard_thaw(struct vcpu *vcpu, bool jump)
{
	struct shadow_word word = { .function = 0 };
	u64 stack = return_slot(jump), address = vcpu->regs.r10;
	bool undone;

	if (frozen_frames_thaw(vcpu, stack))
		return RESULT_SKIP;
	island_lock(vcpu);
	/* No function: it was under way already when it was guarded. */
	shadow_read(vcpu, stack, &word);
	undone = word.function &&
		 frozen_frames_undo(vcpu, stack, function_of(&word));
	if (undone) {
		vcpu->regs.r10 = vcpu->regs.r11;
		land(vcpu, false, address, jump);
	}
	island_publish();
	island_unlock();
	return undone ? RESULT_RESUME : RESULT_SKIP;
}

#define FILL_WORDS	64

static bool is_on_stack(struct vcpu *vcpu, const struct shadow_fill *f)
{
	u64 words[FILL_WORDS];
	u64 at, size;
	u32 i;

	for (at = 0; at < f->size; at += size) {
		size = f->size - at < sizeof(words) ? f->size - at :
						      sizeof(words);
		if (guest_read(vcpu, f->stack + at, words, size))
			return false;
		for (i = 0; i < size / sizeof(words[0]); i++) {
			if (words[i] - f->text < f->text_size)
				return true;
		}
	}
	return false;
}

/**
 * return_guard_fill() - store what is on a stack already
 * @vcpu: the CPU
 * @va: the guest's address of a struct shadow_fill
 *
 * Any word may be the return address of a frame of the functions' that are about
 * to be guarded, so all are stored that lead to code. Those that are none do no
 * harm: a frame's entry stores what its return then looks at.
 *
 * Context: root, with the lock; all CPUs are held by the guest half.
 *
 * Return: 0; -EPERM once the policy is locked, for this is a way to change the
 * shadow; -EINVAL; -EFAULT; -ENOMEM.
 */
int return_guard_fill(struct vcpu *vcpu, u64 va)
{
	struct shadow_word shadow = { .function = 0 };
	struct shadow_fill f;
	u64 at, word;

	if (island_locked())
		return -EPERM;
	if (guest_read(vcpu, va, &f, sizeof(f)))
		return -EFAULT;
	if (f.stack % sizeof(word) || f.size % sizeof(word) ||
	    f.size > config()->stack_size)
		return -EINVAL;
	if (shadow_is_beyond(f.stack) || !is_on_stack(vcpu, &f))
		return 0;
	for (at = f.stack; at < f.stack + f.size; at += sizeof(word)) {
		if (guest_read(vcpu, at, &word, sizeof(word)))
			return -EFAULT;
		if (!is_code_address(word))
			continue;
		shadow.address = word;
		if (!shadow_make(vcpu, at) || !shadow_write(vcpu, at, shadow))
			return -ENOMEM;
	}
	return 0;
}
