/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: one CPU's share of root
 */
#ifndef CARAPACE_VMX_VCPU_H
#define CARAPACE_VMX_VCPU_H

#include "code_write.h"
#include "decoy.h"
#include "ept.h"
#include "event.h"
#include "helper_guard.h"
#include "island.h"
#include "layout.h"
#include "own_stack.h"
#include "policy.h"
#include "region.h"
#include "registers.h"
#include "return_jumps.h"
#include "seal.h"
#include "shadow.h"
#include "stack_record.h"
#include "stack_walk.h"
#include "vmcs.h"

/* In the order in which guest_regs.S stores them */
struct guest_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
};

/* What IRETQ pops */
struct iret_frame {
	u64 rip, cs, rflags, rsp, ss;
};

/* An entry of the VM-entry MSR-load area (SDM 3C, table 25-15) */
struct msr_entry {
	u32 index;
	u32 reserved;
	u64 value;
} __attribute__((aligned(16)));

enum perf_msr {
	PERF_GLOBAL_CTRL,
	PERF_PEBS_ENABLE,
	PERF_MSRS,
};

/**
 * struct trial - an instruction that the CPU executes, to be judged after
 * @active: it has not been judged yet
 * @rip: the instruction
 * @rsp: its stack pointer
 * @before: the registers that the VMCS keeps, before it
 */
struct trial {
	bool active;
	u64 rip;
	u64 rsp;
	u64 before[PINNED_COUNT];
};

/**
 * struct vcpu - one CPU
 * @regs: the guest's general registers (but RSP, which the VMCS has)
 * @work: set by root's NMI and #MC handlers: look again before VMRESUME
 * @leave_frame: where the CPU goes when it leaves VMX
 * @nmi_pending: NMIs that came and were not handed on; see event.h
 * @mc_pending: a machine check came while root ran
 * @launched: a VM entry has succeeded
 * @leaving: root is on its way out; a fault now has no way to be mended
 * @in: it takes part in shootdowns
 * @exit_reason: the exit being handled
 * @primary: the VMCS's primary processor-based controls
 * @event: what the exit left to deliver
 * @plan: what the next entry delivers of it
 * @pin: what must stay of this CPU's registers
 * @trial: of a write to such a register
 * @retried: the exit ended a trial, so the instruction may need it again
 * @decoy: of a write to a page that must not be written
 * @epoch: of the translations that this CPU may have cached
 * @perf_guest: guest's values of MSRs that make the CPU count and record, stored
 *	by each exit and loaded by each entry
 * @perf_root: what exits load instead
 * @config: what the guest half gave
 * @own_stack: the shadow of this CPU's own stacks, which the window does not have
 * @own_stack_oldest: which of its places goes next, where all are taken
 * @running_stack: lowest address of the stack of the task that runs here; 0 where
 *	that is not known yet
 * @walk: of the stack that is being looked at
 * @stack_list: the list of stacks' records that this CPU has locked, or NULL
 * @stack_lock: the lock of a stack's record that this CPU has, or NULL
 * @steal_time: what Linux has in KVM's MSR of that name (steal_time.c)
 * @steal_time_taken: and KVM has not
 */
struct vcpu {
	struct guest_regs regs;
	u32 work;
	u32 nmi_pending;
	struct iret_frame leave_frame;
	u32 mc_pending;
	bool launched;
	bool leaving;
	bool in;
	u32 exit_reason;
	u32 primary;
	struct event_input event;
	struct event_plan plan;
	struct register_pin pin[PINNED_COUNT];
	struct trial trial;
	bool retried;
	struct decoy decoy;
	u64 epoch;
	struct msr_entry perf_guest[PERF_MSRS];
	struct msr_entry perf_root[PERF_MSRS];

	struct vcpu_config config __attribute__((aligned(VCPU_CONFIG)));
	struct own_stack_word own_stack[OWN_STACK_WORDS];
	u32 own_stack_oldest;
	u64 running_stack;
	struct stack_words walk;
	u64 *stack_list;
	u32 *stack_lock;
	u64 steal_time;
	bool steal_time_taken;
};

