// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: what this machine is
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/efi.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "compat.h"
#include "machine.h"

/* asm/mtrr.h's names are taken by mtrr.h */
#define MTRR_PHYSBASE(i)	(0x200 + 2 * (i))
#define MTRR_PHYSMASK(i)	(0x201 + 2 * (i))
#define MTRR_TYPE_WB		6

static struct machine this_machine;

/**
 * machine() - what machine_read() found
 *
 * Context: any, after machine_read().
 */
const struct machine *machine(void)
{
	return &this_machine;
}

static int above_limit(struct resource *resource, void *arg)
{
	u64 *limit = arg;

	*limit = max_t(u64, *limit, resource->end + 1);
	return 0;
}

/* The end of all that Linux knows to be at a physical address */
static u64 highest_address(void)
{
	u64 limit = 0;

	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_MEM, 0, -1, &limit,
			    above_limit);
	return limit;
}

static u64 read_msr(u32 index)
{
	u64 value;

	return rdmsrq_safe(index, &value) ? 0 : value;
}

static void read_mtrrs(struct mtrr_state *mtrr, u32 phys_bits)
{
	static const u16 fixed[MTRR_FIXED_COUNT] = {
		MSR_MTRRfix64K_00000,
		MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
		MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000,
		MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000,
		MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000,
		MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
	};
	u32 i;

	memset(mtrr, 0, sizeof(*mtrr));
	mtrr->phys_bits = phys_bits;
	if (!boot_cpu_has(X86_FEATURE_MTRR)) {
		/* Without MTRRs the page tables' types are all there is. */
		mtrr->def_type = MTRR_DEF_TYPE_E | MTRR_TYPE_WB;
		return;
	}
	mtrr->cap = read_msr(MSR_MTRRcap);
	mtrr->def_type = read_msr(MSR_MTRRdefType);
	mtrr->nr_var = min_t(u32, mtrr->cap & 0xff, MTRR_VARIABLE_MAX);
	for (i = 0; i < mtrr->nr_var; i++) {
		mtrr->var[i].base = read_msr(MTRR_PHYSBASE(i));
		mtrr->var[i].mask = read_msr(MTRR_PHYSMASK(i));
	}
	if (!(mtrr->cap & MTRRCAP_FIX))
		return;
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		mtrr->fixed[i] = read_msr(fixed[i]);
}

/* A leaf that the CPU does not have is 0, not some other leaf. */
static void read_cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	u32 last = cpuid_eax(leaf & 0x80000000);

	memset(regs, 0, 4 * sizeof(*regs));
	if (last < leaf || last - leaf > 0xffff)
		return;
	cpuid_count(leaf, subleaf, &regs[0], &regs[1], &regs[2], &regs[3]);
}

#ifdef CARAPACE_TESTING
static bool vmfunc_hidden;
static bool pebs_pretended;
static int hypervisor_shown = -1;

void machine_hide_vmfunc(void)
{
	vmfunc_hidden = true;
}

void machine_pretend_pebs(void)
{
	pebs_pretended = true;
}

void machine_show_hypervisor(int type)
{
	hypervisor_shown = type;
}
#endif

/**
 * machine_is_under() - whether that is the hypervisor underneath
 * @type: whose; X86_HYPER_NATIVE: none, or none that Linux knows
 *
 * Context: any.
 */
bool machine_is_under(enum x86_hypervisor_type type)
{
#ifdef CARAPACE_TESTING
	if (hypervisor_shown >= 0)
		return type == hypervisor_shown;
#endif
	return hypervisor_is_type(type);
}

static void read_values(struct cpu_values *v)
{
	u32 i;

	memset(v, 0, sizeof(*v));
	vmx_read_cpuid(v, read_cpuid);
	v->cr0 = read_cr0();
	v->cr4 = __read_cr4();
	v->efer = read_msr(MSR_EFER);
	v->feature_control = read_msr(MSR_IA32_FEAT_CTL);
	for (i = 0; i < ARRAY_SIZE(v->vmx); i++)
		v->vmx[i] = read_msr(MSR_IA32_VMX_BASIC + i);
#ifdef CARAPACE_TESTING
	if (vmfunc_hidden)
		v->vmx[MSR_IA32_VMX_VMFUNC - MSR_IA32_VMX_BASIC] = 0;
#endif
	v->max_gpa = highest_address();
}

