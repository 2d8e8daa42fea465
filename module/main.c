// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: load and unload
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/cpumask.h>
#include <linux/crash_dump.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>
#include <asm/cpufeature.h>
#include <asm/hypervisor.h>

#include "blocked.h"
#include "bridge.h"
#include "choke_points.h"
#include "compat.h"
#include "core_code.h"
#include "cpus.h"
#include "guarded.h"
#include "guards.h"
#include "helper_hooks.h"
#include "instructions.h"
#include "island.h"
#include "island_load.h"
#include "kernel_symbols.h"
#include "lock.h"
#include "machine.h"
#include "pool.h"
#include "reports.h"
#include "sealing.h"
#include "shadow_memory.h"
#include "stacks.h"
#include "sysfs.h"

static bool disable;
module_param(disable, bool, 0444);
MODULE_PARM_DESC(disable, "Do not attach: carapace.disable on the kernel command line keeps modprobe from loading it");

static char *guard_names;
module_param_named(guard, guard_names, charp, 0444);
MODULE_PARM_DESC(guard, "Whose returns are guarded, as in returns/guard, with commas between; modules that come later, too");

#ifdef CARAPACE_TESTING
static int fail_cpu = -1;
module_param(fail_cpu, int, 0444);
MODULE_PARM_DESC(fail_cpu, "Testing: this CPU fails to attach");

static uint fail_at;
module_param(fail_at, uint, 0444);
MODULE_PARM_DESC(fail_at, "Testing: where: 1 VMXON, 2 VMLAUNCH, 3 VM entry");

static bool no_vmfunc;
module_param(no_vmfunc, bool, 0444);
MODULE_PARM_DESC(no_vmfunc, "Testing: as if the CPUs had no VMFUNC");

static bool pebs;
module_param(pebs, bool, 0444);
MODULE_PARM_DESC(pebs, "Testing: as if the CPUs had PEBS, where they have none: it is switched on, and records nothing");

static int hypervisor = -1;
module_param(hypervisor, int, 0444);
MODULE_PARM_DESC(hypervisor, "Testing: as if this one were underneath: enum x86_hypervisor_type");

static ulong pool_pa;
module_param(pool_pa, ulong, 0400);
MODULE_PARM_DESC(pool_pa, "Testing: read it to know where the pool is");
#endif

static void __init prepare_testing(void)
{
#ifdef CARAPACE_TESTING
	if (no_vmfunc)
		machine_hide_vmfunc();
	if (pebs)
		machine_pretend_pebs();
	machine_show_hypervisor(hypervisor);
	if (fail_cpu >= 0)
		island_fail_at(fail_cpu, fail_at);
#endif
}

static void __init note_for_testing(void)
{
#ifdef CARAPACE_TESTING
	pool_pa = pool_address();
#endif
}

/*
 * KVM may be loaded and not have taken VMX yet: it does when the first virtual
 * machine starts, on kernels before 6.12 or with enable_virt_at_load=0. That
 * would fail badly while attached, and there is one emergency callback only.
 */
static bool kvm_is_loaded(void)
{
	if (!__symbol_get("kvm_init"))
		return false;
	__symbol_put("kvm_init");
	return true;
}

/* Where Carapace would have nothing to guard, or no say. */
static int refuse_place(void)
{
	if (disable) {
		pr_notice("not attaching: 'disable' is set (carapace.disable on the kernel command line, or an option of modprobe)\n");
		return -ECANCELED;
	}
	if (is_kdump_kernel()) {
		pr_err("this is a kdump kernel: it saves a dump and restarts, there is nothing to guard; load Carapace in the kernel that comes after\n");
		return -EPERM;
	}
	if (boot_cpu_has(X86_FEATURE_XENPV) ||
	    machine_is_under(X86_HYPER_XEN_PV)) {
		pr_err("this is a Xen PV guest, which has no VMX; use a guest of KVM's with nested virtualization, or the bare machine\n");
		return -ENODEV;
	}
	if (compat_is_tdx_guest()) {
		pr_err("this is a TDX guest, which has no VMX of its own; use an ordinary guest with nested virtualization, or the bare machine\n");
		return -ENODEV;
	}
	/* Of one that it does not know, Linux wants nothing. */
	if (!machine_is_under(X86_HYPER_NATIVE) &&
	    !machine_is_under(X86_HYPER_KVM)) {
		pr_err("the hypervisor underneath is not KVM: what Linux asks of it (Hyper-V, Xen, VMware) would not get there; use a guest of KVM's with nested virtualization, or the bare machine\n");
		return -EOPNOTSUPP;
	}
	if (!bridge_slot_is_free()) {
		pr_err("the kernel uses the addresses that the island needs (KASAN, or by chance), under 5-level paging; boot with no5lvl\n");
		return -EOPNOTSUPP;
	}
	if (kvm_is_loaded()) {
		pr_err("KVM is loaded, and VMX has one user at a time; unload it with 'modprobe -r kvm_intel'\n");
		return -EBUSY;
	}
	return 0;
}

