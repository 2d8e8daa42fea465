/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the kernel's symbols that are not exported
 */
#ifndef CARAPACE_MODULE_KERNEL_SYMBOLS_H
#define CARAPACE_MODULE_KERNEL_SYMBOLS_H

unsigned long kernel_symbol(const char *name);

#endif /* CARAPACE_MODULE_KERNEL_SYMBOLS_H */
