// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: /sys/kernel/carapace, and small files in general
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "sysfs.h"

const char *sysfs_root = "/sys/kernel/carapace";
const char *system_root = "";

static int system_open(const char *path)
{
	char whole[PATH_MAX];

	if (snprintf(whole, sizeof(whole), "%s%s", system_root, path) >=
	    (int)sizeof(whole)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(whole, O_RDONLY | O_CLOEXEC);
}

/**
 * file_open() - open one of the system's files to read it
 * @path: the file
 *
 * Return: it, or NULL where there is none that can be read.
 */
FILE *file_open(const char *path)
{
	int fd = system_open(path);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/**
 * file_is_there() - whether there is such a file or directory
 * @path: the file
 */
bool file_is_there(const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", system_root, path);
	return !access(whole, F_OK);
}

/**
 * file_read() - read a small file of the system's
 * @path: the file
 * @buffer: set to its text, without a newline at the end; "" on failure
 * @size: of @buffer
 *
 * Return: whether there was one that could be read; if not, errno says why.
 */
bool file_read(const char *path, char *buffer, size_t size)
{
	ssize_t count;
	int fd, error;

	*buffer = 0;
	fd = system_open(path);
	if (fd < 0)
		return false;
	count = read(fd, buffer, size - 1);
	error = errno;
	close(fd);
	errno = error;
	if (count < 0)
		return false;
	buffer[count] = 0;
	if (count && buffer[count - 1] == '\n')
		buffer[count - 1] = 0;
	return true;
}

static bool path_of(char path[PATH_MAX], const char *name)
{
	return snprintf(path, PATH_MAX, "%s%s%s", sysfs_root, *name ? "/" : "",
			name) < PATH_MAX;
}

/**
 * sysfs_is_there() - whether the module is loaded
 */
bool sysfs_is_there(void)
{
	return !access(sysfs_root, F_OK);
}

/**
 * sysfs_read() - read a file of the tree
 * @name: its path in the tree
 * @value: set to its text; "" on failure
 * @size: of @value
 *
 * Return: whether there was one.
 */
bool sysfs_read(const char *name, char *value, size_t size)
{
	char path[PATH_MAX];

	*value = 0;
	return path_of(path, name) && file_read(path, value, size);
}

/**
 * sysfs_write() - write to a file of the tree
 * @directory: where in the tree
 * @name: the file in it
 * @value: what to write
 *
 * Return: 0 or an errno.
 */
int sysfs_write(const char *directory, const char *name, const char *value)
{
	char path[PATH_MAX];
	ssize_t count;
	int fd, error;

	if (snprintf(path, sizeof(path), "%s/%s/%s", sysfs_root, directory,
		     name) >= (int)sizeof(path))
		return ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	count = write(fd, value, strlen(value));
	error = count < 0 ? errno : 0;
	close(fd);
	return error;
}

static struct pair *add(struct pairs *pairs, const char *name,
			const char *value)
{
	struct pair *pair;

	pairs->pair = reallocarray(pairs->pair, pairs->count + 1,
				   sizeof(*pairs->pair));
	if (!pairs->pair)
		out_of_memory();
	pair = &pairs->pair[pairs->count++];
	snprintf(pair->name, sizeof(pair->name), "%s", name);
	snprintf(pair->value, sizeof(pair->value), "%s", value);
	return pair;
}

/**
 * sysfs_lines() - read a file of lines of a name, a space, and a value
 * @name: its path in the tree
 * @pairs: set; to be freed with pairs_free()
 */
void sysfs_lines(const char *name, struct pairs *pairs)
{
	char path[PATH_MAX], *line = NULL, *space;
	size_t size = 0;
	FILE *file;

	memset(pairs, 0, sizeof(*pairs));
	file = path_of(path, name) ? fopen(path, "re") : NULL;
	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		space = strchr(line, ' ');
		if (!space)
			continue;
		*space = 0;
		add(pairs, line, space + 1);
	}
	free(line);
	if (file)
		fclose(file);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name,
		      ((const struct pair *)b)->name);
}

static void sort(struct pairs *pairs)
{
	if (pairs->count)
		qsort(pairs->pair, pairs->count, sizeof(*pairs->pair),
		      by_name);
}

