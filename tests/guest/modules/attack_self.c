// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks on Carapace itself
 *
 * Some have a control on the bare machine: the same on a page of our own.
 * Others have it where the policy is not locked.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "../../../module/compat.h"
#include "attack_module.h"
#include "hypercall.h"
#include "policy.h"
#include "requests.h"

#define NUMBERS		32	/* of hypercalls: more than there are */
#define BIT_OF_CSTAR	(1ULL << 4)
#define FUNCTION_OFFSET	16	/* past what ftrace patches */

u64 attack_hypercall(u64 number, u64 first, u64 second)
{
	u64 result = HYPERCALL_MAGIC;

	asm volatile("1: vmcall\n2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+a" (result)
		     : "D" (number), "S" (first), "d" (second)
		     : "memory");
	return result;
}

static bool is_attached(void)
{
	return attack_hypercall(HYPERCALL_PING, 0, 0) == HYPERCALL_PONG;
}

/* User space tried; how many were not refused is all that there is to tell. */
static void ring3(struct attack_request *q)
{
	q->effect = q->argument ? ATTACK_SUCCEEDED : ATTACK_RAISED_FAULT;
}

/* Each with arguments that mean the worst, or nothing: do we still run here? */
static void numbers(struct attack_request *q)
{
	static const u64 values[] = { 0, ~0ULL, 1ULL << 63, 0x1000 };
	unsigned int number, i, j;
	bool attached;

	preempt_disable();
	attached = is_attached();
	for (number = 0; number < NUMBERS; number++) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			for (j = 0; j < ARRAY_SIZE(values); j++)
				attack_hypercall(number, values[i], values[j]);
		}
	}
	if (attached)
		q->effect = is_attached() ? ATTACK_HAD_NO_EFFECT :
					    ATTACK_SUCCEEDED;
	else
		q->effect = ATTACK_RAISED_FAULT;
	preempt_enable();
}

/* Ask for what makes something weaker, and take it back */
static void weaken(struct attack_request *q, u64 number, u64 what, u64 value, u64 usual)
{
	q->after = attack_hypercall(number, what, value);
	if (!q->after) {
		attack_hypercall(number, what, usual);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = q->after == HYPERCALL_MAGIC ?
			    ATTACK_RAISED_FAULT : ATTACK_HAD_NO_EFFECT;
	}
}

static void set_policy(struct attack_request *q, u32 key, u32 value, u32 usual)
{
	weaken(q, HYPERCALL_POLICY, key, value, usual);
}

static void weaken_enforce(struct attack_request *q)
{
	set_policy(q, POLICY_ENFORCE, 0, 1);
}

static void weaken_action(struct attack_request *q)
{
	set_policy(q, POLICY_ACTION, ACTION_LOG, ACTION_BLOCK);
}

static void weaken_registers(struct attack_request *q)
{
	set_policy(q, POLICY_REGISTERS, 0, 1);
}

/* Linux says that of a module that is being unloaded; dummy's first page has it. */
static void weaken_module(struct attack_request *q)
{
	weaken(q, HYPERCALL_TRANSIENT, attack_symbol("dummy:dummy_setup") & PAGE_MASK,
	       1, 0);
}

static void unlock(struct attack_request *q)
{
	set_policy(q, POLICY_LOCK, 0, 0);
}

static void detach(struct attack_request *q)
{
	unsigned long flags;
	bool attached;

	local_irq_save(flags);
	attached = is_attached();
	attack_hypercall(HYPERCALL_DETACH, 0, 0);
	if (attached)
		q->effect = is_attached() ? ATTACK_HAD_NO_EFFECT :
					    ATTACK_SUCCEEDED;
	else
		q->effect = ATTACK_RAISED_FAULT;
	local_irq_restore(flags);
}

/* As sysfs does it for root */
static void store(struct attack_request *q)
{
	u64 function = attack_symbol("carapace:policy_store");
	u64 file = attack_symbol("carapace:policy_registers");

	if (!function || !file)
		return;
	q->after = attack_call(function, 0, file, (u64)"off", 3);
	if (q->after == 3) {
		attack_call(function, 0, file, (u64)"on", 2);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = ATTACK_HAD_NO_EFFECT;
	}
}

