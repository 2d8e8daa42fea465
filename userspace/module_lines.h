/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what the kernel's log says of what is being done just now
 */
#ifndef CARAPACE_USERSPACE_MODULE_LINES_H
#define CARAPACE_USERSPACE_MODULE_LINES_H

#include <stddef.h>

/**
 * struct error_meaning - why something failed, where the log does not say
 * @error: an errno
 * @meaning: what it means there
 */
struct error_meaning {
	int error;
	const char *meaning;
};

int module_lines_begin(void);
int module_lines_print(int lines);
void module_lines_explain(int lines, int error,
			  const struct error_meaning *meanings, size_t count);
void module_lines_end(int lines);

#endif /* CARAPACE_USERSPACE_MODULE_LINES_H */
