/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: violations, told to user space's device manager
 */
#ifndef CARAPACE_MODULE_UEVENT_H
#define CARAPACE_MODULE_UEVENT_H

#include <linux/sched.h>
#include <linux/types.h>

/**
 * struct attack_event - what a uevent says
 * @kind: of the report
 * @action: what became of it
 * @comm: who did it
 * @pid: its number
 * @rip: the instruction
 */
struct attack_event {
	const char *kind;
	const char *action;
	char comm[TASK_COMM_LEN];
	pid_t pid;
	u64 rip;
};

void uevent_queue(const struct attack_event *event);
void uevent_finish(void);

#endif /* CARAPACE_MODULE_UEVENT_H */
