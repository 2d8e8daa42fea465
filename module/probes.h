/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: kprobes that are there before the code is sealed
 */
#ifndef CARAPACE_MODULE_PROBES_H
#define CARAPACE_MODULE_PROBES_H

void probes_note(void);

#endif /* CARAPACE_MODULE_PROBES_H */
