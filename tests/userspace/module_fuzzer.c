// SPDX-License-Identifier: GPL-2.0
/*
 * Broken modules, of libFuzzer's making: it breaks what leads to code that nothing
 * has led to before
 *
 * Compressed ones are decompressed first. Harm is what the sanitizers see.
 */
#include <stdlib.h>
#include <string.h>

#include "examine.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* PLANTED: a fault, so that a test can have it found: refused, but not at once */
static bool judge(int result)
{
#ifdef PLANTED
	return result == 1;
#else
	return result < 0;
#endif
}

/* Once with each kind of memory. In a copy, so that its end is an end. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes bytes = { malloc(size), size };
	struct reason why = { "" };
	u64 seed;

	if (size)
		memcpy(bytes.data, data, size);
	if (bytes_decompress(&bytes, &why)) {
		for (seed = 0; seed < 3; seed++) {
			if (judge(examine(&bytes, seed)))
				abort();
		}
	} else if (!why.text[0]) {
		abort();
	}
	bytes_free(&bytes);
	return 0;
}
