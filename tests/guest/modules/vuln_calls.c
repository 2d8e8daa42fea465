// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of all kinds, for those who follow calls and returns
 *
 * Each function does something with all that it was given, and after what it
 * calls, so that nothing of it goes away. vuln_work.c knows the results.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/types.h>
#include <linux/umh.h>

#include "vuln_module.h"

struct structure {
	u64 words[6];
};

/* The last two are on the stack, above the return address. */
static noinline __noclone u64 vuln_eight(u64 a, u64 b, u64 c, u64 d, u64 e,
					 u64 f, u64 g, u64 h)
{
	OPTIMIZER_HIDE_VAR(a);
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}

static noinline __noclone u64 vuln_variable(unsigned int count, ...)
{
	va_list list;
	u64 sum = 0;

	va_start(list, count);
	while (count--)
		sum = 2 * sum + va_arg(list, u64);
	va_end(list);
	return sum;
}

static noinline __noclone u64 vuln_structure(struct structure s)
{
	u64 sum = 0;
	unsigned int i;

	barrier_data(&s);
	for (i = 0; i < ARRAY_SIZE(s.words); i++)
		sum += s.words[i];
	return sum;
}

static noinline u64 vuln_recursion(u64 depth)
{
	u64 below = 0;

	if (depth)
		below = vuln_recursion(depth - 1);
	barrier_data(&below);
	return below + depth;
}

static noinline __noclone u64 vuln_tail_end(u64 a, u64 b)
{
	OPTIMIZER_HIDE_VAR(a);
	return a * b;
}

static noinline __noclone u64 vuln_tail(u64 a)
{
	OPTIMIZER_HIDE_VAR(a);
	return vuln_tail_end(a + 1, a);
}

/* No program at all: nothing is started, but the functions are called. */
static u64 vuln_choke(u64 count)
{
	struct subprocess_info *info;
	u64 refused = 0;

	while (count--) {
		info = call_usermodehelper_setup(NULL, NULL, NULL, GFP_KERNEL,
						 NULL, NULL, NULL);
		if (info && call_usermodehelper_exec(info, 0) == -EINVAL)
			refused++;
	}
	return refused;
}

static u64 vuln_choke_tail(u64 count)
{
	u64 refused = 0;

	while (count--)
		refused += call_usermodehelper(NULL, NULL, NULL, 0) == -EINVAL;
	return refused;
}

static u64 (*volatile pointer)(u64 a) = vuln_tail;

int vuln_calls(struct vuln_calls *c)
{
	u64 a = c->argument;
	struct structure s = { { a, a, a, a, a, a } };

	switch (c->call) {
	case VULN_EIGHT:
		c->result = vuln_eight(a, a, a, a, a, a, a, a);
		return 0;
	case VULN_VARIABLE:
		c->result = vuln_variable(9, a, a, a, a, a, a, a, a, a);
		return 0;
	case VULN_STRUCTURE:
		c->result = vuln_structure(s);
		return 0;
	case VULN_RECURSION:
		if (a > VULN_DEPTH)
			return -EINVAL;
		c->result = vuln_recursion(a);
		return 0;
	case VULN_TAIL:
		c->result = vuln_tail(a);
		return 0;
	case VULN_POINTER:
		c->result = pointer(a);
		return 0;
	case VULN_CHOKE:
	case VULN_CHOKE_TAIL:
		if (a > VULN_DEPTH)
			return -EINVAL;
		c->result = c->call == VULN_CHOKE ? vuln_choke(a) :
						    vuln_choke_tail(a);
		return 0;
	}
	return -EINVAL;
}
