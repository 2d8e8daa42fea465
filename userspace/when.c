// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: points in time
 *
 * In microseconds since 1970. The kernel's log counts from boot and stands still
 * while the machine is suspended, so times of before that come out late.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "when.h"

#define SECOND	1000000LL

static s64 clock_usec(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * SECOND + time.tv_nsec / 1000;
}

/**
 * when_now() - now
 */
s64 when_now(void)
{
	return clock_usec(CLOCK_REALTIME);
}

/**
 * when_booted() - when the kernel's log was at 0
 */
s64 when_booted(void)
{
	return clock_usec(CLOCK_REALTIME) - clock_usec(CLOCK_MONOTONIC);
}

/* "90s", "5m", "2h", "1d": so long ago */
static bool parse_ago(const char *text, s64 now, s64 *when)
{
	static const struct {
		char unit;
		s64 seconds;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	unsigned long count;
	char *end;
	size_t i;

	if (*text < '0' || *text > '9')
		return false;
	count = strtoul(text, &end, 10);
	if (count > 1000000000 || !*end || end[1])
		return false;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit == *end) {
			*when = now - (s64)count * units[i].seconds * SECOND;
			return true;
		}
	}
	return false;
}

/* Local time, seconds or all of the time left out or not */
static bool parse_date(const char *text, s64 *when)
{
	static const char *const formats[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
	};
	struct tm time;
	const char *end;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		memset(&time, 0, sizeof(time));
		time.tm_isdst = -1;
		end = strptime(text, formats[i], &time);
		if (end && !*end) {
			*when = mktime(&time) * SECOND;
			return true;
		}
	}
	return false;
}

/**
 * when_parse() - what somebody calls a point in time
 * @text: as in "90s", "5m", "2h", "1d" (ago), "2026-11-25", "2026-11-25 10:00"
 * @now: what is now
 * @when: set
 *
 * Return: whether it is one.
 */
bool when_parse(const char *text, s64 now, s64 *when)
{
	return parse_ago(text, now, when) || parse_date(text, when);
}

/**
 * when_print() - the local time, to the second
 * @when: when
 * @text: set
 * @size: of @text
 */
void when_print(s64 when, char *text, size_t size)
{
	time_t seconds = when / SECOND;
	struct tm time;

	localtime_r(&seconds, &time);
	strftime(text, size, "%Y-%m-%d %H:%M:%S", &time);
}
