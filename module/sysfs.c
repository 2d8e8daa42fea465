// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: /sys/kernel/carapace
 */
#include <linux/cpumask.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "cpus.h"
#include "guarded.h"
#include "guards.h"
#include "island_load.h"
#include "machine.h"
#include "pool.h"
#include "reports.h"
#include "sysfs.h"

static struct kobject *top;
static struct kobject *stats;
static struct kernfs_node *events_node;
static struct kobject **cpu_dirs;

static unsigned int cpu_of(struct kobject *kobj)
{
	unsigned int cpu;

	for (cpu = 0; cpu < island_nr_vcpus(); cpu++) {
		if (cpu_dirs[cpu] == kobj)
			break;
	}
	return cpu;
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  cpus_any_degraded() ? "degraded" : "attached");
}

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", THIS_MODULE->version);
}

static ssize_t cpus_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	cpumask_var_t mask;
	ssize_t len;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	cpus_attached_mask(mask);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(mask));
	free_cpumask_var(mask);
	return len;
}

static ssize_t capabilities_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	const struct machine *m = machine();
	ssize_t len = 0;
	u32 i;

	for (i = 0; i < VMX_CAPABILITY_COUNT; i++) {
		len += sysfs_emit_at(buf, len, "%s %s\n",
				     vmx_capability_name(i),
				     vmx_capability_present(&m->controls, i) ?
				     "yes" : "no");
	}
	return len;
}

/* A line per kind; changes wake those who poll */
static ssize_t events_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	ssize_t len = 0;
	u32 kind;

	for (kind = 0; kind < REPORT_KIND_COUNT; kind++)
		len += sysfs_emit_at(buf, len, "%s %llu\n",
				     report_kind_name(kind),
				     reports_by_kind(kind));
	len += sysfs_emit_at(buf, len, "missed %llu\n", reports_missed());
	return len;
}

static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute version_attr = __ATTR_RO(version);
static struct kobj_attribute cpus_attr = __ATTR_RO(cpus);
static struct kobj_attribute capabilities_attr = __ATTR_RO(capabilities);
static struct kobj_attribute events_attr = __ATTR_RO(events);

static const struct attribute *top_attrs[] = {
	&state_attr.attr,
	&version_attr.attr,
	&cpus_attr.attr,
	&capabilities_attr.attr,
	&events_attr.attr,
	NULL,
};

/* stats/: numbers of the whole */
#define STAT(name, value)						\
static ssize_t name##_show(struct kobject *kobj,			\
			   struct kobj_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%llu\n", (u64)(value));			\
}									\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

STAT(ept_4k, READ_ONCE(island_public()->ept_leaves[0]));
STAT(ept_2m, READ_ONCE(island_public()->ept_leaves[1]));
STAT(ept_1g, READ_ONCE(island_public()->ept_leaves[2]));
STAT(sealed_pages, READ_ONCE(island_public()->sealed_pages));
STAT(code_unsealed, READ_ONCE(island_public()->code_unsealed));
STAT(pool_bytes, pool_bytes());
STAT(pool_used_bytes, READ_ONCE(island_public()->pool_used) * PAGE_SIZE);
STAT(guarded_functions, guarded_functions());
STAT(returns_patched, READ_ONCE(island_public()->returns_patched));
STAT(returns_unshadowed, READ_ONCE(island_public()->returns_unshadowed));
STAT(returns_unverified, READ_ONCE(island_public()->returns_unverified));
STAT(shadow_bytes, READ_ONCE(island_public()->shadow_pages) * PAGE_SIZE);
STAT(shadow_used_bytes, (READ_ONCE(island_public()->shadow_pages) -
			 READ_ONCE(island_public()->shadow_free)) * PAGE_SIZE);

static const struct attribute *stats_attrs[] = {
	&ept_4k_attr.attr,
	&ept_2m_attr.attr,
	&ept_1g_attr.attr,
	&sealed_pages_attr.attr,
	&code_unsealed_attr.attr,
	&pool_bytes_attr.attr,
	&pool_used_bytes_attr.attr,
	&guarded_functions_attr.attr,
	&returns_patched_attr.attr,
	&returns_unshadowed_attr.attr,
	&returns_unverified_attr.attr,
	&shadow_bytes_attr.attr,
	&shadow_used_bytes_attr.attr,
	NULL,
};

