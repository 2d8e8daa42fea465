// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: memory and addresses for the return addresses' shadow
 *
 * The addresses, the window, are taken when Carapace is loaded, and cost nothing.
 * Memory is given to root when the first module is guarded, and more when root
 * says that it is short, which it does by an NMI in good time.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <asm/cpu_entry_area.h>
#include <asm/msr.h>
#include <asm/nmi.h>
#include <asm/page_64_types.h>

#include "bridge.h"
#include "choke_points.h"
#include "compat.h"
#include "cpus_call.h"
#include "hypercall.h"
#include "island.h"
#include "island_load.h"
#include "kernel_symbols.h"
#include "returns.h"
#include "returns_stub.h"
#include "shadow_memory.h"
#include "shadow_pages.h"

/* Free beforehand: for what is needed before more can come */
#define PAGES_READY	128

/* Linux's tables of the window have entries of 1 GiB. */
static struct vm_struct *area;
static u64 window;

static DEFINE_MUTEX(memory_mutex);

static struct vm_struct *no_area(unsigned long size, unsigned long flags,
				 unsigned long start, unsigned long end,
				 const void *caller)
{
	return NULL;
}

KERNEL_FUNCTION(__get_vm_area_caller, no_area);

static struct vm_struct *take_addresses(u64 start, u64 end)
{
	return kernel_call(__get_vm_area_caller)(WINDOW_SIZE + SZ_1G, VM_IOREMAP,
						 start, end,
						 shadow_memory_prepare);
}

/**
 * shadow_memory_prepare() - take addresses for the window
 *
 * Linux gives the lowest that are free, to stacks, too: the window lies behind those
 * that it covers, so as not to have stacks beyond them. With 5-level paging Linux may
 * have no table for the next 512 GiB yet; then it lies among them.
 *
 * Without them Carapace does not load.
 *
 * Context: may sleep; before island_load(), while Linux may still patch this
 *	module as it likes.
 *
 * Return: 0; -EOPNOTSUPP or -ENOMEM, after one line.
 */
int shadow_memory_prepare(void)
{
	u64 end = VMALLOC_END;

	if (!kernel_function_found(__get_vm_area_caller)) {
		pr_err("this kernel has no symbol __get_vm_area_caller; it needs CONFIG_KALLSYMS and CONFIG_KPROBES\n");
		return -EOPNOTSUPP;
	}
	if (pgtable_l5_enabled())
		end = ALIGN(VMALLOC_START + 1, P4D_SIZE);
	area = take_addresses(VMALLOC_START + WINDOW_SIZE, end);
	if (!area)
		area = take_addresses(VMALLOC_START, VMALLOC_END);
	if (!area) {
		pr_err("no %llu GiB of kernel addresses are left for the return guard; load earlier after boot\n",
		       WINDOW_SIZE / SZ_1G);
		return -ENOMEM;
	}
	window = ALIGN((u64)area->addr, SZ_1G);
	return 0;
}

/**
 * shadow_memory_release() - give them back
 *
 * Context: may sleep; root is gone.
 */
void shadow_memory_release(void)
{
	if (area)
		free_vm_area(area);
	area = NULL;
}

/* Where tracers have functions return to: function_graph, and kretprobes by their age */
static const char * const trampolines[] = {
	"return_to_handler",
	"arch_rethook_trampoline",
	"__kretprobe_trampoline",
	"kretprobe_trampoline",
};

/**
 * shadow_memory_describe() - tell root of stacks and stubs
 * @config: filled in
 *
 * Context: may sleep.
 */
void shadow_memory_describe(struct returns_config *config)
{
	struct page *stub = vmalloc_to_page(returns_words);
	unsigned long boot_stack = kernel_symbol("init_stack");
	void __percpu *irq_stack = compat_irq_stack();
	u64 gs_base;
	u32 i;

	BUILD_BUG_ON(ARRAY_SIZE(trampolines) > ARRAY_SIZE(config->trampolines));

	/* Where Linux's kernel-mode GS base leads is the same on all CPUs. */
	preempt_disable();
	rdmsrq(MSR_GS_BASE, gs_base);
	config->gs_task = compat_current_task() - gs_base;
	config->gs_irq_stack = (u64)this_cpu_ptr(irq_stack) - gs_base;
	preempt_enable();

	config->stacks = VMALLOC_START;
	/* Linux gives addresses from the beginning on; the end is for what CPUs have. */
	config->stacks_end = VMALLOC_START + (VMALLOC_END - VMALLOC_START) / 2;
	config->window = window;
	config->stub_pa = page_to_phys(stub);
	config->stub_words = offset_in_page(returns_words);
	config->shadow_begin = (u64)returns_ask_choke;
	config->shadow_plain = (u64)returns_ask;
	config->entered = (u64)returns_shadow_begin;
	config->entered_choke = (u64)returns_shadow_choke;
	config->stored = (u64)returns_stored;
	config->check = (u64)returns_check;
	config->jumps = (u64)returns_jumps;
	config->check_jump = (u64)returns_check_jump;
	config->blocked = (u64)returns_blocked;
	config->blocked_jump = (u64)returns_blocked_jump;
	config->task_stack = offsetof(struct task_struct, stack);
	config->stack_size = THREAD_SIZE;
	config->percpu = CPU_ENTRY_AREA_BASE;
	config->percpu_size = P4D_SIZE;
	config->boot_stack = boot_stack;
	for (i = 0; i < ARRAY_SIZE(trampolines); i++)
		config->trampolines[i] = kernel_symbol(trampolines[i]);
	choke_points_describe(config);
}