static int check(const struct cpu_values *values, struct vmx_controls *controls)
{
	struct vmx_refusal why = { };
	int err;

	err = vmx_capabilities_check(values, controls, &why);
	if (err)
		pr_err("CPU %u: %s; %s\n", raw_smp_processor_id(), why.what,
		       why.advice);
	return err;
}

/*
 * The MSR is looked for, for a list with one that is not there would be the end: of a
 * CPU with architectural PEBS, Linux's flag says nothing of it.
 */
static bool has_pebs(void)
{
	u64 value;

	return boot_cpu_has(X86_FEATURE_PEBS) &&
	       !rdmsrq_safe(MSR_IA32_PEBS_ENABLE, &value);
}

#define EAGER_MAP_BITS	48

/**
 * machine_read() - find out, and whether it will do
 *
 * Context: may sleep.
 *
 * Return: 0, or the errno of what is missing, after one line that says what
 * that is and what to do.
 */
int machine_read(void)
{
	struct machine *m = &this_machine;
	u32 phys_bits, power[4];
	int err;

	migrate_disable();
	read_values(&m->values);
	err = check(&m->values, &m->controls);
	migrate_enable();
	if (err)
		return err;

	phys_bits = m->values.phys_bits;
	read_mtrrs(&m->mtrr, phys_bits);
	/* What Linux calls physical: with TME-MK, the top bits are key IDs. */
	m->phys_limit = 1ULL << boot_cpu_data.x86_phys_bits;
	m->map_limit = min(m->phys_limit, 1ULL << EAGER_MAP_BITS);
	m->apic_base = read_msr(MSR_IA32_APICBASE);
	m->under_kvm = machine_is_under(X86_HYPER_KVM);
	/* CPUID.06H:EDX[11:8] gives its pages, less one. */
	read_cpuid(6, 0, power);
	m->hw_feedback_size = ((power[3] >> 8 & 15) + 1) * SZ_4K;
	m->firmware_calls = efi_enabled(EFI_RUNTIME_SERVICES);
	m->pebs = has_pebs();
#ifdef CARAPACE_TESTING
	m->pebs_pretended = pebs_pretended && !m->pebs;
#endif
	m->cpuid_faulting = read_msr(MSR_PLATFORM_INFO) &
			    MSR_PLATFORM_INFO_CPUID_FAULT;
	m->itlb_multihit = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT);
	return 0;
}

/*
 * VMXON raises #GP while IA32_FEATURE_CONTROL is not locked. Firmware locks it,
 * or Linux does at boot; where neither did, it is done here, as KVM would. It
 * stays that way until the CPU is reset.
 */
static int lock_feature_control(const struct cpu_values *values)
{
	const u64 wanted = FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX | FEAT_CTL_LOCKED;

	if (vmx_feature_control_unlocked(values))
		wrmsrq_safe(MSR_IA32_FEAT_CTL,
			    values->feature_control | wanted);
	if ((read_msr(MSR_IA32_FEAT_CTL) & wanted) == wanted)
		return 0;
	pr_err("CPU %u: VMX cannot be turned on in IA32_FEATURE_CONTROL; turn on VT-x in the firmware setup\n",
	       raw_smp_processor_id());
	return -EACCES;
}

/**
 * machine_check_this_cpu() - whether the calling CPU is like the first one
 *
 * All CPUs share one set of controls; a CPU that wants others (a hybrid one,
 * a microcode apart) cannot be part of this.
 *
 * Context: pinned to the CPU.
 *
 * Return: 0, or a negative errno after one line.
 */
int machine_check_this_cpu(void)
{
	struct vmx_controls controls;
	struct cpu_values values;
	int err;

	memset(&controls, 0, sizeof(controls));
	read_values(&values);
	err = check(&values, &controls);
	if (err)
		return err;
	if (memcmp(&controls, &this_machine.controls, sizeof(controls))) {
		pr_err("CPU %u has other VMX capabilities than the first CPU; update the firmware's microcode, or take that CPU offline\n",
		       raw_smp_processor_id());
		return -EOPNOTSUPP;
	}
	return lock_feature_control(&values);
}
