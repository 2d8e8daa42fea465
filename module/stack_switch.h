/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: stack guard: on the way from one task to another
 */
#ifndef CARAPACE_MODULE_STACK_SWITCH_H
#define CARAPACE_MODULE_STACK_SWITCH_H

/* In assembly, and never called from here */
extern const char stack_switch[];

#endif /* CARAPACE_MODULE_STACK_SWITCH_H */
