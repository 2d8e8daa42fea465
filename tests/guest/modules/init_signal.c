// SPDX-License-Identifier: GPL-2.0
/*
 * Loading this sends an INIT to a CPU, which Linux has not asked for
 *
 * A bare CPU loses its state and waits for a SIPI that does not come.
 */
#include <linux/delay.h>
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

static int __init init_signal_init(void)
{
	unsigned long flags;
	u32 apic_id;
	u64 base;
	int err = 0;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	apic_id = cpu_physical_id(cpu);
	rdmsrl(MSR_IA32_APICBASE, base);
	if (base & X2APIC_ENABLE) {
		local_irq_save(flags);
		wrmsrl(APIC_BASE_MSR + (APIC_ICR >> 4),
		       (u64)apic_id << 32 | ICR_INIT);
		local_irq_restore(flags);
	} else {
		err = send_by_memory(base, apic_id);
	}
	/* Until it has arrived */
	mdelay(1);
	return err;
}

module_init(init_signal_init);

MODULE_DESCRIPTION("Send an INIT to a CPU");
MODULE_LICENSE("GPL");
