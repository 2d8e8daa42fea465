// SPDX-License-Identifier: GPL-2.0
/*
 * The return guard's stub as 32-bit code
 *
 * Kernel mode can be compatibility mode. For the time of the attack the stub's page is
 * in the first 4 GiB of the caller's addresses, as code of the kernel's, and so is a page
 * of the caller's for a stack. It is entered at the VMFUNC to the shadow view; what
 * comes behind is other instructions then. Where it raises an exception, a die notifier
 * has it come back.
 */
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <asm/ptrace.h>
#include <asm/segment.h>

#include "attack_module.h"
#include "layout.h"

#define VMFUNC_LENGTH	3

static struct task_struct *attacker;

static int come_back(struct notifier_block *block, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;

	if (current != attacker || regs->cs != __KERNEL32_CS)
		return NOTIFY_DONE;
	regs->ip = (u64)attack_left_32;
	regs->cs = __KERNEL_CS;
	regs->sp = attack_stack_32;
	return NOTIFY_STOP;
}

static struct notifier_block notifier = {
	.notifier_call = come_back,
	.priority = INT_MAX,
};

/* Interrupts are off. */
static void run(u64 va, u64 stub, u64 stub_pa)
{
	u64 *top = attack_top_entry(va), *code, *stack;
	u64 old_top = *top, old_code, old_stack, pa;
	u64 cr4 = raw_read_cr4();
	unsigned int level;

	code = attack_entry(va, &pa, &level);
	stack = attack_entry(va + PAGE_SIZE, &pa, &level);
	if (!code || !stack)
		return;
	old_code = *code;
	old_stack = *stack;
	attack_set_entry(top, old_top & ~_PAGE_NX, va);
	attack_set_entry(code, (stub_pa & ENTRY_FRAME) | _PAGE_PRESENT |
			       _PAGE_ACCESSED, va);
	attack_set_entry(stack, old_stack & ~(u64)_PAGE_USER, va + PAGE_SIZE);
	if (cr4 & CR4_LASS)
		raw_write_cr4(cr4 & ~CR4_LASS);
	attacker = current;
	attack_enter_32(va + offset_in_page(stub) - VMFUNC_LENGTH,
			va + 2 * PAGE_SIZE - 256, VIEW_SHADOW);
	attacker = NULL;
	if (cr4 & CR4_LASS)
		raw_write_cr4(cr4);
	attack_set_entry(stack, old_stack, va + PAGE_SIZE);
	attack_set_entry(code, old_code, va);
	attack_set_entry(top, old_top, va);
}

static void perform(struct attack_request *q)
{
	u64 stub = attack_symbol(q->attack == ATTACK_STUB_32 ?
				 "returns_shadow_begin" : "returns_shadow_choke");
	unsigned int level;
	unsigned long flags;
	u64 pa;

	if (!stub || !attack_entry(stub, &pa, &level))
		return;
	register_die_notifier(&notifier);
	local_irq_save(flags);
	run(q->argument, stub, pa);
	local_irq_restore(flags);
	unregister_die_notifier(&notifier);
	/* That it comes back at all is by an exception. */
	q->effect = ATTACK_RAISED_FAULT;
}

const struct attack_group attack_stub = {
	.first = ATTACK_STUB_32,
	.last = ATTACK_STUB_CHOKE_32,
	.perform = perform,
};
