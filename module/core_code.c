// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what of the core kernel is code, as root is told when it is loaded
 *
 * Where its code and read-only data are, where it patches itself and what it may
 * put there, and what CPUs start with. All of it is looked up once, and is what
 * later comparisons rest on: what is there by then counts as right.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/bug.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <asm/desc.h>
#include <asm/pgtable_64_types.h>
#include <asm/realmode.h>

#include "compat.h"
#include "core_code.h"
#include "firmware_code.h"
#include "island.h"
#include "kernel_symbols.h"
#include "module_list.h"
#include "patch_site.h"
#include "patch_sites.h"
#include "pool_size.h"
#include "returns_stub.h"
#include "shadow_memory.h"
#include "stacks.h"

static struct code_range text, rodata, start_code;
static u64 idt_pa;
static struct patch_site *core_sites;
static u32 nr_core_sites;

static int find_range(struct code_range *range, const char *first,
		      const char *last)
{
	unsigned long start = kernel_symbol(first);
	unsigned long end = PAGE_ALIGN(kernel_symbol(last));

	if (!start || end <= start) {
		pr_err("this kernel has no symbol %s or %s; it needs CONFIG_KALLSYMS_ALL and kprobes\n",
		       first, last);
		return -EOPNOTSUPP;
	}
	range->va = start;
	range->pa = __pa(start);
	range->size = end - start;
	return 0;
}

/* Functions that Linux patches calls of in, and that need not look like one */
static const char *const functions[] = {
	"ftrace_caller",
	"ftrace_regs_caller",
	"ftrace_graph_caller",
	"ftrace_stub",
	"__static_call_return",
	"preempt_schedule_thunk",
	"preempt_schedule_notrace_thunk",
};

/* Where a return may be a jump to */
static const char *const return_thunks[] = {
	"__x86_return_thunk",
	"its_return_thunk",
	"call_depth_return_thunk",
	"retbleed_return_thunk",
};

static const char *const stubs[] = {
	returns_entry,
	returns_entry_ask,
	returns_entry_choke,
	returns_entry_choke_ask,
};

static_assert(ARRAY_SIZE(functions) + ARRAY_SIZE(stubs) <= ISLAND_FUNCTIONS);
static_assert(ARRAY_SIZE(return_thunks) <= ISLAND_THUNKS);

/* "sarq $5, %gs:DISPLACEMENT", up to the displacement */
static const u8 count_absolute[] = { 0x65, 0x48, 0xc1, 0x3c, 0x25 };
static const u8 count_relative[] = { 0x65, 0x48, 0xc1, 0x3d };

/* Linux has a template of it (arch/x86/kernel/callthunks.c). */
static void describe_counting(struct patch_counting *c)
{
	const u8 *template;
	u64 start, end;

	if (!compat_counts_calls())
		return;
	start = kernel_symbol("skl_call_thunk_template");
	end = kernel_symbol("skl_call_thunk_tail");
	template = (const u8 *)start;
	if (!start || end - start > PATCH_COUNTING)
		return;
	if (!memcmp(template, count_relative, sizeof(count_relative))) {
		c->relative = sizeof(count_relative);
		c->target = end + *(const s32 *)(template + c->relative);
	} else if (memcmp(template, count_absolute, sizeof(count_absolute))) {
		return;
	}
	c->length = end - start;
	memcpy(c->bytes, template, c->length);
}

/**
 * is_mapped_as_code() - whether Linux has mapped an address to be run
 * @va: the address
 * @size: how far the answer goes, in bytes; filled in
 *
 * Context: any, interrupts on: Linux frees a table once all CPUs have been
 * interrupted.
 */
bool is_mapped_as_code(u64 va, u64 *size)
{
	pteval_t flags = 0;
	unsigned int level;
	pte_t *entry;

	local_irq_disable();
	entry = lookup_address(va, &level);
	if (entry)
		flags = pte_flags(READ_ONCE(*entry));
	local_irq_enable();
	*size = entry ? PAGE_SIZE : PMD_SIZE - va % PMD_SIZE;
	return (flags & (_PAGE_PRESENT | _PAGE_RW | _PAGE_NX)) == _PAGE_PRESENT;
}

