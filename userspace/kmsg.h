/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: the kernel's log
 */
#ifndef CARAPACE_USERSPACE_KMSG_H
#define CARAPACE_USERSPACE_KMSG_H

#include <stdbool.h>
#include <stddef.h>

#include "types.h"

#define KMSG_TEXT	2048

/**
 * struct kmsg_record - a record
 * @from_kernel: the kernel wrote it, and not a process through /dev/kmsg
 * @sequence: its number
 * @usec: when, in microseconds since boot
 * @text: what it says, without the escapes of /dev/kmsg
 */
struct kmsg_record {
	bool from_kernel;
	u64 sequence;
	u64 usec;
	char text[KMSG_TEXT];
};

enum kmsg_result {
	KMSG_RECORD,
	KMSG_LOST,	/* some were overwritten before they were read */
	KMSG_NO_MORE,	/* for now */
	KMSG_ERROR,
};

bool kmsg_parse(const char *raw, size_t size, struct kmsg_record *record);
int kmsg_open(bool at_end);
enum kmsg_result kmsg_next(int fd, struct kmsg_record *record);

#endif /* CARAPACE_USERSPACE_KMSG_H */
