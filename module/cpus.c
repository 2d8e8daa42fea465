// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: each CPU's way in and out
 *
 * A CPU hotplug state does it all: its start-up attaches a CPU, its tear-down
 * detaches it. Setting the state up attaches the CPUs that are online, one
 * after the other, and takes them back if one fails; removing it detaches them;
 * what comes online or goes offline meanwhile follows.
 *
 * Suspend, reboot and crash pass the hotplug states by: syscore operations and
 * the kernel's emergency callback take the CPUs off there.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/sched/clock.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nmi.h>
#include <asm/reboot.h>

#include "bridge.h"
#include "compat.h"
#include "cpus.h"
#include "hooks.h"
#include "hypercall.h"
#include "island_load.h"
#include "kernel_symbols.h"
#include "lock.h"
#include "machine.h"
#include "registers.h"
#include "sealing.h"
#include "stacks.h"

struct cpu_lifecycle {
	u64 attach_ns;
	u64 detach_ns;
	bool reported;
	struct irq_work report;
};

static void no_intel_pt(int on)
{
}

/* Not exported everywhere; see kernel_symbols.c for why it is a static call. */
DEFINE_STATIC_CALL(carapace_pt_handle_vmx, no_intel_pt);

static DEFINE_PER_CPU(struct cpu_lifecycle, lifecycle);
static enum cpuhp_state hotplug_state;
static bool going_down;
static bool stay_bare;

static const char *const leave_reasons[] = {
#define X(name, text) [LEAVE_##name] = text,
	LEAVE_REASONS(X)
#undef X
};

static const char *leave_reason(const struct vcpu_public *public)
{
	u32 reason = public->leave_reason;

	return reason < LEAVE_REASON_COUNT ? leave_reasons[reason] : "unknown";
}

/**
 * cpu_is_attached() - whether a CPU runs in VMX non-root mode
 * @cpu: its number
 *
 * Context: any; what it was at that moment.
 */
bool cpu_is_attached(unsigned int cpu)
{
	return cpu < island_nr_vcpus() &&
	       READ_ONCE(island_vcpu_public(cpu)->state) == VCPU_ON;
}

/**
 * cpus_any_degraded() - whether root had to give a CPU back
 *
 * Context: any; what it was at that moment.
 */
bool cpus_any_degraded(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < island_nr_vcpus(); cpu++) {
		if (READ_ONCE(island_vcpu_public(cpu)->state) == VCPU_DEGRADED)
			return true;
	}
	return false;
}

/**
 * cpus_attached_mask() - which CPUs are attached
 * @mask: set
 *
 * Context: any; what it was at that moment.
 */
void cpus_attached_mask(struct cpumask *mask)
{
	unsigned int cpu;

	cpumask_clear(mask);
	for (cpu = 0; cpu < island_nr_vcpus(); cpu++) {
		if (cpu_is_attached(cpu))
			cpumask_set_cpu(cpu, mask);
	}
}

/**
 * cpu_attach_ns() - how long a CPU's last attaching took, in nanoseconds
 * @cpu: its number
 *
 * Context: any; of no account while that CPU attaches.
 */
u64 cpu_attach_ns(unsigned int cpu)
{
	return per_cpu(lifecycle, cpu).attach_ns;
}

/**
 * cpu_detach_ns() - how long a CPU's last detaching took, in nanoseconds
 * @cpu: its number
 *
 * Context: any; of no account while that CPU detaches.
 */
u64 cpu_detach_ns(unsigned int cpu)
{
	return per_cpu(lifecycle, cpu).detach_ns;
}

/**
 * cpus_any_bare() - whether Linux runs on a CPU that is not attached
 *
 * Context: any; what it was at that moment.
 */
bool cpus_any_bare(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (!cpu_is_attached(cpu))
			return true;
	}
	return false;
}

/**
 * cpus_first_attached() - a CPU that is attached
 *
 * Context: any; what it was at that moment.
 *
 * Return: its number; nr_cpu_ids or more where none is.
 */