/* One of the guest half's own, by which CPUs leave; there is no way back. */
static void call_function(struct attack_request *q, const char *symbol)
{
	u64 function = attack_symbol(symbol);

	if (!function)
		return;
	attack_call(function, 0, 0, 0, 0);
	q->effect = is_attached() ? ATTACK_HAD_NO_EFFECT : ATTACK_SUCCEEDED;
}

static void call_exit(struct attack_request *q)
{
	call_function(q, "carapace:carapace_exit");
}

/* What lets this CPU go, by Linux's own callbacks; and what has it back */
static void call_callback(struct attack_request *q, const char *leave,
			  const char *enter)
{
	u64 function = attack_symbol(leave), back = attack_symbol(enter);
	unsigned long flags;

	if (!function || !back)
		return;
	local_irq_save(flags);
	attack_call(function, smp_processor_id(), 0, 0, 0);
	q->effect = is_attached() ? ATTACK_HAD_NO_EFFECT : ATTACK_SUCCEEDED;
	if (!is_attached())
		attack_call(back, smp_processor_id(), 0, 0, 0);
	local_irq_restore(flags);
}

static void call_suspend(struct attack_request *q)
{
	call_callback(q, "carapace:syscore_suspend_cpu",
		      "carapace:syscore_resume_cpu");
}

static void call_teardown(struct attack_request *q)
{
	call_callback(q, "carapace:cpu_teardown", "carapace:syscore_resume_cpu");
}

static void call_shutdown(struct attack_request *q)
{
	call_function(q, "carapace:syscore_shutdown_cpus");
}

/* Whether a pinned register stays says whether anything is guarded. */
static void call_stop(struct attack_request *q)
{
	u64 function = attack_symbol("carapace:guards_stop");
	u64 cstar;

	if (!function)
		return;
	attack_call(function, 0, 0, 0, 0);
	rdmsrq(MSR_CSTAR, cstar);
	wrmsrq_safe(MSR_CSTAR, cstar ^ BIT_OF_CSTAR);
	rdmsrq(MSR_CSTAR, q->after);
	q->effect = q->after == cstar ? ATTACK_HAD_NO_EFFECT :
					ATTACK_SUCCEEDED;
	wrmsrq_safe(MSR_CSTAR, cstar);
	attack_hypercall(HYPERCALL_POLICY, POLICY_ENFORCE, 1);
}

/* Linux says that of a module's pages that it has freed. */
static void release_and_write(struct attack_request *q, const char *symbol)
{
	u8 *at = (u8 *)attack_symbol(symbol), value;
	unsigned int level;
	u64 pa;

	if (!at || !attack_entry((u64)at, &pa, &level))
		return;
	at += FUNCTION_OFFSET;
	value = ~*at;
	attack_hypercall(HYPERCALL_RELEASE, pa & PAGE_MASK, 0);
	attack_overwrite(q, WAY_DIRECT, at, &value, sizeof(value));
}

static void release_text(struct attack_request *q)
{
	release_and_write(q, "panic");
}

static void release_rodata(struct attack_request *q)
{
	release_and_write(q, "sys_call_table");
}

static void release_module(struct attack_request *q)
{
	release_and_write(q, "dummy:dummy_setup");
}

/* Linux says that of what a JIT has made. */
static u64 announce(u8 *at, const u8 *bytes, u64 size, bool patch)
{
	struct code_write w = {
		.va = (u64)at,
		.from = (u64)bytes,
		.size = size,
		.patch = patch,
	};

	return attack_hypercall(HYPERCALL_WRITE_CODE, (u64)&w, 0);
}

static void announce_text(struct attack_request *q)
{
	u8 *at = (u8 *)attack_symbol("panic"), value;

	if (!at)
		return;
	at += FUNCTION_OFFSET;
	value = ~*at;
	announce(at, &value, sizeof(value), true);
	announce(at, &value, sizeof(value), false);
	attack_overwrite(q, WAY_ALIAS, at, &value, sizeof(value));
}

