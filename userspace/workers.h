/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: the same for many things, on all processors
 *
 * Workers are processes: what one of them dies of concerns one thing only.
 */
#ifndef CARAPACE_USERSPACE_WORKERS_H
#define CARAPACE_USERSPACE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct work - things to do
 * @count: how many
 * @result_size: of what @perform returns besides text
 * @perform: do one, in a worker: print to the stream, and set the result
 * @deliver: take what came of one, in the caller, in order. The text has a NUL
 *	behind it; both are NULL where the worker died
 * @progress: how many are done, in the caller, when that changes; or NULL
 * @context: for all of them
 */
struct work {
	size_t count;
	size_t result_size;
	void (*perform)(void *context, size_t number, FILE *out, void *result);
	void (*deliver)(void *context, size_t number, const char *text,
			const void *result);
	void (*progress)(void *context, size_t done);
	void *context;
};

bool work_do(const struct work *work, unsigned int workers);

#endif /* CARAPACE_USERSPACE_WORKERS_H */
