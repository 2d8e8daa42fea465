// SPDX-License-Identifier: GPL-2.0
/*
 * Single instructions in ring 0, with their exceptions caught and reported
 *
 * What an attacker in the kernel could execute. Everything runs on the CPU that
 * the caller has pinned itself to, and is undone before interrupts are on again.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/apic.h>
#include <asm/asm.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/nmi.h>
#include <asm/processor.h>

#include "../../../module/compat.h"
#include "ring0_exec.h"
#include "../../../vmx/hypercall.h"

/*
 * An instruction whose exception goes to EAX; without one, that is ~0. What
 * follows the first instruction runs only when it raised none.
 */
#define CATCH(instruction)						\
	"1:\t" instruction "\n\t"					\
	"mov $-1, %%eax\n"						\
	"2:\n"								\
	_ASM_EXTABLE_FAULT(1b, 2b)

#define PLAIN(instruction, inputs...)					\
({									\
	u32 __vector;							\
									\
	asm volatile(CATCH(instruction)					\
		     : "=a" (__vector) : inputs : "memory", "cc");	\
	__vector;							\
})

/* Where the last test of single-stepping or INT3 was interrupted */
struct trap {
	u32 count;
	u64 rip;
	u64 dr6;
};

static DEFINE_PER_CPU(struct trap, trap);
static DEFINE_PER_CPU(bool, trap_expected);

static int trap_notify(struct notifier_block *nb, unsigned long event,
		       void *data)
{
	struct die_args *args = data;
	struct trap *t = this_cpu_ptr(&trap);

	if (!this_cpu_read(trap_expected) || user_mode(args->regs))
		return NOTIFY_DONE;
	if (event != DIE_DEBUG && event != DIE_INT3)
		return NOTIFY_DONE;

	t->count++;
	t->rip = args->regs->ip;
	if (event == DIE_DEBUG)
		t->dr6 = *(unsigned long *)args->err;
	args->regs->flags &= ~X86_EFLAGS_TF;
	return NOTIFY_STOP;
}

static struct notifier_block trap_notifier = {
	.notifier_call = trap_notify,
	.priority = INT_MAX,
};

static void trap_expect(void)
{
	memset(this_cpu_ptr(&trap), 0, sizeof(struct trap));
	this_cpu_write(trap_expected, true);
}

/* @expected: the instruction behind the one that was to trap */
static void trap_result(struct ring0_request *q, u64 expected)
{
	const struct trap *t = this_cpu_ptr(&trap);

	this_cpu_write(trap_expected, false);
	q->result[0] = t->count;
	q->result[1] = t->rip - expected;
	q->result[2] = t->dr6;
}

/*
 * One instruction under TF. POPF itself does not trap any more: the trap comes
 * after the instruction behind it, and finds RIP at "3".
 */
#define STEP(instruction, inputs...)					\
({									\
	u64 __expected;							\
	u32 __vector;							\
									\
	trap_expect();							\
	asm volatile("lea 3f(%%rip), %1\n\t"				\
		     "pushfq\n\t"					\
		     "orq $0x100, (%%rsp)\n\t"				\
		     "popfq\n"						\
		     CATCH(instruction "\n3:\tnop")			\
		     : "=&a" (__vector), "=&r" (__expected)		\
		     : inputs						\
		     : "rbx", "rdx", "memory", "cc");			\
	trap_result(q, __expected);					\
	__vector;							\
})

static DEFINE_PER_CPU(u32, nmi_count);
static DEFINE_PER_CPU(bool, nmi_expected);

/* All NMIs, whosever they are */
static DEFINE_PER_CPU(u64, nmis_arrived);
/* Of these, what they have interrupted: between two addresses, and at one of them */
static u64 nmi_from, nmi_to, nmi_at;
static DEFINE_PER_CPU(u64, nmis_between);
static DEFINE_PER_CPU(u64, nmis_at);

/* In a storm: one is on its way; it may be another one that finds that out. */
static DEFINE_PER_CPU(bool, nmi_wanted);
static DEFINE_PER_CPU(bool, nmi_storm);

