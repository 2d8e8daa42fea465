// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what becomes code and ceases to be, as Linux knows it
 *
 * The core kernel's is described to root at load (core_code.c). Modules are
 * sealed when they are about to be initialised, after Linux has made their code
 * read-only and before any of it runs. What Linux frees is released when it takes the memory's
 * permissions back, which is the last thing before others can have it. And what
 * is going to be written to code that has no list of what may stand in it
 * (BPF, probes' copies of instructions) is announced.
 *
 * All this is ordinary Linux, and the attacker's to call. Root does what it is
 * asked only where that cannot weaken what is sealed already (vmx/seal.c).
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/ptrace.h>
#include <asm/pgtable_64_types.h>

#include "bridge.h"
#include "code.h"
#include "compat.h"
#include "core_code.h"
#include "cpus.h"
#include "cpus_call.h"
#include "denied_code.h"
#include "hooks.h"
#include "hypercall.h"
#include "lock.h"
#include "module_list.h"
#include "patch.h"
#include "patch_sites.h"
#include "probes.h"
#include "requests.h"
#include "sealing.h"

static bool is_code(enum compat_module_part part)
{
	return part == MODULE_PART_TEXT || part == MODULE_PART_INIT_TEXT;
}

/*
 * A module may fail until it is live, and is freed then. Its initialisation is sealed
 * before that only, and freed in any case.
 */
static int seal(const struct module *mod, enum compat_module_part part)
{
	struct seal_request q = {
		.class = is_code(part) ? CLASS_CODE : CLASS_RODATA,
		.transient = mod->state != MODULE_STATE_LIVE,
	};
	struct patch_site *sites = NULL;
	u32 nr_sites = 0;
	u64 size;
	int err = 0;

	compat_module_part(mod, part, &q.va, &size);
	q.pages = PAGE_ALIGN(size) / PAGE_SIZE;
	if (!q.pages)
		return 0;
	if (is_code(part))
		err = patch_sites_module(mod, q.va,
					 q.pages * PAGE_SIZE, &sites,
					 &nr_sites);
	if (err)
		return err;
	q.sites = (u64)sites;
	q.nr_sites = nr_sites;
	err = cpus_hypercall(HYPERCALL_SEAL, (u64)&q, 0);
	kvfree(sites);
	/* With no CPU attached nothing is guarded; Linux goes on all the same. */
	return err == -ENXIO ? 0 : err;
}

/* Both of them sealed; without, stacks are followed up to its functions only. */
static void describe_unwinding(const struct module *mod)
{
	struct unwind_request q = {
		.ips = (u64)mod->arch.orc_unwind_ip,
		.rules = (u64)mod->arch.orc_unwind,
		.nr = mod->arch.num_orcs,
	};
	u64 size;

	compat_module_part(mod, MODULE_PART_TEXT, &q.text, &size);
	if (q.nr)
		cpus_hypercall(HYPERCALL_UNWIND, (u64)&q, 0);
}

/* When it is about to be initialised; MODULE_PART_RO_AFTER_INIT follows. */
static const enum compat_module_part coming[] = {
	MODULE_PART_TEXT,
	MODULE_PART_RODATA,
	MODULE_PART_INIT_TEXT,
};

static int seal_coming(const struct module *mod)
{
	u32 i;
	int err;

	for (i = 0; i < ARRAY_SIZE(coming); i++) {
		err = seal(mod, coming[i]);
		if (err) {
			pr_err("module %s cannot be sealed (%d): %s\n",
			       mod->name, err,
			       err == -EPERM ? "policy/dynamic_code is 'deny'" :
			       "no room; unload Carapace and load it again with more modules loaded");
			return err;
		}
	}
	describe_unwinding(mod);
	return 0;
}

/* What is sealed for as long as a module is there */
static const enum compat_module_part loaded[] = {
	MODULE_PART_TEXT,
	MODULE_PART_RODATA,
	MODULE_PART_RO_AFTER_INIT,
};

/*
 * Root refuses what it must not. Return: false where the module's code is not sealed: it
 * was coming already when there was nobody to hear of that.
 */
static bool set_transient(const struct module *mod, bool transient)
{
	bool sealed = true;
	u64 va, size;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(loaded); i++) {
		compat_module_part(mod, loaded[i], &va, &size);
		if (size && cpus_hypercall(HYPERCALL_TRANSIENT, va, transient) ==
		    -EINVAL && loaded[i] == MODULE_PART_TEXT)
			sealed = false;
	}
	return sealed;
}

