/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: guards on and off, and the policy that they go by
 */
#ifndef CARAPACE_MODULE_GUARDS_H
#define CARAPACE_MODULE_GUARDS_H

#include <linux/sysfs.h>

int guards_check_parameters(void);
int guards_start(void);
void guards_stop(void);

extern const struct attribute_group guards_group;

#endif /* CARAPACE_MODULE_GUARDS_H */
