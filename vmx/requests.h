/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what hypercalls find in the guest's memory
 */
#ifndef CARAPACE_VMX_REQUESTS_H
#define CARAPACE_VMX_REQUESTS_H

#include "types.h"

/* HYPERCALL_NOTE_PROBE: so many are remembered, as long as they are armed */
#define PROBE_NOTES	512

/**
 * struct seal_request - pages to seal
 * @va: first address
 * @pages: how many, mapped from there on
 * @class: CLASS_CODE or CLASS_RODATA (protect/code.h); or CLASS_DYNAMIC, for what of
 *	the pages is mapped as code and is nothing yet
 * @sites: address of an array of struct patch_site, for CLASS_CODE
 * @nr_sites: how many
 * @transient: Linux may free it soon: a module's initialisation, and the module
 *	until that is over
 */
struct seal_request {
	u64 va;
	u64 pages;
	u64 class;
	u64 sites;
	u64 nr_sites;
	u64 transient;
};

/**
 * struct code_write - bytes that Linux is about to write to dynamic code
 * @va: where to
 * @from: where they are
 * @size: how many
 * @fill: where @from is 0: all of them have this value
 * @patch: an instruction that may be running: Linux puts an INT3 in front first,
 *	so root does not write it but lets it be written
 */
struct code_write {
	u64 va;
	u64 from;
	u64 size;
	u64 fill;
	u64 patch;
};

/**
 * struct helper_request - a program that the kernel is about to start
 * @path: address of the file's name
 * @argv: of the arguments' addresses, ending with 0; 0 where there are none
 * @envp: of the environment's, the same
 * @copied: the kernel has taken all of them over already; only the name, as it has
 *	it, is checked once more
 * @site: where this is asked, for the report
 */
struct helper_request {
	u64 path;
	u64 argv;
	u64 envp;
	u64 copied;
	u64 site;
};

/**
 * struct shadow_fill - return addresses of frames from before they were stored
 * @stack: first address of the part of a stack that is in use
 * @size: bytes
 * @text: functions that are about to be guarded
 * @text_size: bytes
 *
 * Where none of them is on the stack, nothing is filled in.
 */
struct shadow_fill {
	u64 stack;
	u64 size;
	u64 text;
	u64 text_size;
};

/**
 * struct return_patch - have returns compare with the shadow, or no longer
 * @text: where the region begins that they are in
 * @sites: address of an array of u32, offsets from there
 * @nr_sites: how many
 * @undo: as they were before; all of the region's, then
 */
struct return_patch {
	u64 text;
	u64 sites;
	u64 nr_sites;
	u64 undo;
};

/**
 * struct unwind_request - how to unwind through a module's code
 * @text: where its region begins
 * @ips: as in struct unwind_table, in sealed memory
 * @rules: the same
 * @nr: how many
 */
struct unwind_request {
	u64 text;
	u64 ips;
	u64 rules;
	u64 nr;
};

#endif /* CARAPACE_VMX_REQUESTS_H */
