/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module with a place for each way in which Linux changes code, and a kernel
 * that it is loaded into
 */
#ifndef CARAPACE_TESTS_USERSPACE_PATCHED_H
#define CARAPACE_TESTS_USERSPACE_PATCHED_H

#include "module_builder.h"
#include "symbols.h"
#include "text.h"

/* Where things are in .text */
enum {
	AT_FENTRY	= 0x00,
	AT_RETURN	= 0x05,
	AT_CALL_RAX	= 0x10,
	AT_JMP_R11	= 0x15,
	AT_JE_RCX	= 0x1b,
	AT_JUMP2	= 0x21,
	AT_JUMP5	= 0x23,
	AT_CALL		= 0x28,
	AT_TAIL		= 0x2d,
	AT_LOCK		= 0x32,
	AT_PADDING	= 0x35,
	AT_PV_CALL	= 0x3a,
	AT_ENDBR	= 0x40,
	AT_DATA		= 0x44,
	TEXT_SIZE	= 0x50,
};

#define LABEL		AT_ENDBR	/* where the jump labels lead to */
#define MODULE_VA	0xffffffffc0000000	/* the first section; then every 64 KiB */

void craft_patched(struct module_builder *builder);
void patched_symbols(struct symbols *symbols);

#endif /* CARAPACE_TESTS_USERSPACE_PATCHED_H */
