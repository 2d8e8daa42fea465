// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: stack guard: the guest half
 *
 * Root has every switch to another task come to it, and does the rest (vmx/
 * stack_guard.c). Here it is told where Linux switches, and which tasks are there
 * when it begins, or when a CPU has come or gone.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/objtool.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/stringify.h>
#include <linux/workqueue.h>
#include <asm/asm.h>

#include "bridge.h"
#include "call_site.h"
#include "compat.h"
#include "cpus.h"
#include "cpus_call.h"
#include "hypercall.h"
#include "island.h"
#include "island_load.h"
#include "kernel_symbols.h"
#include "probes.h"
#include "reasons.h"
#include "returns_stub.h"
#include "shadow_memory.h"
#include "stacks.h"
#include "tasks.h"

/* How far into __switch_to_asm() its end is looked for */
#define SWITCH_LENGTH	256

/* As much of the function that tasks begin in calls others */
#define FORK_LENGTH	64

/* Pages of root's for a task: what it notes, and tables, when they lie apart */
#define PAGES_PER_TASK	2

static unsigned long switch_to_function, switch_jump;
static bool can_unwind __ro_after_init;
static DEFINE_MUTEX(stacks_mutex);

static void no_switch_to(void)
{
}

/* Where Linux goes; for the stub, and jumped to by it only. */
KERNEL_FUNCTION(__switch_to, no_switch_to);

/*
 * Where the jump at the end of __switch_to_asm() leads: RDI is the task that this
 * CPU leaves and RSI the one that it goes on with, whose stack it is on already, with
 * its return address at the stack pointer. RAX is free. A CPU without the shell goes
 * on by itself. Nobody calls it by a pointer.
 *
 * Here, for objtool has to see the static call's key in the same object.
 */
extern const char stack_switch[];
extern const u32 stack_switch_call;	/* how far into it the VMCALL is */

asm(".pushsection .text, \"ax\"\n"
	".balign 16\n"
	".globl stack_switch\n"
	".type stack_switch, @function\n"
	"stack_switch:\n"
	ANNOTATE_NOENDBR "\n"
	"	movabs	$" __stringify(HYPERCALL_SWITCH) ", %rax\n"
	"1:	vmcall\n"
	"2:	jmp	__SCT__carapace___switch_to\n"
	_ASM_EXTABLE(1b, 2b)
	".size stack_switch, . - stack_switch\n"
	".popsection\n"
	".pushsection .rodata, \"a\"\n"
	".balign 4\n"
	"stack_switch_call: .long 1b - stack_switch\n"
	".popsection\n");

static unsigned long find_jump(void)
{
	const u8 *code = (const u8 *)kernel_symbol("__switch_to_asm");
	u64 target;
	u32 i;

	for (i = 0; code && i < SWITCH_LENGTH; i++) {
		if (jump_target(code + i, (u64)code + i + CALL_NEAR, &target) &&
		    target == switch_to_function)
			return (unsigned long)code + i;
	}
	return 0;
}

/**
 * stacks_prepare() - find out where Linux switches
 *
 * Context: may sleep; while Linux may still patch this module as it likes.
 *
 * Return: 0. Where that was not found stacks cannot be guarded, and everything
 * else is as ever.
 */
int stacks_prepare(void)
{
	tasks_prepare();
	if (!kernel_function_found(__switch_to))
		return 0;
	switch_to_function = kernel_symbol("__switch_to");
	switch_jump = find_jump();
	return 0;
}

/* What asm/orc_types.h says, tried out with each number there can be */
static void describe_numbers(struct unwind_numbers *numbers)
{
	static const u8 bases[UNWIND_NUMBERS] = {
		[ORC_REG_UNDEFINED]		= UNWIND_BASE_NONE,
		[ORC_REG_PREV_SP]		= UNWIND_BASE_PREV_SP,
		[ORC_REG_DX]			= UNWIND_BASE_DX,
		[ORC_REG_DI]			= UNWIND_BASE_DI,
		[ORC_REG_BP]			= UNWIND_BASE_BP,
		[ORC_REG_SP]			= UNWIND_BASE_SP,
		[ORC_REG_R10]			= UNWIND_BASE_R10,
		[ORC_REG_R13]			= UNWIND_BASE_R13,
		[ORC_REG_BP_INDIRECT]		= UNWIND_BASE_BP_INDIRECT,
		[ORC_REG_SP_INDIRECT]		= UNWIND_BASE_SP_INDIRECT,
	};
	static const u8 kinds[] = {
		[ORC_TYPE_CALL]			= UNWIND_CALL,
		[ORC_TYPE_REGS]			= UNWIND_REGS,
		[ORC_TYPE_REGS_PARTIAL]		= UNWIND_IRET,
	};
	union {
		struct orc_entry entry;
		u8 raw[UNWIND_RULE_SIZE];
	} rule = {};
	u32 i;

	BUILD_BUG_ON(sizeof(rule.entry) != sizeof(rule.raw));
	*numbers = (struct unwind_numbers){};
	memcpy(numbers->base, bases, sizeof(bases));
	for (i = 0; i < UNWIND_NUMBERS; i++) {
		rule.raw[5] = i;
		if (compat_orc_is_end(&rule.entry))
			numbers->kind[i] = UNWIND_END;
		else if (rule.entry.type < ARRAY_SIZE(kinds))
			numbers->kind[i] = kinds[rule.entry.type];
	}
}

