/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that carapacectl does with a module's file, to a file that may be broken
 */
#ifndef CARAPACE_TESTS_USERSPACE_EXAMINE_H
#define CARAPACE_TESTS_USERSPACE_EXAMINE_H

#include "bytes.h"
#include "types.h"

int examine(struct bytes *bytes, u64 seed);

#endif /* CARAPACE_TESTS_USERSPACE_EXAMINE_H */
