/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where functions are that are not exported
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <linux/kprobes.h>

/* kprobes look symbols up; one that is never armed changes no code. */
static inline int find_function(const char *name, u64 *address)
{
	struct kprobe probe = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};
	int err;

	err = register_kprobe(&probe);
	if (err)
		return err;
	*address = (u64)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

#endif /* LOOKUP_H */
