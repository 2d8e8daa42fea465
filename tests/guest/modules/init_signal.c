// SPDX-License-Identifier: GPL-2.0
/*
 * Writing to its parameter "now" sends an INIT to a CPU
 *
 * Linux has not asked for it: a bare CPU loses its state and waits for a SIPI
 * that does not come. Loading and unloading modules wait for all CPUs, so that
 * is over before.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/apicdef.h>
#include <asm/msr.h>
#include <asm/smp.h>

static uint cpu = 1;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "which CPU");

#define ICR_INIT	(APIC_DM_INIT | APIC_INT_ASSERT)

static int send_by_memory(u64 base, u32 apic_id)
{
	void __iomem *apic = ioremap(base & MSR_IA32_APICBASE_BASE, PAGE_SIZE);

	if (!apic)
		return -ENOMEM;
	writel(apic_id << 24, apic + APIC_ICR2);
	writel(ICR_INIT, apic + APIC_ICR);
	iounmap(apic);
	return 0;
}

static int send(const char *value, const struct kernel_param *param)
{
	unsigned long flags;
	u32 apic_id;
	u64 base;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	apic_id = cpu_physical_id(cpu);
	rdmsrl(MSR_IA32_APICBASE, base);
	if (!(base & X2APIC_ENABLE))
		return send_by_memory(base, apic_id);

	local_irq_save(flags);
	wrmsrl(APIC_BASE_MSR + (APIC_ICR >> 4), (u64)apic_id << 32 | ICR_INIT);
	local_irq_restore(flags);
	return 0;
}

static const struct kernel_param_ops send_ops = { .set = send };

module_param_cb(now, &send_ops, NULL, 0200);
MODULE_PARM_DESC(now, "write anything");

static int __init init_signal_init(void)
{
	return 0;
}

module_init(init_signal_init);

MODULE_DESCRIPTION("Send an INIT to a CPU");
MODULE_LICENSE("GPL");