static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	this_cpu_inc(nmis_arrived);
	if (regs->ip >= READ_ONCE(nmi_from) && regs->ip < READ_ONCE(nmi_to))
		this_cpu_inc(nmis_between);
	if (regs->ip == READ_ONCE(nmi_at))
		this_cpu_inc(nmis_at);
	if (this_cpu_xchg(nmi_wanted, false))
		return NMI_HANDLED;
	if (!this_cpu_read(nmi_expected))
		return NMI_DONE;
	this_cpu_inc(nmi_count);
	return NMI_HANDLED;
}

/* One after the other: two at once may become one on any CPU. */
static u32 send_nmis(unsigned int cpu, u64 count)
{
	u32 *counter = per_cpu_ptr(&nmi_count, cpu);
	u64 i, deadline;

	WRITE_ONCE(*counter, 0);
	/* Before the first one is sent. */
	smp_store_mb(*per_cpu_ptr(&nmi_expected, cpu), true);
	for (i = 0; i < count; i++) {
		deadline = ktime_get_mono_fast_ns() + NSEC_PER_SEC;
		apic->send_IPI(cpu, NMI_VECTOR);
		while (READ_ONCE(*counter) == i &&
		       ktime_get_mono_fast_ns() < deadline)
			cpu_relax();
		if (READ_ONCE(*counter) != i + 1)
			break;
		/*
		 * Some come while the handler still runs, others, at different
		 * moments, when the CPU is back at what it did.
		 */
		if (i % 4)
			udelay(30 + i % 64);
	}
	/* One too many would come about now. */
	udelay(100);
	*per_cpu_ptr(&nmi_expected, cpu) = false;
	return READ_ONCE(*counter);
}

/* How many there were since the last time; from now on for other places */
static void nmi_places(struct ring0_request *q)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		q->result[0] += xchg(per_cpu_ptr(&nmis_between, cpu), 0);
		q->result[1] += xchg(per_cpu_ptr(&nmis_at, cpu), 0);
	}
	WRITE_ONCE(nmi_from, q->arg[0]);
	WRITE_ONCE(nmi_to, q->arg[1]);
	WRITE_ONCE(nmi_at, q->arg[2]);
}

/* Whose NMI has been taken for another one's is nobody's. */
static int unknown_nmi_handler(unsigned int type, struct pt_regs *regs)
{
	return this_cpu_read(nmi_storm) ? NMI_HANDLED : NMI_DONE;
}

/*
 * While others send NMIs to that CPU, too: each is sent once the last one, or
 * one of theirs, has arrived. The caller may be interrupted and preempted.
 */
static u64 storm(unsigned int cpu, u64 count)
{
	bool *wanted = per_cpu_ptr(&nmi_wanted, cpu);
	u64 i, deadline;

	*per_cpu_ptr(&nmi_storm, cpu) = true;
	for (i = 0; i < count; i++) {
		/* Before it is sent */
		smp_store_mb(*wanted, true);
		apic->send_IPI(cpu, NMI_VECTOR);
		deadline = ktime_get_mono_fast_ns() + 10 * NSEC_PER_SEC;
		while (READ_ONCE(*wanted) &&
		       ktime_get_mono_fast_ns() < deadline)
			cpu_relax();
		if (READ_ONCE(*wanted))
			break;
		if (i % 4)
			udelay(30 + i % 64);
		cond_resched();
	}
	/* One that is late */
	udelay(100);
	*per_cpu_ptr(&nmi_storm, cpu) = false;
	WRITE_ONCE(*wanted, false);
	return i;
}

static u64 xcr0(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return (u64)high << 32 | low;
}

static u32 write_xcr(u32 index, u64 value)
{
	return PLAIN("xsetbv", "c" (index), "0" ((u32)value),
		     "d" ((u32)(value >> 32)));
}

struct busy {
	enum ring0_busy how;
	bool running;
	bool stop;
	call_single_data_t csd;
};