unsigned int cpus_first_attached(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (cpu_is_attached(cpu))
			break;
	}
	return cpu;
}

/**
 * cpus_await() - wait for a CPU to attach, for a while
 *
 * For who unloads the module while stay_loaded() came too late: what leads here has to
 * be put back, and only root can.
 *
 * Context: may sleep.
 */
void cpus_await(void)
{
	static bool said;

	if (!said)
		pr_err("unloading waits: no CPU is attached, and code of the kernel's still leads here; take a CPU offline and online again\n");
	said = true;
	msleep(1000);
}

/**
 * cpus_stay_bare() - let no CPU attach any more
 *
 * What root knows of Linux's code is no longer true.
 *
 * Context: any, NMIs included.
 */
void cpus_stay_bare(void)
{
	WRITE_ONCE(stay_bare, true);
}

/* However a CPU comes back: online, or from suspend */
static int check_this_cpu(void)
{
	if (READ_ONCE(stay_bare)) {
		pr_err("CPU %u stays bare: Linux has freed code while no CPU was attached; load the module again\n",
		       smp_processor_id());
		return -ESTALE;
	}
	return machine_check_this_cpu();
}

static int attach_this_cpu(void)
{
	unsigned int cpu = smp_processor_id();
	unsigned long flags;
	u64 start;
	int err;

	if (cpu_is_attached(cpu))
		return 0;

	local_irq_save(flags);
	/* With interrupts off: who sets it has CPUs that are in leave by one. */
	if (READ_ONCE(going_down)) {
		local_irq_restore(flags);
		return -ESHUTDOWN;
	}
	this_cpu_write(lifecycle.reported, false);
	/* Where VMXON would end a trace, perf has to know (SDM 3C, 33.2.8.1). */
	static_call(carapace_pt_handle_vmx)(1);
	start = local_clock();
	err = island_call_enter(cpu);
	/* Root may have asked for something in the moment before. */
	if (!err)
		hypercall(HYPERCALL_PING, 0, 0);
	this_cpu_write(lifecycle.attach_ns, local_clock() - start);
	if (err)
		static_call(carapace_pt_handle_vmx)(0);
	local_irq_restore(flags);
	return err;
}

/* Also in NMI context, from the emergency callback */
static void detach_this_cpu(void)
{
	unsigned long flags;
	u64 start;

	if (!cpu_is_attached(smp_processor_id()))
		return;

	local_irq_save(flags);
	start = local_clock();
	island_call_leave();
	this_cpu_write(lifecycle.detach_ns, local_clock() - start);
	if (!in_nmi())
		static_call(carapace_pt_handle_vmx)(0);
	local_irq_restore(flags);
}

/* It came as far as root, or nothing is to attach any more. */
static void say_why_not(unsigned int cpu, int err)
{
	const struct vcpu_public *public = island_vcpu_public(cpu);

	if (err == -ESHUTDOWN) {
		pr_err("CPU %u cannot attach: a restart or power-off has begun\n",
		       cpu);
		return;
	}
	if (public->leave_reason == LEAVE_PINS)
		pr_err("CPU %u: %s differs from what it was, or is on the other CPUs; find out what writes to it\n",
		       cpu, register_name(public->leave_info));
	pr_err("CPU %u cannot attach: %s (exit reason %#x, info %#llx)\n", cpu,
	       leave_reason(public), public->leave_exit_reason, public->leave_info);
}

/*
 * While no CPU is attached nobody can put guarded returns back. They work on bare CPUs,
 * as long as what they jump to is there: so this module is not unloaded meanwhile.
 * Called when a CPU has come or has gone, whichever way.
 */
static void stay_loaded(void)
{
	static DEFINE_RAW_SPINLOCK(lock);
	static bool stays;
	unsigned long flags;
	bool must;

	raw_spin_lock_irqsave(&lock, flags);
	must = (READ_ONCE(island_public()->returns_patched) ||
		READ_ONCE(island_public()->stacks_armed)) &&
	       cpus_first_attached() >= nr_cpu_ids;
	if (must && !stays) {
		__module_get(THIS_MODULE);
		pr_err("no CPU is guarded, and code of the kernel's still leads here: the module cannot be unloaded until a CPU comes online and attaches, or the next boot\n");
	} else if (!must && stays) {
		module_put(THIS_MODULE);
	}
	stays = must;
	raw_spin_unlock_irqrestore(&lock, flags);
}

