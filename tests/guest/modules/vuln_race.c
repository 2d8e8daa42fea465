// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU changes the return address of a function that another one runs
 *
 * What it changes it to is in the same caller, behind another call: whichever
 * one is taken, the stack is as it should be. While it goes on nothing else may
 * use that place on the stack, so there are no interrupts.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/processor.h>
#include <linux/sched.h>

#include "vuln_module.h"

/* How often to look before nobody is expected to come any more */
#define PATIENCE	10000000
#define PATIENCE_MS	2000

/* Asleep: who is to come may need this CPU first. */
static bool wait_for_hammer(const struct vuln_file *file)
{
	unsigned int i;

	for (i = 0; i < PATIENCE_MS; i++) {
		if (READ_ONCE(file->race_hammered))
			return true;
		usleep_range(1000, 2000);
	}
	return false;
}

/* In all races, as they happen: not all of them live to be told. */
u64 vuln_race_strays;

static bool wait_for_end(const struct vuln_file *file)
{
	unsigned int i;

	for (i = 0; i < PATIENCE; i++) {
		if (!READ_ONCE(file->race_hammered))
			return true;
		cpu_relax();
	}
	return false;
}

/* The return address is above the frame pointer. */
noinline u64 vuln_race_function(struct vuln_file *file, struct vuln_race *r)
{
	u64 i;

	WRITE_ONCE(file->race_slot,
		   (u64 *)__builtin_frame_address(0) + 1);
	for (i = 0; i < r->spin; i++)
		cpu_relax();
	return VULN_RACE_RESULT;
}

int vuln_race(struct vuln_file *file, struct vuln_race *r)
{
	unsigned long flags;
	int err = 0;

	if (r->rounds > PATIENCE || r->spin > PATIENCE)
		return -EINVAL;
	r->returned = 0;
	r->strayed = 0;
	r->wrong = 0;
	if (!wait_for_hammer(file))
		return -ETIME;
	file->race_task = current;
	local_irq_save(flags);
	vuln_race_rounds(file, r);
	WRITE_ONCE(file->race_slot, NULL);
	if (!wait_for_end(file))
		err = -ETIME;
	local_irq_restore(flags);
	return err;
}

/* Never in step with the other one */
static void dawdle(void)
{
	static unsigned int count;
	unsigned int i;

	for (i = count++ % 3; i; i--)
		cpu_relax();
}

/* Whether it is still a return address of that function's */
static bool change(u64 *slot, const u8 *from, const u8 *to)
{
	u64 found = cmpxchg(slot, (u64)from, (u64)to);

	return found == (u64)from || found == (u64)to;
}

/*
 * Until there is no race any more. Where a guard kills who runs it, nobody says
 * so: other things come to lie on its stack, until it is through with dying.
 */
static void hammer(const struct vuln_file *file, u64 *slot)
{
	const struct task_struct *task = file->race_task;

	while (READ_ONCE(file->race_slot) &&
	       !(READ_ONCE(task->flags) & PF_EXITING)) {
		if (!change(slot, vuln_race_returned, vuln_race_strayed))
			break;
		dawdle();
		if (!change(slot, vuln_race_strayed, vuln_race_returned))
			break;
		dawdle();
	}
}

int vuln_hammer(struct vuln_file *file)
{
	u64 *slot = NULL;
	unsigned int i;

	WRITE_ONCE(file->race_hammered, true);
	for (i = 0; i < PATIENCE && !slot; i++) {
		slot = READ_ONCE(file->race_slot);
		cpu_relax();
	}
	if (slot)
		hammer(file, slot);
	WRITE_ONCE(file->race_hammered, false);
	return slot ? 0 : -ETIME;
}
