/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A CPU's state as modules/cpu_state.c records it, and how two of them compare
 */
#ifndef CARAPACE_TESTS_CPU_STATE_H
#define CARAPACE_TESTS_CPU_STATE_H

#include "guest.h"

#define STATE_MAX	(128 * 1024)

static inline char *read_state(void)
{
	char *text = malloc(STATE_MAX);
	size_t length = 0;
	ssize_t got;
	int fd;

	fd = open("/sys/kernel/debug/cpu_state", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && length < STATE_MAX - 1) {
		got = read(fd, text + length, STATE_MAX - 1 - length);
		if (got <= 0)
			break;
		length += got;
	}
	if (fd >= 0)
		close(fd);
	text[length] = 0;
	return text;
}

/* A line of it; "#GP" is not a number */
struct value {
	char name[40];
	bool fault;
	__u64 number;
};

static inline const char *next_value(const char *text, struct value *v)
{
	char number[32];

	if (sscanf(text, "%39s %31s\n", v->name, number) != 2)
		return NULL;
	v->fault = number[0] == '#';
	v->number = v->fault ? 0 : strtoull(number, NULL, 0);
	return strchr(text, '\n') + 1;
}

static inline bool same(const struct value *a, const struct value *b)
{
	return a->fault == b->fault && a->number == b->number;
}

/* Whether a difference is as it should be */
typedef bool allowed(const struct value *a, const struct value *b);

static inline bool grows(const struct value *a, const struct value *b)
{
	return !a->fault && !b->fault && b->number > a->number;
}

/*
 * The process-context identifier, which Linux gives out anew when many
 * processes ran in between, and bit 63, which is no part of the register.
 */
static inline bool pcid_differs(const struct value *a, const struct value *b)
{
	return !((a->number ^ b->number) & ~(1ULL << 63 | 0xfff));
}

/* Where the last page fault was */
static inline bool anything(const struct value *a, const struct value *b)
{
	return true;
}

struct difference {
	const char *name;
	allowed *allowed;
};

/* What varies by itself, with or without Carapace */
static const struct difference varies[] = {
	{ "msr.tsc",	grows },
	{ "cr3",	pcid_differs },
	{ "cr2",	anything },
	{ }
};

static inline bool is_allowed(const struct difference *list, const struct value *a,
		       const struct value *b)
{
	for (; list->name; list++) {
		if (!strcmp(list->name, a->name))
			return list->allowed(a, b);
	}
	return false;
}

/* How many lines of @b differ from @a otherwise than @list says */
static inline int count_differences(const char *a, const char *b,
			     const struct difference *list, int cpu,
			     bool quiet)
{
	struct value va, vb;
	int count = 0;

	for (;;) {
		a = next_value(a, &va);
		b = next_value(b, &vb);
		if (!a || !b)
			break;
		if (strcmp(va.name, vb.name)) {
			printf("# cpu%d: %s where %s was\n", cpu, vb.name,
			       va.name);
			return count + 1;
		}
		if (same(&va, &vb) || is_allowed(list, &va, &vb))
			continue;
		count++;
		if (!quiet)
			printf("# cpu%d: %s: %s%#llx became %s%#llx\n", cpu, va.name,
			       va.fault ? "#GP " : "",
			       (unsigned long long)va.number,
			       vb.fault ? "#GP " : "",
			       (unsigned long long)vb.number);
	}
	return a || b ? count + 1 : count;
}

/* The value by that name, as long as it is there */
static inline bool find(const char *text, const char *name, struct value *v)
{
	while ((text = next_value(text, v))) {
		if (!strcmp(v->name, name))
			return true;
	}
	return false;
}

/* Each CPU's state, one after the other */
static inline void record_states(char **states, const int *cpus, int nr_cpus)
{
	int i;

	for (i = 0; i < nr_cpus; i++) {
		pin_to_cpu(cpus[i]);
		states[i] = read_state();
	}
}

#endif /* CARAPACE_TESTS_CPU_STATE_H */