static int cpu_startup(unsigned int cpu)
{
	int err;

	if (cpu >= island_nr_vcpus() || !bridge_exists(cpu)) {
		pr_err("CPU %u was added after loading and stays offline; load the module again to make room for it\n",
		       cpu);
		return -ENOSPC;
	}
	err = check_this_cpu();
	if (err)
		return err;

	err = attach_this_cpu();
	if (err) {
		say_why_not(cpu, err);
		return err;
	}
	err = sealing_seal_own();
	if (err) {
		pr_err("root cannot seal Carapace itself (%d); please report this line\n",
		       err);
		detach_this_cpu();
	}
	stay_loaded();
	stacks_unsettled();
	return err;
}

static int cpu_teardown(unsigned int cpu)
{
	if (lock_is_on()) {
		pr_notice("CPU %u stays online: policy/lock is on\n", cpu);
		return -EPERM;
	}
	detach_this_cpu();
	stay_loaded();
	stacks_unsettled();
	return 0;
}

/*
 * Linux does not bring back the boot CPU's IA32_S_CET after suspend to RAM (read
 * in 6.12), so that CPU would go on without IBT, and not be like the others,
 * which get theirs as they come online.
 */
static u64 suspended_s_cet;

static void save_s_cet(void)
{
	if (cpu_feature_enabled(X86_FEATURE_IBT))
		rdmsrq_safe(MSR_IA32_S_CET, &suspended_s_cet);
}

static void restore_s_cet(void)
{
	u64 now;

	if (cpu_feature_enabled(X86_FEATURE_IBT) &&
	    !rdmsrq_safe(MSR_IA32_S_CET, &now) && now != suspended_s_cet)
		wrmsrq_safe(MSR_IA32_S_CET, suspended_s_cet);
}

/* The last CPU, before suspend; the others have gone offline. */
static int SYSCORE_CALLBACK(syscore_suspend_cpu)
{
	if (lock_is_on()) {
		pr_notice("no suspend and no hibernation: policy/lock is on\n");
		return -EPERM;
	}
	detach_this_cpu();
	save_s_cet();
	return 0;
}

/*
 * A resume cannot fail: this CPU goes on bare. It counts as one that root had to give
 * back, for the same is so of it: tasks run there that root does not see.
 */
static void SYSCORE_CALLBACK(syscore_resume_cpu)
{
	unsigned int cpu = smp_processor_id();
	int err;

	restore_s_cet();
	/* Each says why not. */
	err = check_this_cpu();
	if (!err) {
		err = attach_this_cpu();
		if (err)
			say_why_not(cpu, err);
	}
	if (err) {
		this_cpu_write(lifecycle.reported, true);
		island_note_bare(cpu);
	}
	stay_loaded();
	stacks_unsettled();
}

static void detach_ipi(void *unused)
{
	detach_this_cpu();
}

/* Reboot, power-off, kexec: nothing comes back from here. */
static void SYSCORE_CALLBACK(syscore_shutdown_cpus)
{
	on_each_cpu(detach_ipi, NULL, 1);
}

/*
 * Kernels before 6.4 do not call syscore operations before kexec. This comes
 * earlier than they do, while CPUs may still come online and attach; the
 * hotplug states are of no use any more then, so attaching ends here, too. That is an
 * error to who tries: this is a variable that can be written to, and nobody is to get
 * a bare CPU by it without a word.
 */
