/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the fixed-width types, for every place vmx/ is compiled in
 *
 * The root half is freestanding and may not see a kernel header; the guest
 * half and the unit tests bring types of their own.  All three read this.
 */
#ifndef CARAPACE_VMX_TYPES_H
#define CARAPACE_VMX_TYPES_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/types.h>
#else
#if !__STDC_HOSTED__
/* All of the island is one object: no symbol goes through a table. */
#pragma GCC visibility push(hidden)
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#include <errno.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))

#ifndef PAGE_SIZE
#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#endif
#endif /* !__KERNEL__ */

#define SIZE_4K		(1ULL << 12)
#define SIZE_2M		(1ULL << 21)
#define SIZE_1G		(1ULL << 30)

#endif /* CARAPACE_VMX_TYPES_H */
