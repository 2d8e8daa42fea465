// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks by way of how Linux patches its own code
 *
 * What may be patched, and with what, is known for each place. So an attacker
 * tries to have it checked while it is that, and written when it is not; or to
 * have a static call lead elsewhere.
 */
#include <linux/cpumask.h>
#include <linux/jump_label.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <linux/string.h>

#include "attack_module.h"

/* Until one is won, which is a matter of chance; far more than that takes */
#define RACES		10000
#define JUMP_MAX	5	/* a jump label's bytes: 2 or 5 */
#define NOP1		0x90
#define MOVL_EAX	0xb8

static DEFINE_STATIC_KEY_FALSE(race_key);
DEFINE_STATIC_CALL(attack_static_call, attack_canary);

/* What the two CPUs have in common */
static struct {
	u8 bytes[JUMP_MAX];
	u8 legal[JUMP_MAX];
	u8 illegal[JUMP_MAX];
	size_t size;
} race;

static noinline bool race_branch(void)
{
	return static_branch_unlikely(&race_key);
}

static u8 *find_jump_label(void)
{
	struct jump_entry *entry = THIS_MODULE->jump_entries;
	unsigned int i;

	for (i = 0; i < THIS_MODULE->num_jump_entries; i++) {
		if (jump_entry_key(&entry[i]) == &race_key.key)
			return (u8 *)jump_entry_code(&entry[i]);
	}
	return NULL;
}

static int change_bytes(void *unused)
{
	while (!kthread_should_stop()) {
		/* Either is there for as long as the other. */
		memcpy(race.bytes, race.illegal, race.size);
		cond_resched();
		memcpy(race.bytes, race.legal, race.size);
		cond_resched();
	}
	return 0;
}

static struct task_struct *start_changing(void)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask,
					   raw_smp_processor_id());
	struct task_struct *task;

	if (cpu >= nr_cpu_ids)
		return NULL;
	task = kthread_create(change_bytes, NULL, "attack_race");
	if (IS_ERR(task))
		return NULL;
	kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

/* To a jump label, from where another CPU writes all the time */
static void race_source(struct attack_request *q)
{
	u8 *site = find_jump_label(), before[JUMP_MAX], now[JUMP_MAX];
	struct task_struct *other;
	bool won = false;
	unsigned int i;

	if (!site)
		return;
	race.size = site[0] == 0x66 ? 2 : JUMP_MAX;
	memcpy(before, site, race.size);
	static_branch_enable(&race_key);
	memcpy(race.legal, site, race.size);
	static_branch_disable(&race_key);
	memset(race.illegal, NOP1, race.size);
	memcpy(race.bytes, race.legal, race.size);

	other = start_changing();
	for (i = 0; other && i < RACES && !won; i++) {
		attack_write(WAY_ALIAS, site, race.bytes, race.size);
		memcpy(now, site, race.size);
		won = memcmp(now, before, race.size) &&
		      memcmp(now, race.legal, race.size);
		attack_write(WAY_ALIAS, site, before, race.size);
	}
	q->after = i;
	if (other) {
		kthread_stop(other);
		q->effect = won ? ATTACK_SUCCEEDED : ATTACK_HAD_NO_EFFECT;
	}
	/* Nobody asks; but the label has to be one. */
	q->before = race_branch();
}

static noinline u32 call_static(void)
{
	return static_call(attack_static_call)();
}

static void lead_static_call(struct attack_request *q, void *target)
{
	q->before = call_static();
	__static_call_update(&STATIC_CALL_KEY(attack_static_call),
			     STATIC_CALL_TRAMP_ADDR(attack_static_call), target);
	q->after = call_static();
	static_call_update(attack_static_call, &attack_canary);
	if (q->before == ATTACK_CANARY)
		q->effect = q->after == ATTACK_FORGED ? ATTACK_SUCCEEDED :
							ATTACK_HAD_NO_EFFECT;
}

/* Another function: that is what static calls are for. */
static void call_other(struct attack_request *q)
{
	lead_static_call(q, attack_other_canary);
}

/* A place in a function */
static void call_middle(struct attack_request *q)
{
	u8 *at = (u8 *)attack_other_canary;

	OPTIMIZER_HIDE_VAR(at);
	do {
		at++;
	} while (*at != MOVL_EAX);
	lead_static_call(q, at);
}

static void (*const attacks[])(struct attack_request *q) = {
#define A(constant, function)						\
	[ATTACK_CODE_##constant - ATTACK_CODE_CALL_OTHER] = function
	A(CALL_OTHER, call_other),
	A(CALL_MIDDLE, call_middle),
	A(RACE_SOURCE, race_source),
#undef A
};

static void perform(struct attack_request *q)
{
	attacks[q->attack - ATTACK_CODE_CALL_OTHER](q);
}

const struct attack_group attack_patch = {
	.first = ATTACK_CODE_CALL_OTHER,
	.last = ATTACK_CODE_RACE_SOURCE,
	.perform = perform,
};
