// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: violations: who did it, what becomes of him, and who is told
 *
 * Root has judged, and undone what was to be undone, before any of this runs.
 * An NMI on the same CPU then says that there is a report: its handler is the
 * last place where "current" is certain to be who did it. What may not be done
 * in an NMI waits for an interrupt that the CPU sends itself, which comes as
 * soon as interrupts are on, so before the next instruction in user mode.
 *
 * What of this the attacker can get at (the lists of handlers, this module's
 * data, the log) may fail to run or to be true. The verdict does not depend on
 * it, and root keeps the counts.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/ctype.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/nmi.h>
#include <asm/unwind.h>

#include "code.h"
#include "island_load.h"
#include "policy.h"
#include "registers.h"
#include "reports.h"
#include "sysfs.h"
#include "uevent.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define TRACE_DEPTH	12
#define CODE_BYTES	16
#define OBJECT_LENGTH	200

/* Who was running; what is to become of him */
enum context {
	CONTEXT_TASK,		/* a process, in a system call or a fault: killed */
	CONTEXT_KTHREAD,	/* nobody to kill: it goes on, the deed undone */
	CONTEXT_INIT,		/* as is process 1: the machine needs it */
	CONTEXT_INTERRUPT,	/* whoever was interrupted has no part in it */
	CONTEXT_PARKED,		/* nor has the task whose stack was written to */
};

static const char *const context_names[] = {
	[CONTEXT_TASK] = "task",
	[CONTEXT_KTHREAD] = "kthread",
	[CONTEXT_INIT] = "init",
	[CONTEXT_INTERRUPT] = "interrupt",
	[CONTEXT_PARKED] = "parked",
};

struct incident {
	struct report report;
	enum context context;
	struct task_struct *task;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u8 code[CODE_BYTES];
	bool code_valid;
	unsigned int depth;
	unsigned long trace[TRACE_DEPTH];
};

/*
 * Filled by the NMI handler, emptied by the interrupt: one writer and one
 * reader, both on this CPU.
 */
struct incidents {
	u64 seen;		/* of root's ring */
	unsigned int head;
	unsigned int tail;
	struct incident entry[REPORT_RING];
	struct irq_work work;
};

/* Too large for a module's own per-CPU data, of which there is little */
static struct incidents __percpu *incidents;
static DEFINE_PER_CPU(u64, missed);
static DEFINE_PER_CPU(u64, kicks_seen);
static DEFINE_PER_CPU(bool, kick_owed);

static const char *const actions[] = {
	[VERDICT_LOG] = "log",
	[VERDICT_BLOCK] = "block",
	[VERDICT_PANIC] = "panic",
};

static const char *action_name(const struct report *report)
{
	return report->verdict <= VERDICT_PANIC && actions[report->verdict] ?
	       actions[report->verdict] : "unknown";
}

/*
 * The NMI's own share of the preemption count is not the context that it
 * interrupted. Softirqs count as interrupts when they run on top of a task.
 */
static enum context interrupted_context(const struct report *report)
{
	unsigned int count = preempt_count() - NMI_OFFSET - HARDIRQ_OFFSET;

	if (report->kind == REPORT_STACK)
		return CONTEXT_PARKED;
	if (report->cpl == 3)
		return CONTEXT_TASK;
	if (report->in_nmi || (count & (HARDIRQ_MASK | NMI_MASK)) ||
	    (count & SOFTIRQ_OFFSET))
		return CONTEXT_INTERRUPT;
	if (current->flags & PF_KTHREAD)
		return CONTEXT_KTHREAD;
	return is_global_init(current) ? CONTEXT_INIT : CONTEXT_TASK;
}

static unsigned int save_trace(unsigned long trace[TRACE_DEPTH],
			       struct pt_regs *regs)
{
	struct unwind_state state;
	unsigned int depth = 0;
	unsigned long address;

