/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is measured: bench.c measures, bench_operations.c has the operations
 */
#ifndef CARAPACE_TESTS_BENCH_H
#define CARAPACE_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct operation - something that Linux does all the time
 * @name: in tables
 * @run: does it so many times; it ends the program when it fails
 * @batch: how many times in one measurement: some 50,000 instructions, a quarter
 *	of the time between two timer ticks, where one takes fewer
 * @batches: how many measurements in a round
 * @cpus: how many it takes
 * @code_max: code is sealed and released, so it exits, and takes so many
 *	instructions more at most; else 0
 * @talks: to a process that answers, and nobody comes between the two
 */
struct operation {
	const char *name;
	void (*run)(unsigned int count);
	unsigned int batch;
	unsigned int batches;
	unsigned int cpus;
	unsigned long code_max;
	bool talks;
};

extern const struct operation operations[];
extern const size_t nr_operations;

/* Partners that operations talk to, where they are to be, and what they need */
void operations_prepare(void);
void operations_start(int cpu, int other_cpu);
void operations_stop(void);

void operation_begin(const struct operation *operation);
void operation_end(const struct operation *operation);

#endif /* CARAPACE_TESTS_BENCH_H */
