// SPDX-License-Identifier: GPL-2.0
/*
 * A directory that looks like the system's, or a part of it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree.h"

/**
 * tree_make() - make an empty one
 * @root: set to where it is
 */
void tree_make(char root[TREE_ROOT])
{
	snprintf(root, TREE_ROOT, "/tmp/tree.XXXXXX");
	if (!mkdtemp(root))
		abort();
}

/**
 * tree_put_bytes() - put a file into it, in place of one that is there
 * @root: the tree
 * @name: the file's path in it; directories are made
 * @data: what it holds
 * @size: of that
 */
void tree_put_bytes(const char *root, const char *name, const void *data,
		    size_t size)
{
	char path[256], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (slash = strchr(path + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
}

/**
 * tree_put() - put a file of text into it
 * @root: the tree
 * @name: the file's path in it
 * @text: what it holds
 */
void tree_put(const char *root, const char *name, const char *text)
{
	tree_put_bytes(root, name, text, strlen(text));
}

/**
 * tree_remove() - remove it
 * @root: the tree
 */
void tree_remove(const char *root)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	if (system(command))
		abort();
}
