/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: guarded modules: returns that compare
 */
#ifndef CARAPACE_MODULE_GUARDED_RETURNS_H
#define CARAPACE_MODULE_GUARDED_RETURNS_H

#include <linux/types.h>

struct guarded;

int guarded_returns_patch(struct guarded *g);
int guarded_returns_unpatch(const struct guarded *g, bool quiet);
int guarded_returns_restore(const struct guarded *g);
bool guarded_returns_probed(const struct guarded *g, bool quiet);
bool guarded_site_patched(const struct guarded *guarded, u32 site);
void guarded_returns_see_jumps_end(void);
void guarded_returns_see_stubs_end(void);

#endif /* CARAPACE_MODULE_GUARDED_RETURNS_H */
