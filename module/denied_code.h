/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: no new code, where policy says so
 */
#ifndef CARAPACE_MODULE_DENIED_CODE_H
#define CARAPACE_MODULE_DENIED_CODE_H

#include <linux/types.h>

struct pt_regs;

void denied_code_soon(bool soon);
void denied_memory(unsigned long ip, struct pt_regs *regs);
void denied_program(unsigned long ip, struct pt_regs *regs);
void denied_kprobe(unsigned long ip, struct pt_regs *regs);
void denied_optimization(unsigned long ip, struct pt_regs *regs);

#endif /* CARAPACE_MODULE_DENIED_CODE_H */
