// SPDX-License-Identifier: GPL-2.0
/*
 * Hibernation by hand: the image of a kernel on a disk, and back
 *
 * usage: image save DISK START_MIB	and start the kernel loaded for kexec;
 *					returns when the image has come back
 *        image restore DISK START_MIB	does not return
 *
 * What the kernel does itself, for a machine that powers off and boots again,
 * but in one boot of the machine.
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <linux/suspend_ioctls.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK	4096

/* The first block: how many bytes the image has, behind it */
static union {
	uint64_t size;
	char block[BLOCK];
} head;

static char page[BLOCK] __attribute__((aligned(BLOCK)));

static void check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static int save(int disk, off_t start)
{
	int snapshot = open("/dev/snapshot", O_RDONLY);
	int created = 1;
	ssize_t got;

	check(snapshot >= 0, "/dev/snapshot");
	check(!ioctl(snapshot, SNAPSHOT_FREEZE, 0), "SNAPSHOT_FREEZE");
	if (ioctl(snapshot, SNAPSHOT_CREATE_IMAGE, &created)) {
		perror("SNAPSHOT_CREATE_IMAGE");
		ioctl(snapshot, SNAPSHOT_UNFREEZE, 0);
		return 1;
	}
	if (!created) {
		/* As the image */
		check(!ioctl(snapshot, SNAPSHOT_UNFREEZE, 0),
		      "SNAPSHOT_UNFREEZE");
		return 0;
	}
	while ((got = read(snapshot, page, BLOCK)) > 0) {
		check(pwrite(disk, page, BLOCK, start + BLOCK + head.size) ==
		      BLOCK, "writing");
		head.size += got;
	}
	check(!got, "reading the image");
	check(pwrite(disk, &head, BLOCK, start) == BLOCK, "writing");
	check(!fsync(disk), "fsync");
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("kexec");
	ioctl(snapshot, SNAPSHOT_UNFREEZE, 0);
	return 1;
}

static int restore(int disk, off_t start)
{
	int snapshot = open("/dev/snapshot", O_WRONLY);
	uint64_t at;

	check(snapshot >= 0, "/dev/snapshot");
	check(pread(disk, &head, BLOCK, start) == BLOCK, "reading");
	for (at = 0; at < head.size; at += BLOCK) {
		check(pread(disk, page, BLOCK, start + BLOCK + at) == BLOCK,
		      "reading");
		check(write(snapshot, page, BLOCK) == BLOCK,
		      "writing the image");
	}
	check(!ioctl(snapshot, SNAPSHOT_FREEZE, 0), "SNAPSHOT_FREEZE");
	ioctl(snapshot, SNAPSHOT_ATOMIC_RESTORE, 0);
	perror("SNAPSHOT_ATOMIC_RESTORE");
	ioctl(snapshot, SNAPSHOT_UNFREEZE, 0);
	return 1;
}

int main(int argc, char **argv)
{
	off_t start;
	int disk;

	check(argc == 4, "usage: image save|restore DISK START_MIB");
	check(!mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	disk = open(argv[2], O_RDWR);
	check(disk >= 0, argv[2]);
	start = strtoull(argv[3], NULL, 0) << 20;
	return strcmp(argv[1], "save") ? restore(disk, start) :
					 save(disk, start);
}
