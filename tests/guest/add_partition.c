// SPDX-License-Identifier: GPL-2.0
/*
 * Make the rest of a disk a partition, for the kernel only
 *
 * usage: add_partition DISK START_MIB
 *
 * Prints its name. Nothing is written to the disk.
 */
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	struct blkpg_partition partition = { .pno = 1 };
	struct blkpg_ioctl_arg request = {
		.op = BLKPG_ADD_PARTITION,
		.datalen = sizeof(partition),
		.data = &partition,
	};
	char *disk = argc == 3 ? realpath(argv[1], NULL) : NULL;
	uint64_t size;
	int fd;

	fd = disk ? open(disk, O_RDWR) : -1;
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size)) {
		fprintf(stderr, "usage: add_partition DISK START_MIB\n");
		return 2;
	}
	partition.start = strtoull(argv[2], NULL, 0) << 20;
	partition.length = size - partition.start;
	if (ioctl(fd, BLKPG, &request)) {
		perror("BLKPG");
		return 1;
	}
	printf("%s1\n", disk);
	return 0;
}
