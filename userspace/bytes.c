// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: whole files in memory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "message.h"

/* Files that grow meanwhile are cut off, those that shrink are short. */
static bool read_all(int fd, const char *path, struct bytes *bytes,
		     struct reason *why)
{
	size_t done = 0;
	ssize_t count;

	while (done < bytes->size) {
		count = read(fd, bytes->data + done, bytes->size - done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return refuse(why, "cannot read %s: %s", path,
				      strerror(errno));
		if (!count)
			break;
		done += count;
	}
	bytes->size = done;
	return true;
}

static bool read_open(int fd, const char *path, struct bytes *bytes,
		      struct reason *why)
{
	struct stat status;

	if (fstat(fd, &status))
		return refuse(why, "%s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(why, "not a file");
	if ((size_t)status.st_size > BYTES_MAX)
		return refuse(why, "larger than %lu MiB", BYTES_MAX >> 20);
	bytes->size = status.st_size;
	bytes->data = malloc(bytes->size + 1);
	if (!bytes->data)
		out_of_memory();
	return read_all(fd, path, bytes, why);
}

/**
 * bytes_read() - read a file
 * @path: the file
 * @bytes: set to its bytes; to be freed with bytes_free() in either case
 * @why: set when it cannot be read
 *
 * Return: whether it could.
 */
bool bytes_read(const char *path, struct bytes *bytes, struct reason *why)
{
	bool done;
	int fd;

	memset(bytes, 0, sizeof(*bytes));
	/* A FIFO among the files shall not keep us waiting. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse(why, "%s", strerror(errno));
	done = read_open(fd, path, bytes, why);
	close(fd);
	return done;
}

/**
 * bytes_grow() - twice as much room
 * @bytes: @size is the room; what is there stays
 * @why: set when that is too much
 *
 * Return: whether there is.
 */
bool bytes_grow(struct bytes *bytes, struct reason *why)
{
	size_t size = bytes->size ? 2 * bytes->size : 1 << 20;
	u8 *data;

	if (size > BYTES_MAX)
		return refuse(why, "decompresses to more than %lu MiB",
			      BYTES_MAX >> 20);
	data = realloc(bytes->data, size);
	if (!data)
		out_of_memory();
	bytes->data = data;
	bytes->size = size;
	return true;
}

/**
 * bytes_free() - free them
 * @bytes: may be free already
 */
void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}
