/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: guarded modules: functions that are entered
 */
#ifndef CARAPACE_MODULE_GUARDED_ENTRIES_H
#define CARAPACE_MODULE_GUARDED_ENTRIES_H

struct guarded;

int guarded_entries_add(struct guarded *g);
void guarded_entries_remove(struct guarded *g);
int guarded_entries_fill(void *guarded);

#endif /* CARAPACE_MODULE_GUARDED_ENTRIES_H */