#ifdef CARAPACE_TESTING
static uint shadow_chunks = SHADOW_CHUNKS;
module_param(shadow_chunks, uint, 0644);
MODULE_PARM_DESC(shadow_chunks, "Testing: no more than this many times 2 MiB for the return guard");

static bool may_give(void)
{
	return READ_ONCE(island_public()->shadow_pages) <
	       READ_ONCE(shadow_chunks) * SHADOW_CHUNK_PAGES;
}
#else
static bool may_give(void)
{
	return true;
}
#endif

static int give(void)
{
	struct page *page;
	long err;

	if (!may_give())
		return -ENOMEM;
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN |
			   __GFP_RETRY_MAYFAIL, get_order(SZ_2M));
	if (!page)
		return -ENOMEM;
	err = cpus_hypercall(HYPERCALL_SHADOW_GIVE, page_to_phys(page), 0);
	if (!err)
		return 0;
	__free_pages(page, get_order(SZ_2M));
	if (err != -ENOMEM && err != -ENXIO)
		pr_err_ratelimited("root does not take memory for the return guard (%ld)\n",
				   err);
	return err;
}

/**
 * shadow_memory_need() - see to it that root has memory
 * @pages: how many pages shall be free
 *
 * Context: may sleep.
 *
 * Return: 0; -ENOMEM; -ENXIO where no CPU is attached; another negative errno, after
 * one line, where root does not take what there is.
 */
int shadow_memory_need(u32 pages)
{
	int err = 0;

	mutex_lock(&memory_mutex);
	while (!err && READ_ONCE(island_public()->shadow_spare) <
		       pages + PAGES_READY)
		err = give();
	mutex_unlock(&memory_mutex);
	return err;
}

static void give_more(struct work_struct *work);
static DECLARE_DELAYED_WORK(more_work, give_more);

/*
 * Root asks when little is left, and not again when there is nothing. So where Linux has
 * no memory, it is asked again until it has, quietly.
 */
static void give_more(struct work_struct *work)
{
	static bool again;
	int err = shadow_memory_need(0);

	if (err && err != -ENXIO && !again)
		pr_warn_ratelimited("out of memory: stacks will be without a shadow, and their returns unverified\n");
	again = err == -ENOMEM;
	if (again)
		schedule_delayed_work(&more_work, RETRY_SECONDS * HZ);
}

static void ask_for_more(struct irq_work *work)
{
	/* At once, also where the next attempt is to come later */
	cancel_delayed_work(&more_work);
	schedule_delayed_work(&more_work, 0);
}

static DEFINE_IRQ_WORK(more_irq_work, ask_for_more);
static atomic64_t low_seen;

/* Root says by an NMI that it is short. */
static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	u64 low = READ_ONCE(island_public()->shadow_low);

	if (atomic64_xchg(&low_seen, low) == low)
		return NMI_DONE;
	irq_work_queue(&more_irq_work);
	return NMI_HANDLED;
}

/**
 * shadow_memory_start() - begin to hear of it when root is short
 *
 * Context: may sleep; after island_load().
 *
 * Return: 0 or a negative errno.
 */
int shadow_memory_start(void)
{
	return register_nmi_handler(NMI_LOCAL, nmi_handler, 0,
				    "carapace-shadow");
}

/**
 * shadow_memory_stop() - have all memory back
 *
 * Context: may sleep; no module is guarded any more, CPUs are still attached.
 */
void shadow_memory_stop(void)
{
	u64 pa = 0;

	unregister_nmi_handler(NMI_LOCAL, "carapace-shadow");
	irq_work_sync(&more_irq_work);
	cancel_delayed_work_sync(&more_work);

	while (!cpus_hypercall(HYPERCALL_SHADOW_TAKE, (u64)&pa, 0) && pa) {
		/* Also on CPUs that are bare, for the window led there. */
		bridge_flush_all_cpus();
		memset(__va(pa), 0, SZ_2M);
		__free_pages(pfn_to_page(PHYS_PFN(pa)), get_order(SZ_2M));
	}
}