static void seal_read_only(const struct module *mod)
{
	int err = seal(mod, MODULE_PART_RO_AFTER_INIT);

	if (err)
		pr_warn("module %s: what became read-only is not sealed (%d), and can be written through the direct map\n",
			mod->name, err);
}

/* Its initialisation, if any was left, is over. */
static void seal_whole(const struct module *mod)
{
	u32 i;
	int err;

	for (i = 0; i < ARRAY_SIZE(loaded); i++) {
		err = seal(mod, loaded[i]);
		if (err && err != -EEXIST)
			pr_warn("module %s is not sealed (%d)\n", mod->name, err);
	}
	describe_unwinding(mod);
}

static int module_notify(struct notifier_block *block, unsigned long state,
			 void *data)
{
	const struct module *mod = data;

	switch (state) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(seal_coming(mod));
	case MODULE_STATE_GOING:
		set_transient(mod, true);
		return NOTIFY_OK;
	case MODULE_STATE_LIVE:
		if (set_transient(mod, false))
			seal_read_only(mod);
		else
			seal_whole(mod);
		/* Those that were live when it was turned on are held: lock.c. */
		if (lock_is_on())
			__module_get((struct module *)mod);
		return NOTIFY_OK;
	}
	return NOTIFY_DONE;
}

/* After those that change its code while it is coming (jump labels, say) */
static struct notifier_block module_notifier = {
	.notifier_call = module_notify,
	.priority = INT_MIN,
};

/* Linux takes the permissions of a page back. */
static void notrace page_freed(unsigned long ip, struct pt_regs *regs)
{
	struct page *page = (void *)regs_get_kernel_argument(regs, 0);

	if (cpus_hypercall(HYPERCALL_RELEASE, page_to_phys(page), 0) == -ENXIO)
		cpus_stay_bare();
}

/*
 * Linux keeps memory that code was in for other code, mapped as it is: it takes
 * execution back, and then makes it writable, which is when this is called. What
 * is not executable while its neighbours are keeps its page table from being
 * merged with theirs, so there is no need for init_mm's lock.
 */
static void notrace code_reopened(unsigned long ip, struct pt_regs *regs)
{
	u64 va = regs_get_kernel_argument(regs, 0);
	u64 end = va + (u64)(int)regs_get_kernel_argument(regs, 1) * PAGE_SIZE;
	struct page *page;

	if (va < MODULES_VADDR || end > MODULES_END)
		return;
	for (; va < end; va += PAGE_SIZE) {
		page = vmalloc_to_page((void *)va);
		if (page && cpus_hypercall(HYPERCALL_RELEASE,
					   page_to_phys(page), 0) == -ENXIO)
			cpus_stay_bare();
	}
}

static void notrace announce(struct pt_regs *regs, struct code_write w)
{
	w.va = regs_get_kernel_argument(regs, 0);
	w.size = regs_get_kernel_argument(regs, 2);
	hypercall(HYPERCALL_WRITE_CODE, (u64)&w, 0);
}

static void notrace code_copied(unsigned long ip, struct pt_regs *regs)
{
	announce(regs, (struct code_write){
		.from = regs_get_kernel_argument(regs, 1),
	});
}

static void notrace code_patched(unsigned long ip, struct pt_regs *regs)
{
	announce(regs, (struct code_write){
		.from = regs_get_kernel_argument(regs, 1),
		.patch = 1,
	});
}

static void notrace code_filled(unsigned long ip, struct pt_regs *regs)
{
	announce(regs, (struct code_write){
		.fill = regs_get_kernel_argument(regs, 1),
	});
}

