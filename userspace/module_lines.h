/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what the kernel's log says of what is being done just now
 */
#ifndef CARAPACE_USERSPACE_MODULE_LINES_H
#define CARAPACE_USERSPACE_MODULE_LINES_H

#include <stdbool.h>

int module_lines_begin(void);
int module_lines_print(int lines);
void module_lines_end(int lines);

#endif /* CARAPACE_USERSPACE_MODULE_LINES_H */
