/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the memory that becomes the island's
 */
#ifndef CARAPACE_MODULE_POOL_H
#define CARAPACE_MODULE_POOL_H

#include "table_pool.h"

int pool_allocate(struct table_pool *pool, u64 pages);
void pool_release(void);
u64 pool_bytes(void);

#ifdef CARAPACE_TESTING
u64 pool_address(void);
#endif

#endif /* CARAPACE_MODULE_POOL_H */
