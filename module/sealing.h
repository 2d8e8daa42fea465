/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what becomes code and ceases to be, as Linux knows it
 */
#ifndef CARAPACE_MODULE_SEALING_H
#define CARAPACE_MODULE_SEALING_H

int sealing_seal_own(void);
int sealing_start(void);
int sealing_seal_existing(void);
void sealing_stop(void);

#endif /* CARAPACE_MODULE_SEALING_H */
