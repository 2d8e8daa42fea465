/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting instructions and VM exits: what the benchmarks share
 */
#ifndef CARAPACE_TESTS_BENCH_METER_H
#define CARAPACE_TESTS_BENCH_METER_H

#include "guest.h"

/* Exits, by what is asked of them, and what else root does about translations */
struct exits {
	long long cpuid, nmi, other, invepts, kicks;
	long long switches;	/* to another task, as Linux counts them */
};

extern int cpus[CPUS_MAX], nr_cpus;

void meter_prepare(void);
void meter_start(void);
void meter_stop(void);
unsigned long long executed(void);
void known_loop(unsigned long long count);
void count_exits(struct exits *sum, int sign);

#endif /* CARAPACE_TESTS_BENCH_METER_H */
