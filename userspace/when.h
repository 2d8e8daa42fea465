/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: points in time
 */
#ifndef CARAPACE_USERSPACE_WHEN_H
#define CARAPACE_USERSPACE_WHEN_H

#include <stdbool.h>
#include <stddef.h>

#include "types.h"

s64 when_now(void);
s64 when_booted(void);
bool when_parse(const char *text, s64 now, s64 *when);
void when_print(s64 when, char *text, size_t size);

#endif /* CARAPACE_USERSPACE_WHEN_H */