/* stats/cpuN/: numbers of a CPU */
#define CPU_STAT(name, value)						\
static ssize_t cpu_##name##_show(struct kobject *kobj,			\
				 struct kobj_attribute *attr, char *buf) \
{									\
	unsigned int cpu = cpu_of(kobj);				\
									\
	return sysfs_emit(buf, "%llu\n", (u64)(value));			\
}									\
static struct kobj_attribute cpu_##name##_attr =			\
	__ATTR(name, 0444, cpu_##name##_show, NULL)

CPU_STAT(attach_ns, cpu_attach_ns(cpu));
CPU_STAT(detach_ns, cpu_detach_ns(cpu));
CPU_STAT(nmis_in_root, READ_ONCE(island_vcpu_public(cpu)->nmis_in_root));
CPU_STAT(nmis_injected, READ_ONCE(island_vcpu_public(cpu)->nmis_injected));
CPU_STAT(nmis_sent, READ_ONCE(island_vcpu_public(cpu)->kicks));
CPU_STAT(invepts, READ_ONCE(island_vcpu_public(cpu)->invepts));
CPU_STAT(pool_accesses, READ_ONCE(island_vcpu_public(cpu)->pool_accesses));
CPU_STAT(stacks_parked, READ_ONCE(island_vcpu_public(cpu)->parked));
CPU_STAT(stacks_parked_in_part,
	 READ_ONCE(island_vcpu_public(cpu)->parked_in_part));
CPU_STAT(stacks_unverified,
	 READ_ONCE(island_vcpu_public(cpu)->unparked_unverified));
CPU_STAT(calls_frozen, READ_ONCE(island_vcpu_public(cpu)->frozen));
CPU_STAT(calls_frozen_in_part,
	 READ_ONCE(island_vcpu_public(cpu)->frozen_in_part));
CPU_STAT(calls_unfrozen, READ_ONCE(island_vcpu_public(cpu)->unfrozen));
CPU_STAT(unknown_exits, READ_ONCE(island_vcpu_public(cpu)->unknown_exits));

static const struct attribute *cpu_attrs[] = {
	&cpu_attach_ns_attr.attr,
	&cpu_detach_ns_attr.attr,
	&cpu_nmis_in_root_attr.attr,
	&cpu_nmis_injected_attr.attr,
	&cpu_nmis_sent_attr.attr,
	&cpu_invepts_attr.attr,
	&cpu_pool_accesses_attr.attr,
	&cpu_stacks_parked_attr.attr,
	&cpu_stacks_parked_in_part_attr.attr,
	&cpu_stacks_unverified_attr.attr,
	&cpu_calls_frozen_attr.attr,
	&cpu_calls_frozen_in_part_attr.attr,
	&cpu_calls_unfrozen_attr.attr,
	&cpu_unknown_exits_attr.attr,
	NULL,
};

/* stats/cpuN/exits/: a file for each reason that can occur */
struct exit_attribute {
	struct kobj_attribute attr;
	u32 reason;
};

static ssize_t exits_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	u32 reason = container_of(attr, struct exit_attribute, attr)->reason;
	unsigned int cpu = cpu_of(kobj->parent);

	return sysfs_emit(buf, "%llu\n",
			  READ_ONCE(island_vcpu_public(cpu)->exits[reason]));
}

/* Exit reasons that can occur: X(file, reason) */
#define EXIT_FILES(X)				\
	X(nmi, EXCEPTION_NMI)			\
	X(triple_fault, TRIPLE_FAULT)		\
	X(init, INIT_SIGNAL)			\
	X(nmi_window, NMI_WINDOW)		\
	X(task_switch, TASK_SWITCH)		\
	X(cpuid, CPUID)				\
	X(getsec, GETSEC)			\
	X(invd, INVD)				\
	X(vmcall, VMCALL)			\
	X(vmclear, VMCLEAR)			\
	X(vmlaunch, VMLAUNCH)			\
	X(vmptrld, VMPTRLD)			\
	X(vmptrst, VMPTRST)			\
	X(vmread, VMREAD)			\
	X(vmresume, VMRESUME)			\
	X(vmwrite, VMWRITE)			\
	X(vmxoff, VMXOFF)			\
	X(vmxon, VMXON)				\
	X(cr_access, CR_ACCESS)			\
	X(rdmsr, RDMSR)				\
	X(wrmsr, WRMSR)				\
	X(mce_during_vmentry, MCE_DURING_VMENTRY) \
	X(monitor_trap_flag, MONITOR_TRAP_FLAG) \
	X(gdtr_idtr, GDTR_IDTR)			\
	X(ldtr_tr, LDTR_TR)			\
	X(ept_violation, EPT_VIOLATION)		\
	X(ept_misconfig, EPT_MISCONFIG)		\
	X(invept, INVEPT)			\
	X(invvpid, INVVPID)			\
	X(xsetbv, XSETBV)			\
	X(vmfunc, VMFUNC)			\
	X(seamcall, SEAMCALL)			\
	X(tdcall, TDCALL)

