/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what memory may be run in kernel mode, and written
 *
 * Pure. Each page of memory has a class; what may be done with it follows.
 */
#ifndef CARAPACE_PROTECT_CODE_H
#define CARAPACE_PROTECT_CODE_H

#include "policy.h"
#include "types.h"

/*
 * X(constant, name in reports, read, write, kernel mode executes, user mode executes)
 *
 * DATA: all that is nothing else
 * CODE: the kernel's text, or a module's; each place that may change is known
 * DYNAMIC: code that came later, and has no list of such places: BPF, probes
 * RODATA: read-only data; the vDSO is among the kernel's
 * TABLE: the IDT, and the page tables of the shadow's window
 * RELEASED: was code, and is data as soon as no CPU can still run it
 * FIRMWARE: the firmware's, that Linux calls, and that may write to itself
 * OPENED: data that ran in kernel mode because policy only logs
 * SHADOW: return addresses' shadow, which can be written in a view of its own
 */
#define PAGE_CLASSES(X)						\
	X(DATA,		"data",		1, 1, 0, 1)		\
	X(CODE,		"code",		1, 0, 1, 0)		\
	X(DYNAMIC,	"dynamic-code",	1, 0, 1, 0)		\
	X(RODATA,	"rodata",	1, 0, 0, 1)		\
	X(TABLE,	"table",	1, 0, 0, 0)		\
	X(RELEASED,	"released",	1, 0, 0, 0)		\
	X(FIRMWARE,	"firmware",	1, 1, 1, 0)		\
	X(OPENED,	"opened",	1, 1, 1, 1)		\
	X(SHADOW,	"shadow",	1, 0, 0, 0)

enum page_class {
#define X(constant, name, r, w, xs, xu) CLASS_##constant,
	PAGE_CLASSES(X)
#undef X
	CLASS_COUNT,
};

/* Rights of a class, of any page-table format */
struct class_rights {
	bool read;
	bool write;
	bool kernel_exec;
	bool user_exec;
};

const char *class_name(u64 class);
struct class_rights class_rights(enum page_class class);

/* What policy/dynamic_code says */
enum dynamic_code {
	DYNAMIC_CODE_SEAL,	/* new code is sealed when it first runs */
	DYNAMIC_CODE_DENY,	/* there is no new code */
};

/**
 * struct fetch - an attempt to run what may not be run as it is
 * @class: of the page
 * @cpl: who tried
 * @user: it is mapped at a user-mode address
 * @writable: the guest's tables let it be written there
 * @in_range: the address is one where Linux puts code
 */
struct fetch {
	enum page_class class;
	u32 cpl;
	bool user;
	bool writable;
	bool in_range;
};

bool fetch_is_new_code(const struct fetch *fetch, enum dynamic_code policy);

#endif /* CARAPACE_PROTECT_CODE_H */