static void be_busy(void *arg)
{
	struct busy *b = arg;

	WRITE_ONCE(b->running, true);
	while (!READ_ONCE(b->stop)) {
		if (b->how == RING0_BUSY_CPUID)
			cpuid_eax(0);
		else if (b->how == RING0_BUSY_XSETBV)
			write_xcr(0, xcr0());
		else
			cpu_relax();
	}
	WRITE_ONCE(b->running, false);
}

static long nmi_other(struct ring0_request *q)
{
	struct busy b = { .how = q->arg[2] };
	unsigned int cpu = q->arg[1];
	int err;

	if (!cpu_online(cpu) || cpu == smp_processor_id())
		return -EINVAL;
	if (b.how != RING0_BUSY_NOT) {
		INIT_CSD(&b.csd, be_busy, &b);
		err = smp_call_function_single_async(cpu, &b.csd);
		if (err)
			return err;
		while (!READ_ONCE(b.running))
			cpu_relax();
	}
	if (q->op == RING0_nmi_storm)
		q->result[0] = storm(cpu, q->arg[0]);
	else
		q->result[0] = send_nmis(cpu, q->arg[0]);
	WRITE_ONCE(b.stop, true);
	while (READ_ONCE(b.running))
		cpu_relax();
	return 0;
}

/* For kprobes: a function that executes CPUID itself */
static noinline u32 probed_cpuid(void)
{
	u32 eax = 0;

	asm volatile("cpuid" : "+a" (eax) : "c" (0) : "rbx", "rdx");
	return eax;
}

/* The hypercall that has an NMI come while root runs, under TF */
static u32 step_nmi(struct ring0_request *q)
{
	u64 expected;
	u32 vector;

	this_cpu_write(nmi_count, 0);
	this_cpu_write(nmi_expected, true);
	trap_expect();
	asm volatile("lea 3f(%%rip), %1\n\t"
		     "pushfq\n\t"
		     "orq $0x100, (%%rsp)\n\t"
		     "popfq\n"
		     CATCH("vmcall\n3:\tnop")
		     : "=&a" (vector), "=&r" (expected)
		     : "0" (HYPERCALL_MAGIC), "D" ((u64)HYPERCALL_TEST_NMI)
		     : "memory", "cc");
	trap_result(q, expected);
	this_cpu_write(nmi_expected, false);
	q->result[3] = this_cpu_read(nmi_count);
	return vector;
}

static u32 do_vmcall(struct ring0_request *q)
{
	u64 rax = q->arg[0];
	u32 vector;

	asm volatile("1:\tvmcall\n\t"
		     "mov %%rax, %1\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a" (vector), "=&r" (q->result[0])
		     : "0" (rax), "D" (q->arg[1]) : "memory", "cc");
	return vector;
}

static u32 do_rdmsr(u32 index, u64 *value)
{
	u32 vector, low = 0, high = 0;

	asm volatile("1:\trdmsr\n\t"
		     "mov %%eax, %1\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a" (vector), "+&r" (low), "+&d" (high) : "c" (index));
	*value = (u64)high << 32 | low;
	return vector;
}

static u32 write_msr(u32 index, u64 value)
{
	return PLAIN("wrmsr", "c" (index), "0" ((u32)value),
		     "d" ((u32)(value >> 32)));
}

/* What the arguments make of a register's value */
static u64 changed(u64 value, u64 set, u64 clear)
{
	return (value & ~clear) | set;
}

static u32 do_wrmsr(struct ring0_request *q)
{
	u32 index = q->arg[0];
	u32 vector;
	u64 old;

	/* What cannot be read can be written nevertheless, MSR 0x79 say. */
	do_rdmsr(index, &old);
	vector = write_msr(index, changed(old, q->arg[1], q->arg[2]));
	do_rdmsr(index, &q->result[0]);
	if (q->result[0] != old)
		write_msr(index, old);
	return vector;
}

static u32 do_xgetbv(u32 index, u64 *value)
{
	u32 vector, low = 0, high = 0;

	asm volatile("1:\txgetbv\n\t"
		     "mov %%eax, %1\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a" (vector), "+&r" (low), "+&d" (high) : "c" (index));
	*value = (u64)high << 32 | low;
	return vector;
}