#define X(file, reason_)						\
static struct exit_attribute exits_##file = {				\
	.attr = __ATTR(file, 0444, exits_show, NULL),			\
	.reason = EXIT_REASON_##reason_,				\
};
EXIT_FILES(X)
#undef X

static struct attribute *exits_attrs[] = {
#define X(file, reason) &exits_##file.attr.attr,
	EXIT_FILES(X)
#undef X
	NULL,
};

static const struct attribute_group exits_group = {
	.attrs = exits_attrs,
};

/* stats/cpuN/exits/, by CPU */
static struct kobject **exits_dirs;

static int create_cpu(unsigned int cpu)
{
	char name[16];
	int err;

	snprintf(name, sizeof(name), "cpu%u", cpu);
	cpu_dirs[cpu] = kobject_create_and_add(name, stats);
	if (!cpu_dirs[cpu])
		return -ENOMEM;
	err = sysfs_create_files(cpu_dirs[cpu], cpu_attrs);
	if (err)
		return err;
	exits_dirs[cpu] = kobject_create_and_add("exits", cpu_dirs[cpu]);
	if (!exits_dirs[cpu])
		return -ENOMEM;
	return sysfs_create_group(exits_dirs[cpu], &exits_group);
}

static int create_cpus(void)
{
	unsigned int cpu;
	int err;

	cpu_dirs = kcalloc(island_nr_vcpus(), sizeof(*cpu_dirs), GFP_KERNEL);
	exits_dirs = kcalloc(island_nr_vcpus(), sizeof(*exits_dirs),
			     GFP_KERNEL);
	if (!cpu_dirs || !exits_dirs)
		return -ENOMEM;

	for (cpu = 0; cpu < island_nr_vcpus(); cpu++) {
		err = create_cpu(cpu);
		if (err)
			return err;
	}
	return 0;
}

/**
 * sysfs_create() - make the tree
 *
 * Context: may sleep; after island_load(), before any CPU attaches.
 *
 * Return: 0 or a negative errno, and then there is no tree.
 */
int sysfs_create(void)
{
	int err;

	top = kobject_create_and_add("carapace", kernel_kobj);
	if (!top)
		return -ENOMEM;
	err = sysfs_create_files(top, top_attrs);
	if (!err)
		err = sysfs_create_group(top, &guards_group);
	if (!err)
		err = sysfs_create_group(top, &guarded_group);
	if (err)
		goto out;
	WRITE_ONCE(events_node, sysfs_get_dirent(top->sd, "events"));

	err = -ENOMEM;
	stats = kobject_create_and_add("stats", top);
	if (!stats)
		goto out;
	err = sysfs_create_files(stats, stats_attrs);
	if (!err)
		err = create_cpus();
	if (!err)
		return 0;
out:
	sysfs_remove();
	return err;
}

/**
 * sysfs_notify_events() - wake those who poll "events"
 *
 * Context: any but NMI.
 */
void sysfs_notify_events(void)
{
	struct kernfs_node *node = READ_ONCE(events_node);

	if (node)
		sysfs_notify_dirent(node);
}

/**
 * sysfs_remove() - take it down
 *
 * Context: may sleep. No reader is left in a file of it afterwards.
 */
void sysfs_remove(void)
{
	struct kernfs_node *node = events_node;
	unsigned int cpu;

	WRITE_ONCE(events_node, NULL);
	if (node)
		sysfs_put(node);

	for (cpu = 0; cpu < island_nr_vcpus(); cpu++) {
		if (exits_dirs)
			kobject_put(exits_dirs[cpu]);
		if (cpu_dirs)
			kobject_put(cpu_dirs[cpu]);
	}
	kfree(exits_dirs);
	kfree(cpu_dirs);
	exits_dirs = NULL;
	cpu_dirs = NULL;
	kobject_put(stats);
	stats = NULL;
	kobject_put(top);
	top = NULL;
}
