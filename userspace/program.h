/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: running other programs
 */
#ifndef CARAPACE_USERSPACE_PROGRAM_H
#define CARAPACE_USERSPACE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* Where programs are; for tests to change */
extern const char *program_path;

bool program_run(const char *const *arguments);
bool program_output(const char *const *arguments, char *output, size_t size);

#endif /* CARAPACE_USERSPACE_PROGRAM_H */