static struct hook hooks[] __ro_after_init = {
	HOOK("set_direct_map_default_noflush", page_freed, true),
	HOOK(COMPAT_CODE_REOPENED, code_reopened, false),
	HOOK("text_poke", code_copied, true),
	/* Where there is none of them, JITs write before it is code. */
	HOOK("text_poke_copy", code_copied, false),
	HOOK("text_poke_set", code_filled, false),
	HOOK(COMPAT_TEXT_POKE_BP, code_patched, true),
	HOOK(COMPAT_CODE_ALLOC, denied_memory, true),
	HOOK("bpf_prog_pack_alloc", denied_program, false),
	HOOK("arch_prepare_kprobe", denied_kprobe, false),
	HOOK("arch_prepare_optimized_kprobe", denied_optimization, false),
};

DEFINE_HOOK_SET(sealing_set, hooks);

static void seal_loaded_module(struct module *mod, void *unused)
{
	seal_whole(mod);
}

/**
 * sealing_seal_own() - seal this module, which is being loaded
 *
 * When no other CPU is attached yet: it has handlers that run in NMIs, and where
 * those came to a page that root first had to make code they would wait for what
 * root seals just then. Root asks for NMIs itself, when it seals.
 *
 * MODULE_PART_RO_AFTER_INIT is still being filled in; the notifier sees to it.
 *
 * Context: may sleep; on a CPU that is attached.
 *
 * Return: 0, also when it has been sealed before, or a negative errno.
 */
int sealing_seal_own(void)
{
	static bool done;
	int err;

	if (done)
		return 0;
	err = seal(THIS_MODULE, MODULE_PART_TEXT);
	if (!err)
		err = seal(THIS_MODULE, MODULE_PART_RODATA);
	/* Who runs now, and may have been told to let no new code run */
	if (!err)
		err = seal(THIS_MODULE, MODULE_PART_INIT_TEXT);
	/* Where there is no ENDBR, a tracepoint's call is led to a function by it. */
	if (!err)
		describe_unwinding(THIS_MODULE);
	done = !err;
	return err;
}

/**
 * sealing_start() - seal modules, and follow what Linux does to code
 *
 * Context: may sleep; all CPUs are attached.
 *
 * Return: 0 or a negative errno, after one line.
 */
int sealing_start(void)
{
	int err;

	err = hooks_add(&sealing_set);
	if (err)
		return err;
	err = register_module_notifier(&module_notifier);
	if (err) {
		pr_err("cannot hear of modules that come and go (%d); please report this line\n",
		       err);
		hooks_remove(&sealing_set);
		return err;
	}
	module_list_walk(seal_loaded_module, NULL);
	probes_note();
	return 0;
}

/**
 * sealing_seal_existing() - seal what is code by now, without waiting for it to run
 *
 * For when no more may come: BPF programs, trampolines and the like that were there
 * before, and have not run since. It is what was to be sealed anyway, and root looks
 * at each page as it does when one runs for the first time; what somebody has mapped
 * as code by now would have become code by being run. What Linux frees meanwhile is
 * no longer mapped when root looks, or released afterwards.
 *
 * Context: may sleep; after sealing_start().
 *
 * Return: 0; -ENOMEM, after one line; or another negative errno.
 */
int sealing_seal_existing(void)
{
	struct seal_request q = { .class = CLASS_DYNAMIC };
	bool is_code;
	u64 va, size;
	int err = 0;

	/* Behind the last of them there is a guard page. */
	for (va = MODULES_VADDR; !err && va < MODULES_END; va += size) {
		is_code = is_mapped_as_code(va, &size);
		if (is_code && !q.pages++)
			q.va = va;
		if (q.pages == PTRS_PER_PTE || (q.pages && !is_code)) {
			err = cpus_hypercall(HYPERCALL_SEAL, (u64)&q, 0);
			q.pages = 0;
		}
		cond_resched();
	}
	if (err == -ENOMEM)
		pr_err("out of memory: root has no room to seal the code that there is; unload Carapace and load it again\n");
	return err;
}

/**
 * sealing_stop() - the opposite
 *
 * Context: may sleep; guards are off, CPUs still attached.
 */
void sealing_stop(void)
{
	unregister_module_notifier(&module_notifier);
	hooks_remove(&sealing_set);
}
