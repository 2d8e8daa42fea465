/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what hypercalls find in the guest's memory
 */
#ifndef CARAPACE_VMX_REQUESTS_H
#define CARAPACE_VMX_REQUESTS_H

#include "types.h"

/**
 * struct seal_request - pages to seal
 * @va: first address
 * @pages: how many, mapped from there on
 * @class: CLASS_CODE or CLASS_RODATA (protect/code.h)
 * @sites: address of an array of struct patch_site, for CLASS_CODE
 * @nr_sites: how many
 * @transient: Linux frees it soon: a module's initialisation
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
 * @argv: of the arguments' addresses, ending with 0; 0 where the kernel has taken
 *	them over already, and only the name is checked once more
 * @site: where this is asked, for the report
 */
struct helper_request {
	u64 path;
	u64 argv;
	u64 site;
};

#endif /* CARAPACE_VMX_REQUESTS_H */