/* Root writes it itself; the program does not run. */
static void announce_bpf(struct attack_request *q)
{
	u8 *at, old, value;
	u32 size;

	at = attack_bpf_program(q->argument, &size);
	if (!at || size <= FUNCTION_OFFSET)
		return;
	at += FUNCTION_OFFSET;
	old = *at;
	value = ~old;
	announce(at, &value, sizeof(value), false);
	q->effect = *at == value ? ATTACK_SUCCEEDED : ATTACK_HAD_NO_EFFECT;
	announce(at, &old, sizeof(old), false);
}

/* The pool's first word; where there is no pool, a page of our own */
static void write_pool(struct attack_request *q, enum attack_way way)
{
	struct page **chunks = (void *)attack_symbol("carapace:chunks");
	u64 own = chunks ? 0 : __get_free_page(GFP_KERNEL | __GFP_ZERO);
	static const u64 forged = 0x666f72676564ULL;
	void *at = chunks ? page_address(chunks[0]) : (void *)own;

	if (at)
		attack_overwrite(q, way, at, &forged, sizeof(forged));
	free_page(own);
}

static void pool_direct(struct attack_request *q)
{
	write_pool(q, WAY_PLAIN);
}

static void pool_alias(struct attack_request *q)
{
	write_pool(q, WAY_ALIAS);
}

static void invert(struct attack_request *q, enum attack_way way,
		   const char *symbol, unsigned int offset)
{
	u8 *at = (u8 *)attack_symbol(symbol), value;

	if (!at)
		return;
	value = ~at[offset];
	attack_overwrite(q, way, at + offset, &value, sizeof(value));
}

#define INVERT(name, way, symbol, offset)				\
static void name(struct attack_request *q)				\
{									\
	invert(q, way, "carapace:" symbol, offset);			\
}

INVERT(text_wp, WAY_WP, "carapace_exit", FUNCTION_OFFSET)
INVERT(text_pte, WAY_PTE, "carapace_exit", FUNCTION_OFFSET)
INVERT(text_direct, WAY_DIRECT, "carapace_exit", FUNCTION_OFFSET)
INVERT(text_alias, WAY_ALIAS, "carapace_exit", FUNCTION_OFFSET)
INVERT(rodata_wp, WAY_WP, "guards_group", 0)
INVERT(rodata_alias, WAY_ALIAS, "guards_group", 0)

static void (*const attacks[])(struct attack_request *q) = {
#define A(constant, function)						\
	[ATTACK_SELF_##constant - ATTACK_SELF_RING3] = function
	A(RING3, ring3),
	A(NUMBERS, numbers),
	A(WEAKEN_ENFORCE, weaken_enforce),
	A(WEAKEN_ACTION, weaken_action),
	A(WEAKEN_REGISTERS, weaken_registers),
	A(WEAKEN_MODULE, weaken_module),
	A(UNLOCK, unlock),
	A(DETACH, detach),
	A(STORE, store),
	A(EXIT, call_exit),
	A(CALL_SUSPEND, call_suspend),
	A(CALL_TEARDOWN, call_teardown),
	A(CALL_SHUTDOWN, call_shutdown),
	A(CALL_STOP, call_stop),
	A(RELEASE_TEXT, release_text),
	A(RELEASE_RODATA, release_rodata),
	A(RELEASE_MODULE, release_module),
	A(ANNOUNCE_TEXT, announce_text),
	A(ANNOUNCE_BPF, announce_bpf),
	A(POOL_DIRECT, pool_direct),
	A(POOL_ALIAS, pool_alias),
	A(TEXT_WP, text_wp),
	A(TEXT_PTE, text_pte),
	A(TEXT_DIRECT, text_direct),
	A(TEXT_ALIAS, text_alias),
	A(RODATA_WP, rodata_wp),
	A(RODATA_ALIAS, rodata_alias),
#undef A
};

static void perform(struct attack_request *q)
{
	attacks[q->attack - ATTACK_SELF_RING3](q);
}

const struct attack_group attack_self = {
	.first = ATTACK_SELF_RING3,
	.last = ATTACK_SELF_RODATA_ALIAS,
	.perform = perform,
};
