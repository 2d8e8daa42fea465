// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that sleep, so that somebody else may change their stack
 */
#include <linux/bsearch.h>
#include <linux/capability.h>
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "vuln_module.h"

/* 0 when it was woken, -ETIME or -ERESTARTSYS */
static noinline long vuln_sleep_until(struct vuln_file *file, u64 milliseconds)
{
	long left = MAX_SCHEDULE_TIMEOUT;

	if (milliseconds)
		left = msecs_to_jiffies(milliseconds);
	left = wait_event_interruptible_timeout(file->wait,
						READ_ONCE(file->woken), left);
	if (left > 0)
		WRITE_ONCE(file->woken, false);
	else if (!left)
		left = -ETIME;
	return min(left, 0L);
}

static noinline long vuln_sleep_below(struct vuln_file *file, u64 depth,
				      u64 milliseconds)
{
	long err;

	if (depth)
		err = vuln_sleep_below(file, depth - 1, milliseconds);
	else
		err = vuln_sleep_until(file, milliseconds);
	barrier_data(&err);
	return err;
}

/* Returns by way of a function of the kernel's that it jumps to. */
static noinline long vuln_sleep_jump(struct vuln_file *file, u64 milliseconds)
{
	vuln_sleep_until(file, milliseconds);
	return msleep_interruptible(0);
}

/* An administrator who is woken gets what only administrators get. */
noinline long vuln_sleep(struct vuln_file *file, const struct vuln_sleep *s)
{
	/* Room that is not used: what is called lies deeper on the stack. */
	u64 room[16] = { 0 };
	long err;

	if (s->depth > VULN_SLEEP_DEPTH)
		return -EINVAL;
	if (s->depth)
		return vuln_sleep_below(file, s->depth, s->milliseconds);
	barrier_data(room);
	err = s->jump ? vuln_sleep_jump(file, s->milliseconds) :
			vuln_sleep_until(file, s->milliseconds);
	if (!err && capable(CAP_SYS_ADMIN))
		vuln_grant();
	barrier_data(room);
	return err;
}

void vuln_wake(struct vuln_file *file)
{
	WRITE_ONCE(file->woken, true);
	wake_up_all(&file->wait);
}

/* By another name, for who looks at where a task sleeps */
static noinline __noclone long vuln_sleep_again(struct vuln_file *file,
						u64 milliseconds)
{
	long err = vuln_sleep_until(file, milliseconds);

	barrier_data(&err);
	return err;
}

struct search {
	struct vuln_file *file;
	u64 milliseconds;
	bool again;
};

/* It is not the one in the middle, but the one to the right of it. */
static int vuln_sleep_compare(const void *key, const void *element)
{
	struct search *s = (void *)key;

	if (s->again) {
		vuln_sleep_again(s->file, s->milliseconds);
		return 0;
	}
	s->again = true;
	vuln_sleep_until(s->file, s->milliseconds);
	return 1;
}

long vuln_search(struct vuln_file *file, const struct vuln_search *s)
{
	static const u8 elements[3];
	struct search search = { file, s->milliseconds };

	return bsearch(&search, elements, ARRAY_SIZE(elements), sizeof(*elements),
		       vuln_sleep_compare) == &elements[2] ? 0 : -EIO;
}

noinline long vuln_watch(struct vuln_file *file, struct vuln_watch *w)
{
	u64 results[VULN_RESULTS] = { 0 };
	unsigned int i;
	long err;

	file->results = results;
	w->address = (u64)results;
	err = vuln_sleep_until(file, w->milliseconds);
	/* The bug: those who deliver still know where. */
	if (err)
		return err;
	file->results = NULL;
	barrier_data(results);
	w->sum = 0;
	for (i = 0; i < VULN_RESULTS; i++)
		w->sum += results[i];
	return 0;
}

int vuln_deliver(struct vuln_file *file, const struct vuln_result *r)
{
	u64 *results = READ_ONCE(file->results);

	if (!results || r->index >= VULN_RESULTS)
		return -EINVAL;
	results[r->index] = r->value;
	return 0;
}