static u32 do_xsetbv(struct ring0_request *q)
{
	u64 old = xcr0();
	u32 vector;

	vector = write_xcr(q->arg[0], changed(old, q->arg[1], q->arg[2]));
	q->result[0] = xcr0();
	write_xcr(0, old);
	return vector;
}

#define READ_CR(number)							\
({									\
	unsigned long __value;						\
									\
	asm volatile("mov %%cr" #number ", %0" : "=r" (__value) : : "memory"); \
	__value;							\
})

#define WRITE_CR(number, value)						\
	PLAIN("mov %[v], %%cr" #number, [v] "r" ((unsigned long)(value)))

/* Change a control register, see what is in it, put back what was. */
#define TRY_CR(number, instruction, inputs...)				\
({									\
	unsigned long __old = READ_CR(number);				\
	u32 __vector = PLAIN(instruction, inputs);			\
									\
	q->result[0] = READ_CR(number);					\
	WRITE_CR(number, __old);					\
	__vector;							\
})

#define CHANGE_CR(number)						\
	TRY_CR(number, "mov %[v], %%cr" #number,			\
	       [v] "r" ((unsigned long)changed(READ_CR(number),		\
					       q->arg[0], q->arg[1])))

/* CPUID while bits of CR4 that it mirrors are clear */
static void cpuid_under_cr4(struct ring0_request *q, u32 regs[4])
{
	unsigned long cr4 = READ_CR(4);

	WRITE_CR(4, cr4 & ~q->arg[1]);
	cpuid_count(q->arg[0], 0, &regs[0], &regs[1], &regs[2], &regs[3]);
	WRITE_CR(4, cr4);
}

static u32 load(const u64 *at, u64 *value)
{
	u32 vector;

	asm volatile("1:\tmov %2, %1\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a" (vector), "+&r" (*value) : "m" (*at));
	return vector;
}

/*
 * A word at a physical address, and all of its page's words together, or bits
 * to set there, by a mapping that is made for this alone
 */
static long physical(struct ring0_request *q)
{
	u64 pa = q->arg[0], value = 0;
	struct page *page;
	u64 *mapping, *at;
	unsigned int i;

	if (!pfn_valid(PHYS_PFN(pa)) || !IS_ALIGNED(pa, sizeof(value)))
		return -EINVAL;
	page = pfn_to_page(PHYS_PFN(pa));
	mapping = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!mapping)
		return -ENOMEM;
	at = mapping + offset_in_page(pa) / sizeof(*mapping);

	if (q->op == RING0_or_physical) {
		q->vector = PLAIN("lock orq %[bits], %[at]", [at] "m" (*at),
				  [bits] "r" (q->arg[1]));
	} else {
		for (i = 0; i < PAGE_SIZE / sizeof(*mapping); i++) {
			q->vector = load(mapping + i, &value);
			if (q->vector != RING0_NO_FAULT)
				break;
			q->result[1] |= value;
			if (mapping + i == at)
				q->result[0] = value;
		}
	}
	vunmap(mapping);
	return 0;
}

static noinline u32 do_int3(struct ring0_request *q)
{
	u64 expected;

	trap_expect();
	asm volatile("lea 3f(%%rip), %0\n\t"
		     "int3\n"
		     "3:" : "=r" (expected) : : "memory");
	trap_result(q, expected);
	return RING0_NO_FAULT;
}

static void triple_fault(void)
{
	const struct desc_ptr none = { };

	asm volatile("lidt %0; int3" : : "m" (none));
}

static u32 execute(struct ring0_request *q)
{
	u32 regs[4];
	u64 memory = q->arg[0];
	struct { u64 first, second; } descriptor = { };

	switch (q->op) {
	case RING0_nop:
		return PLAIN("nop");
	case RING0_mov_cr1:
		return PLAIN(".byte 0x0f, 0x20, 0xc8");
	case RING0_vmxon:
		return PLAIN("vmxon %[m]", [m] "m" (memory));
	case RING0_vmxoff:
		return PLAIN("vmxoff");
	case RING0_vmclear:
		return PLAIN("vmclear %[m]", [m] "m" (memory));
	case RING0_vmptrld:
		return PLAIN("vmptrld %[m]", [m] "m" (memory));
	case RING0_vmptrst:
		return PLAIN("vmptrst %[m]", [m] "m" (memory));
	case RING0_vmread:
		return PLAIN("vmread %[f], %%rdx", [f] "r" (q->arg[0]),
			     "d" (0));
	case RING0_vmwrite:
		return PLAIN("vmwrite %%rdx, %[f]", [f] "r" (q->arg[0]),
			     "d" (0));
	case RING0_vmlaunch:
		return PLAIN("vmlaunch");
	case RING0_vmresume:
		return PLAIN("vmresume");
	case RING0_vmcall:
		return do_vmcall(q);
	case RING0_vmfunc:
		return PLAIN("vmfunc", "0" ((u32)q->arg[0]), "c" (q->arg[1]));
	case RING0_invept:
		return PLAIN("invept %[m], %[t]", [m] "m" (descriptor),
			     [t] "r" (q->arg[0]));
	case RING0_invvpid:
		return PLAIN("invvpid %[m], %[t]", [m] "m" (descriptor),
			     [t] "r" (q->arg[0]));
	case RING0_getsec:
		return PLAIN(".byte 0x0f, 0x37", "0" ((u32)q->arg[0]), "b" (0));
	case RING0_seamcall:
		return PLAIN(".byte 0x66, 0x0f, 0x01, 0xcf",
			     "0" ((u32)q->arg[0]));
	case RING0_tdcall:
		return PLAIN(".byte 0x66, 0x0f, 0x01, 0xcc",
			     "0" ((u32)q->arg[0]));
	case RING0_invd:
		return PLAIN("invd");
	case RING0_wbinvd:
		return PLAIN("wbinvd");
	case RING0_xgetbv:
		return do_xgetbv(q->arg[0], &q->result[0]);
	case RING0_xsetbv:
		return do_xsetbv(q);
	case RING0_rdmsr:
		return do_rdmsr(q->arg[0], &q->result[0]);
	case RING0_wrmsr:
		return do_wrmsr(q);
	case RING0_read_cr0:
		q->result[0] = READ_CR(0);
		return RING0_NO_FAULT;
	case RING0_write_cr0:
		return CHANGE_CR(0);
	case RING0_clts:
		return TRY_CR(0, "clts");
	case RING0_lmsw:
		return TRY_CR(0, "lmsw %w[v]", [v] "r" ((u32)q->arg[0]));
	case RING0_smsw:
		asm volatile("smsw %0" : "=r" (q->result[0]));
		return RING0_NO_FAULT;
	case RING0_read_cr3:
		q->result[0] = READ_CR(3);
		return RING0_NO_FAULT;
	case RING0_write_cr3:
		return CHANGE_CR(3);
	case RING0_read_cr4:
		q->result[0] = READ_CR(4);
		return RING0_NO_FAULT;
	case RING0_write_cr4:
		return CHANGE_CR(4);
	case RING0_write_cr8:
		return CHANGE_CR(8);
	case RING0_cpuid:
	case RING0_cpuid_under_cr4:
		if (q->op == RING0_cpuid)
			cpuid_count(q->arg[0], q->arg[1], &regs[0], &regs[1],
				    &regs[2], &regs[3]);
		else
			cpuid_under_cr4(q, regs);
		q->result[0] = regs[0];
		q->result[1] = regs[1];
		q->result[2] = regs[2];
		q->result[3] = regs[3];
		return RING0_NO_FAULT;
	case RING0_step_nop:
		return STEP("nop", "c" (0));
	case RING0_step_cpuid:
		return STEP("cpuid", "c" (0));
	case RING0_step_wbinvd:
		return STEP("wbinvd", "c" (0));
	case RING0_step_rdmsr:
		return STEP("rdmsr", "c" ((u32)q->arg[0]));
	case RING0_step_fault:
		return STEP("vmcall", "c" (0));
	case RING0_step_movss_cpuid:
		/* Loading SS puts the trap off by one instruction. */
		return STEP("mov %[ss], %%ss; cpuid", [ss] "r" (__KERNEL_DS),
			    "c" (0));
	case RING0_cpuid_probed:
		q->result[0] = probed_cpuid();
		return RING0_NO_FAULT;
	case RING0_step_nmi:
		return step_nmi(q);
	case RING0_int3:
		return do_int3(q);
	case RING0_icebp:
		return PLAIN(".byte 0xf1");
	case RING0_sti_cpuid:
		return PLAIN("sti; cpuid; cli", "b" (0), "c" (0), "d" (0));
	case RING0_cpuid_loop:
		while (q->arg[0]--)
			cpuid_eax(0);
		return RING0_NO_FAULT;
	case RING0_nmi_arrived:
		q->result[0] = this_cpu_read(nmis_arrived);
		return RING0_NO_FAULT;
	case RING0_nmi_places:
		nmi_places(q);
		return RING0_NO_FAULT;
	case RING0_nmi_self:
		q->result[0] = send_nmis(smp_processor_id(), q->arg[0]);
		return RING0_NO_FAULT;
	case RING0_triple_fault:
		triple_fault();
		break;
	}
	return RING0_NO_FAULT;
}

static long ring0_exec(struct ring0_request *q)
{
	unsigned long flags;
	long err = 0;

	q->vector = RING0_NO_FAULT;
	memset(q->result, 0, sizeof(q->result));
	switch (q->op) {
	case RING0_read_physical:
	case RING0_or_physical:
		return physical(q);
	case RING0_nmi_other:
		preempt_disable();
		err = nmi_other(q);
		preempt_enable();
		return err;
	case RING0_nmi_storm:
		migrate_disable();
		err = nmi_other(q);
		migrate_enable();
		return err;
	}
	if (q->op >= RING0_OP_COUNT)
		return -EINVAL;

	local_irq_save(flags);
	q->vector = execute(q);
	local_irq_restore(flags);
	return 0;
}

static long ring0_ioctl(struct file *file, unsigned int command,
			unsigned long arg)
{
	struct ring0_request __user *user = (void __user *)arg;
	struct ring0_request q;
	long err;

	if (command != RING0_EXEC)
		return -ENOTTY;
	if (copy_from_user(&q, user, sizeof(q)))
		return -EFAULT;
	err = ring0_exec(&q);
	if (err)
		return err;
	return copy_to_user(user, &q, sizeof(q)) ? -EFAULT : 0;
}

static const struct file_operations ring0_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ring0_ioctl,
};

