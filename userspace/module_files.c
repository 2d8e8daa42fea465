// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: the module files that a command line means
 *
 * A file is itself, whatever its name; a directory is all modules below it.
 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "module_files.h"
#include "types.h"

static const char *const endings[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };

/**
 * is_module_file_name() - whether a file is called as modules are
 * @name: the name
 */
bool is_module_file_name(const char *name)
{
	size_t length = strlen(name);
	size_t i, ending;

	for (i = 0; i < ARRAY_SIZE(endings); i++) {
		ending = strlen(endings[i]);
		if (length > ending &&
		    !strcmp(name + length - ending, endings[i]))
			return true;
	}
	return false;
}

static void add(struct module_files *files, const char *path)
{
	/* Room doubles whenever the count is a power of two. */
	if (!(files->count & (files->count - 1))) {
		size_t room = files->count ? 2 * files->count : 1;

		files->path = reallocarray(files->path, room,
					   sizeof(*files->path));
		if (!files->path)
			out_of_memory();
	}
	files->path[files->count] = strdup(path);
	if (!files->path[files->count])
		out_of_memory();
	files->count++;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool take(struct module_files *files, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
	case FTS_DP:
	case FTS_DC:
		return true;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		complain("%s: %s", entry->fts_path,
			 strerror(entry->fts_errno));
		return false;
	default:
		if (entry->fts_level == FTS_ROOTLEVEL ||
		    (entry->fts_info == FTS_F &&
		     is_module_file_name(entry->fts_name)))
			add(files, entry->fts_path);
		return true;
	}
}

/**
 * module_files_find() - find them
 * @arguments: files and directories, then NULL
 * @files: set; to be freed with module_files_free()
 *
 * Return: whether all could be read; if not, there was a line for each.
 */
bool module_files_find(char **arguments, struct module_files *files)
{
	bool good = true;
	FTSENT *entry;
	FTS *tree;

	memset(files, 0, sizeof(*files));
	tree = fts_open(arguments, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR,
			by_name);
	if (!tree)
		out_of_memory();
	for (;;) {
		errno = 0;
		entry = fts_read(tree);
		if (!entry)
			break;
		good &= take(files, entry);
	}
	fts_close(tree);
	return good;
}

/**
 * module_files_free() - free them
 * @files: the files
 */
void module_files_free(struct module_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		free(files->path[i]);
	free(files->path);
	memset(files, 0, sizeof(*files));
}
