// SPDX-License-Identifier: GPL-2.0
/*
 * Reports, as KTAP results on the second serial port, how the CPUs are when
 * nothing else can tell any more: at shutdown, after all others have had their
 * say, and in a panic, when the other CPUs have been stopped. The CPU that
 * panics leaves last, when it restarts the machine.
 *
 * It has to be loaded before Carapace, for the last one loaded is asked first.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/serial_reg.h>
#include <linux/smp.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "../../../module/compat.h"

static uint number = 1;
module_param(number, uint, 0644);
MODULE_PARM_DESC(number, "of the next result");

static char *message = "";
module_param(message, charp, 0600);
MODULE_PARM_DESC(message, "that a panic must have, if any");

/* COM2: the test's output */
#define PORT	0x2f8

static void say(const char *text)
{
	for (; *text; text++) {
		while (!(inb(PORT + UART_LSR) & UART_LSR_THRE))
			cpu_relax();
		outb(*text, PORT + UART_TX);
	}
}

static void result(bool good, const char *what)
{
	char line[100];

	snprintf(line, sizeof(line), "%sok %u %s\n", good ? "" : "not ",
		 number++, what);
	say(line);
}

/* CPUID shows VMX to a bare CPU only, and it would be on only by mistake. */
static bool is_bare(void)
{
	return (cpuid_ecx(1) & BIT(5)) && !(__read_cr4() & X86_CR4_VMXE);
}

static void count_if_bare(void *bare)
{
	if (is_bare())
		atomic_inc(bare);
}

static void SYSCORE_CALLBACK(at_shutdown)
{
	atomic_t bare = ATOMIC_INIT(0);

	on_each_cpu(count_if_bare, &bare, 1);
	result(atomic_read(&bare) == num_online_cpus(),
	       "every CPU is bare when the kernel shuts down");
}

DEFINE_SYSCORE(syscore_hooks, .shutdown = at_shutdown);

/*
 * The other CPUs have stopped and cannot be asked: so Carapace is, which has
 * root's word.
 */
static bool (*cpu_is_attached)(unsigned int cpu);

static int symbol_set(const char *value, const struct kernel_param *param)
{
	struct kprobe probe = { .symbol_name = "cpu_is_attached" };
	int err = register_kprobe(&probe);

	if (err)
		return err;
	cpu_is_attached = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static const struct kernel_param_ops symbol_ops = { .set = symbol_set };

module_param_cb(ask, &symbol_ops, NULL, 0200);
MODULE_PARM_DESC(ask, "write anything once Carapace is loaded, to ask it, too");

/*
 * It has no ENDBR, for nobody calls it by way of a pointer, and IBT cannot be
 * turned off with Carapace there. A RET may go anywhere.
 */
static noinline bool ask(unsigned int cpu)
{
	unsigned long argument = cpu;
	unsigned long answer;

	asm volatile("call 1f\n\t"
		     "jmp 2f\n"
		     "1:\tpush %[function]\n\t"
		     "jmp __x86_return_thunk\n"
		     "2:"
		     : "=a" (answer), "+D" (argument), ASM_CALL_CONSTRAINT
		     : [function] "r" (cpu_is_attached)
		     : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc",
		       "memory");
	return (bool)answer;
}
STACK_FRAME_NON_STANDARD(ask);

static int at_panic(struct notifier_block *block, unsigned long event,
		    void *text)
{
	unsigned int cpu;
	bool any = false;

	if (*message)
		result(strstr(text, message), "the panic says why");
	if (!cpu_is_attached)
		return NOTIFY_DONE;
	for_each_possible_cpu(cpu) {
		if (cpu != smp_processor_id())
			any = any || ask(cpu);
	}
	result(!any, "CPUs that a panic has stopped are not attached");
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = {
	.notifier_call = at_panic,
	.priority = INT_MAX,
};

static int __init end_probe_init(void)
{
	compat_register_syscore(&syscore_hooks);
	return atomic_notifier_chain_register(&panic_notifier_list,
					      &panic_block);
}

/* There is no way out: what it is for comes at the end. */
module_init(end_probe_init);

MODULE_DESCRIPTION("For tests: how the CPUs are at the machine's end");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
