/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what becomes of who was about to return elsewhere
 */
#ifndef CARAPACE_MODULE_BLOCKED_H
#define CARAPACE_MODULE_BLOCKED_H

int blocked_prepare(void);

#endif /* CARAPACE_MODULE_BLOCKED_H */
