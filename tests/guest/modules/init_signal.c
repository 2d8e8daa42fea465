// SPDX-License-Identifier: GPL-2.0
/*
 * Writing to its parameter "now" sends an INIT to a CPU, to "start" a SIPI
 *
 * Linux has not asked for it: a bare CPU loses its state and waits for a SIPI.
 * That has it run a few instructions in real mode, which count themselves in
 * "runs" and leave what CPUID says of its features in "features". Loading and
 * unloading modules wait for all CPUs, so that is over before.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/apicdef.h>
#include <asm/smp.h>

#include "../../../module/compat.h"

static uint cpu = 1;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "which CPU");

#define ICR_INIT	(APIC_DM_INIT | APIC_INT_ASSERT)
#define ICR_SIPI	(APIC_DM_STARTUP | STUB >> PAGE_SHIFT)

/* Linux keeps the first MiB for its own code of this kind, and that is higher. */
#define STUB		0x10000UL

asm(".pushsection .rodata, \"a\"\n"
	".code16\n"
	"stub:\n"
	"	mov %cs, %ax\n"
	"	mov %ax, %ds\n"
	"	mov $1, %eax\n"
	"	cpuid\n"
	"	mov %ecx, stub_features - stub\n"
	"	incl stub_runs - stub\n"
	"1:	hlt\n"
	"	jmp 1b\n"
	"	.balign 4\n"
	"stub_runs:\n"
	"	.long 0\n"
	"stub_features:\n"
	"	.long 0\n"
	"stub_end:\n"
	".code64\n"
	".popsection");

extern const u8 stub[], stub_runs[], stub_features[], stub_end[];

static int get_stub_word(char *buffer, const struct kernel_param *param)
{
	const u8 *word = param->arg;

	return sysfs_emit(buffer, "%#x\n",
			  READ_ONCE(*(u32 *)__va(STUB + (word - stub))));
}

static const struct kernel_param_ops stub_word_ops = { .get = get_stub_word };

module_param_cb(runs, &stub_word_ops, (void *)stub_runs, 0400);
MODULE_PARM_DESC(runs, "how often SIPIs have started the CPU");
module_param_cb(features, &stub_word_ops, (void *)stub_features, 0400);
MODULE_PARM_DESC(features, "CPUID.1:ECX as it found it then");

static int send_by_memory(u64 base, u32 apic_id, u32 command)
{
	void __iomem *apic = ioremap(base & MSR_IA32_APICBASE_BASE, PAGE_SIZE);

	if (!apic)
		return -ENOMEM;
	writel(apic_id << 24, apic + APIC_ICR2);
	writel(command, apic + APIC_ICR);
	iounmap(apic);
	return 0;
}

static int send(u32 command)
{
	unsigned long flags;
	u32 apic_id;
	u64 base;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	apic_id = cpu_physical_id(cpu);
	rdmsrq(MSR_IA32_APICBASE, base);
	if (!(base & X2APIC_ENABLE))
		return send_by_memory(base, apic_id, command);

	local_irq_save(flags);
	wrmsrq(APIC_BASE_MSR + (APIC_ICR >> 4), (u64)apic_id << 32 | command);
	local_irq_restore(flags);
	return 0;
}

static int send_init(const char *value, const struct kernel_param *param)
{
	return send(ICR_INIT);
}

static int send_sipi(const char *value, const struct kernel_param *param)
{
	return send(ICR_SIPI);
}

static const struct kernel_param_ops init_ops = { .set = send_init };
static const struct kernel_param_ops sipi_ops = { .set = send_sipi };

module_param_cb(now, &init_ops, NULL, 0200);
MODULE_PARM_DESC(now, "write anything");
module_param_cb(start, &sipi_ops, NULL, 0200);
MODULE_PARM_DESC(start, "write anything");

static int __init init_signal_init(void)
{
	memcpy(__va(STUB), stub, stub_end - stub);
	return 0;
}

module_init(init_signal_init);

MODULE_DESCRIPTION("Send an INIT to a CPU");
MODULE_LICENSE("GPL");