	for (unwind_start(&state, current, regs, NULL);
	     depth < TRACE_DEPTH && !unwind_done(&state);
	     unwind_next_frame(&state)) {
		address = unwind_get_return_address(&state);
		if (!address)
			break;
		trace[depth++] = address;
	}
	return depth;
}

/* An attacker's text must not end the quotes around it, nor the line. */
static void show_text(char *shown, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && text[i]; i++)
		shown[i] = isascii(text[i]) && isprint(text[i]) &&
			   text[i] != '"' ? text[i] : '?';
	shown[i] = 0;
}

/* Who did it; of a stack, whose it is: who wrote there is not known. */
static void record_task(struct incident *incident, const struct report *report)
{
	bool is_parked = incident->context == CONTEXT_PARKED;

	incident->task = current;
	get_task_struct(current);
	incident->pid = is_parked ? report->pid : task_pid_nr(current);
	show_text(incident->comm, is_parked ? report->text : current->comm,
		  sizeof(incident->comm));
}

static void record(struct incident *incident, const struct report *report,
		   struct pt_regs *regs)
{
	incident->report = *report;
	incident->context = interrupted_context(report);
	record_task(incident, report);
	incident->code_valid =
		!copy_from_kernel_nofault(incident->code, (void *)report->rip,
					  CODE_BYTES);
	incident->depth = report->cpl == 3 ? 0 :
			  save_trace(incident->trace, regs);
}

/* Code of the kernel's by its name, a process's by its address */
static void describe_code(char *text, size_t size, u64 va)
{
	if (va < TASK_SIZE_MAX)
		scnprintf(text, size, "%#llx(user)", va);
	else
		scnprintf(text, size, "%pS", (void *)va);
}

/* What a kind of report has of its own */
static void describe_object(char *text, size_t size, const struct report *r)
{
	char shown[REPORT_TEXT], found[OBJECT_LENGTH / 2];

	switch (r->kind) {
	case REPORT_REGISTER:
		scnprintf(text, size, "register=%s expected=%#llx found=%#llx",
			  register_name(r->object), r->expected, r->found);
		break;
	case REPORT_EXEC:
		scnprintf(text, size, "target=%pS page=%s caller=%pS",
			  (void *)r->object, class_name(r->found),
			  (void *)r->expected);
		break;
	case REPORT_HELPER:
		show_text(shown, r->text, sizeof(shown));
		scnprintf(text, size, "address=%pS found=\"%s\"",
			  (void *)r->object, shown);
		break;
	case REPORT_STACK:
	case REPORT_FRAME:
	case REPORT_RETURN:
		describe_code(found, sizeof(found), r->found);
		scnprintf(text, size, "slot=%#llx expected=%pS found=%s",
			  r->object, (void *)r->expected, found);
		break;
	default:
		scnprintf(text, size, "address=%pS expected=%#llx found=%#llx",
			  (void *)r->object, r->expected, r->found);
	}
}

/* One line with the keys, then the details. */
static void print_report(const struct incident *incident)
{
	const struct report *r = &incident->report;
	char object[OBJECT_LENGTH];

	describe_object(object, sizeof(object), r);
	pr_alert("ATTACK kind=%s cpu=%u pid=%d comm=%s context=%s fn=%pS %s action=%s\n",
		 report_kind_name(r->kind), raw_smp_processor_id(),
		 incident->pid, incident->comm,
		 context_names[incident->context], (void *)r->rip, object,
		 action_name(r));
}

static void print_details(const struct incident *incident)
{
	const struct report *r = &incident->report;
	unsigned int i;

	if (incident->code_valid)
		pr_alert("  rip=%#llx rsp=%#llx cpl=%u code: %*ph\n", r->rip,
			 r->rsp, r->cpl, CODE_BYTES, incident->code);
	else
		pr_alert("  rip=%#llx rsp=%#llx cpl=%u\n", r->rip, r->rsp,
			 r->cpl);
	for (i = 0; i < incident->depth; i++)
		pr_alert("  %pS\n", (void *)incident->trace[i]);
}

