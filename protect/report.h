/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: reports of violations, as root writes them
 *
 * Each CPU has a ring in its public page, which the guest can read and only
 * root can write. Root never waits for a reader and never reads what a reader
 * wrote: the newest reports are there, and how many there ever were, so a
 * reader knows what it missed.
 */
#ifndef CARAPACE_PROTECT_REPORT_H
#define CARAPACE_PROTECT_REPORT_H

#include "types.h"

/* X(constant, name in reports): counted by kind */
#define REPORT_KINDS(X)				\
	X(REGISTER,	"register")		\
	X(CODE,		"code")			\
	X(EXEC,		"exec")			\
	X(HELPER,	"helper")		\
	X(RETURN,	"return-address")	\
	X(STACK,	"parked-stack")		\
	X(FRAME,	"frozen-frame")		\
	X(SELF,		"carapace")

enum report_kind {
#define X(constant, name) REPORT_##constant,
	REPORT_KINDS(X)
#undef X
	REPORT_KIND_COUNT,
};

#define REPORT_TEXT	64

/**
 * struct report - one violation
 * @kind: enum report_kind
 * @verdict: enum verdict
 * @cpl: privilege level that it came from
 * @in_nmi: the CPU was handling an NMI
 * @tsc: when
 * @rip: the instruction
 * @rsp: the stack pointer
 * @object: what was attacked: enum pinned_register, or a linear address; for
 *	HELPER, where the program's name was found; for RETURN,
 *	STACK and FRAME, the word's place
 * @expected: what it was, and stays when it is undone; for EXEC the address
 *	from which the CPU came, as far as that can be told
 * @found: what it was to become; for EXEC, enum page_class
 * @pid: for STACK, the number of the task whose stack it is
 * @text: for STACK, that task's name; for HELPER, the beginning of what was to be
 *	started, with the arguments, and before it a variable that does not belong
 *	in its environment; whatever bytes an attacker put there, up to a NUL
 */
struct report {
	u32 kind;
	u32 verdict;
	u32 cpl;
	u32 in_nmi;
	u64 tsc;
	u64 rip;
	u64 rsp;
	u64 object;
	u64 expected;
	u64 found;
	u64 pid;
	char text[REPORT_TEXT];
};

#define REPORT_RING	16

/**
 * struct report_ring - a CPU's reports
 * @count: how many there were; report n lies at entry n % REPORT_RING
 * @by_kind: of these, by kind
 * @entry: the last ones
 *
 * A reader copies an entry, and then looks at @count again: where it has grown
 * by REPORT_RING or more since, what was copied may be something else.
 */
struct report_ring {
	u64 count;
	u64 by_kind[REPORT_KIND_COUNT];
	struct report entry[REPORT_RING];
};

const char *report_kind_name(u32 kind);
void report_add(struct report_ring *ring, const struct report *report);

#endif /* CARAPACE_PROTECT_REPORT_H */
