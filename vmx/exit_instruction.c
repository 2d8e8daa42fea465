// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: exits of instructions that cannot be left to the CPU
 */
#include "cpu_ops.h"
#include "emulate.h"
#include "exit.h"
#include "frozen_frames.h"
#include "helper_guard.h"
#include "hypercall.h"
#include "leave.h"
#include "return_guard.h"
#include "return_sites.h"
#include "code_write.h"
#include "seal.h"
#include "shadow_pages.h"
#include "shootdown.h"
#include "stack_guard.h"
#include "stack_settle.h"
#include "stack_walk.h"
#include "stub_words.h"
#include "vcpu.h"
#include "x86.h"

/* CPUID faulting is the CPU's, but the exit comes first. */
static bool cpuid_faults(void)
{
	u64 enables;

	if (!island.config.cpuid_faulting || !guest_cpl())
		return false;
	return !rdmsr_safe(MSR_MISC_FEATURES_ENABLES, &enables) &&
	       (enables & MISC_FEATURES_CPUID_FAULT);
}

struct exit_result handle_cpuid(struct vcpu *vcpu)
{
	u32 leaf = vcpu->regs.rax;
	u32 subleaf = vcpu->regs.rcx;
	u32 regs[4];

	if (cpuid_faults())
		return RESULT_GP(0);

	cpuid(leaf, subleaf, regs);
	emulate_cpuid(leaf, subleaf, vmread(GUEST_CR4),
		      vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L, regs);

	vcpu->regs.rax = regs[0];
	vcpu->regs.rbx = regs[1];
	vcpu->regs.rcx = regs[2];
	vcpu->regs.rdx = regs[3];
	return RESULT_SKIP;
}

/* Caches hold root's data, too: write them back, never throw them away. */
struct exit_result handle_invd(struct vcpu *vcpu)
{
	(void)vcpu;
	wbinvd();
	return RESULT_SKIP;
}

/*
 * XCR0 is not switched: root uses no extended state. The CPU checks the value,
 * but against root's privilege; and CPUs differ in whether the exit comes
 * before the check of the guest's.
 */
struct exit_result handle_xsetbv(struct vcpu *vcpu)
{
	u32 index = vcpu->regs.rcx;
	u64 value = (u32)vcpu->regs.rax | vcpu->regs.rdx << 32;

	if (guest_cpl() || xsetbv_safe(index, value))
		return RESULT_GP(0);
	return RESULT_SKIP;
}

/* The guest's CPU has neither VMX nor SMX; the exit comes before any check. */
struct exit_result handle_undefined(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_UD;
}

/* Not by leaving: nothing that the guest can do may take Carapace off. */
struct exit_result handle_unknown(struct vcpu *vcpu)
{
	vcpu->config.public->unknown_exits++;
	return RESULT_UD;
}

#ifdef CARAPACE_TESTING
static struct exit_result test_fault(void)
{
	asm volatile("ud2");
	return RESULT_SKIP;
}
#endif

/* What was let run until now may be forbidden from now on. */
static int set_policy(struct vcpu *vcpu, u64 key)
{
	int err = policy_set(&island.policy, key, vcpu->regs.rdx);

	if (!err && island.policy.value[POLICY_ENFORCE])
		seal_close(vcpu);
	stub_words_set(vcpu);
	return err;
}

static int note_probe(struct vcpu *vcpu, u64 va)
{
	return seal_note_probe(va, vcpu->regs.rdx);
}

static int set_transient(struct vcpu *vcpu, u64 va)
{
	return seal_transient(va, vcpu->regs.rdx);
}

