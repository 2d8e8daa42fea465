/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: whether this machine would do
 */
#ifndef CARAPACE_USERSPACE_CHECKS_H
#define CARAPACE_USERSPACE_CHECKS_H

/* What is found, the worse the greater */
enum verdict_of_check {
	CHECK_GOOD,
	CHECK_NOTE,	/* it attaches; something else is different */
	CHECK_UNKNOWN,	/* it takes a privilege or a module to know */
	CHECK_BAD,	/* it does not attach */
};

#define FINDING_DETAILS	8

/**
 * struct finding - what a check found
 * @verdict: good or bad
 * @what: what is so
 * @advice: what to do, or ""
 * @details: more of what is so, a line each
 * @nr_details: how many
 */
struct finding {
	enum verdict_of_check verdict;
	char what[256];
	char advice[256];
	char details[FINDING_DETAILS][192];
	unsigned int nr_details;
};

/**
 * struct check - something to look at
 * @name: what
 * @look: look
 */
struct check {
	const char *name;
	void (*look)(struct finding *finding);
};

void found(struct finding *finding, enum verdict_of_check verdict,
	   const char *advice, const char *what, ...)
	__attribute__((format(printf, 4, 5)));
void found_detail(struct finding *finding, const char *detail, ...)
	__attribute__((format(printf, 2, 3)));

extern const struct check cpu_checks[];
extern const struct check kernel_checks[];
extern const struct check module_checks[];

#endif /* CARAPACE_USERSPACE_CHECKS_H */
