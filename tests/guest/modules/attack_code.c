// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks on code and read-only data
 *
 * Nothing of what is written is run or used meanwhile, but in REMAP.
 */
#include <linux/compiler.h>
#include <linux/filter.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/string.h>
#include <net/sock.h>
#include <asm/desc.h>
#include <asm/insn.h>
#include <asm/realmode.h>

#include "attack_module.h"

#define UNUSED_SYSCALL	180	/* nfsservctl, gone since 3.1 */
#define OTHER_SYSCALL	39	/* getpid */
#define UNUSED_VECTOR	31	/* reserved by Intel */
#define MODULE_OFFSET	16	/* into a function, past what ftrace patches */

/* What to write, and where; size 0 where there is none */
struct target {
	u8 *to;
	u8 bytes[MAX_INSN_SIZE];
	size_t size;
};

/* The first conditional jump of a function that does not run */
static u8 *find_jump(size_t *size)
{
	u64 decode = attack_symbol("insn_decode");
	u8 *at = (u8 *)panic;
	struct insn insn;

	while (decode && !(int)attack_call(decode, (u64)&insn, (u64)at,
					   MAX_INSN_SIZE, INSN_MODE_KERN)) {
		*size = insn.length;
		if (offset_in_page(at) + *size <= PAGE_SIZE &&
		    ((at[0] & 0xf0) == 0x70 ||
		     (at[0] == 0x0f && (at[1] & 0xf0) == 0x80)))
			return at;
		at += insn.length;
	}
	return NULL;
}

/* The lowest bit of the opcode is the condition's negation. */
static void find_text(const struct attack_request *q, struct target *t)
{
	size_t size;
	u8 *jump = find_jump(&size);

	if (!jump)
		return;
	t->to = size > 2 ? jump + 1 : jump;
	t->bytes[0] = *t->to ^ 1;
	t->size = 1;
}

static void find_text_nop(const struct attack_request *q, struct target *t)
{
	t->to = find_jump(&t->size);
	if (t->to)
		memset(t->bytes, 0x90, t->size);
	else
		t->size = 0;
}

static void find_syscall(const struct attack_request *q, struct target *t)
{
	u64 *table = (u64 *)attack_symbol("sys_call_table");

	if (!table)
		return;
	t->to = (u8 *)&table[UNUSED_SYSCALL];
	memcpy(t->bytes, &table[OTHER_SYSCALL], sizeof(*table));
	t->size = sizeof(*table);
}

static void invert_byte(u64 at, struct target *t)
{
	if (!at)
		return;
	t->to = (u8 *)at;
	t->bytes[0] = ~*t->to;
	t->size = 1;
}

static void find_rodata(const struct attack_request *q, struct target *t)
{
	invert_byte(attack_symbol("linux_banner"), t);
}

/* In real mode, below 1 MiB. No CPU starts meanwhile. */
static void find_start(const struct attack_request *q, struct target *t)
{
	struct real_mode_header **header =
		(void *)attack_symbol("real_mode_header");

	if (header && *header)
		invert_byte((u64)__va((*header)->trampoline_start), t);
}

/* A stock module that is loaded for this, and has no device */
static void find_module_text(const struct attack_request *q, struct target *t)
{
	u64 function = attack_symbol("dummy:dummy_setup");

	invert_byte(function ? function + MODULE_OFFSET : 0, t);
}

/* Its first member: ndo_init */
static void find_module_rodata(const struct attack_request *q,
			       struct target *t)
{
	u64 table = attack_symbol("dummy:dummy_netdev_ops");
	u64 function = (u64)panic;

	if (!table)
		return;
	t->to = (u8 *)table;
	memcpy(t->bytes, &function, sizeof(function));
	t->size = sizeof(function);
}

/* Eight bytes of a gate that is not present, and stays so */
static void find_idt(const struct attack_request *q, struct target *t)
{
	struct desc_ptr idtr;
	gate_desc *gate;

	store_idt(&idtr);
	gate = (gate_desc *)idtr.address + UNUSED_VECTOR;
	t->to = (u8 *)gate;
	memcpy(t->bytes, gate, sizeof(u64));
	t->bytes[0] = ~t->bytes[0];
	t->size = sizeof(u64);
}

/* The program of the caller's socket, which has no traffic; or NULL */
u8 *attack_bpf_program(u64 fd, u32 *size)
{
	struct sk_filter *filter;
	struct socket *socket;
	u8 *program = NULL;
	int err;

	socket = sockfd_lookup(fd, &err);
	if (!socket)
		return NULL;
	rcu_read_lock();
	filter = rcu_dereference(socket->sk->sk_filter);
	if (filter && filter->prog->jited) {
		program = (u8 *)filter->prog->bpf_func;
		*size = filter->prog->jited_len;
	}
	rcu_read_unlock();
	sockfd_put(socket);
	return program;
}

