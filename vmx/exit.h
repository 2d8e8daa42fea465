/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: handling of VM exits
 *
 * A handler looks at one exit and says what is to become of it; exit.c does
 * what all of them need.
 */
#ifndef CARAPACE_VMX_EXIT_H
#define CARAPACE_VMX_EXIT_H

#include "public.h"
#include "types.h"

struct vcpu;

enum exit_action {
	EXIT_RESUME,		/* go on at the same instruction */
	EXIT_SKIP,		/* emulated: go on at the next one */
	EXIT_EXCEPTION,		/* raise .vector, with .error_code if it has one */
	EXIT_LEAVE,		/* this CPU cannot stay: .reason */
};

struct exit_result {
	enum exit_action action;
	u8 vector;
	u32 error_code;
	enum leave_reason reason;
};

#define RESULT_RESUME	((struct exit_result){ .action = EXIT_RESUME })
#define RESULT_SKIP	((struct exit_result){ .action = EXIT_SKIP })
#define RESULT_UD	((struct exit_result){ .action = EXIT_EXCEPTION, \
					       .vector = VECTOR_UD })
#define RESULT_GP(code)	((struct exit_result){ .action = EXIT_EXCEPTION, \
					       .vector = VECTOR_GP, \
					       .error_code = (code) })
#define RESULT_LEAVE(why) ((struct exit_result){ .action = EXIT_LEAVE, \
						 .reason = (why) })

typedef struct exit_result exit_handler(struct vcpu *vcpu);

exit_handler handle_exception_nmi, handle_nmi_window;		/* exit_event.c */
exit_handler handle_triple_fault, handle_init, handle_task_switch;
exit_handler handle_mce_during_entry;
exit_handler handle_cpuid, handle_invd, handle_xsetbv;		/* exit_instruction.c */
exit_handler handle_undefined, handle_unknown, handle_vmcall;
exit_handler handle_cr_access;					/* exit_register.c */
exit_handler handle_rdmsr, handle_wrmsr, handle_descriptor_table, handle_mtf;
exit_handler handle_ept_violation, handle_ept_misconfig;	/* exit_ept.c */

/* What assembly calls */
void vmx_handle_exit(struct vcpu *vcpu);
void vmx_prepare_entry(struct vcpu *vcpu);
void vmx_resume_failed(struct vcpu *vcpu) __attribute__((noreturn));

/* The guest goes on there, and not with the instruction that exited or the next one */
void guest_go_to(struct vcpu *vcpu, u64 rip);

/* The guest's privilege level: SS's, also where CS's differs (SDM 3C, 25.4.1) */
u32 guest_cpl(void);

#endif /* CARAPACE_VMX_EXIT_H */
