/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: kprobes that are there already
 */
#ifndef CARAPACE_MODULE_PROBES_H
#define CARAPACE_MODULE_PROBES_H

#include <linux/types.h>

struct kprobe;

void probes_lock(void);
void probes_unlock(void);
void probes_walk(void (*function)(struct kprobe *probe, void *data), void *data);
void probes_note(void);
bool probes_have_room(void);

#endif /* CARAPACE_MODULE_PROBES_H */
