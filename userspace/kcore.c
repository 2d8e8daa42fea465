// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: the running kernel's memory, and where its modules lie in it
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kcore.h"
#include "message.h"
#include "sysfs.h"

#define KCORE	"/proc/kcore"

static bool read_at(int fd, void *buffer, size_t size, u64 offset)
{
	size_t done = 0;
	ssize_t count;

	while (done < size) {
		count = pread(fd, (u8 *)buffer + done, size - done,
			      offset + done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		done += count;
	}
	return true;
}

/**
 * kcore_open() - open it
 * @kcore: set
 * @why: set where that is not possible
 *
 * Return: whether it was.
 */
bool kcore_open(struct kcore *kcore, struct reason *why)
{
	Elf64_Ehdr header;

	memset(kcore, 0, sizeof(*kcore));
	kcore->fd = open(KCORE, O_RDONLY | O_CLOEXEC);
	if (kcore->fd < 0)
		return refuse(why, KCORE ": %s%s", strerror(errno),
			      errno == EPERM ? " (lockdown at confidentiality, or not root)" : "");
	if (read_at(kcore->fd, &header, sizeof(header), 0) &&
	    !memcmp(header.e_ident, ELFMAG, SELFMAG) &&
	    header.e_phentsize == sizeof(Elf64_Phdr)) {
		kcore->count = header.e_phnum;
		kcore->segments = allocate(kcore->count, sizeof(Elf64_Phdr));
		if (read_at(kcore->fd, kcore->segments,
			    kcore->count * sizeof(Elf64_Phdr), header.e_phoff))
			return true;
	}
	kcore_close(kcore);
	return refuse(why, KCORE " is not what it should be");
}

/**
 * kcore_read() - read the kernel's memory
 * @kcore: open
 * @va: address
 * @bytes: to
 * @size: how many
 *
 * Return: whether all could be read.
 */
bool kcore_read(const struct kcore *kcore, u64 va, u8 *bytes, size_t size)
{
	const Elf64_Phdr *segment;
	size_t i;

	for (i = 0; i < kcore->count; i++) {
		segment = &kcore->segments[i];
		if (segment->p_type != PT_LOAD || va < segment->p_vaddr ||
		    va - segment->p_vaddr >= segment->p_memsz ||
		    size > segment->p_memsz - (va - segment->p_vaddr))
			continue;
		return read_at(kcore->fd, bytes, size,
			       segment->p_offset + (va - segment->p_vaddr));
	}
	return false;
}

/**
 * kcore_close() - be done with it
 * @kcore: open
 */
void kcore_close(struct kcore *kcore)
{
	close(kcore->fd);
	free(kcore->segments);
	memset(kcore, 0, sizeof(*kcore));
	kcore->fd = -1;
}

/**
 * module_section() - where a section of a loaded module lies
 * @module: its name
 * @section: the section's
 * @va: set
 *
 * Return: whether the kernel says so. It does for those that are loaded.
 */
bool module_section(const char *module, const char *section, u64 *va)
{
	char path[PATH_MAX], text[64];

	if (strchr(section, '/'))
		return false;
	snprintf(path, sizeof(path), "/sys/module/%s/sections/%s", module,
		 section);
	if (!file_read(path, text, sizeof(text)))
		return false;
	*va = strtoull(text, NULL, 16);
	return *va;
}

/**
 * module_note() - the note that tells builds of a loaded module apart
 * @module: its name
 * @note: set
 * @room: of @note
 * @size: set to its size
 *
 * Return: whether it has one.
 */
bool module_note(const char *module, u8 *note, size_t room, size_t *size)
{
	char path[PATH_MAX];
	ssize_t count;
	int fd;

	snprintf(path, sizeof(path), "/sys/module/%s/notes/.note.gnu.build-id",
		 module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	count = read(fd, note, room);
	close(fd);
	*size = count > 0 ? count : 0;
	return count > 0;
}
