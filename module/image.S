/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the island's image, carried as data
 */
	.section .rodata, "a"
	.balign 16
	.globl island_image
island_image:
	.incbin ISLAND_BIN
	.globl island_image_end
island_image_end:

	.section .note.GNU-stack, "", @progbits
