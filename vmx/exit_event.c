// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: exits for NMIs, and for what ends or resets a CPU
 */
#include "cpu_ops.h"
#include "exit.h"
#include "vcpu.h"
#include "x86.h"

/* Exceptions exit during a trial (pins.c) or a decoy only, and are raised again. */
static struct exit_result raise_again(u32 info)
{
	u32 vector = info & INTR_INFO_VECTOR_MASK;

	if (vector == VECTOR_PF)
		write_cr2(vmread(EXIT_QUALIFICATION));
	return (struct exit_result){
		.action = EXIT_EXCEPTION,
		.vector = vector,
		.error_code = info & INTR_INFO_DELIVER_ERROR_CODE ?
			      vmread(VM_EXIT_INTR_ERROR_CODE) : 0,
	};
}

/*
 * An NMI was not delivered; vmx_prepare_entry() hands it on. The CPU holds
 * further NMIs back until entry.
 */
struct exit_result handle_exception_nmi(struct vcpu *vcpu)
{
	u32 info = vmread(VM_EXIT_INTR_INFO);

	if ((info & INTR_INFO_VECTOR_MASK) != VECTOR_NMI)
		return raise_again(info);
	__atomic_add_fetch(&vcpu->nmi_pending, 1, __ATOMIC_RELAXED);
	return RESULT_RESUME;
}

/* The guest can take an NMI now: vmx_prepare_entry() sees to it. */
struct exit_result handle_nmi_window(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_RESUME;
}

/* A bare CPU would shut down, and the chipset reset the machine. */
struct exit_result handle_triple_fault(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_LEAVE(LEAVE_TRIPLE_FAULT);
}

/* A bare CPU would wait for a SIPI. So does this one, once out of VMX. */
struct exit_result handle_init(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_LEAVE(LEAVE_INIT);
}

/*
 * IA-32e mode has no task switches: the CPU raises #GP before it would exit,
 * and the guest can't leave IA-32e mode. #GP with the selector it is, then.
 */
struct exit_result handle_task_switch(struct vcpu *vcpu)
{
	(void)vcpu;
	return RESULT_GP(vmread(EXIT_QUALIFICATION) & 0xfff8);
}

/* The entry is tried again, with #MC to deliver (SDM 3C, 27.9). */
struct exit_result handle_mce_during_entry(struct vcpu *vcpu)
{
	vcpu->mc_pending = 1;
	return RESULT_RESUME;
}
