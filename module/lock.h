/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: no way back until the next boot
 */
#ifndef CARAPACE_MODULE_LOCK_H
#define CARAPACE_MODULE_LOCK_H

#include <linux/types.h>

int lock_turn_on(void);
bool lock_is_on(void);

#endif /* CARAPACE_MODULE_LOCK_H */
