/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what differs between the kernels that it builds for
 *
 * The only place for such differences.  Stable releases and distributions take
 * interfaces over from later kernels, so a version number tells little: Kbuild
 * looks into the headers and defines HAVE_….
 */
#ifndef CARAPACE_COMPAT_H
#define CARAPACE_COMPAT_H

#ifdef __ASSEMBLER__

/* What may be called by pointer begins with ENDBR, where the kernel has IBT. */
#ifdef HAVE_CFI_TYPES
#include <linux/cfi_types.h>
#else
#define SYM_TYPED_FUNC_START(name)	SYM_FUNC_START(name)
#endif
#ifndef HAVE_IBT
#define ENDBR
#endif

#else /* !__ASSEMBLER__ */

#include <linux/bits.h>
#include <linux/cpuhotplug.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <linux/stddef.h>
#include <linux/syscore_ops.h>
#include <linux/sysfs.h>
#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/current.h>
#include <asm/msr.h>
#include <asm/orc_types.h>
#include <asm/processor.h>
#include <asm/reboot.h>
/* Since 6.16; before, asm/processor.h has what is used of it. */
#ifdef HAVE_CPUID_API
#include <asm/cpuid/api.h>
#endif

#ifdef HAVE_EXECMEM
#include <linux/execmem.h>
#else
#include <linux/sched/task_stack.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#endif

/* 5.10 has these in linux/kernel.h, and of the compiler. */
#ifdef HAVE_PANIC_NOTIFIER
#include <linux/panic_notifier.h>
#endif
#ifdef HAVE_STDARG
#include <linux/stdarg.h>
#else
#include <stdarg.h>
#endif

/* 5.10 has no IBT, and so no ENDBR before a function's slot. */
#ifdef HAVE_IBT
#include <asm/ibt.h>
#else
#define ENDBR_INSN_SIZE		0
#endif
#ifndef MSR_IA32_S_CET
#define MSR_IA32_U_CET		0x6a0
#define MSR_IA32_S_CET		0x6a2
#define MSR_IA32_PL0_SSP	0x6a4
#define MSR_IA32_PL1_SSP	0x6a5
#define MSR_IA32_PL2_SSP	0x6a6
#define MSR_IA32_PL3_SSP	0x6a7
#define MSR_IA32_INT_SSP_TAB	0x6a8
#endif
#ifndef CET_ENDBR_EN
#define CET_ENDBR_EN		BIT_ULL(2)
#endif
#ifndef X86_CR4_CET
#define X86_CR4_CET		BIT(23)
#endif
#ifndef X86_FEATURE_IBT
#define X86_FEATURE_IBT		(18 * 32 + 20)
#endif

static inline bool compat_is_tdx_guest(void)
{
#ifdef X86_FEATURE_TDX_GUEST
	return boot_cpu_has(X86_FEATURE_TDX_GUEST);
#else
	return false;
#endif
}

/* What Linux does for some CPUs' returns since 6.2 */
static inline bool compat_counts_calls(void)
{
#ifdef X86_FEATURE_CALL_DEPTH
	return boot_cpu_has(X86_FEATURE_CALL_DEPTH);
#else
	return false;
#endif
}

#ifndef in_hardirq
#define in_hardirq()	in_irq()
#endif

/* gcc 10 does not know the attribute, and has something like it. */
#if __has_attribute(no_stack_protector)
#define COMPAT_NO_CANARY	__attribute__((no_stack_protector))
#else
#define COMPAT_NO_CANARY	__attribute__((optimize("no-stack-protector")))
#endif

#ifndef INIT_CSD
#define INIT_CSD(csd, function, data)					\
	(*(csd) = (call_single_data_t){ .func = (function), .info = (data) })
#endif

/*
 * What stands behind the jump of a static call's trampoline. In 5.10 that is what
 * aligns the next one, and not peculiar to them.
 */
