/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: where Linux exchanges instructions in its code
 */
#ifndef CARAPACE_MODULE_PATCH_SITES_H
#define CARAPACE_MODULE_PATCH_SITES_H

#include "patch.h"

struct module;

int patch_sites_core(struct patch_site **sites, u32 *nr, u64 text, u64 size);
int patch_sites_module(const struct module *mod, u64 text, u64 size,
		       struct patch_site **sites, u32 *nr);

#endif /* CARAPACE_MODULE_PATCH_SITES_H */
