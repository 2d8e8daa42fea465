// SPDX-License-Identifier: GPL-2.0
/*
 * Hijacked control flow, without saying by which bug: a jump to anywhere with
 * any registers, and CR4 without the bits that are in the way
 */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/smp.h>
#include <asm/special_insns.h>

#include "vuln_module.h"

u64 vuln_call(u64 function, u64 first, u64 second)
{
	struct vuln_jump j = {
		.rip = function,
		.rdi = first,
		.rsi = second,
	};

	return vuln_enter(&j);
}

/* Interrupts go to the stack; on one that was chosen for us there are none, mostly. */
void vuln_jump(struct vuln_jump *j)
{
	unsigned long flags;

	if (!j->rsp || j->interrupts) {
		j->rax = vuln_enter(j);
		return;
	}
	local_irq_save(flags);
	j->rax = vuln_enter(j);
	local_irq_restore(flags);
}

/* Not by the kernel's function, which puts bits back */
static void write_cr4(u64 value)
{
	asm volatile("mov %0, %%cr4" : : "r" (value) : "memory");
}

int vuln_cr4(struct vuln_file *file, struct vuln_cr4 *c)
{
	unsigned long flags;

	if (file->cr4_cpu >= 0)
		return -EBUSY;
	local_irq_save(flags);
	c->value = native_read_cr4();
	file->cr4_cpu = smp_processor_id();
	file->cr4_bits = c->value & c->clear;
	write_cr4(c->value & ~c->clear);
	local_irq_restore(flags);
	return 0;
}

static void restore_cr4(void *data)
{
	const struct vuln_file *file = data;

	write_cr4(native_read_cr4() | file->cr4_bits);
}

void vuln_jump_release(struct vuln_file *file)
{
	if (file->cr4_cpu >= 0)
		smp_call_function_single(file->cr4_cpu, restore_cr4, file, 1);
}
