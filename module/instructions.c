// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: where an instruction ends: by Linux's own decoder
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/printk.h>
#include <asm/insn.h>

#include "compat.h"
#include "instructions.h"
#include "kernel_symbols.h"

static int no_decoder(struct insn *insn, const void *code, int size,
		      enum insn_mode mode)
{
	return -ENOENT;
}

KERNEL_FUNCTION(insn_decode, no_decoder);

/**
 * instructions_prepare() - find out how Linux decodes code
 *
 * Context: may sleep; while Linux may still patch this module as it likes.
 *
 * Return: 0; without, no length is known.
 */
int instructions_prepare(void)
{
	if (!kernel_function_found(insn_decode))
		pr_notice("this kernel has no insn_decode(): returns of the kernel's own functions, and jumps to others, are not found\n");
	return 0;
}

/**
 * instruction_length() - of the kernel's code
 * @va: where an instruction begins; the longest one fits there
 *
 * Context: any.
 *
 * Return: bytes; 0 where that is none.
 */
u32 instruction_length(unsigned long va)
{
	struct insn insn;

	return kernel_call(insn_decode)(&insn, (void *)va, MAX_INSN_SIZE,
					INSN_MODE_KERN) ? 0 : insn.length;
}
