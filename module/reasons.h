/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what an errno means to who reads the log
 */
#ifndef CARAPACE_MODULE_REASONS_H
#define CARAPACE_MODULE_REASONS_H

#include <linux/types.h>

struct reason {
	int err;
	const char *why;
};

/**
 * reason_of() - look an errno up
 * @reasons: where
 * @nr: how many there are
 * @err: a negative errno
 *
 * Context: any.
 *
 * Return: the text, or NULL where it is not among them.
 */
static inline const char *reason_of(const struct reason *reasons, u32 nr, int err)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (reasons[i].err == err)
			return reasons[i].why;
	}
	return NULL;
}

#endif /* CARAPACE_MODULE_REASONS_H */
