/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: functions of the kernel's that exploits' chains of returns must pass
 */
#ifndef CARAPACE_MODULE_CHOKE_POINTS_H
#define CARAPACE_MODULE_CHOKE_POINTS_H

struct return_functions;
struct returns_config;

int choke_points_prepare(void);
void choke_points_describe(struct returns_config *config);
int choke_points_find(struct return_functions *f);

#endif /* CARAPACE_MODULE_CHOKE_POINTS_H */
