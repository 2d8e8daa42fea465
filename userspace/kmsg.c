// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: the kernel's log
 *
 * A record of /dev/kmsg: "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];TEXT", a
 * newline, and perhaps lines of more about it that begin with a space. In TEXT,
 * what is not printable and backslashes are "\xNN". PRIORITY is the level and,
 * times 8, the facility: 0 is the kernel, and no process can write that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(const char *from, const char *end, char *to, size_t size)
{
	char *last = to + size - 1;

	while (from < end && to < last) {
		if (end - from >= 4 && from[0] == '\\' && from[1] == 'x' &&
		    hex(from[2]) >= 0 && hex(from[3]) >= 0) {
			*to++ = hex(from[2]) * 16 + hex(from[3]);
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
}

/**
 * kmsg_parse() - take a record of /dev/kmsg apart
 * @raw: the record; a NUL is behind it
 * @size: its size
 * @record: set
 *
 * Return: whether it is one.
 */
bool kmsg_parse(const char *raw, size_t size, struct kmsg_record *record)
{
	const char *text = memchr(raw, ';', size);
	unsigned long long sequence, usec;
	const char *end;
	unsigned int priority;

	if (!text || sscanf(raw, "%u,%llu,%llu,", &priority, &sequence,
			    &usec) != 3)
		return false;
	text++;
	end = memchr(text, '\n', raw + size - text);
	if (!end)
		end = raw + size;
	record->from_kernel = priority >> 3 == 0;
	record->sequence = sequence;
	record->usec = usec;
	unescape(text, end, record->text, sizeof(record->text));
	return true;
}

/**
 * kmsg_open() - open the log
 * @at_end: only what comes from now on
 *
 * Return: a file descriptor that does not block; below 0, errno says why.
 */
int kmsg_open(bool at_end)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && at_end)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/**
 * kmsg_next() - read a record
 * @fd: the log
 * @record: set, for KMSG_RECORD
 */
enum kmsg_result kmsg_next(int fd, struct kmsg_record *record)
{
	char raw[8192];
	ssize_t count;

	for (;;) {
		count = read(fd, raw, sizeof(raw) - 1);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			break;
		raw[count] = 0;
		if (kmsg_parse(raw, count, record))
			return KMSG_RECORD;
		if (!count)
			return KMSG_NO_MORE;
	}
	switch (errno) {
	case EAGAIN:
		return KMSG_NO_MORE;
	case EPIPE:
		return KMSG_LOST;
	default:
		return KMSG_ERROR;
	}
}
