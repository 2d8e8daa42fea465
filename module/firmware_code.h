/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: where the firmware has code that Linux calls
 */
#ifndef CARAPACE_MODULE_FIRMWARE_CODE_H
#define CARAPACE_MODULE_FIRMWARE_CODE_H

struct island_config;

int firmware_code_find(void);
void firmware_code_describe(struct island_config *config);

#endif /* CARAPACE_MODULE_FIRMWARE_CODE_H */