/* What unwind_init() has made ready; whole pages of it can be sealed. */
static void describe_unwind(struct island_config *config)
{
	unsigned long first = kernel_symbol("__start_orc_unwind_ip");
	unsigned long rules = kernel_symbol("__start_orc_unwind");
	unsigned long blocks = kernel_symbol("orc_lookup");
	unsigned long end = kernel_symbol("orc_lookup_end");
	struct unwind_table *t = &config->stacks.unwind;

	if (!first || !rules || !blocks || !end)
		return;
	config->unwind.va = PAGE_ALIGN(first);
	config->unwind.pa = __pa(config->unwind.va);
	config->unwind.size = (end & PAGE_MASK) - config->unwind.va;
	t->start = kernel_symbol("_stext");
	t->size = kernel_symbol("_etext") - t->start;
	t->ips = first;
	t->rules = rules;
	t->nr = (kernel_symbol("__stop_orc_unwind_ip") - first) / sizeof(s32);
	t->blocks = blocks;
	t->nr_blocks = (end - blocks) / sizeof(u32);
	describe_numbers(&config->stacks.unwind_numbers);
	can_unwind = true;
}

/* Where tasks begin; the first CPU's idle task in code that is there no more */
static void describe_beginnings(struct stacks_config *c)
{
	c->beginnings[0].va = c->fork_return;
	c->beginnings[0].size = FORK_LENGTH;
	c->beginnings[1].va = kernel_symbol("_sinittext");
	c->beginnings[1].size = kernel_symbol("_einittext") -
				c->beginnings[1].va;
}

/**
 * stacks_describe() - tell root
 * @config: filled in
 *
 * Context: may sleep; after shadow_memory_describe().
 */
void stacks_describe(struct island_config *config)
{
	struct stacks_config *c = &config->stacks;

	c->switch_jump = switch_jump;
	c->switch_to = switch_to_function;
	c->stub = (u64)stack_switch;
	c->stub_call = c->stub + stack_switch_call;
	c->fork_return = kernel_symbol("ret_from_fork_asm");
	if (!c->fork_return)
		c->fork_return = kernel_symbol("ret_from_fork");
	c->fork_slot = (u64)task_pt_regs(current) - sizeof(u64) -
		       (u64)task_stack_page(current);
	c->boot_task = (u64)&init_task;
	c->task_sp = offsetof(struct task_struct, thread.sp);
	c->task_state = COMPAT_TASK_STATE;
	c->task_dead = TASK_DEAD;
	c->task_pid = offsetof(struct task_struct, pid);
	c->task_comm = offsetof(struct task_struct, comm);
	describe_beginnings(c);
	describe_unwind(config);
}

static int note(struct task_struct *task, void *unused)
{
	return hypercall(HYPERCALL_STACKS_NOTE, (u64)task, 0);
}

/* On one CPU, while all others wait with interrupts off */
static int note_all(void *unused)
{
	int err;

	/* Also one that could not be attached again: tasks run there unseen. */
	if (cpus_any_bare())
		return -ESTALE;
	err = hypercall(HYPERCALL_STACKS_SETTLE, 0, 0);
	if (!err)
		err = tasks_walk_asleep(note, NULL);
	if (!err)
		err = hypercall(HYPERCALL_STACKS_SETTLE, 1, 0);
	return err;
}

static int need_records(void)
{
	return shadow_memory_need(tasks_count() * PAGES_PER_TASK);
}

static int settle(void)
{
	int err = need_records();

	return err ? : cpus_stop_all(note_all, NULL);
}

static const struct reason reasons[] = {
	{ -EOPNOTSUPP, "this kernel has no unwind tables (CONFIG_UNWINDER_ORC), or does not switch tasks as expected" },
	{ -EBUSY, "something stands at the end of __switch_to_asm(); remove the probe and try again" },
	{ -ESTALE, "a CPU is bare; unload Carapace and load it again" },
	{ -ENOMEM, "out of memory; free some and try again" },
	{ -ENOSPC, "root has no room for more" },
	{ -ENXIO, "no CPU is attached" },
};

static void say_why(const char *what, int err)
{
	pr_notice("%s (%d): %s\n", what, err,
		  reason_of(reasons, ARRAY_SIZE(reasons), err) ? :
		  "unexpected");
}

static void settle_again(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle_work, settle_again);

/* Where there was no memory there may be some later, and nobody else would ask again. */
static void settle_again(struct work_struct *work)
{
	static bool said;
	int err = 0;

	mutex_lock(&stacks_mutex);
	if (READ_ONCE(island_public()->stacks_armed))
		err = settle();
	mutex_unlock(&stacks_mutex);
	/* Settled already, by a work that was queued before */
	if (err && err != -EPERM && !said)
		say_why("parked stacks are not guarded any more", err);
	said = err == -ENOMEM;
	if (said)
		schedule_delayed_work(&settle_work, RETRY_SECONDS * HZ);
}

