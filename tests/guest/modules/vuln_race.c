// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU changes the return address of a function that another one runs
 *
 * What it changes it to is in the same caller, behind another call: whichever
 * one is taken, the stack is as it should be. While it goes on nothing else may
 * use that place on the stack, so there are no interrupts.
 */
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/processor.h>

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

/* In all races; for those who do not live to be told */
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

/* Whether it strayed: never. The return address is above the frame pointer. */
noinline u64 vuln_race_function(struct vuln_file *file, struct vuln_race *r)
{
	u64 i, strayed = 0;

	WRITE_ONCE(file->race_slot,
		   (u64 *)__builtin_frame_address(0) + 1);
	for (i = 0; i < r->spin; i++)
		cpu_relax();
	OPTIMIZER_HIDE_VAR(strayed);
	return strayed;
}

int vuln_race(struct vuln_file *file, struct vuln_race *r)
{
	unsigned long flags;
	int err = 0;

	if (r->rounds > PATIENCE || r->spin > PATIENCE)
		return -EINVAL;
	r->returned = 0;
	r->strayed = 0;
	if (!wait_for_hammer(file))
		return -ETIME;
	local_irq_save(flags);
	vuln_race_rounds(file, r);
	WRITE_ONCE(file->race_slot, NULL);
	vuln_race_strays += r->strayed;
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

/* Until there is no race any more */
int vuln_hammer(struct vuln_file *file)
{
	u64 *slot = NULL;
	unsigned int i;

	WRITE_ONCE(file->race_hammered, true);
	for (i = 0; i < PATIENCE && !slot; i++) {
		slot = READ_ONCE(file->race_slot);
		cpu_relax();
	}
	while (READ_ONCE(file->race_slot)) {
		WRITE_ONCE(*slot, (u64)vuln_race_strayed);
		dawdle();
		WRITE_ONCE(*slot, (u64)vuln_race_returned);
		dawdle();
	}
	WRITE_ONCE(file->race_hammered, false);
	return slot ? 0 : -ETIME;
}
