/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/ring0_exec: one instruction in ring 0, and what came of it
 */
#ifndef CARAPACE_TESTS_RING0_EXEC_H
#define CARAPACE_TESTS_RING0_EXEC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Instructions: X(name, arguments, results).  Where a register is
 * written, what was in it is changed by the bits to clear and those to set; the
 * result is what a read finds then, and the old value comes back before
 * interrupts are on again.
 */
#define RING0_OPS(X)							\
	X(nop, "", "")							\
	X(mov_cr1, "", "")						\
	X(vmxon, "pa", "")						\
	X(vmxoff, "", "")						\
	X(vmclear, "pa", "")						\
	X(vmptrld, "pa", "")						\
	X(vmptrst, "", "")						\
	X(vmread, "field", "")						\
	X(vmwrite, "field", "")						\
	X(vmlaunch, "", "")						\
	X(vmresume, "", "")						\
	X(vmcall, "rax rdi", "rax")					\
	X(vmfunc, "eax ecx", "")					\
	X(invept, "type", "")						\
	X(invvpid, "type", "")						\
	X(getsec, "eax", "")						\
	X(seamcall, "rax", "")						\
	X(tdcall, "rax", "")						\
	X(invd, "", "")							\
	X(wbinvd, "", "")						\
	X(xgetbv, "ecx", "value")					\
	X(xsetbv, "ecx set clear", "xcr0")				\
	X(rdmsr, "index", "value")					\
	X(wrmsr, "index set clear", "value")				\
	X(read_cr0, "", "cr0")						\
	X(write_cr0, "set clear", "cr0")				\
	X(clts, "", "cr0")						\
	X(lmsw, "msw", "cr0")						\
	X(smsw, "", "msw")						\
	X(read_cr3, "", "cr3")						\
	X(write_cr3, "set clear", "cr3")				\
	X(read_cr4, "", "cr4")						\
	X(write_cr4, "set clear", "cr4")				\
	X(write_cr8, "set clear", "cr8")				\
	X(cpuid, "eax ecx", "eax ebx ecx edx")				\
	X(cpuid_under_cr4, "eax clear", "eax ebx ecx edx")		\
	X(cpuid_probed, "", "eax")					\
	X(step_nop, "", "traps distance dr6")				\
	X(step_cpuid, "", "traps distance dr6")				\
	X(step_wbinvd, "", "traps distance dr6")			\
	X(step_rdmsr, "index", "traps distance dr6")			\
	X(step_fault, "", "traps distance dr6")				\
	X(int3, "", "traps distance")					\
	X(icebp, "", "")						\
	X(step_movss_cpuid, "", "traps distance dr6")			\
	X(step_nmi, "", "traps distance dr6 nmis")			\
	X(sti_cpuid, "", "")						\
	X(read_physical, "pa", "value page")				\
	X(or_physical, "pa bits", "")					\
	X(cpuid_loop, "count", "")					\
	X(nmi_self, "count", "nmis")					\
	X(nmi_other, "count cpu busy", "nmis")				\
	X(nmi_storm, "count cpu busy", "nmis")				\
	X(nmi_arrived, "", "nmis")					\
	X(nmi_places, "from to at", "between at")			\
	X(triple_fault, "", "")

enum ring0_op {
#define X(name, arguments, results) RING0_##name,
	RING0_OPS(X)
#undef X
	RING0_OP_COUNT,
};

/* What the CPU that nmi_other and nmi_storm send to does meanwhile */
enum ring0_busy {
	RING0_BUSY_NOT,		/* what it did anyway */
	RING0_BUSY_CPUID,	/* CPUID over and over, interrupts off */
	RING0_BUSY_PAUSE,	/* the same without an exit */
	RING0_BUSY_XSETBV,	/* an exit that takes root longer */
};

#define RING0_NO_FAULT	(~0U)

/**
 * struct ring0_request - one instruction, on the CPU that the caller runs on
 * @op: enum ring0_op
 * @vector: set: the exception that it raised, or RING0_NO_FAULT
 * @arg: arguments
 * @result: set: results
 */
struct ring0_request {
	__u32 op;
	__u32 vector;
	__u64 arg[3];
	__u64 result[4];
};

#define RING0_EXEC	_IOWR('0', 1, struct ring0_request)

#endif /* CARAPACE_TESTS_RING0_EXEC_H */
