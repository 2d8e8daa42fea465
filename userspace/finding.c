// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: what a check found
 */
#include <stdarg.h>
#include <stdio.h>

#include "checks.h"

/**
 * found() - set a finding
 * @finding: the finding
 * @verdict: good or bad
 * @advice: what to do, or ""
 * @what: what is so, as printf() has it
 */
void found(struct finding *finding, enum verdict_of_check verdict,
	   const char *advice, const char *what, ...)
{
	va_list arguments;

	finding->verdict = verdict;
	finding->nr_details = 0;
	snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
	va_start(arguments, what);
	vsnprintf(finding->what, sizeof(finding->what), what, arguments);
	va_end(arguments);
}

/**
 * found_detail() - add to a finding
 * @finding: set by found()
 * @detail: as printf() has it; dropped where there is no room
 */
void found_detail(struct finding *finding, const char *detail, ...)
{
	va_list arguments;

	if (finding->nr_details == FINDING_DETAILS)
		return;
	va_start(arguments, detail);
	vsnprintf(finding->details[finding->nr_details++],
		  sizeof(finding->details[0]), detail, arguments);
	va_end(arguments);
}