#ifdef HAVE_TRAMPOLINE_SIGNATURE
#define COMPAT_TRAMPOLINE_END		{ 0x0f, 0xb9, 0xcc }
#define COMPAT_TRAMPOLINES_SIGNED	true
#else
#define COMPAT_TRAMPOLINE_END		{ 0x0f, 0x1f, 0x00 }
#define COMPAT_TRAMPOLINES_SIGNED	false
#endif

/* 5.10 wants the function's type, not any pointer. */
#define compat_static_call_update(name, address)			\
	static_call_update(name, (typeof(&STATIC_CALL_TRAMP(name)))(address))

/*
 * In 5.10 an ops is given registers as they are, and says so where it needs no
 * protection against recursion. Since 5.11, it says so where it does.
 */
#ifndef HAVE_FTRACE_REGS
#define ftrace_regs			pt_regs
#define ftrace_get_regs(fregs)		(fregs)
#define COMPAT_OPS_UNPROTECTED		FTRACE_OPS_FL_RECURSION_SAFE
#else
#define COMPAT_OPS_UNPROTECTED		0
#endif

/*
 * register_syscore() (7.0, and 6.12's stable releases): callbacks take an
 * argument, and what is registered is not the operations themselves.
 *
 * SYSCORE_CALLBACK(name) begins the definition of a callback,
 * DEFINE_SYSCORE(name, ...) defines what compat_register_syscore() takes.
 */