static void find_bpf(const struct attack_request *q, struct target *t)
{
	u32 size;
	u8 *program = attack_bpf_program(q->argument, &size);

	if (program && size > MODULE_OFFSET)
		invert_byte((u64)program + MODULE_OFFSET, t);
}

static void attack_by_way(struct attack_request *q, enum attack_way way,
			  const struct target *t)
{
	attack_overwrite(q, way, t->to, t->bytes, t->size);
}

/* By Linux's own patching code, with contents of the attacker's choice */
static void poke(struct attack_request *q, const struct target *t,
		 const char *function)
{
	u64 text_poke = attack_symbol(function);
	u8 old[MAX_INSN_SIZE];

	if (!text_poke)
		return;
	memcpy(old, t->to, t->size);
	attack_call(text_poke, (u64)t->to, (u64)t->bytes, t->size, 0);
	if (memcmp(t->to, old, t->size)) {
		attack_call(text_poke, (u64)t->to, (u64)old, t->size, 0);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = ATTACK_HAD_NO_EFFECT;
	}
}

static void attack_poke_kgdb(struct attack_request *q, enum attack_way way,
			     const struct target *t)
{
	poke(q, t, "text_poke_kgdb");
}

static void attack_poke_copy(struct attack_request *q, enum attack_way way,
			     const struct target *t)
{
	poke(q, t, "text_poke_copy");
}

/* It takes a byte where the others take a pointer. */
static void attack_poke_set(struct attack_request *q, enum attack_way way,
			    const struct target *t)
{
	u64 text_poke_set = attack_symbol("text_poke_set");
	u8 old = *t->to;

	if (!text_poke_set)
		return;
	attack_call(text_poke_set, (u64)t->to, t->bytes[0], 1, 0);
	if (*t->to != old) {
		attack_call(text_poke_set, (u64)t->to, old, 1, 0);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = ATTACK_HAD_NO_EFFECT;
	}
}

/* Whoever goes by what is still mapped would take it for freed. */
static void attack_unmapped(struct attack_request *q, enum attack_way way,
			    const struct target *t)
{
	unsigned long flags;
	u64 *entry, old_entry, pa;
	u8 old = *t->to;
	int err;

	entry = attack_own_entry((u64)t->to, &pa);
	if (!entry)
		return;
	local_irq_save(flags);
	old_entry = *entry;
	attack_set_entry(entry, 0, (u64)t->to);
	err = attack_write(WAY_PTE, __va(pa), t->bytes, t->size);
	attack_set_entry(entry, old_entry, (u64)t->to);
	local_irq_restore(flags);

	if (*t->to != old) {
		attack_write(WAY_DIRECT, t->to, &old, 1);
		q->effect = ATTACK_SUCCEEDED;
	} else {
		q->effect = err ? ATTACK_RAISED_FAULT : ATTACK_HAD_NO_EFFECT;
	}
}

/* In a page of its own: nothing else is missing while another frame is there */
static void find_canary(const struct attack_request *q, struct target *t)
{
	static const u32 value = ATTACK_CANARY;
	u8 *at = (u8 *)attack_canary;
	unsigned int i;

	/* Or there is a pointer into the function, which objtool objects to. */
	OPTIMIZER_HIDE_VAR(at);
	for (i = 0; i < 16 && memcmp(at + i, &value, sizeof(value)); i++)
		;
	t->to = at + i;
	t->size = i < 16 ? sizeof(value) : 0;
}

static u64 call_canary(const struct target *t)
{
	return attack_canary();
}

static u64 read_data(const struct target *t)
{
	return READ_ONCE(*(u64 *)t->to);
}

/* EPT guards frames: an address is made to lead to another one. */
static void lead_to(struct attack_request *q, const struct target *t, u64 frame,
		    u64 (*look)(const struct target *t), u64 forged)
{
	unsigned long flags;
	u64 *entry, old, pa;
	int err;

	entry = attack_own_entry((u64)t->to, &pa);
	if (!entry)
		return;
	local_irq_save(flags);
	old = *entry;
	q->before = look(t);
	err = attack_set_entry(entry, (old & ~(pa & PAGE_MASK)) | frame,
			       (u64)t->to);
	q->after = look(t);
	attack_set_entry(entry, old, (u64)t->to);
	local_irq_restore(flags);

	if (q->before != forged && q->after == forged)
		q->effect = ATTACK_SUCCEEDED;
	else
		q->effect = err ? ATTACK_RAISED_FAULT : ATTACK_HAD_NO_EFFECT;
}