/* Those that need the lock; they get RSI, and what they return goes to RAX. */
static int (*const locked_calls[])(struct vcpu *vcpu, u64 first) = {
	[HYPERCALL_POLICY]		= set_policy,
	[HYPERCALL_SEAL]		= seal_request,
	[HYPERCALL_RELEASE]		= seal_release,
	[HYPERCALL_WRITE_CODE]		= code_write,
	[HYPERCALL_HELPER_VET]		= helper_take,
	[HYPERCALL_HELPER_CHECK]	= helper_check,
	[HYPERCALL_NOTE_PROBE]		= note_probe,
	[HYPERCALL_SHADOW_GIVE]		= shadow_give,
	[HYPERCALL_SHADOW_TAKE]		= shadow_take,
	[HYPERCALL_RETURNS_FILL]	= return_guard_fill,
	[HYPERCALL_RETURNS_PATCH]	= return_sites_patch,
	[HYPERCALL_STACKS_ARM]		= stack_guard_arm,
	[HYPERCALL_STACKS_NOTE]		= stack_settle_note,
	[HYPERCALL_STACKS_SETTLE]	= stack_settle,
	[HYPERCALL_UNWIND]		= stack_unwind_request,
	[HYPERCALL_TRANSIENT]		= set_transient,
};

static struct exit_result locked_call(struct vcpu *vcpu)
{
	u64 number = vcpu->regs.rdi;

	if (number >= ARRAY_SIZE(locked_calls) || !locked_calls[number])
		return RESULT_UD;
	island_lock(vcpu);
	vcpu->regs.rax = locked_calls[number](vcpu, vcpu->regs.rsi);
	island_publish();
	island_unlock();
	return RESULT_SKIP;
}

static struct exit_result foreign_call(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;

	switch (emulate_hypercall(island.config.under_kvm, r->rax)) {
	case FOREIGN_HANDED_ON:
		r->rax = vmcall(r->rax, r->rbx, r->rcx, r->rdx, r->rsi);
		return RESULT_SKIP;
	case FOREIGN_REFUSED:
		r->rax = (u64)-KVM_ENOSYS;
		return RESULT_SKIP;
	case FOREIGN_UNDEFINED:
		break;
	}
	return RESULT_UD;
}

/*
 * Whoever reaches the instruction in the guest half's text can make the call,
 * so where it comes from means nothing. Not locked, ring 0 may take Carapace
 * off; it could as well unload the module. Locked, what it asks for is done only
 * where that makes nothing weaker.
 */
struct exit_result handle_vmcall(struct vcpu *vcpu)
{
	if (guest_cpl() || !(vmread(GUEST_CS_AR_BYTES) & SEGMENT_AR_L))
		return RESULT_UD;
	switch (vcpu->regs.rax) {
	case HYPERCALL_MAGIC:
		break;
	case HYPERCALL_ENTER:
		return return_guard_enter(vcpu, false);
	case HYPERCALL_ENTER_CHOKE:
		return return_guard_enter(vcpu, true);
	case HYPERCALL_CHECK:
		return return_guard_check(vcpu, false);
	case HYPERCALL_CHECK_JUMP:
		return return_guard_check(vcpu, true);
	case HYPERCALL_FREEZE:
		frozen_frames_freeze(vcpu);
		return RESULT_SKIP;
	case HYPERCALL_THAW:
		return return_guard_thaw(vcpu, false);
	case HYPERCALL_THAW_JUMP:
		return return_guard_thaw(vcpu, true);
	case HYPERCALL_SWITCH:
		return stack_guard_switch(vcpu);
	default:
		return foreign_call(vcpu);
	}

	switch (vcpu->regs.rdi) {
	case HYPERCALL_PING:
		vcpu->regs.rax = HYPERCALL_PONG;
		return RESULT_SKIP;
	case HYPERCALL_DETACH:
		if (island_locked()) {
			vcpu->regs.rax = (u64)-EPERM;
			return RESULT_SKIP;
		}
		vcpu->regs.rax = 0;
		vmwrite(GUEST_RIP, vmread(GUEST_RIP) +
				   vcpu->event.instruction_len);
		return RESULT_LEAVE(LEAVE_ASKED);
#ifdef CARAPACE_TESTING
	case HYPERCALL_TEST_FAULT:
		return test_fault();
	case HYPERCALL_TEST_NMI:
		__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
		return RESULT_SKIP;
	case HYPERCALL_TEST_TABLES:
		island.ept.reserve = island.config.pool.nr_total;
		return RESULT_SKIP;
#endif
	default:
		return locked_call(vcpu);
	}
}