_Static_assert(sizeof(struct guest_regs) == VCPU_REGS_SIZE, "layout.h");
_Static_assert(offsetof(struct vcpu, work) == VCPU_WORK, "layout.h");
_Static_assert(offsetof(struct vcpu, leave_frame) == VCPU_LEAVE_FRAME,
	       "layout.h");
_Static_assert(offsetof(struct vcpu, config) == VCPU_CONFIG, "island.h");
_Static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "one page");

/* Of stacks' records (stack_lock.c), a cache line each: a power of two */
#define STACK_LOCKS	512

struct stack_lock {
	u32 holder;		/* 0, or its index + 1 */
} __attribute__((aligned(64)));

/* Lists of stacks' records, by their tasks (stack_task.c): a power of two */
#define STACK_TASKS	16384

/*
 * All that the vCPUs share; written by island_init(), and under .lock after.
 * The image's header names .config by the address of the whole.
 */
struct island {
	struct island_config config;
	struct ept ept;
	struct policy policy;
	struct seal seal;
	struct regions regions;
	struct code_patch code_patch;
	struct helpers helpers;
	struct register_pin pin[PINNED_COUNT];	/* those that all CPUs share */
	struct shadow shadow;
	struct ept shadow_view;
	u64 window_entry[WINDOW_SIZE / SIZE_1G];	/* in Linux's tables */
	u64 eptp_list_pa;			/* 0 without VMFUNC */
	u32 patched_sites;			/* returns that compare */
	u32 nr_return_jumps;
	struct return_jump return_jumps[RETURN_JUMPS];
	bool stub_callers;			/* there are some: stub_words.c */
	bool stacks_armed;			/* stack_guard.c */
	bool stacks_settled;			/* stack_settle.c */
	u64 boot_stack_record;
	u64 frames_epoch;			/* frozen_frames.c */
	u64 unwind_tables;			/* how often some were lost */
	u64 unwind_edge[UNWIND_EDGES];		/* stack_walk.c */
	u64 msr_bitmap_pa;
	u64 msr_bitmap_lifted_pa;		/* for a trial: pins.c */
	u64 epoch;		/* of translations: shootdown.c */
	u32 holder;		/* of all other CPUs: 0, or index + 1 */
	u32 lock;		/* 0, or its holder's index + 1 */
	struct stack_lock stack_lock[STACK_LOCKS];
	u64 stack_tasks[STACK_TASKS];
};

extern struct island island;

/* Nothing that the guest does takes Carapace off any more. */
static inline bool island_locked(void)
{
	return island.policy.value[POLICY_LOCK];
}

/* How many of enum perf_msr this CPU has: none, the first, or both */
static inline u32 perf_msr_count(void)
{
	if (!(island.config.controls.exit & VM_EXIT_LOAD_PERF_GLOBAL_CTRL))
		return 0;
	return island.config.pebs ? PERF_MSRS : PERF_PEBS_ENABLE;
}

/* Any address within a vCPU's stride, a stack pointer say, leads to it. */
static inline struct vcpu *vcpu_of(u64 address)
{
	return (struct vcpu *)(address & ~(VCPU_STRIDE - 1));
}

static inline struct vcpu *vcpu_number(u32 index)
{
	return vcpu_of(ISLAND_VCPUS + index * VCPU_STRIDE);
}

/* Whether tasks run on a CPU that root had to give back */
static inline bool island_any_degraded(void)
{
	u32 i;

	for (i = 0; i < island.config.nr_vcpus; i++) {
		if (vcpu_number(i)->config.public->state == VCPU_DEGRADED)
			return true;
	}
	return false;
}

static inline u64 vcpu_address(const struct vcpu *vcpu, u64 offset)
{
	return (u64)vcpu + offset;
}

#endif /* CARAPACE_VMX_VCPU_H */
