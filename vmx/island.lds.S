/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: the island's image
 *
 * Text, read-only data and writable data each fill whole pages, for each is
 * mapped with its own rights. A section that is not named here is an error
 * (--orphan-handling=error): nobody has thought of its rights.
 */
#include "layout.h"

OUTPUT_FORMAT("elf64-x86-64")
ENTRY(vcpu_enter)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = ISLAND_IMAGE;

	.text : {
		/* struct island_header */
		QUAD(ISLAND_MAGIC)
		QUAD(island_text_end - ISLAND_IMAGE)
		QUAD(island_rodata_end - ISLAND_IMAGE)
		QUAD(island_file_end - ISLAND_IMAGE)
		QUAD(island_image_end - ISLAND_IMAGE)
		QUAD(island)
		QUAD(island_init)
		QUAD(vcpu_enter)
		*(.text .text.*)
		. = ALIGN(4096);
	} : text
	island_text_end = .;

	.rodata : {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		fault_table = .;
		*(.fault_table)
		fault_table_end = .;
		/* Pointers, resolved here and now */
		*(.data.rel.ro .data.rel.ro.*)
		. = ALIGN(4096);
	} : rodata
	island_rodata_end = .;

	.data : {
		*(.data .data.*)
		. = ALIGN(8);
	} : data
	island_file_end = .;

	.bss : {
		*(.bss .bss.*)
		*(COMMON)
		. = ALIGN(4096);
	} : data
	island_image_end = .;

	.symtab 0 : { *(.symtab) }
	.strtab 0 : { *(.strtab) }
	.shstrtab 0 : { *(.shstrtab) }

	/* The linker's own; the image is where it was linked for, so all empty */
	.got : { *(.got .got.plt .igot .igot.plt .plt .iplt) }
	ASSERT(SIZEOF(.got) == 0, "the island has a global offset table")
	.rela : { *(.rela.*) }
	ASSERT(SIZEOF(.rela) == 0, "the island has run-time relocations")

	/DISCARD/ : {
		*(.comment) *(.note.*) *(.eh_frame*)
	}
}
