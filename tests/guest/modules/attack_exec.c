// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks by running what is no code of the kernel's, in kernel mode
 *
 * Where the CPU itself refuses (NX, SMEP) that is an oops. A die notifier of
 * the attacker's swallows it, so that one lives to tell: the callee returns.
 */
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "attack_module.h"

#define MAGIC		0x0ddba11u
#define FAULTED		0xfa17u

/* endbr64; mov $MAGIC, %eax; ret; int3 */
static const u8 payload[] = {
	0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 0x11, 0xba, 0xdd, 0x00, 0xc3, 0xcc
};

static struct task_struct *attacker;
static u64 target;

static int swallow(struct notifier_block *block, unsigned long event,
		   void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;

	if (event != DIE_OOPS || current != attacker || regs->ip != target)
		return NOTIFY_DONE;
	regs->ip = *(u64 *)regs->sp;
	regs->sp += sizeof(u64);
	regs->ax = FAULTED;
	return NOTIFY_STOP;
}

static struct notifier_block swallower = {
	.notifier_call = swallow,
	.priority = INT_MAX,
};

/* How the page-table entry and the CPU are changed for the time of the call */
#define CLEAR_NX	1
#define CLEAR_SMEP	2
#define CLEAR_USER	4
#define CLEAR_WRITE	8
#define SET_USER	16
/* Not the entry: the page's last byte, by who fills freed code with INT3 */
#define FILL_LAST	32

#define INT3		0xcc

/* Kernel mode and the lower half of addresses: some kernels turn this on, too. */
#define CR4_LASS	(1UL << 27)

static u64 changed_entry(u64 entry, unsigned int changes)
{
	if (changes & CLEAR_NX)
		entry &= ~_PAGE_NX;
	if (changes & CLEAR_USER)
		entry &= ~(u64)_PAGE_USER;
	if (changes & CLEAR_WRITE)
		entry &= ~(u64)(_PAGE_RW | _PAGE_DIRTY);
	if (changes & SET_USER)
		entry |= _PAGE_USER;
	return entry;
}

/*
 * What is above an entry has to belong to user mode, too. It stays so: for all
 * else the last entry says that it does not.
 */
static void let_user_through(u64 address, const u64 *last)
{
	unsigned int shift = raw_read_cr4() & X86_CR4_LA57 ? 48 : 39;
	u64 *entry = attack_top_entry(address);

	while (entry != last) {
		attack_set_entry(entry, *entry | _PAGE_USER, address);
		shift -= 9;
		entry = (u64 *)__va(*entry & ENTRY_FRAME) +
			((address >> shift) & 511);
	}
}

static void run(struct attack_request *q, void *code, unsigned int changes)
{
	u64 *entry, *top = attack_top_entry((u64)code);
	u64 old, old_top = *top, cr4, lower_cr4, pa;
	bool open_top = changes & (CLEAR_NX | CLEAR_SMEP) &&
			old_top & _PAGE_NX;
	u64 fill = changes & FILL_LAST ? attack_symbol("text_poke_set") : 0;
	u32 (*function)(void) = code;
	unsigned int level;
	unsigned long flags;

	entry = attack_entry((u64)code, &pa, &level);
	if (!entry)
		return;

	local_irq_save(flags);
	cr4 = raw_read_cr4();
	lower_cr4 = cr4;
	if (changes & CLEAR_SMEP)
		lower_cr4 &= ~(X86_CR4_SMEP | CR4_LASS);
	if (changes & CLEAR_USER)
		lower_cr4 &= ~CR4_LASS;
	old = *entry;
	attacker = current;
	target = (u64)code;
	if (changes & SET_USER)
		let_user_through((u64)code, entry);
	if (open_top)
		attack_set_entry(top, old_top & ~_PAGE_NX, (u64)code);
	if (changed_entry(old, changes) != old)
		attack_set_entry(entry, changed_entry(old, changes),
				 (u64)code);
	if (lower_cr4 != cr4)
		raw_write_cr4(lower_cr4);
	if (fill)
		attack_call(fill, (u64)code + PAGE_SIZE - 1, INT3, 1, 0);
	/* Linux would take SMEP's fault there for a spurious one, for ever. */
	q->after = FAULTED;
	if (!(changes & SET_USER) || !(raw_read_cr4() & X86_CR4_SMEP))
		q->after = function();
	if (lower_cr4 != cr4)
		raw_write_cr4(cr4);
	if (changed_entry(old, changes) != old)
		attack_set_entry(entry, old, (u64)code);
	if (open_top)
		attack_set_entry(top, old_top, (u64)code);
	attacker = NULL;
	local_irq_restore(flags);

	if (q->after == MAGIC)
		q->effect = ATTACK_SUCCEEDED;
	else
		q->effect = q->after == FAULTED ? ATTACK_RAISED_FAULT :
						  ATTACK_HAD_NO_EFFECT;
}

/* A page of the caller's, executable for it, and locked */
static void in_user(struct attack_request *q, unsigned int changes)
{
	void __user *page = (void __user *)q->argument;

	if (!copy_to_user(page, payload, sizeof(payload)))
		run(q, (void __force *)page, changes);
}

static void in_user_direct(struct attack_request *q, unsigned int changes)
{
	unsigned int level;
	u64 pa;

	if (copy_to_user((void __user *)q->argument, payload,
			 sizeof(payload)) ||
	    !attack_entry(q->argument, &pa, &level))
		return;
	run(q, __va(pa), changes);
}

static void in_stack(struct attack_request *q, unsigned int changes)
{
	u8 code[sizeof(payload)] __aligned(16);

	memcpy(code, payload, sizeof(payload));
	run(q, code, changes);
	barrier_data(code);
}

