/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A CPU of the emulator's, for tests of what is made of its capabilities
 */
#ifndef CARAPACE_TESTS_EMULATED_CPU_H
#define CARAPACE_TESTS_EMULATED_CPU_H

#include "capabilities.h"

/*
 * The emulator's arrow_lake, with Linux 6.12 running on it.  0x480, 0x485,
 * 0x48b, 0x48c and 0x48f to 0x492 were read there; the others are what CPUs
 * with these have.
 */
static const struct cpu_values arrow_lake = {
	.leaf1_ecx = 1U << 5,
	.leaf7_ebx = 1U << 10 | 1U << 7 | 1U << 20,
	.leaf7_ecx = 1U << 5 | 1U << 7 | 1U << 22 | 1U << 31,
	.leaf7_edx = 1U << 20,
	.leafd_1_eax = 0xf,
	.ext1_edx = 0x2c100800,
	.phys_bits = 40,
	.cr0 = 0x80050033,
	.cr4 = 0xb50ef0,
	.efer = 0xd01,
	.feature_control = 5,
	.max_gpa = 0x100000000,
	.vmx = {
		0x01d8100000000004, 0x0000007f00000016, 0xfff9fffe0401e172,
		0xf87fffff00036dff, 0x0058ffff000011ff, 0x00000000600401e0,
		0x0000000080000021, 0x00000000ffffffff, 0x0000000000002000,
		0x0000000003ff7fff, 0x000000000000002e, 0x06d77fff00000000,
		0x00000f0106f34141, 0x0000007f00000016, 0xfff9fffe04006172,
		0xf87fffff00036dfb, 0x0058ffff000011fb, 0x0000000000000001,
		0x0000000000000080, 0x0000000000000000,
	},
};

#endif /* CARAPACE_TESTS_EMULATED_CPU_H */
