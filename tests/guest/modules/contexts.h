/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who does something in the kernel, to say so from user space
 */
#ifndef CONTEXTS_H
#define CONTEXTS_H

#define CONTEXTS(X)			\
	X(TASK, "task")			\
	X(WORKER, "worker")		\
	X(THREAD, "thread")		\
	X(TIMER, "timer")		\
	X(INTERRUPT, "interrupt")	\
	X(PATCHER, "patcher")

enum context {
#define X(constant, name) CONTEXT_##constant,
	CONTEXTS(X)
#undef X
	/*
	 * TASK, the caller; WORKER, of a workqueue; THREAD, one of the kernel's own;
	 * TIMER, in a softirq; PATCHER, the caller, who holds text_mutex
	 */
	CONTEXT_COUNT,
};

#endif /* CONTEXTS_H */
