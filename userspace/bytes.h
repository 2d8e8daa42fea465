/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: whole files in memory, decompressed
 */
#ifndef CARAPACE_USERSPACE_BYTES_H
#define CARAPACE_USERSPACE_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "reason.h"
#include "types.h"

/* No module comes near; a bomb would. */
#define BYTES_MAX	(256UL << 20)

/**
 * struct bytes - bytes
 * @data: they; to be freed
 * @size: how many
 */
struct bytes {
	u8 *data;
	size_t size;
};

bool bytes_read(const char *path, struct bytes *bytes, struct reason *why);
bool bytes_decompress(struct bytes *bytes, struct reason *why);
bool bytes_grow(struct bytes *bytes, struct reason *why);
void bytes_free(struct bytes *bytes);

#endif /* CARAPACE_USERSPACE_BYTES_H */