static void in_kmalloc(struct attack_request *q, unsigned int changes)
{
	u8 *code = kmemdup(payload, sizeof(payload), GFP_KERNEL);

	if (!code)
		return;
	run(q, code, changes);
	kfree(code);
}

static void in_vmalloc(struct attack_request *q, unsigned int changes)
{
	u8 *code = vmalloc(PAGE_SIZE);

	if (!code)
		return;
	memcpy(code, payload, sizeof(payload));
	run(q, code, changes);
	vfree(code);
}

static void in_page(struct attack_request *q, unsigned int changes)
{
	u8 *code = (u8 *)__get_free_page(GFP_KERNEL);

	if (!code)
		return;
	memcpy(code, payload, sizeof(payload));
	run(q, code, changes);
	free_page((unsigned long)code);
}

/*
 * Where modules are: from the kernel's own allocator for code. Before 6.10 that gives
 * none where Carapace lets no new code be; this was got beforehand, then.
 */
static u8 *kept;

/*
 * As whoever makes code is to, where the allocator does not: that it goes away is told
 * nobody else, and its frames stay sealed.
 */
static void mark_as_code(u8 *code)
{
	u64 find = attack_symbol("find_vm_area");
	struct vm_struct *area;

	if (!code || !find)
		return;
	area = (void *)attack_call(find, (u64)code, 0, 0, 0);
	if (area)
		area->flags |= VM_FLUSH_RESET_PERMS;
}

static u8 *allocate_code(void)
{
	u64 allocate = attack_symbol("execmem_alloc_rw");
	u8 *code;

	/* Kernels before that one give memory that can be written. */
	if (!allocate)
		allocate = attack_symbol("execmem_alloc");
	if (allocate)
		return (u8 *)attack_call(allocate, 0, PAGE_SIZE, 0, 0);
	allocate = attack_symbol("module_alloc");
	if (!allocate)
		return NULL;
	code = (u8 *)attack_call(allocate, PAGE_SIZE, 0, 0, 0);
	mark_as_code(code);
	return code;
}

static void free_code(u8 *code)
{
	u64 release = attack_symbol("execmem_free");

	if (!release)
		release = attack_symbol("module_memfree");
	if (code && release)
		attack_call(release, (u64)code, 0, 0, 0);
}

static void in_module(struct attack_request *q, unsigned int changes)
{
	u8 *fresh = allocate_code(), *code = fresh ? : kept;

	if (!code)
		return;
	memcpy(code, payload, sizeof(payload));
	run(q, code, changes);
	free_code(fresh);
}

int attack_exec_init(void)
{
	int err = register_die_notifier(&swallower);

	if (!err)
		kept = allocate_code();
	return err;
}

void attack_exec_exit(void)
{
	free_code(kept);
	unregister_die_notifier(&swallower);
}

/*
 * In the constants of the caller's filter, which the JIT wrote and which was sealed.
 * Who jumps into the middle of an instruction comes by a return: no ENDBR is there.
 */
static void in_constants(struct attack_request *q, unsigned int changes)
{
	static const u8 first[] = ATTACK_CONSTANT_FIRST;
	u8 *code;
	u32 size, i;

	code = attack_bpf_program(q->argument, &size);
	for (i = 0; code && i + sizeof(first) < size; i++) {
		if (memcmp(code + i, first, sizeof(first)))
			continue;
		q->after = (u32)attack_call((u64)code + i, 0, 0, 0, 0);
		q->effect = q->after == MAGIC ? ATTACK_SUCCEEDED :
						ATTACK_HAD_NO_EFFECT;
		return;
	}
}

static const struct exec_attack {
	void (*perform)(struct attack_request *q, unsigned int changes);
	unsigned int changes;
} attacks[] = {
#define A(constant, perform, changes)					\
	[ATTACK_EXEC_##constant - ATTACK_EXEC_USER_SMEP] =		\
		{ in_##perform, changes }
	A(USER_SMEP, user, 0),
	A(USER, user, CLEAR_SMEP),
	A(USER_SUPERVISOR, user, CLEAR_NX | CLEAR_USER),
	A(USER_DIRECT_NX, user_direct, 0),
	A(USER_DIRECT, user_direct, CLEAR_NX),
	A(STACK_NX, stack, 0),
	A(STACK, stack, CLEAR_NX),
	A(KMALLOC_NX, kmalloc, 0),
	A(KMALLOC, kmalloc, CLEAR_NX),
	A(VMALLOC_NX, vmalloc, 0),
	A(VMALLOC, vmalloc, CLEAR_NX),
	A(VMALLOC_USER, vmalloc, CLEAR_NX | SET_USER | CLEAR_SMEP),
	A(PAGE_NX, page, 0),
	A(PAGE, page, CLEAR_NX),
	A(MODULE_NX, module, 0),
	A(MODULE, module, CLEAR_NX),
	A(MODULE_FORGED, module, CLEAR_NX | CLEAR_WRITE),
	A(MODULE_FILLED, module, CLEAR_NX | CLEAR_WRITE | FILL_LAST),
	A(BPF_CONSTANTS, constants, 0),
#undef A
};

static void perform(struct attack_request *q)
{
	const struct exec_attack *a =
		&attacks[q->attack - ATTACK_EXEC_USER_SMEP];

	a->perform(q, a->changes);
}

const struct attack_group attack_exec = {
	.first = ATTACK_EXEC_USER_SMEP,
	.last = ATTACK_EXEC_BPF_CONSTANTS,
	.perform = perform,
};
