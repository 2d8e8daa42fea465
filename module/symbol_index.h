/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: all of the kernel's symbols at once, where one by one takes long
 */
#ifndef CARAPACE_MODULE_SYMBOL_INDEX_H
#define CARAPACE_MODULE_SYMBOL_INDEX_H

#include <linux/types.h>

void symbol_index_make(void);
void symbol_index_drop(void);
bool symbol_index_find(const char *name, unsigned long *address);

#endif /* CARAPACE_MODULE_SYMBOL_INDEX_H */