static struct miscdevice ring0_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ring0_exec",
	.fops = &ring0_fops,
	.mode = 0600,
};

static int __init ring0_init(void)
{
	int err;

	err = register_die_notifier(&trap_notifier);
	if (err)
		return err;
	err = register_nmi_handler(NMI_LOCAL, nmi_handler, 0, "ring0_exec");
	if (err)
		goto out_die;
	err = register_nmi_handler(NMI_UNKNOWN, unknown_nmi_handler, 0,
				   "ring0_exec");
	if (err)
		goto out_nmi;
	err = misc_register(&ring0_device);
	if (err)
		goto out_unknown;
	return 0;

out_unknown:
	unregister_nmi_handler(NMI_UNKNOWN, "ring0_exec");
out_nmi:
	unregister_nmi_handler(NMI_LOCAL, "ring0_exec");
out_die:
	unregister_die_notifier(&trap_notifier);
	return err;
}

static void __exit ring0_exit(void)
{
	misc_deregister(&ring0_device);
	unregister_nmi_handler(NMI_UNKNOWN, "ring0_exec");
	unregister_nmi_handler(NMI_LOCAL, "ring0_exec");
	unregister_die_notifier(&trap_notifier);
}

module_init(ring0_init);
module_exit(ring0_exit);

MODULE_DESCRIPTION("For tests: single instructions in ring 0");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
