/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what it costs that a CPU lacks an optional capability
 */
#ifndef CARAPACE_USERSPACE_CAPABILITY_COST_H
#define CARAPACE_USERSPACE_CAPABILITY_COST_H

const char *capability_cost(const char *name);

#endif /* CARAPACE_USERSPACE_CAPABILITY_COST_H */
