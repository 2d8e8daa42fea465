/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the two functions that the compiler may call on its own
 */
#ifndef CARAPACE_VMX_MEMORY_H
#define CARAPACE_VMX_MEMORY_H

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include "types.h"

void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
#endif

#endif /* CARAPACE_VMX_MEMORY_H */
