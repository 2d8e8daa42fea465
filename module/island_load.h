/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: putting the island together
 */
#ifndef CARAPACE_MODULE_ISLAND_LOAD_H
#define CARAPACE_MODULE_ISLAND_LOAD_H

#include "public.h"

struct machine;

int island_load(void);
void island_unload(void);

long island_call_enter(unsigned int cpu);
long island_call_leave(void);

unsigned int island_nr_vcpus(void);
const struct island_public *island_public(void);
const struct vcpu_public *island_vcpu_public(unsigned int cpu);
void island_note_bare(unsigned int cpu);

#ifdef CARAPACE_TESTING
/* Before island_load() */
void island_fail_at(unsigned int cpu, u32 fail_at);
#endif

#endif /* CARAPACE_MODULE_ISLAND_LOAD_H */
