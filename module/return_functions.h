/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what of a module can be guarded
 */
#ifndef CARAPACE_MODULE_RETURN_FUNCTIONS_H
#define CARAPACE_MODULE_RETURN_FUNCTIONS_H

#include <linux/types.h>

struct module;

/* Why a return, or a jump, is not guarded: X(constant, in returns/uncovered) */
#define RETURN_STATES(X)						\
	X(GUARDED,	"guarded")					\
	X(NO_ENTRY,	"its function cannot be traced")		\
	X(SHARED,	"its function's entry is somebody else's")	\
	X(CHANGED,	"something else stands there")			\
	X(POINTER,	"it jumps by a pointer")			\
	X(SHORT,	"its jump is too short to lead elsewhere")	\
	X(STATIC_CALL,	"Linux changes where it jumps")			\
	X(REFUSED,	"where it jumps is no function, or there is no more room")

enum return_state {
#define X(constant, text) RETURN_##constant,
	RETURN_STATES(X)
#undef X
	RETURN_STATE_COUNT,
};

/**
 * struct return_site - one place where a function ends
 * @offset: in the module's text
 * @state: enum return_state; CHANGED is found out by looking there
 * @jump: it does not return but jumps to another function, which does
 */
struct return_site {
	u32 offset;
	u16 state;
	bool jump;
};

/* A part of the code */
struct code_part {
	u64 start;
	u64 size;
};

/**
 * struct return_functions - a module's functions and returns
 * @text: where the module's code begins
 * @size: of it
 * @entries: addresses of the slots of all functions that can be guarded, sorted
 * @nr_entries: how many
 * @nr_shared: how many more could be, if nobody else used their slots
 * @sites: all returns that the compiler made, and such jumps, sorted
 * @nr_sites: how many
 * @ranges: where the functions are: in all of a module's code
 * @nr_ranges: how many
 * @choke: functions of the kernel's, which have to be called by name
 */
struct return_functions {
	u64 text;
	u64 size;
	unsigned long *entries;
	u32 nr_entries;
	u32 nr_shared;
	struct return_site *sites;
	u32 nr_sites;
	struct code_part *ranges;
	u32 nr_ranges;
	bool choke;
};

int return_functions_find(const struct module *mod, struct return_functions *f);
void return_functions_free(struct return_functions *f);

#endif /* CARAPACE_MODULE_RETURN_FUNCTIONS_H */
