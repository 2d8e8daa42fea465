// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: hypercalls that are about all CPUs
 *
 * Some CPUs may be bare: Linux runs there without root, and root has no hold on them.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/irqflags.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <asm/sync_core.h>

#include "bridge.h"
#include "cpus.h"
#include "cpus_call.h"

struct call {
	u64 number;
	u64 first;
	u64 second;
	long result;
};

/* On the CPU that it is made from */
static void make_call(void *data)
{
	struct call *call = data;

	call->result = hypercall(call->number, call->first, call->second);
}

/**
 * cpus_hypercall() - a hypercall that is not about this CPU
 * @number: enum hypercall
 * @first: its first argument
 * @second: its second
 *
 * Where this CPU is bare, one makes it that is not: what Linux does to code on a
 * CPU that root gave back concerns the others.
 *
 * Context: any where interrupts are on; else only this CPU is tried.
 *
 * Return: the hypercall's result, or -ENXIO where no CPU is attached.
 */
long cpus_hypercall(u64 number, u64 first, u64 second)
{
	struct call call = {
		.number = number,
		.first = first,
		.second = second,
	};
	unsigned int cpu;

	make_call(&call);
	for_each_online_cpu(cpu) {
		if (call.result != -ENXIO || irqs_disabled())
			break;
		if (cpu_is_attached(cpu))
			smp_call_function_single(cpu, make_call, &call, 1);
	}
	return call.result;
}

struct stopped {
	int (*function)(void *data);
	void *data;
	bool called;
};

static int call_stopped(void *data)
{
	struct stopped *s = data;

	s->called = true;
	return s->function(s->data);
}

/**
 * cpus_stop_all() - call a function that makes hypercalls, while all else stands still
 * @function: called on one CPU, which is attached; the others wait with interrupts
 *	off
 * @data: for it
 *
 * Context: may sleep; takes cpu_hotplug_lock.
 *
 * Return: what @function returned, or -ENXIO where no CPU is attached.
 */
int cpus_stop_all(int (*function)(void *data), void *data)
{
	struct stopped s = { .function = function, .data = data };
	unsigned int cpu;
	int ret;

	/* Linux calls nothing, and that is success, where that CPU has gone offline. */
	do {
		cpu = cpus_first_attached();
		if (cpu >= nr_cpu_ids)
			return -ENXIO;
		ret = stop_machine(call_stopped, &s, cpumask_of(cpu));
	} while (!s.called);
	return ret;
}

struct patch_call {
	struct call call;
	atomic_t taken;
	atomic_t waiting;
	bool done;
};

/* On each CPU, when all have interrupts off */
static int patch_stopped(void *data)
{
	struct patch_call *p = data;

	if (cpu_is_attached(smp_processor_id()) && !atomic_xchg(&p->taken, 1)) {
		make_call(&p->call);
		/* The code has changed, for who sees this. */
		smp_store_release(&p->done, true);
		return 0;
	}
	/* Where none is attached all wait, and there is nothing to wait for. */
	atomic_inc(&p->waiting);
	/* Pairs with the release above. */
	while (!smp_load_acquire(&p->done) &&
	       atomic_read(&p->waiting) < num_online_cpus())
		cpu_relax();
	sync_core();
	return 0;
}

/**
 * cpus_patch_hypercall() - a hypercall by which root changes code that Linux runs
 * @number: enum hypercall
 * @first: its first argument
 * @second: its second
 *
 * Root holds the CPUs that are attached, and VM entry is what a CPU needs to run code
 * that was changed meanwhile (vmx/shootdown.c). It has no hold on one that is bare, and
 * writes byte by byte. So where there is one Linux stops all, itself: each is here,
 * which is none of the code that is changed, has its interrupts off, and serializes
 * before it goes on (SDM 3A, 9.1.3), the bare ones by sync_core(). What an NMI runs is
 * not held: of that nothing is patched but a module's handler of NMIs, if it is guarded.
 *
 * CPUs neither come nor go between the look at them and the call. One that root has to
 * give back just then is still seen as attached: that is a fault of root's own within
 * these few microseconds.
 *
 * Context: may sleep; takes cpu_hotplug_lock. What the arguments lead to is read with
 *	all CPUs stopped.
 *
 * Return: the hypercall's result, or -ENXIO where no CPU is attached.
 */
long cpus_patch_hypercall(u64 number, u64 first, u64 second)
{
	struct patch_call patch = {
		.call = {
			.number = number,
			.first = first,
			.second = second,
			.result = -ENXIO,
		},
	};
	bool bare;

	cpus_read_lock();
	bare = cpus_any_bare();
	if (!bare)
		patch.call.result = cpus_hypercall(number, first, second);
	cpus_read_unlock();
	if (bare)
		stop_machine(patch_stopped, &patch, cpu_online_mask);
	return patch.call.result;
}
