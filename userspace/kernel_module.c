// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: loading and unloading kernel modules
 *
 * By the system calls, whose errno says more than modprobe does. Where a module
 * lies and which options the administrator has for it, modprobe knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "command.h"
#include "elf_module.h"
#include "kernel_module.h"
#include "program.h"
#include "sysfs.h"
#include "types.h"

/* "insmod PATH PARAMETERS": the last one is the module, others it depends on */
static bool parse_insmod(char *line, struct module_file *file)
{
	static const char insmod[] = "insmod ";
	char *path, *space;

	if (strncmp(line, insmod, strlen(insmod)))
		return false;
	path = line + strlen(insmod);
	space = strchr(path, ' ');
	if (space)
		*space++ = 0;
	else
		space = "";
	while (*space == ' ')
		space++;
	if (snprintf(file->path, sizeof(file->path), "%s", path) >=
	    (int)sizeof(file->path) ||
	    snprintf(file->parameters, sizeof(file->parameters), "%s", space) >=
	    (int)sizeof(file->parameters))
		return false;
	for (space = file->parameters + strlen(file->parameters);
	     space > file->parameters && space[-1] == ' '; space--)
		space[-1] = 0;
	return true;
}

/**
 * module_file_find() - where a module lies
 * @name: the module; it depends on no other
 * @file: set, with the administrator's options
 * @why: set where there is none
 *
 * Return: whether there is one.
 */
bool module_file_find(const char *name, struct module_file *file,
		      struct reason *why)
{
	const char *const arguments[] = {
		"modprobe", "--show-depends", name, NULL
	};
	char output[8192];
	char *line, *saved;
	bool found = false;

	if (!program_output(arguments, output, sizeof(output)))
		return refuse(why, "modprobe knows no module %s for this kernel",
			      name);
	for (line = strtok_r(output, "\n", &saved); line;
	     line = strtok_r(NULL, "\n", &saved))
		found = parse_insmod(line, file) || found;
	return found || refuse(why, "modprobe does not say which file %s is",
			       name);
}

/**
 * module_file_add() - add a parameter
 * @file: the module
 * @parameter: "name=value"
 *
 * Return: whether there was room.
 */
bool module_file_add(struct module_file *file, const char *parameter)
{
	size_t length = strlen(file->parameters);

	return snprintf(file->parameters + length,
			sizeof(file->parameters) - length, "%s%s",
			length ? " " : "", parameter) <
	       (int)(sizeof(file->parameters) - length);
}

/* To the kernel "-" and "_" are the same. */
static bool same_name(const char *a, const char *b, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (a[i] != b[i] && !(strchr("-_", a[i]) && strchr("-_", b[i])))
			return false;
		if (!a[i])
			return false;
	}
	return true;
}

/* "name:type", for each parameter; the kernel has two for all modules. */
static bool is_parameter(const struct elf_module *module, const char *name,
			 size_t length)
{
	static const char *const everywhere[] = { "dyndbg:", "async_probe:" };
	const char *type = NULL;
	size_t i;

	while ((type = elf_module_info(module, "parmtype", type))) {
		if (same_name(type, name, length) && type[length] == ':')
			return true;
	}
	for (i = 0; i < ARRAY_SIZE(everywhere); i++) {
		if (same_name(everywhere[i], name, length) &&
		    everywhere[i][length] == ':')
			return true;
	}
	return false;
}

/* The kernel ignores those that the module does not have. */
static bool check_parameters(const struct module_file *file,
			     const struct elf_module *module,
			     struct reason *why)
{
	static const char blank[] = " \t\n";
	const char *at = file->parameters, *name;
	size_t length;
	bool quoted;