#ifdef HAVE_REGISTER_SYSCORE
#define SYSCORE_CALLBACK(name)	name(void *unused)
#define DEFINE_SYSCORE(name, ...)					\
	static const struct syscore_ops name##_ops = { __VA_ARGS__ };	\
	static struct syscore name = { .ops = &name##_ops }
#define compat_register_syscore(name)	register_syscore(name)
#define compat_unregister_syscore(name)	unregister_syscore(name)
#else
#define SYSCORE_CALLBACK(name)	name(void)
#define DEFINE_SYSCORE(name, ...)					\
	static struct syscore_ops name = { __VA_ARGS__ }
#define compat_register_syscore(name)	register_syscore_ops(name)
#define compat_unregister_syscore(name)	unregister_syscore_ops(name)
#endif

/*
 * When a CPU that comes online attaches, and one that goes offline detaches: since 6.4
 * there is KVM's own state, which KVM does not use while it cannot be loaded. By then the
 * CPU has its idle task and the one that does this, and can sleep. It has none of those
 * that are bound to it, workqueues' and others, which would be bare for a moment and could
 * enter functions unseen. Before, KVM's state is one where nothing may sleep; and kernels
 * that know LASS turn it on later, so that a CPU is not yet as the others are.
 */
#if defined(HAVE_KVM_ONLINE) && !defined(HAVE_LASS)
#define COMPAT_HOTPLUG_STATE	CPUHP_AP_KVM_ONLINE
#else
#define COMPAT_HOTPLUG_STATE	CPUHP_AP_ONLINE_DYN
#endif

/*
 * Where a module's parts lie: since 6.4, each in memory of its own; before, one
 * behind the other in two blocks.
 */
enum compat_module_part {
	MODULE_PART_TEXT,
	MODULE_PART_RODATA,
	MODULE_PART_RO_AFTER_INIT,
	MODULE_PART_INIT_TEXT,
};

static inline void compat_module_part(const struct module *mod,
				      enum compat_module_part part, u64 *start,
				      u64 *size)
{
#ifdef HAVE_MODULE_MEMORY
	static const enum mod_mem_type types[] = {
		[MODULE_PART_TEXT] = MOD_TEXT,
		[MODULE_PART_RODATA] = MOD_RODATA,
		[MODULE_PART_RO_AFTER_INIT] = MOD_RO_AFTER_INIT,
		[MODULE_PART_INIT_TEXT] = MOD_INIT_TEXT,
	};
	const struct module_memory *memory = &mod->mem[types[part]];

	*start = (u64)memory->base;
	*size = memory->size;
#else
	const struct module_layout *layout = part == MODULE_PART_INIT_TEXT ?
					     &mod->init_layout :
					     &mod->core_layout;
	const u64 ends[] = {
		[MODULE_PART_TEXT] = layout->text_size,
		[MODULE_PART_RODATA] = layout->ro_size,
		[MODULE_PART_RO_AFTER_INIT] = layout->ro_after_init_size,
		[MODULE_PART_INIT_TEXT] = layout->text_size,
	};
	const u64 starts[] = {
		[MODULE_PART_RODATA] = layout->text_size,
		[MODULE_PART_RO_AFTER_INIT] = layout->ro_size,
		[MODULE_PART_INIT_TEXT] = 0,
	};

	*start = (u64)layout->base + starts[part];
	*size = ends[part] - starts[part];
#endif
}

/* Until 6.16, MSRs have been long, not quad. */
#ifndef HAVE_RDMSRQ
#define rdmsrq(index, value)		rdmsrl(index, value)
#define rdmsrq_safe(index, value)	rdmsrl_safe(index, value)
#define wrmsrq(index, value)		wrmsrl(index, value)
#define wrmsrq_safe(index, value)	wrmsrl_safe(index, value)
#endif

/*
 * Where Linux has CPUs leave VMX when it ends by other ways than the front door: a
 * crash, a restart out of an oops. It calls who has registered for that; but not in
 * 5.10, and since 7.1, only KVM can register, and is called only where Linux itself
 * has set CR4.VMXE. Then the function that would call is hooked: COMPAT_EMERGENCY.
 */
#ifdef HAVE_EMERGENCY_CALLBACK
#define compat_register_emergency(callback)				\
	cpu_emergency_register_virt_callback(callback)
#define compat_unregister_emergency(callback)				\
	cpu_emergency_unregister_virt_callback(callback)
#define COMPAT_EMERGENCY	NULL
#else
#ifdef HAVE_EMERGENCY_DISABLE
#define COMPAT_EMERGENCY	"cpu_emergency_disable_virtualization"
#else
#define COMPAT_EMERGENCY	"x86_virt_emergency_disable_virtualization_cpu"
#endif
static inline void compat_register_emergency(void (*callback)(void))
{
}

static inline void compat_unregister_emergency(void (*callback)(void))
{
}
#endif

/* Has a single instruction exchanged; renamed with 6.16. */
#ifdef HAVE_SMP_TEXT_POKE
#define COMPAT_TEXT_POKE_BP	"smp_text_poke_single"
#else
#define COMPAT_TEXT_POKE_BP	"text_poke_bp"
#endif

/*
 * Since 6.16, memory of code that is freed goes to whatever code comes next, and
 * stays mapped: it is not executable any more, and then made writable, by this
 * function.  (In between are kernels that have this only for parts, or not at all.)
 */
#ifdef HAVE_EXECMEM_ROX
#define COMPAT_CODE_REOPENED	"set_memory_rw"
#else
#define COMPAT_CODE_REOPENED	NULL
#endif

/*
 * What allocates memory for code is told for what since 6.10. Before, it is a module's
 * where somebody is loading one.
 */
#ifdef HAVE_EXECMEM
#define COMPAT_CODE_ALLOC	"execmem_alloc"
static inline bool compat_allocates_for_module(const struct pt_regs *regs)
{
	int type = (int)regs->di;

	return type == EXECMEM_MODULE_TEXT || type == EXECMEM_MODULE_DATA;
}

static inline void compat_set_allocation(struct pt_regs *regs, unsigned long size)
{
	regs->si = size;
}
#else
#define COMPAT_CODE_ALLOC	"module_alloc"
static inline bool compat_allocates_for_module(const struct pt_regs *regs)
{
	int nr = syscall_get_nr(current, task_pt_regs(current));

	return nr == __NR_init_module || nr == __NR_finit_module;
}

static inline void compat_set_allocation(struct pt_regs *regs, unsigned long size)
{
	regs->di = size;
}
#endif

/* Until 6.10, who is asked for a sysctl's mode could have changed the sysctl. */
#ifdef HAVE_CONST_CTL_TABLE
#define COMPAT_CTL_TABLE	const struct ctl_table
#else
#define COMPAT_CTL_TABLE	struct ctl_table
#endif

/* Before 5.17, core_pattern's sysctl has the file of proc_dostring(), and inlines it. */
#ifdef HAVE_VALIDATE_COREDUMP
#define COMPAT_CORE_PATTERN	NULL
#else
#define COMPAT_CORE_PATTERN	"proc_dostring_coredump"
#endif

/* What asks an ops for its leave is told the function, too, since 7.0. */
#ifndef HAVE_OPS_FUNC
#define COMPAT_OPS_FUNC(name, ops, cmd)					\
	name(struct ftrace_ops *ops, int cmd)
#define compat_set_ops_func(ops, function)	((void)(function))
#else
#define compat_set_ops_func(ops, function)	((ops)->ops_func = (function))
#ifdef HAVE_OPS_FUNC_IP
#define COMPAT_OPS_FUNC(name, ops, cmd)					\
	name(struct ftrace_ops *ops, unsigned long ip, enum ftrace_ops_cmd cmd)
#else
#define COMPAT_OPS_FUNC(name, ops, cmd)					\
	name(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
#endif
#endif

/* Since 6.16 what is registered of binary files in sysfs is constant. */
#ifdef HAVE_CONST_BIN_ATTRIBUTE
#define COMPAT_BIN_ATTRIBUTE		const struct bin_attribute
#define COMPAT_BIN_ATTRIBUTE_LIST	const struct bin_attribute *const
#else
#define COMPAT_BIN_ATTRIBUTE		struct bin_attribute
#define COMPAT_BIN_ATTRIBUTE_LIST	struct bin_attribute *
#endif

/*
 * This CPU's address of the pointer to its task; and the pointer to the top of each
 * CPU's interrupt stack, which may sleep: together in pcpu_hot from 6.2 to 6.14. The
 * latter is not exported otherwise.
 */
#ifdef HAVE_PCPU_HOT
#define compat_current_task()	((u64)this_cpu_ptr(&pcpu_hot.current_task))
#define compat_irq_stack()	((void __percpu *)&pcpu_hot.hardirq_stack_ptr)
#else
#define compat_current_task()	((u64)this_cpu_ptr(&current_task))
#define compat_irq_stack()	((void __percpu *)kernel_symbol("hardirq_stack_ptr"))
#endif

/*
 * Each CPU's stack canary: first of all that is its own until 6.14, by a name of its own
 * since, which is not exported. NULL where there is none.
 */
#ifndef CONFIG_STACKPROTECTOR
#define compat_canary()			NULL
#elif defined(HAVE_FIXED_PERCPU_DATA)
#define compat_canary()			((void __percpu *)&fixed_percpu_data.stack_canary)
#else
#define compat_canary()			((void __percpu *)kernel_symbol("__stack_chk_guard"))
#endif

/* Linux turns it on since 6.19. */
#ifndef X86_CR4_LASS
#define X86_CR4_LASS	BIT(27)
#endif

/* The end of a stack is a type of the unwind table's since 6.4, and was a bit. */
#ifdef HAVE_ORC_TYPES
#define compat_orc_is_end(rule)	((rule)->type == ORC_TYPE_END_OF_STACK)
#else
#define compat_orc_is_end(rule)	((rule)->end)
#define ORC_TYPE_CALL		UNWIND_HINT_TYPE_CALL
#define ORC_TYPE_REGS		UNWIND_HINT_TYPE_REGS
#define ORC_TYPE_REGS_PARTIAL	UNWIND_HINT_TYPE_REGS_PARTIAL
#endif

/* It has a new name since 5.14, so that nobody compares it carelessly. */
#ifdef HAVE_TASK___STATE
#define COMPAT_TASK_STATE	offsetof(struct task_struct, __state)
#else
#define COMPAT_TASK_STATE	offsetof(struct task_struct, state)
#endif

/*
 * Since 6.19 BPF's trampolines may be jumped to from a function's entry. Where Linux
 * never does that, nobody may.
 */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_JMP
#define COMPAT_PATCH_FENTRY		PATCH_FENTRY_JUMP
#else
#define COMPAT_PATCH_FENTRY		PATCH_FENTRY
#endif

/* Not exported in 5.10; what stays behind is an empty hash. */
#ifdef HAVE_FTRACE_FREE_FILTER
#define compat_free_filter(ops)		ftrace_free_filter(ops)
#else
#define compat_free_filter(ops)		ftrace_set_filter(ops, NULL, 0, 1)
#endif

/*
 * Direct calls of many functions have had a name of their own before 6.3. Before
 * 5.15 there are none: one function after the other, with one ops of ftrace's own
 * for all, so each takes as long as many together do now.
 */
#if defined(HAVE_REGISTER_FTRACE_DIRECT_MULTI) || defined(HAVE_FTRACE_DIRECT_OPS)
#ifdef HAVE_REGISTER_FTRACE_DIRECT_MULTI
#define compat_register_direct(ops, address)				\
	register_ftrace_direct_multi(ops, address)
#define compat_unregister_direct(ops, address)				\
	unregister_ftrace_direct_multi(ops, address)
#else
#define compat_register_direct(ops, address)				\
	register_ftrace_direct(ops, address)
#define compat_unregister_direct(ops, address)				\
	unregister_ftrace_direct(ops, address, false)
#endif

static inline int compat_add_direct(struct ftrace_ops *ops, unsigned long *ips,
				    unsigned int nr, unsigned long address)
{
	int err = ftrace_set_filter_ips(ops, ips, nr, 0, 1);

	if (!err)
		err = compat_register_direct(ops, address);
	if (err)
		compat_free_filter(ops);
	else
		ops->flags |= FTRACE_OPS_FL_PERMANENT;
	return err;
}

static inline int compat_remove_direct(struct ftrace_ops *ops, unsigned long *ips,
				       unsigned int nr, unsigned long address)
{
	int err = compat_unregister_direct(ops, address);

	compat_free_filter(ops);
	return err;
}
#else
static inline int compat_remove_direct(struct ftrace_ops *ops, unsigned long *ips,
				       unsigned int nr, unsigned long address)
{
	int err, first = 0;

	while (nr) {
		err = unregister_ftrace_direct(ips[--nr], address);
		first = first ? : err;
	}
	return first;
}

static inline int compat_add_direct(struct ftrace_ops *ops, unsigned long *ips,
				    unsigned int nr, unsigned long address)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		err = register_ftrace_direct(ips[i], address);
		if (err) {
			compat_remove_direct(ops, ips, i, address);
			return err;
		}
	}
	return 0;
}
#endif