/*
 * Killed, not made to oops: a signal is taken on the way to user mode, where
 * the task holds no lock and no reference that it has to give back.
 */
static void punish(const struct incident *incident)
{
	if (incident->context == CONTEXT_TASK &&
	    verdict_undoes(incident->report.verdict))
		send_sig(SIGKILL, incident->task, 1);
}

static void send_uevent(const struct incident *incident)
{
	struct attack_event event = {
		.kind = report_kind_name(incident->report.kind),
		.action = action_name(&incident->report),
		.pid = incident->pid,
		.rip = incident->report.rip,
	};

	memcpy(event.comm, incident->comm, sizeof(event.comm));
	uevent_queue(&event);
}

/*
 * Those that have no line are not lost silently: one line when they begin, and when
 * there is room again, how many they were.
 */
static void tell(const struct incident *incident)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 32);
	static atomic_t untold;
	int nr;

	if (!__ratelimit(&limit)) {
		if (atomic_inc_return(&untold) == 1)
			pr_alert("attacks come too fast for a line each; 'events' counts all of them\n");
		return;
	}
	nr = atomic_xchg(&untold, 0);
	if (nr)
		pr_alert("%d attacks before this one had no line\n", nr);
	print_report(incident);
	print_details(incident);
	send_uevent(incident);
}

static void handle_incident(const struct incident *incident)
{
	punish(incident);
	tell(incident);
	trace_carapace_attack(report_kind_name(incident->report.kind),
			      action_name(&incident->report),
			      incident->pid, incident->comm,
			      incident->report.rip, incident->report.object,
			      incident->report.expected,
			      incident->report.found);
	put_task_struct(incident->task);
}

static void incident_work(struct irq_work *work)
{
	struct incidents *list = container_of(work, struct incidents, work);
	/* Pairs with nmi_handler(): entries below are complete. */
	unsigned int head = smp_load_acquire(&list->head);

	while (list->tail != head) {
		handle_incident(&list->entry[list->tail % REPORT_RING]);
		/* The entry may be used again from here on. */
		smp_store_release(&list->tail, list->tail + 1);
	}
	sysfs_notify_events();
}

/* False where root has overwritten the entry meanwhile */
static bool copy_report(const struct report_ring *ring, u64 number,
			struct report *report)
{
	*report = ring->entry[number % REPORT_RING];
	/* Read again after the copy: root adds without asking. */
	return smp_load_acquire(&ring->count) - number < REPORT_RING;
}

static void panic_now(const struct report *report, struct pt_regs *regs)
{
	char message[OBJECT_LENGTH + 100];
	char object[OBJECT_LENGTH];

	describe_object(object, sizeof(object), report);
	snprintf(message, sizeof(message),
		 "carapace: ATTACK kind=%s fn=%pS %s action=panic",
		 report_kind_name(report->kind), (void *)report->rip, object);
	/* Where another CPU panics already, a crash kernel is told of these. */
	nmi_panic(regs, message);
}

/*
 * Root has every CPU exit by an NMI where it must, and hands that on, for it may have
 * been one of Linux's as well. Claimed as one of this CPU's own: what nobody claims
 * there has all CPUs wait for each other to look for its reason at a port, and others
 * who hear of unknown NMIs take each for theirs (ipmi_watchdog's, which may panic).
 * Several can have become one.
 */
static bool claim_kicks(void)
{
	u64 kicks = READ_ONCE(island_vcpu_public(smp_processor_id())->kicks);

	if (this_cpu_read(kicks_seen) == kicks)
		return false;
	this_cpu_write(kicks_seen, kicks);
	this_cpu_write(kick_owed, true);
	return true;
}

static void tell_unsealed(struct irq_work *work)
{
	pr_err_ratelimited("no memory is left to seal new code, so it is not run: load Carapace again to have more\n");
}

static DEFINE_IRQ_WORK(unsealed_work, tell_unsealed);
static atomic64_t unsealed_seen;

