// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into the emulator: with several CPUs, Bochs 3.0 forgets to commit
 * RIP after it has delivered an exception, and this does it.
 *
 * A fault, and an exit that is like one, sets RIP back to the last that was
 * committed. With one CPU, cpu_loop() commits RIP when exception() has jumped
 * back to it; with several, main.cc's loop takes its place and does not. Until the
 * first instruction of the handler has been executed, the handler's RIP is
 * therefore lost to any exit: an NMI between the two leaves the guest with the
 * handler's stack, CS and RFLAGS, and with the RIP of what had faulted. Linux then
 * goes on in ring 0 at an address of user mode. (Seen with a task that has page
 * faults and another CPU that sends NMIs: some 1500 are enough.)
 *
 * Each of these jumps comes here. RIP of all CPUs is committed, for nothing tells
 * which one jumps; for the others nothing changes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

/* The emulator's own, with the names that C++ gives them; its debugger's */
extern void **bx_cpu_array;
extern uint8_t bx_cpu_count;
extern unsigned int dbg_cpu;
uint64_t _Z14bx_dbg_get_ripv(void);
void _ZN8BX_CPU_C11dbg_set_eipEm(void *cpu, uint64_t rip);

void __longjmp_chk(struct __jmp_buf_tag *env, int value)
{
	static __typeof__(__longjmp_chk) *jump __attribute__((noreturn));
	unsigned int cpu = dbg_cpu;

	if (!jump)
		jump = (__typeof__(jump))dlsym(RTLD_NEXT, "__longjmp_chk");
	if (!jump)
		abort();
	for (dbg_cpu = 0; dbg_cpu < bx_cpu_count; dbg_cpu++)
		_ZN8BX_CPU_C11dbg_set_eipEm(bx_cpu_array[dbg_cpu],
					    _Z14bx_dbg_get_ripv());
	dbg_cpu = cpu;
	jump(env, value);
}