/*
 * A module's sections, as /sys/module/NAME/sections has them: where one begins,
 * and where the next one does. kernel/module/sysfs.c has the structures to itself;
 * since 6.14 the address is in the attribute.
 */
struct compat_section {
	struct bin_attribute attribute;
#ifdef HAVE_SECTION_ADDRESS
	unsigned long address;
#endif
};

struct module_sect_attrs {
	struct attribute_group group;
#ifdef HAVE_SECTION_ADDRESS
	unsigned int nr;
#endif
	struct compat_section section[];
};

static inline u64 compat_section_address(const struct compat_section *section)
{
#ifdef HAVE_SECTION_ADDRESS
	return section->address;
#else
	return (u64)section->attribute.private;
#endif
}

static inline const struct compat_section *
compat_section(const struct module *mod, unsigned int i)
{
#ifdef HAVE_SECTION_ADDRESS
	if (!mod->sect_attrs || i >= mod->sect_attrs->nr)
		return NULL;
#else
	/* The list has an end, and what it leads to has none. */
	if (!mod->sect_attrs || !mod->sect_attrs->group.bin_attrs[i])
		return NULL;
#endif
	return &mod->sect_attrs->section[i];
}

#endif /* !__ASSEMBLER__ */
#endif /* CARAPACE_COMPAT_H */
