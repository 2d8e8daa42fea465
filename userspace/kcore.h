/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carapacectl: the running kernel's memory, and where its modules lie in it
 */
#ifndef CARAPACE_USERSPACE_KCORE_H
#define CARAPACE_USERSPACE_KCORE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

#include "reason.h"
#include "types.h"

/**
 * struct kcore - /proc/kcore
 * @fd: the file
 * @segments: what is in it
 * @count: how many
 */
struct kcore {
	int fd;
	Elf64_Phdr *segments;
	size_t count;
};

bool kcore_open(struct kcore *kcore, struct reason *why);
bool kcore_read(const struct kcore *kcore, u64 va, u8 *bytes, size_t size);
void kcore_close(struct kcore *kcore);

bool module_section(const char *module, const char *section, u64 *va);
bool module_note(const char *module, u8 *note, size_t room, size_t *size);

#endif /* CARAPACE_USERSPACE_KCORE_H */