static bool claim_unsealed(void)
{
	u64 unsealed = READ_ONCE(island_public()->code_unsealed);

	if (atomic64_xchg(&unsealed_seen, unsealed) == unsealed)
		return false;
	irq_work_queue(&unsealed_work);
	return true;
}

static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	struct incidents *list = this_cpu_ptr(incidents);
	const struct report_ring *ring;
	struct report report;
	bool kicked;
	u64 count;

	if (smp_processor_id() >= island_nr_vcpus())
		return NMI_DONE;
	kicked = claim_kicks();
	kicked |= claim_unsealed();
	ring = &island_vcpu_public(smp_processor_id())->reports;
	/* Pairs with report_add(): entries below are complete. */
	count = smp_load_acquire(&ring->count);
	if (list->seen == count)
		return kicked ? NMI_HANDLED : NMI_DONE;

	for (; list->seen != count; list->seen++) {
		if (!copy_report(ring, list->seen, &report) ||
		    list->head - READ_ONCE(list->tail) == REPORT_RING) {
			this_cpu_inc(missed);
			continue;
		}
		record(&list->entry[list->head % REPORT_RING], &report, regs);
		/* Pairs with incident_work(). */
		smp_store_release(&list->head, list->head + 1);
		if (report.verdict == VERDICT_PANIC) {
			print_report(&list->entry[(list->head - 1) % REPORT_RING]);
			panic_now(&report, regs);
		}
	}
	irq_work_queue(&list->work);
	return NMI_HANDLED;
}

/* An NMI of root's that was counted before it came, while another one was handled */
static int unknown_nmi_handler(unsigned int type, struct pt_regs *regs)
{
	if (smp_processor_id() >= island_nr_vcpus())
		return NMI_DONE;
	if (!claim_kicks() && !this_cpu_read(kick_owed))
		return NMI_DONE;
	this_cpu_write(kick_owed, false);
	return NMI_HANDLED;
}

/**
 * reports_start() - begin to hear of violations
 *
 * Context: may sleep; after island_load(), before guards are on.
 *
 * Return: 0 or a negative errno.
 */
int reports_start(void)
{
	unsigned int cpu;
	int err;

	incidents = alloc_percpu(struct incidents);
	if (!incidents)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		init_irq_work(&per_cpu_ptr(incidents, cpu)->work, incident_work);
	err = register_nmi_handler(NMI_LOCAL, nmi_handler, 0,
				   "carapace-reports");
	if (err)
		goto out_free;
	err = register_nmi_handler(NMI_UNKNOWN, unknown_nmi_handler, 0,
				   "carapace-kicks");
	if (err)
		goto out_handler;
	return 0;

out_handler:
	unregister_nmi_handler(NMI_LOCAL, "carapace-reports");
out_free:
	free_percpu(incidents);
	return err;
}

/**
 * reports_stop() - the opposite
 *
 * Context: may sleep; guards are off, so nothing comes any more.
 */
void reports_stop(void)
{
	unsigned int cpu;

	unregister_nmi_handler(NMI_UNKNOWN, "carapace-kicks");
	unregister_nmi_handler(NMI_LOCAL, "carapace-reports");
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(incidents, cpu)->work);
	irq_work_sync(&unsealed_work);
	uevent_finish();
	free_percpu(incidents);
}

/**
 * reports_by_kind() - how many violations of a kind there were, on all CPUs
 * @kind: the kind
 *
 * Context: any; what it was at that moment.
 */
u64 reports_by_kind(enum report_kind kind)
{
	unsigned int cpu;
	u64 sum = 0;

	for (cpu = 0; cpu < island_nr_vcpus(); cpu++)
		sum += READ_ONCE(island_vcpu_public(cpu)->reports.by_kind[kind]);
	return sum;
}

/**
 * reports_missed() - how many came too fast to be looked at one by one
 *
 * Context: any; what it was at that moment.
 */
u64 reports_missed(void)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(missed, cpu));
	return sum;
}