static int reboot_notify(struct notifier_block *block, unsigned long event,
			 void *unused)
{
	WRITE_ONCE(going_down, true);
	on_each_cpu(detach_ipi, NULL, 1);
	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = {
	.notifier_call = reboot_notify,
};

DEFINE_SYSCORE(syscore_hooks,
	       .suspend = syscore_suspend_cpu,
	       .resume = syscore_resume_cpu,
	       .shutdown = syscore_shutdown_cpus);

static void report_degraded(struct irq_work *work)
{
	const struct vcpu_public *public =
		island_vcpu_public(smp_processor_id());

	/* VMX is off here, and no detaching will tell perf. */
	static_call(carapace_pt_handle_vmx)(0);
	pr_err("CPU %u is no longer guarded, Linux goes on bare: %s (exit reason %#x, vector %u, rip %#llx, info %#llx)\n",
	       smp_processor_id(), leave_reason(public),
	       public->leave_exit_reason, public->leave_vector,
	       public->leave_rip, public->leave_info);
	stay_loaded();
	stacks_unsettled();
}

/* Root's last act on a CPU that it gives back is an NMI. */
static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	unsigned int cpu = smp_processor_id();

	if (cpu >= island_nr_vcpus() ||
	    READ_ONCE(island_vcpu_public(cpu)->state) != VCPU_DEGRADED ||
	    this_cpu_read(lifecycle.reported))
		return NMI_DONE;
	this_cpu_write(lifecycle.reported, true);
	irq_work_queue(this_cpu_ptr(&lifecycle.report));
	return NMI_HANDLED;
}

static void notrace leaving_in_emergency(unsigned long ip, struct pt_regs *regs)
{
	detach_this_cpu();
}

static struct hook emergency_hooks[] __ro_after_init = {
	HOOK(COMPAT_EMERGENCY, leaving_in_emergency, true),
};

DEFINE_HOOK_SET(emergency_set, emergency_hooks);

static void remove_hooks(void)
{
	unsigned int cpu;

	unregister_reboot_notifier(&reboot_notifier);
	compat_unregister_syscore(&syscore_hooks);
	hooks_remove(&emergency_set);
	compat_unregister_emergency(detach_this_cpu);
	unregister_nmi_handler(NMI_LOCAL, "carapace");
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu(lifecycle, cpu).report);
}

/**
 * cpus_attach() - attach all CPUs that are online, and those that come
 *
 * Context: may sleep; after island_load().
 *
 * Return: 0; or the errno of the first CPU that failed, or another one, after one
 * line, and then all are back.
 */
int cpus_attach(void)
{
	unsigned long pt = kernel_symbol("intel_pt_handle_vmx");
	unsigned int cpu;
	int ret;

	if (pt)
		compat_static_call_update(carapace_pt_handle_vmx, pt);
	for_each_possible_cpu(cpu)
		init_irq_work(&per_cpu(lifecycle, cpu).report, report_degraded);

	ret = register_nmi_handler(NMI_LOCAL, nmi_handler, 0, "carapace");
	if (ret) {
		pr_err("cannot hear of NMIs (%d); please report this line\n", ret);
		return ret;
	}
	ret = hooks_add(&emergency_set);
	if (ret) {
		unregister_nmi_handler(NMI_LOCAL, "carapace");
		return ret;
	}
	compat_register_emergency(detach_this_cpu);
	compat_register_syscore(&syscore_hooks);
	register_reboot_notifier(&reboot_notifier);

	ret = cpuhp_setup_state(COMPAT_HOTPLUG_STATE, "carapace:online",
				cpu_startup, cpu_teardown);
	/* No attaching fails so: the state is taken. */
	if (ret == -EBUSY)
		pr_err("KVM has just begun to use VMX, which has one user at a time; unload it with 'modprobe -r kvm_intel'\n");
	if (ret < 0)
		goto out_hooks;
	/* 0 for one that is not dynamic */
	hotplug_state = ret ? : COMPAT_HOTPLUG_STATE;
	hooks_seal(&emergency_set);
	return 0;

out_hooks:
	remove_hooks();
	return ret;
}

/**
 * cpus_detach() - the opposite
 *
 * Context: may sleep.
 */
void cpus_detach(void)
{
	cpuhp_remove_state(hotplug_state);
	remove_hooks();
}