	/* As next_arg() of lib/cmdline.c reads them: quotes around all, or the value */
	while (*(at += strspn(at, blank))) {
		name = at + (*at == '"');
		length = strcspn(name, "= \t\n\"");
		if (!is_parameter(module, name, length))
			return refuse(why, "the module has no parameter '%.*s'",
				      (int)length, name);
		for (quoted = false; *at && (quoted || !strchr(blank, *at)); at++)
			quoted ^= *at == '"';
	}
	return true;
}

/**
 * module_file_check() - whether a file is a certain module, with these parameters
 * @file: the file
 * @name: the module
 * @why: set where it is not
 *
 * Return: STATUS_OK; STATUS_BAD_FILE; STATUS_USAGE for a parameter that it has not.
 */
enum exit_status module_file_check(const struct module_file *file,
				   const char *name, struct reason *why)
{
	enum exit_status status = STATUS_BAD_FILE;
	struct elf_module module;
	struct bytes bytes;

	if (bytes_read(file->path, &bytes, why) &&
	    bytes_decompress(&bytes, why) &&
	    elf_module_open(&module, &bytes, why)) {
		if (!module.name || strcmp(module.name, name))
			refuse(why, "this is the module %s, and not %s",
			       module.name ? module.name : "without a name",
			       name);
		else
			status = check_parameters(file, &module, why) ?
				 STATUS_OK : STATUS_USAGE;
		elf_module_close(&module);
	}
	bytes_free(&bytes);
	return status;
}

/**
 * module_flag() - what a parameter of a module's that is true or false is set to
 * @value: what is behind its name: "", or "=" and a word
 * @length: of that
 *
 * Return: whether the kernel takes it for true (kstrtobool()).
 */
bool module_flag(const char *value, size_t length)
{
	if (!length)
		return true;
	if (length > 1 && strchr("yYtT1", value[1]))
		return true;
	return length > 2 && strchr("oO", value[1]) && strchr("nN", value[2]);
}

static bool is_elf(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       !memcmp(magic, "\177ELF", sizeof(magic));
}

static int load_bytes(const struct module_file *file, struct reason *why)
{
	struct bytes bytes;
	int error = -1;

	if (bytes_read(file->path, &bytes, why) &&
	    bytes_decompress(&bytes, why))
		error = syscall(SYS_init_module, bytes.data, bytes.size,
				file->parameters) ? errno : 0;
	bytes_free(&bytes);
	return error;
}

/**
 * module_file_load() - load a module
 * @file: the module
 * @why: set where the file cannot be read
 *
 * Return: 0, the kernel's errno, or -1 with @why.
 */
int module_file_load(const struct module_file *file, struct reason *why)
{
	int fd, error;

	fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		refuse(why, "%s", strerror(errno));
		return -1;
	}
	/* By its file, where that may be: policies of the kernel's go by it. */
	if (is_elf(fd))
		error = syscall(SYS_finit_module, fd, file->parameters, 0) ?
			errno : 0;
	else
		error = load_bytes(file, why);
	close(fd);
	return error;
}

static bool module_attribute(const char *name, const char *attribute,
			     char *value, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s/%s", name, attribute);
	return file_read(path, value, size);
}

/**
 * module_is_loaded() - whether a module is loaded, and not built in
 * @name: the module
 */
bool module_is_loaded(const char *name)
{
	char state[32];

	return module_attribute(name, "initstate", state, sizeof(state));
}

/**
 * module_is_built_in() - whether it is part of the kernel
 * @name: the module
 *
 * Those that have neither parameters nor a version do not show.
 */
bool module_is_built_in(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return file_is_there(path) && !module_is_loaded(name);
}

/**
 * module_users() - how many use a module
 * @name: the module
 *
 * Return: how many, modules included; -1 where it is not loaded.
 */
long module_users(const char *name)
{
	char count[32];

	if (!module_attribute(name, "refcnt", count, sizeof(count)))
		return -1;
	return strtol(count, NULL, 10);
}

/**
 * module_unload() - unload a module, unless somebody uses it
 * @name: the module
 *
 * Return: 0 or an errno.
 */
int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}
