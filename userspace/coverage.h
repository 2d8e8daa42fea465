/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: what of a module the return guard can guard
 *
 * The module's own tables tell: __mcount_loc has a function's fentry slot,
 * .return_sites its returns. A function can be guarded when its slot is there
 * to call the guard, and every return of it is a site with known contents.
 */
#ifndef CARAPACE_USERSPACE_COVERAGE_H
#define CARAPACE_USERSPACE_COVERAGE_H

#include "elf_module.h"
#include "types.h"

/*
 * X(constant, name, stays loaded, meaning): a function's fate. Where several
 * apply, the first does.
 */
#define FATES(X)							\
	X(INIT,		"init", false,					\
	  "freed when loading is done (.init.text)")			\
	X(EXIT,		"exit", false,					\
	  "runs when the module is unloaded (.exit.text)")		\
	X(STATIC_CALL,	"static-call", true,				\
	  "a static call's trampoline")					\
	X(NO_FENTRY,	"no-fentry", true,				\
	  "no fentry slot: assembly, or not to be traced")		\
	X(BAD_FENTRY,	"unknown-fentry", true,				\
	  "something unknown in the place of its fentry slot")		\
	X(NO_LIST,	"no-return-sites", true,			\
	  "its module has no .return_sites: nothing tells where it returns") \
	X(UNLISTED,	"unlisted-return", true,			\
	  "a return that .return_sites does not list")			\
	X(BAD_RETURN,	"unknown-return", true,				\
	  "a return site with unknown contents")			\
	X(NO_RETURN,	"no-return", true,				\
	  "no return of its own: leaves by tail calls, or never")			\
	X(GUARDABLE,	"guardable", true,				\
	  "can be guarded")

enum fate {
#define X(constant, name, stays, meaning) FATE_##constant,
	FATES(X)
#undef X
	FATE_COUNT,
};

/**
 * struct function - a function of the module
 * @name: its name
 * @section: number of its section
 * @offset: in that section
 * @size: its size, without parts that lie elsewhere (.cold)
 * @fate: whether it can be guarded
 * @returns: its return sites, those of its parts included
 * @tail_calls: jumps to functions outside the module, which return in its place
 */
struct function {
	const char *name;
	size_t section;
	u64 offset;
	u64 size;
	enum fate fate;
	u32 returns;
	u32 tail_calls;
};

/**
 * struct coverage_sums - sums over functions
 * @functions: how many, by fate
 * @returns: return sites of these
 * @tail_calls: jumps to functions outside the module, of these
 * @stray_returns: return sites that are in no function
 */
struct coverage_sums {
	u64 functions[FATE_COUNT];
	u64 returns[FATE_COUNT];
	u64 tail_calls[FATE_COUNT];
	u64 stray_returns;
};

/**
 * struct coverage - a module's
 * @functions: its functions, by place
 * @nr_functions: how many
 * @sums: of these
 */
struct coverage {
	struct function *functions;
	size_t nr_functions;
	struct coverage_sums sums;
};

bool coverage_find(const struct elf_module *module, struct coverage *coverage,
		   struct reason *why);
void coverage_free(struct coverage *coverage);
void coverage_add(struct coverage_sums *to, const struct coverage_sums *from);
u64 coverage_staying_returns(const struct coverage_sums *sums);
const char *fate_name(enum fate fate);
const char *fate_meaning(enum fate fate);

#endif /* CARAPACE_USERSPACE_COVERAGE_H */
