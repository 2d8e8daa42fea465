// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: functions of the kernel's that exploits' chains of returns must pass
 *
 * Each is called by name and by nobody in a hurry. A chain comes to them by a
 * return, from a stack that is none as often as not; and if it enters behind the
 * slot, the function returns without having stored anything.
 *
 * The kernel does not keep the list of its own returns, so they are found by
 * decoding the functions.
 */
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "choke_points.h"
#include "compat.h"
#include "ftrace_records.h"
#include "instructions.h"
#include "island.h"
#include "kernel_symbols.h"
#include "return_functions.h"
#include "returns.h"

/* More than any of them has */
#define SITES_MAX	256

static const struct {
	const char *name;
	bool by_loader;
} choke_points[CHOKE_POINTS] = {
	/* Makes a task root; makes root's credentials */
	{ .name = "commit_creds" },
	{ .name = "prepare_kernel_cred" },
	/* Leaves a container */
	{ .name = "switch_task_namespaces" },
	/* Start a program as root */
	{ .name = "call_usermodehelper_exec" },
	{ .name = "call_usermodehelper" },
	/* Makes code of data; code and read-only data writable; code of data */
	{ .name = "set_memory_x", .by_loader = true },
	{ .name = "set_memory_rw", .by_loader = true },
	{ .name = "set_memory_rox", .by_loader = true },
};

/*
 * Functions that end by jumping to a choke point, and are called by pointer: who
 * does that
 */
static const struct {
	const char *function;
	const char *by;
} pointer_callers[CHOKE_POINTERS] = {
	/* prctl()'s PR_SET_KEEPCAPS and the like: cap_task_prctl(), a hook of LSMs */
	{ "commit_creds", "security_task_prctl" },
	/* KEYCTL_SESSION_TO_PARENT: key_change_session_keyring() */
	{ "commit_creds", "task_work_run" },
	/* A trampoline of BPF's goes: __bpf_tramp_image_put_deferred() */
	{ "set_memory_rox", "process_one_work" },
};

static int no_size(unsigned long address, unsigned long *size,
		   unsigned long *offset)
{
	return 0;
}

KERNEL_FUNCTION(kallsyms_lookup_size_offset, no_size);

/**
 * choke_points_prepare() - find out how Linux finds functions' ends
 *
 * Context: may sleep; while Linux may still patch this module as it likes.
 *
 * Return: 0; without, choke_points_find() finds nothing.
 */
int choke_points_prepare(void)
{
	kernel_function_found(kallsyms_lookup_size_offset);
	return 0;
}

/* Return: false for what is no function that is here */
static bool find_function(const char *name, u64 *function, unsigned long *size)
{
	unsigned long offset = 0;

	*size = 0;
	*function = kernel_symbol(name);
	return *function &&
	       kernel_call(kallsyms_lookup_size_offset)(*function, size,
							&offset) && !offset;
}

/**
 * choke_points_describe() - tell root which they are, and who calls them by pointer
 * @config: filled in
 *
 * Context: may sleep; after choke_points_prepare().
 */
void choke_points_describe(struct returns_config *config)
{
	struct choke_pointer *p;
	unsigned long size;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(choke_points); i++) {
		config->choke_points[i].function = kernel_symbol(choke_points[i].name);
		config->choke_points[i].by_loader = choke_points[i].by_loader;
	}
	config->choke_caller = kernel_symbol("module_set_memory");
	if (!config->choke_caller)
		config->choke_caller = kernel_symbol("frob_text");
	for (i = 0; i < ARRAY_SIZE(pointer_callers); i++) {
		p = &config->choke_pointers[i];
		if (!pointer_callers[i].function ||
		    !find_function(pointer_callers[i].by, &p->caller, &size))
			continue;
		p->function = kernel_symbol(pointer_callers[i].function);
		p->caller_size = size;
	}
}

static void note_slot(const struct dyn_ftrace *record, void *slot)
{
	if (!(record->flags & (FTRACE_FL_DIRECT | FTRACE_FL_DISABLED)))
		*(unsigned long *)slot = record->ip;
}

static unsigned long slot_of(unsigned long function)
{
	unsigned long slot = 0;

	ftrace_records_lock();
	ftrace_records_walk(function, ENDBR_INSN_SIZE + 1, note_slot, &slot);
	ftrace_records_unlock();
	return slot;
}

static void add_sites(struct return_functions *f, unsigned long function,
		      unsigned long size)
{
	unsigned long va = function;
	u32 length;
	u64 target;

	while (va < function + size && f->nr_sites < SITES_MAX) {
		length = instruction_length(va);
		if (!length)
			return;
		switch (return_site_form((const u8 *)va, va, &target)) {
		case RETURN_JUMP:
			/* Root knows which jumps are returns. */
			if (target - function < size)
				break;
			fallthrough;
		case RETURN_PLAIN:
			f->sites[f->nr_sites++] = (struct return_site){
				.offset = va - f->text,
				.state = RETURN_GUARDED,
			};
			break;
		case RETURN_UNKNOWN:
			break;
		}
		va += length;
	}
}

static void add_function(struct return_functions *f, const char *name)
{
	unsigned long slot, size;
	u64 function;

	if (!find_function(name, &function, &size))
		return;
	slot = slot_of(function);
	if (!slot) {
		f->nr_shared++;
		return;
	}
	f->ranges[f->nr_ranges++] = (struct code_part){
		.start = function,
		.size = size,
	};
	f->entries[f->nr_entries++] = slot;
	add_sites(f, function, size);
}

/**
 * choke_points_find() - look where they are
 * @f: set
 *
 * Context: may sleep; takes ftrace_lock.
 *
 * Return: 0; -EOPNOTSUPP where none can be guarded; -ENOMEM.
 */
int choke_points_find(struct return_functions *f)
{
	u32 i;

	memset(f, 0, sizeof(*f));
	f->choke = true;
	f->text = kernel_symbol("_text");
	f->size = kernel_symbol("_etext") - f->text;
	f->entries = kvcalloc(ARRAY_SIZE(choke_points), sizeof(*f->entries),
			      GFP_KERNEL);
	f->ranges = kvcalloc(ARRAY_SIZE(choke_points), sizeof(*f->ranges),
			     GFP_KERNEL);
	f->sites = kvcalloc(SITES_MAX, sizeof(*f->sites), GFP_KERNEL);
	if (!f->entries || !f->ranges || !f->sites) {
		return_functions_free(f);
		return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(choke_points); i++)
		add_function(f, choke_points[i].name);
	if (f->nr_entries)
		return 0;
	return_functions_free(f);
	return -EOPNOTSUPP;
}