/**
 * sysfs_directory() - read all files of a directory
 * @name: its path in the tree
 * @pairs: set; to be freed with pairs_free()
 */
void sysfs_directory(const char *name, struct pairs *pairs)
{
	char path[PATH_MAX], value[SYSFS_VALUE];
	struct dirent *entry;
	struct stat status;
	DIR *directory;
	int length;

	memset(pairs, 0, sizeof(*pairs));
	if (!path_of(path, name))
		return;
	length = strlen(path);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		if (snprintf(path + length, sizeof(path) - length, "/%s",
			     entry->d_name) >= (int)sizeof(path) - length)
			continue;
		if (!stat(path, &status) && S_ISREG(status.st_mode) &&
		    file_read(path, value, sizeof(value)))
			add(pairs, entry->d_name, value);
	}
	if (directory)
		closedir(directory);
	sort(pairs);
}

static void add_number(struct pairs *sums, const struct pair *pair)
{
	struct pair *sum = (struct pair *)pairs_find(sums, pair->name);

	if (!sum)
		sum = add(sums, pair->name, "0");
	snprintf(sum->value, sizeof(sum->value), "%" PRIu64,
		 pair_number(sum) + pair_number(pair));
}

/* Sums over stats/cpuN/SUFFIX */
static void sum_cpus(const char *suffix, struct pairs *sums)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct pairs pairs;
	DIR *directory;
	unsigned int cpu;
	size_t i;

	memset(sums, 0, sizeof(*sums));
	if (!path_of(path, "stats"))
		return;
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		if (sscanf(entry->d_name, "cpu%u", &cpu) != 1)
			continue;
		snprintf(path, sizeof(path), "stats/cpu%u%s", cpu, suffix);
		sysfs_directory(path, &pairs);
		for (i = 0; i < pairs.count; i++)
			add_number(sums, &pairs.pair[i]);
		pairs_free(&pairs);
	}
	if (directory)
		closedir(directory);
	sort(sums);
}

/**
 * sysfs_exits() - VM exits by reason, of all CPUs
 * @pairs: set; to be freed with pairs_free()
 */
void sysfs_exits(struct pairs *pairs)
{
	sum_cpus("/exits", pairs);
}

/**
 * sysfs_cpu_sums() - the other counters of CPUs, summed up
 * @pairs: set; to be freed with pairs_free()
 */
void sysfs_cpu_sums(struct pairs *pairs)
{
	size_t from, to = 0;

	sum_cpus("", pairs);
	/* Times of the last attaching and detaching have no sum. */
	for (from = 0; from < pairs->count; from++) {
		if (!strstr(pairs->pair[from].name, "_ns"))
			pairs->pair[to++] = pairs->pair[from];
	}
	pairs->count = to;
}

/**
 * pairs_find() - find a pair by name
 * @pairs: the pairs
 * @name: the name
 *
 * Return: the pair, or NULL.
 */
const struct pair *pairs_find(const struct pairs *pairs, const char *name)
{
	size_t i;

	for (i = 0; i < pairs->count; i++) {
		if (!strcmp(pairs->pair[i].name, name))
			return &pairs->pair[i];
	}
	return NULL;
}

/**
 * pair_number() - a pair's value as a number
 * @pair: the pair, NULL for 0
 */
u64 pair_number(const struct pair *pair)
{
	return pair ? strtoull(pair->value, NULL, 10) : 0;
}

/**
 * pairs_free() - free them
 * @pairs: the pairs
 */
void pairs_free(struct pairs *pairs)
{
	free(pairs->pair);
	memset(pairs, 0, sizeof(*pairs));
}

/**
 * not_attached() - say that it takes an attached Carapace
 *
 * Return: the exit status for that.
 */
int not_attached(void)
{
	complain("Carapace is not attached; 'carapacectl attach' does that");
	return STATUS_NOT_ATTACHED;
}

/**
 * status_of_error() - the exit status for what the kernel says
 * @error: an errno, or 0
 *
 * To root, EPERM means that there is no way, and not that it takes more
 * privileges: the policy is locked, say.
 *
 * Return: the exit status.
 */
int status_of_error(int error)
{
	if (!error)
		return STATUS_OK;
	return (error == EPERM || error == EACCES) && geteuid() ?
	       STATUS_PRIVILEGE : STATUS_FAILED;
}