/**
 * stacks_unsettled() - a CPU has come, or is going
 *
 * Context: any; when it is done, root compares again.
 */
void stacks_unsettled(void)
{
	if (!READ_ONCE(island_public()->stacks_armed))
		return;
	/* It may wait for memory. */
	cancel_delayed_work(&settle_work);
	schedule_delayed_work(&settle_work, 0);
}

/**
 * stacks_can_freeze() - see to it that root can note callers' frames
 *
 * Context: may sleep.
 *
 * Return: 0 or a negative errno after one line.
 */
int stacks_can_freeze(void)
{
	int err = can_unwind ? need_records() : -EOPNOTSUPP;

	if (err)
		say_why("callers' frames are not guarded", err);
	return err;
}

/*
 * Who has been released and not ended yet is listed no more, so that root is not
 * told of it. Root knows it if it has left a CPU since root looks; the others, who may
 * have been preempted before, are waited for. Where tasks are preempted this is until
 * they are at their end (exit_tasks_rcu_finish()); where they are not, they are at
 * it, but for those that sleep there.
 */
static void see_tasks_end(void)
{
	synchronize_rcu_tasks();
}

/* Code is not to be changed twice only for note_all() to say so. */
static int see_none_bare(void)
{
	bool bare;

	/* One that comes online is, for a moment. */
	cpus_read_lock();
	bare = cpus_any_bare();
	cpus_read_unlock();
	return bare ? -ESTALE : 0;
}

/**
 * stacks_jump_is_under() - whether a kprobe stands on the jump that is patched
 * @probe: the kprobe
 *
 * Or may, when it is optimised: that takes the bytes behind, too. It has copied the
 * instruction and runs the copy, also when it is armed much later: so Linux switches
 * unseen, or goes on to the stub when that is gone.
 *
 * Context: any.
 */
bool stacks_jump_is_under(const struct kprobe *probe)
{
	unsigned long va = (unsigned long)probe->addr;

	return switch_jump && va + CALL_NEAR > switch_jump &&
	       va < switch_jump + CALL_NEAR;
}

static void look_for_probe(struct kprobe *probe, void *found)
{
	if (stacks_jump_is_under(probe))
		*(bool *)found = true;
}

/* Probes that come later are refused (denied_code.c). */
static int arm(void)
{
	bool found = false;
	int err = -EBUSY;

	probes_lock();
	probes_walk(look_for_probe, &found);
	if (!found)
		err = cpus_patch_hypercall(HYPERCALL_STACKS_ARM, 1, 0);
	probes_unlock();
	return err;
}

static int disarm(void)
{
	int err = cpus_patch_hypercall(HYPERCALL_STACKS_ARM, 0, 0);

	/* No CPU is in the stub any more: there, interrupts are off. */
	kick_all_cpus_sync();
	return err;
}

/**
 * stacks_arm() - have root look at stacks, also at those that are parked now
 *
 * Context: may sleep; takes cpu_hotplug_lock.
 *
 * Return: 0, also where it does already, or a negative errno after one line.
 */
int stacks_arm(void)
{
	int err = 0;

	mutex_lock(&stacks_mutex);
	if (!READ_ONCE(island_public()->stacks_armed)) {
		err = see_none_bare();
		if (!err)
			err = need_records();
		if (!err)
			err = arm();
		if (!err) {
			see_tasks_end();
			err = settle();
			if (err)
				disarm();
		}
	}
	mutex_unlock(&stacks_mutex);
	if (err)
		say_why("parked stacks are not guarded", err);
	return err == -ESTALE ? -EBUSY : err;
}

static int disarm_if_armed(bool quiet)
{
	int err = 0;

	mutex_lock(&stacks_mutex);
	if (READ_ONCE(island_public()->stacks_armed))
		err = disarm();
	mutex_unlock(&stacks_mutex);
	if (err == -EBUSY && !quiet)
		say_why("tasks are still switched by way of root", err);
	return err;
}

/**
 * stacks_disarm() - have it no longer do so
 *
 * Context: may sleep; takes cpu_hotplug_lock.
 *
 * Return: 0; -ENXIO where no CPU is attached; -EPERM once the policy is locked; -EBUSY,
 * after one line, where something else stands at the place that was patched.
 */
int stacks_disarm(void)
{
	return disarm_if_armed(false);
}

/**
 * stacks_stop() - the same, for good
 *
 * Waits for a CPU to be attached, and for what stands at the place that was patched to
 * be taken away, and says so.
 *
 * Context: may sleep; CPUs are still attached, guards are off.
 */
void stacks_stop(void)
{
	int err = disarm_if_armed(false);

	while (err == -EBUSY || err == -ENXIO) {
		if (err == -ENXIO)
			cpus_await();
		else
			msleep(1000);
		err = disarm_if_armed(true);
	}
	cancel_delayed_work_sync(&settle_work);
}
