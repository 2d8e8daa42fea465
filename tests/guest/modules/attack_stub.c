// SPDX-License-Identifier: GPL-2.0
/*
 * The return guard's stub at other addresses, and as 32-bit code
 *
 * For the time of the attack the stub's page is twice, one behind the other, and behind
 * that is a page for a stack.
 *
 * Kernel mode can be compatibility mode, in the first 4 GiB of the caller's addresses:
 * entered at the VMFUNC to the shadow view, what comes behind is other instructions then.
 * LASS, where Linux has it on, keeps kernel mode from there.
 *
 * Or it is entered at the page's end, which is a VMFUNC, too: what comes behind is the
 * page's beginning then. Were that an exception, it would be delivered in the shadow view,
 * to a stack of the attacker's choice. So is the page fault where nothing comes behind.
 *
 * A die notifier has it come back; or, with a stack that is none, nothing has, and what
 * was mapped stays.
 */
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <asm/ptrace.h>
#include <asm/segment.h>
#include <asm/trapnr.h>

#include "attack_module.h"
#include "layout.h"

#define VMFUNC_LENGTH	3

enum {
	STUB,
	STUB_AGAIN,
	STACK,
	PAGES,
};

static struct task_struct *attacker;
static u64 pages, vector;

static int come_back(struct notifier_block *block, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;

	if (current != attacker || regs->ip - pages >= PAGES * PAGE_SIZE)
		return NOTIFY_DONE;
	vector = args->trapnr;
	regs->ip = (u64)attack_left;
	regs->cs = __KERNEL_CS;
	regs->sp = attack_stack;
	return NOTIFY_STOP;
}

static struct notifier_block notifier = {
	.notifier_call = come_back,
	.priority = INT_MAX,
};

/* The stack of STUB_GAP: a shadow's address, from user space */
static ulong stub_stack;
module_param(stub_stack, ulong, 0644);

/* Interrupts are off. */
static void run(u64 va, u64 from, u64 stub_pa, u64 cs, u64 rsp)
{
	u64 code = (stub_pa & ENTRY_FRAME) | _PAGE_PRESENT | _PAGE_ACCESSED;
	u64 *top = attack_top_entry(va), *entry[PAGES], old[PAGES];
	u64 old_top = *top, pa;
	unsigned int i, level;

	for (i = 0; i < PAGES; i++) {
		entry[i] = attack_entry(va + i * PAGE_SIZE, &pa, &level);
		if (!entry[i])
			return;
		old[i] = *entry[i];
	}
	attack_set_entry(top, old_top & ~_PAGE_NX, va);
	for (i = 0; i < PAGES; i++)
		attack_set_entry(entry[i],
				 i == STACK ? old[i] & ~(u64)_PAGE_USER :
				 i == STUB_AGAIN && rsp ? 0 : code,
				 va + i * PAGE_SIZE);
	pages = va;
	attacker = current;
	attack_enter(va + from, rsp ? : va + PAGES * PAGE_SIZE - 256, VIEW_SHADOW, cs);
	attacker = NULL;
	for (i = PAGES; i-- > 0; )
		attack_set_entry(entry[i], old[i], va + i * PAGE_SIZE);
	attack_set_entry(top, old_top, va);
}

static const struct {
	const char *symbol;	/* what comes behind a VMFUNC */
	u16 cs;
} parts[] = {
	[ATTACK_STUB_32 - ATTACK_STUB_32] = { "returns_shadow_begin", __KERNEL32_CS },
	[ATTACK_STUB_CHOKE_32 - ATTACK_STUB_32] = { "returns_shadow_choke", __KERNEL32_CS },
	[ATTACK_STUB_TWICE - ATTACK_STUB_32] = { "returns_stored", __KERNEL_CS },
	[ATTACK_STUB_GAP - ATTACK_STUB_32] = { "returns_stored", __KERNEL_CS },
};

static void perform(struct attack_request *q)
{
	unsigned int i = q->attack - ATTACK_STUB_32, level;
	u64 from = attack_symbol(parts[i].symbol) - VMFUNC_LENGTH;
	u64 pa, va = q->argument, rsp = 0;
	unsigned long flags;

	if (!attack_entry(from, &pa, &level))
		return;
	if (parts[i].cs == __KERNEL_CS)
		va = (u64)__vmalloc(PAGES * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (q->attack == ATTACK_STUB_GAP)
		rsp = stub_stack;
	if (!va)
		return;
	register_die_notifier(&notifier);
	local_irq_save(flags);
	run(va, offset_in_page(from), pa, parts[i].cs, rsp);
	local_irq_restore(flags);
	unregister_die_notifier(&notifier);
	if (parts[i].cs == __KERNEL_CS)
		vfree((void *)va);
	/* That it comes back at all is by an exception: what there is without VMX, or worse. */
	q->effect = vector == X86_TRAP_BP ? ATTACK_SUCCEEDED : ATTACK_RAISED_FAULT;
}

const struct attack_group attack_stub = {
	.first = ATTACK_STUB_32,
	.last = ATTACK_STUB_GAP,
	.perform = perform,
};