/* To a copy, in which something is different */
static void lead_to_copy(struct attack_request *q, const struct target *t,
			 u64 (*look)(const struct target *t), u64 forged)
{
	u8 *copy;

	if (offset_in_page(t->to) > PAGE_SIZE - t->size)
		return;
	copy = (u8 *)__get_free_page(GFP_KERNEL);
	if (!copy)
		return;
	memcpy(copy, (u8 *)((u64)t->to & PAGE_MASK), PAGE_SIZE);
	memcpy(copy + offset_in_page(t->to), &forged, t->size);
	lead_to(q, t, __pa(copy), look, forged);
	free_page((unsigned long)copy);
}

static void attack_remap(struct attack_request *q, enum attack_way way,
			 const struct target *t)
{
	lead_to_copy(q, t, call_canary, ATTACK_FORGED);
}

static void attack_remap_data(struct attack_request *q, enum attack_way way,
			      const struct target *t)
{
	u64 forged;

	memcpy(&forged, t->bytes, sizeof(forged));
	lead_to_copy(q, t, read_data, forged);
}

/* To what is sealed code, too */
static void attack_remap_sealed(struct attack_request *q, enum attack_way way,
				const struct target *t)
{
	unsigned int level;
	u64 pa;

	if (attack_entry((u64)attack_other_canary, &pa, &level))
		lead_to(q, t, pa & PAGE_MASK, call_canary, ATTACK_FORGED);
}

static const struct code_attack {
	void (*find)(const struct attack_request *q, struct target *t);
	void (*perform)(struct attack_request *q, enum attack_way way,
			const struct target *t);
	enum attack_way way;
} attacks[] = {
#define A(constant, find, perform, way)					\
	[ATTACK_CODE_##constant - ATTACK_CODE_TEXT_WP] =		\
		{ find_##find, attack_##perform, WAY_##way }
	A(TEXT_WP, text, by_way, WP),
	A(TEXT_PTE, text, by_way, PTE),
	A(TEXT_DIRECT, text, by_way, DIRECT),
	A(TEXT_ALIAS, text, by_way, ALIAS),
	A(TEXT_POKE, text, poke_kgdb, PLAIN),
	A(TEXT_NOP_WP, text_nop, by_way, WP),
	A(TEXT_NOP_ALIAS, text_nop, by_way, ALIAS),
	A(SYSCALL_WP, syscall, by_way, WP),
	A(SYSCALL_DIRECT, syscall, by_way, DIRECT),
	A(SYSCALL_ALIAS, syscall, by_way, ALIAS),
	A(RODATA_WP, rodata, by_way, WP),
	A(RODATA_PTE, rodata, by_way, PTE),
	A(RODATA_DIRECT, rodata, by_way, DIRECT),
	A(RODATA_ALIAS, rodata, by_way, ALIAS),
	A(MODULE_WP, module_text, by_way, WP),
	A(MODULE_PTE, module_text, by_way, PTE),
	A(MODULE_DIRECT, module_text, by_way, DIRECT),
	A(MODULE_ALIAS, module_text, by_way, ALIAS),
	A(MODULE_POKE, module_text, poke_copy, PLAIN),
	A(MODULE_POKE_SET, module_text, poke_set, PLAIN),
	A(MODULE_UNMAPPED_DIRECT, module_text, unmapped, DIRECT),
	A(MODULE_RODATA_WP, module_rodata, by_way, WP),
	A(MODULE_RODATA_PTE, module_rodata, by_way, PTE),
	A(MODULE_RODATA_DIRECT, module_rodata, by_way, DIRECT),
	A(MODULE_RODATA_ALIAS, module_rodata, by_way, ALIAS),
	A(IDT_WP, idt, by_way, WP),
	A(IDT_PTE, idt, by_way, PTE),
	A(IDT_DIRECT, idt, by_way, DIRECT),
	A(IDT_ALIAS, idt, by_way, ALIAS),
	A(START_DIRECT, start, by_way, DIRECT),
	A(START_ALIAS, start, by_way, ALIAS),
	A(BPF_WP, bpf, by_way, WP),
	A(BPF_PTE, bpf, by_way, PTE),
	A(BPF_DIRECT, bpf, by_way, DIRECT),
	A(BPF_ALIAS, bpf, by_way, ALIAS),
	A(REMAP, canary, remap, PLAIN),
	A(REMAP_SEALED, canary, remap_sealed, PLAIN),
	A(REMAP_RODATA, module_rodata, remap_data, PLAIN),
	A(REMAP_IDT, idt, remap_data, PLAIN),
#undef A
};

static void perform(struct attack_request *q)
{
	const struct code_attack *a =
		&attacks[q->attack - ATTACK_CODE_TEXT_WP];
	struct target t = { };

	a->find(q, &t);
	if (t.size)
		a->perform(q, a->way, &t);
}

const struct attack_group attack_code = {
	.first = ATTACK_CODE_TEXT_WP,
	.last = ATTACK_CODE_REMAP_IDT,
	.perform = perform,
};
