// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the functions that ftrace can trace
 *
 * Each begins with a slot, a NOP as long as a call, or the call, or since 6.19 a
 * jump to what BPF made.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/errno.h>
#include <linux/ftrace.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "ftrace_records.h"
#include "kernel_symbols.h"
#include "opcodes.h"

/* kernel/trace/ftrace.c: all records of functions that can be traced */
struct ftrace_page {
	struct ftrace_page *next;
	struct dyn_ftrace *records;
	int index;
	int order;
};

static struct ftrace_page **pages;
static struct mutex *lock;

/**
 * ftrace_records_find() - find where Linux has them
 *
 * Context: may sleep.
 *
 * Return: 0, or -EOPNOTSUPP after one line.
 */
int ftrace_records_find(void)
{
	if (pages && lock)
		return 0;
	pages = (void *)kernel_symbol("ftrace_pages_start");
	lock = (void *)kernel_symbol("ftrace_lock");
	if (pages && lock)
		return 0;
	pr_err("this kernel has no list of the functions that ftrace can trace; it needs CONFIG_DYNAMIC_FTRACE and CONFIG_KALLSYMS_ALL\n");
	return -EOPNOTSUPP;
}

/**
 * ftrace_records_lock() - keep them as they are
 *
 * Context: may sleep; before text_mutex, as in ftrace.
 */
void ftrace_records_lock(void)
{
	mutex_lock(lock);
}

/**
 * ftrace_records_unlock() - no longer
 *
 * Context: may sleep; after ftrace_records_lock().
 */
void ftrace_records_unlock(void)
{
	mutex_unlock(lock);
}

/*
 * Some weak functions have a record, but no slot. Only what has a direct call may have
 * a jump in its place.
 */
static bool has_slot(const struct dyn_ftrace *record)
{
	static const u8 nop5[] = OPCODES_NOP5;
	const u8 *code = (const u8 *)record->ip;

	return !memcmp(code, nop5, sizeof(nop5)) || code[0] == OPCODE_CALL ||
	       (code[0] == OPCODE_JMP && record->flags & FTRACE_FL_DIRECT);
}

/**
 * ftrace_records_walk() - go through the functions of a part of the code
 * @text: where it begins
 * @size: of it
 * @function: called for each
 * @data: for it
 *
 * Context: between ftrace_records_lock() and ftrace_records_unlock().
 */
void ftrace_records_walk(u64 text, u64 size,
			 void (*function)(const struct dyn_ftrace *record, void *data),
			 void *data)
{
	const struct dyn_ftrace *record;
	const struct ftrace_page *page;

	for (page = *pages; page; page = page->next) {
		/* Sorted within a page; a module's are few among the core's. */
		if (!page->index || page->records[0].ip >= text + size ||
		    page->records[page->index - 1].ip < text)
			continue;
		for (record = page->records;
		     record < page->records + page->index; record++) {
			if (record->ip - text < size && has_slot(record))
				function(record, data);
		}
	}
}
