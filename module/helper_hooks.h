/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the programs that the kernel itself starts: where Linux does so
 */
#ifndef CARAPACE_MODULE_HELPER_HOOKS_H
#define CARAPACE_MODULE_HELPER_HOOKS_H

int helper_hooks_start(void);
void helper_hooks_stop(void);
void helper_hooks_lock(void);

#endif /* CARAPACE_MODULE_HELPER_HOOKS_H */