/*
 * Where CPUs start and wake: memory below 1 MiB with a header, code, and data behind
 * them. Linux fills that in at boot, and has the header and the code read-only from
 * then on: what it writes later (where to go on, page tables, what to wake with) is data.
 * What says where it is can be written, so it is believed where it makes sense and
 * Linux has mapped it so.
 */
static void find_start_code(void)
{
	struct real_mode_header **place = (void *)kernel_symbol("real_mode_header");
	const struct real_mode_header *header = place ? *place : NULL;
	u64 start, end, size;

	/* Some kinds of guests start their CPUs by other means. */
	if (place && !header)
		return;
	if (!header || !virt_addr_valid(header))
		goto out;
	start = __pa(header);
	end = PAGE_ALIGN((u64)header->ro_end);
	if (!PAGE_ALIGNED(start) || header->text_start <= start ||
	    header->text_start >= end || end > SZ_1M || end - start > SZ_64K ||
	    !is_mapped_as_code((u64)__va(header->text_start), &size))
		goto out;
	start_code.va = (u64)header;
	start_code.pa = start;
	start_code.size = end - start;
	return;

out:
	pr_notice("what CPUs start with is not where it was expected, and can be written; please report this line\n");
}

/**
 * core_code_find() - find out what is code
 *
 * Context: may sleep; before island_load().
 *
 * Return: 0 or a negative errno, after one line.
 */
int core_code_find(void)
{
	unsigned long idt = kernel_symbol("idt_table");
	int err;

	err = find_range(&text, "_text", "_etext");
	if (!err)
		err = find_range(&rodata, "__start_rodata", "__end_rodata");
	if (err)
		return err;
	if (!idt || !PAGE_ALIGNED(idt)) {
		pr_err("this kernel has no symbol idt_table; it needs CONFIG_KALLSYMS_ALL\n");
		return -EOPNOTSUPP;
	}
	idt_pa = __pa(idt);
	find_start_code();
	err = module_list_prepare();
	if (!err)
		err = firmware_code_find();
	if (!err)
		err = patch_sites_core(&core_sites, &nr_core_sites, text.va,
				       text.size);
	if (err == -ENOMEM)
		pr_err("out of memory: no room to list what is code, and where the kernel patches it; free some memory\n");
	if (err == -EAGAIN)
		pr_err("Linux has just begun to patch more of its code; try again\n");
	return err;
}

/**
 * core_code_forget() - free what was needed for island_load() only
 *
 * Context: may sleep.
 */
void core_code_forget(void)
{
	kvfree(core_sites);
	core_sites = NULL;
}

/*
 * Where root sends a CPU that tried to run what it may not, and that nobody
 * called: its stack tells of no way back. An oops ends the task.
 */
static void __noreturn landing(void)
{
	BUG();
}

/**
 * core_code_max_sites() - for how many sites root shall have room
 *
 * Context: any, after core_code_find().
 */
u32 core_code_max_sites(void)
{
	return nr_core_sites + POOL_MODULE_SITES;
}

/**
 * core_code_describe() - tell root
 * @config: filled in
 *
 * Context: may sleep.
 */
void core_code_describe(struct island_config *config)
{
	u32 i, k;

	config->text = text;
	config->rodata = rodata;
	config->start_code = start_code;
	config->idt_pa = idt_pa;
	firmware_code_describe(config);
	config->sites = core_sites;
	config->nr_sites = nr_core_sites;
	config->max_sites = core_code_max_sites();
	/* Those that a kernel does not have it does not need. */
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		config->functions[i] = kernel_symbol(functions[i]);
	for (k = 0; k < ARRAY_SIZE(stubs); k++)
		config->functions[i + k] = (u64)stubs[k];
	for (i = 0; i < ARRAY_SIZE(return_thunks); i++)
		config->return_thunks[i] = kernel_symbol(return_thunks[i]);
	describe_counting(&config->counting);
	config->detour = kernel_symbol("optprobe_template_end") -
			 kernel_symbol("optprobe_template_entry");
	config->modules_start = MODULES_VADDR;
	config->modules_end = MODULES_END;
	config->landing = (u64)landing;
	shadow_memory_describe(&config->returns);
	stacks_describe(config);
}
