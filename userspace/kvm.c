// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: KVM, which wants what Carapace wants
 *
 * Modules that were put aside are named in a file, so that who detaches brings
 * back what was there. It is gone after a reboot, as the modules' absence is.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_module.h"
#include "kvm.h"
#include "message.h"
#include "program.h"
#include "sysfs.h"
#include "types.h"

#define RUN_DIRECTORY	"/run/carapace"
#define ASIDE		RUN_DIRECTORY "/kvm"

/* In the order in which they go */
static const char *const modules[] = { "kvm_intel", "kvm" };

/**
 * kvm_state() - whether KVM is in the way
 */
enum kvm_state kvm_state(void)
{
	bool intel = module_is_loaded("kvm_intel");

	if (module_is_built_in("kvm_intel") || module_is_built_in("kvm"))
		return KVM_BUILT_IN;
	if (!module_is_loaded("kvm"))
		return KVM_ABSENT;
	/* kvm_intel itself is one who uses kvm */
	if ((intel && module_users("kvm_intel") > 0) ||
	    module_users("kvm") > intel)
		return KVM_BUSY;
	return KVM_IDLE;
}

/* Whether a process has a virtual machine open */
static bool has_vm(const char *pid)
{
	char path[PATH_MAX], target[64];
	struct dirent *entry;
	ssize_t length;
	bool found = false;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid,
			 entry->d_name);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = 0;
		found = !strncmp(target, "anon_inode:kvm-", 15) ||
			!strcmp(target, "/dev/kvm");
	}
	if (directory)
		closedir(directory);
	return found;
}

/**
 * kvm_print_users() - say on standard error who uses KVM
 */
void kvm_print_users(void)
{
	char path[PATH_MAX], comm[64];
	struct dirent *entry;
	DIR *directory = opendir("/proc");

	while (directory && (entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    strtol(entry->d_name, NULL, 10) == getpid() ||
		    !has_vm(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file_read(path, comm, sizeof(comm));
		make_printable(comm);
		complain("KVM is used by %s (pid %s)", comm, entry->d_name);
	}
	if (directory)
		closedir(directory);
}

static bool write_aside(const char *module)
{
	FILE *file;

	if (mkdir(RUN_DIRECTORY, 0755) && errno != EEXIST)
		return false;
	file = fopen(ASIDE, "we");
	if (!file)
		return false;
	fprintf(file, "%s\n", module);
	return !fclose(file);
}

/**
 * kvm_put_aside() - unload an idle KVM, and remember it
 *
 * Says what it does.
 *
 * Return: whether KVM is out of the way. If not, it is as it was.
 */
bool kvm_put_aside(void)
{
	const char *first = NULL;
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		if (!module_is_loaded(modules[i]))
			continue;
		if (!first) {
			first = modules[i];
			printf("KVM is loaded, and no virtual machine uses it: unloading %s; 'carapacectl detach' loads it again\n",
			       first);
			if (!write_aside(first)) {
				complain("cannot write %s: %s", ASIDE,
					 strerror(errno));
				return false;
			}
		}
		error = module_unload(modules[i]);
		if (!error)
			continue;
		complain("cannot unload %s: %s", modules[i], strerror(error));
		kvm_bring_back();
		return false;
	}
	return true;
}

static void load(const char *module)
{
	const char *const arguments[] = { "modprobe", module, NULL };

	printf("loading %s again\n", module);
	if (!program_run(arguments))
		complain("modprobe cannot load %s", module);
}

/**
 * kvm_bring_back() - load what kvm_put_aside() unloaded
 *
 * Says what it does.
 */
void kvm_bring_back(void)
{
	char module[64];
	size_t i;

	if (!file_read(ASIDE, module, sizeof(module)))
		return;
	unlink(ASIDE);
	rmdir(RUN_DIRECTORY);
	/* What the file says is not taken for anything else. */
	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		if (!strcmp(module, modules[i]))
			load(modules[i]);
	}
}
