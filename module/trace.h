/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: tracepoints
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM carapace

#if !defined(CARAPACE_MODULE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CARAPACE_MODULE_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

TRACE_EVENT(carapace_attack,
	TP_PROTO(const char *kind, const char *action, int pid,
		 const char *comm, u64 rip, u64 object, u64 expected,
		 u64 found),
	TP_ARGS(kind, action, pid, comm, rip, object, expected, found),

	TP_STRUCT__entry(
		__field(const char *, kind)
		__field(const char *, action)
		__field(int, pid)
		__array(char, comm, TASK_COMM_LEN)
		__field(u64, rip)
		__field(u64, object)
		__field(u64, expected)
		__field(u64, found)
	),

	TP_fast_assign(
		__entry->kind = kind;
		__entry->action = action;
		__entry->pid = pid;
		memcpy(__entry->comm, comm, TASK_COMM_LEN);
		__entry->rip = rip;
		__entry->object = object;
		__entry->expected = expected;
		__entry->found = found;
	),

	TP_printk("kind=%s action=%s pid=%d comm=%s rip=%pS object=%#llx expected=%#llx found=%#llx",
		  __entry->kind, __entry->action, __entry->pid, __entry->comm,
		  (void *)__entry->rip, __entry->object, __entry->expected,
		  __entry->found)
);

#endif /* CARAPACE_MODULE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
