/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: /sys/kernel/carapace (documented in ABI/sysfs-kernel-carapace)
 */
#ifndef CARAPACE_MODULE_SYSFS_H
#define CARAPACE_MODULE_SYSFS_H

int sysfs_create(void);
void sysfs_notify_events(void);
void sysfs_remove(void);

#endif /* CARAPACE_MODULE_SYSFS_H */
