/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the programs that the kernel itself starts: what root knows of them
 */
#ifndef CARAPACE_VMX_HELPER_GUARD_H
#define CARAPACE_VMX_HELPER_GUARD_H

#include "helpers.h"
#include "types.h"

struct vcpu;

/*
 * A program's name, arguments and environment; one of core_pattern's arguments can
 * be long as a path
 */
#define HELPER_CALL_BYTES	(2 * PAGE_SIZE)

/**
 * struct helpers - all of it
 * @table: what may be started
 * @write: what an administrator writes, while it is looked at
 * @call: what is to be started, while it is looked at: the file's name, and
 *	behind its NUL the arguments and the environment
 * @logged: what was started although it is not in the table, last
 */
struct helpers {
	struct helper_table table;
	struct helper_write write;
	char call[HELPER_CALL_BYTES];
	char logged[HELPER_TEXT];
};

int helper_take(struct vcpu *vcpu, u64 va);
int helper_check(struct vcpu *vcpu, u64 va);

#endif /* CARAPACE_VMX_HELPER_GUARD_H */