static void report(const char *what, const struct cpumask *cpus, ktime_t begun,
		   const char *memory)
{
	pr_info("%s CPUs %*pbl in %lld us, %llu KiB %s\n", what,
		cpumask_pr_args(cpus), ktime_us_delta(ktime_get(), begun),
		pool_bytes() / SZ_1K, memory);
}

/**
 * struct step - a part of loading, and of unloading
 * @start: 0 or a negative errno, and then @stop is not called
 * @stop: the opposite
 * @what: what is missing where @start failed; NULL where it has said so itself
 */
struct step {
	int (*start)(void);
	void (*stop)(void);
	const char *what;
};

/* While no CPU is in VMX operation */
static const struct step preparation[] = {
	{ .start = guards_check_parameters },
	{ .start = refuse_place },
	{ .start = machine_read },
	{ .start = core_code_find },
	{ .start = blocked_prepare },
	{ .start = instructions_prepare },
	{ .start = choke_points_prepare },
	{ .start = stacks_prepare },
	{ .start = shadow_memory_prepare, .stop = shadow_memory_release },
	{ .start = island_load, .stop = island_unload },
};

static int guard_parameter(void)
{
	return guard_names ? guarded_await(guard_names) : 0;
}

/* With CPUs that come, are there, or go */
static const struct step operation[] = {
	{ sysfs_create, sysfs_remove, "/sys/kernel/carapace" },
	{ reports_start, reports_stop, "reports of attacks" },
	{ .start = cpus_attach, .stop = cpus_detach },
	{ .start = sealing_start, .stop = sealing_stop },
	{ .start = helper_hooks_start, .stop = helper_hooks_stop },
	{ guarded_start, guarded_stop, "the guard of returns" },
	/* What has them guarded is a value of the policy. */
	{ .stop = stacks_stop },
	/* Once locked, root fills in no shadow any more. */
	{ .start = guard_parameter, .what = "the list of what to guard" },
	{ .start = guards_start, .stop = guards_stop },
};

static void stop(const struct step *steps, u32 nr)
{
	while (nr--) {
		if (steps[nr].stop)
			steps[nr].stop();
	}
}

/* All of them or none */
static int start(const struct step *steps, u32 nr)
{
	u32 i;
	int err;

	for (i = 0; i < nr; i++) {
		err = steps[i].start ? steps[i].start() : 0;
		if (!err)
			continue;
		if (steps[i].what)
			pr_err("%s cannot be set up (%d); %s\n", steps[i].what,
			       err, err == -ENOMEM ?
			       "free some memory and load it again" :
			       "please report this line");
		stop(steps, i);
		return err;
	}
	return 0;
}

static int __init start_all(void)
{
	ktime_t begun = ktime_get();
	int err;

	prepare_testing();
	err = start(preparation, ARRAY_SIZE(preparation));
	if (err)
		return err;
	note_for_testing();
	err = start(operation, ARRAY_SIZE(operation));
	if (err) {
		stop(preparation, ARRAY_SIZE(preparation));
		return err;
	}
	report("attached to", cpu_online_mask, begun, "taken");
	if (!boot_cpu_has(X86_FEATURE_SMEP))
		pr_notice("SMEP is off, or the CPU has none: kernel mode can run user pages, whatever policy/exec says\n");
	return 0;
}

static int __init carapace_init(void)
{
	int err;

	kernel_symbols_prepare();
	err = start_all();
	core_code_forget();
	kernel_symbols_prepared();
	return err;
}

static void __exit carapace_exit(void)
{
	ktime_t begun = ktime_get();
	static struct cpumask cpus, left;

	/* Linux does not call this while policy/lock is on; somebody else does. */
	if (WARN_ON(lock_is_on()))
		return;
	cpus_attached_mask(&cpus);
	stop(operation, ARRAY_SIZE(operation));

	/* It cannot be; but then this memory is what that CPU's root runs on. */
	cpus_attached_mask(&left);
	if (WARN(!cpumask_empty(&left), "carapace: CPUs %*pbl did not leave, %llu KiB are lost\n",
		 cpumask_pr_args(&left), pool_bytes() / SZ_1K))
		return;

	report("detached from", &cpus, begun, "returned");
	stop(preparation, ARRAY_SIZE(preparation));
}

module_init(carapace_init);
module_exit(carapace_exit);

MODULE_DESCRIPTION("A thin hypervisor slipped under the running Linux, to guard it");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
