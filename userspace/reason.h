/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: why something was refused, for one line
 */
#ifndef CARAPACE_USERSPACE_REASON_H
#define CARAPACE_USERSPACE_REASON_H

#include <stdbool.h>

/**
 * struct reason - why not
 * @text: half a line
 */
struct reason {
	char text[200];
};

bool refuse(struct reason *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* CARAPACE_USERSPACE_REASON_H */
