// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the two functions that the compiler may call on its own
 */
#include "memory.h"

void *memset(void *to, int byte, size_t size)
{
	void *start = to;

	asm volatile("rep stosb" : "+D" (to), "+c" (size) : "a" (byte)
		     : "memory");
	return start;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *start = to;

	asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (size)
		     : : "memory");
	return start;
}
