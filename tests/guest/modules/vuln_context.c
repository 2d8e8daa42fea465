// SPDX-License-Identifier: GPL-2.0
/*
 * A function that returns elsewhere, called by whoever there is in a kernel
 */
#include <linux/compiler.h>
#include <linux/mutex.h>

#include "in_context.h"
#include "vuln_module.h"

/* One at a time */
static DEFINE_MUTEX(detour_mutex);
static struct errand detour_errand;

/* What an overflow does. The return address is above the frame pointer. */
noinline u64 vuln_detour_function(void)
{
	WRITE_ONCE(((u64 *)__builtin_frame_address(0))[1],
		   (u64)vuln_detour_strayed);
	return 1;
}

static void detour(void *strayed)
{
	*(u64 *)strayed = vuln_detour();
}

/* Not locked where the caller himself may not come back. */
int vuln_context(struct vuln_context_call *c)
{
	int err;

	if (c->context == CONTEXT_TASK) {
		detour(&c->strayed);
		return 0;
	}
	mutex_lock(&detour_mutex);
	err = in_context(&detour_errand, c->context, detour, &c->strayed);
	mutex_unlock(&detour_mutex);
	return err;
}
