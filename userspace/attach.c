// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl attach: load the module
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "kernel_module.h"
#include "kvm.h"
#include "message.h"
#include "module_lines.h"
#include "sysfs.h"

/* What it means when loading fails so, where the log does not say */
static const struct error_meaning meanings[] = {
	{ EPERM, "the kernel does not let it be loaded: it takes root, and no module_blacklist=carapace, kernel.modules_disabled, lockdown without a signature, or kdump kernel" },
	{ EACCES, "the firmware has locked VMX off; turn on VT-x in its setup" },
	{ EBUSY, "somebody else uses VMX, probably KVM" },
	{ ENODEV, "this CPU has no VMX, or the hypervisor underneath does not offer it" },
	{ EOPNOTSUPP, "this CPU lacks a feature, or the hypervisor underneath is not KVM" },
	{ ENOMEM, "not enough free memory in blocks of 2 MiB" },
	{ EIO, "VMX could not be entered" },
	{ ECANCELED, "it is switched off by carapace.disable" },
	{ ENOEXEC, "the file is no module, or built for another kernel" },
	{ EKEYREJECTED, "its signature is missing or not by a key that the kernel trusts: see Secure Boot" },
	{ ENOKEY, "it is signed with a key that the kernel does not have: see Secure Boot" },
	{ EBADMSG, "its signature does not fit" },
	{ ENOENT, "it uses something that this kernel does not have: built for another one" },
	{ EINVAL, "a parameter has a value that it does not take, or it was built for another kernel" },
};

static int explain(const struct module_file *file, int error, int lines)
{
	complain("%s does not attach: %s", file->path, strerror(error));
	module_lines_explain(lines, error, meanings, ARRAY_SIZE(meanings));
	return status_of_error(error);
}

static int load(const struct module_file *file)
{
	struct reason why;
	char cpus[SYSFS_VALUE];
	int lines = module_lines_begin();
	int error, status = STATUS_OK;

	error = module_file_load(file, &why);
	if (error < 0) {
		complain("%s: %s", file->path, why.text);
		status = STATUS_BAD_FILE;
	} else if (error) {
		status = explain(file, error, lines);
	} else {
		sysfs_read("cpus", cpus, sizeof(cpus));
		printf("attached to CPUs %s\n", cpus);
	}
	module_lines_end(lines);
	return status;
}

static int make_way(bool keep_kvm)
{
	switch (kvm_state()) {
	case KVM_ABSENT:
		return STATUS_OK;
	case KVM_BUILT_IN:
		complain("KVM is part of this kernel, and VMX has one user at a time");
		return STATUS_FAILED;
	case KVM_BUSY:
		complain("KVM has virtual machines, and VMX has one user at a time; end them first");
		kvm_print_users();
		return STATUS_FAILED;
	case KVM_IDLE:
		break;
	}
	if (keep_kvm) {
		complain("KVM is loaded, and VMX has one user at a time");
		return STATUS_FAILED;
	}
	return kvm_put_aside() ? STATUS_OK : STATUS_FAILED;
}

/* [FILE] [PARAMETER=VALUE...] */
static int parse_module(char **arguments, struct module_file *file)
{
	struct reason why;

	memset(file, 0, sizeof(*file));
	if (*arguments && (strchr(*arguments, '/') ||
			   !strchr(*arguments, '='))) {
		if (snprintf(file->path, sizeof(file->path), "%s",
			     *arguments) >= (int)sizeof(file->path)) {
			complain("%s: %s", *arguments, strerror(ENAMETOOLONG));
			return STATUS_USAGE;
		}
		arguments++;
	} else if (!module_file_find("carapace", file, &why)) {
		complain("%s; build and install it, or name its file", why.text);
		return STATUS_FAILED;
	}
	for (; *arguments; arguments++) {
		if (!strchr(*arguments, '=')) {
			complain("'%s' is not PARAMETER=VALUE", *arguments);
			return command_usage(&attach_command);
		}
		if (!module_file_add(file, *arguments)) {
			complain("too many parameters");
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

static int attach_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "keep-kvm", no_argument, NULL, 'k' },
		{ }
	};
	struct module_file file;
	struct reason why;
	bool keep_kvm = false;
	int option, status;

	while ((option = command_options(&attach_command, argc, argv, "k",
					 options)) != -1) {
		if (option != 'k')
			return STATUS_USAGE;
		keep_kvm = true;
	}
	status = parse_module(argv + optind, &file);
	if (status)
		return status;
	if (module_is_loaded("carapace")) {
		complain("Carapace is attached already");
		return STATUS_FAILED;
	}
	/* Before KVM goes for nothing */
	status = module_file_check(&file, "carapace", &why);
	if (status) {
		complain("%s: %s", file.path, why.text);
		return status;
	}
	if (geteuid()) {
		complain("only root can load modules");
		return STATUS_PRIVILEGE;
	}
	status = make_way(keep_kvm);
	if (status)
		return status;
	status = load(&file);
	if (status)
		kvm_bring_back();
	return status;
}

const struct command attach_command = {
	.name = "attach",
	.arguments = "[--keep-kvm] [FILE] [PARAMETER=VALUE...]",
	.summary = "load the module: slip Carapace under the running Linux",
	.help =
	"FILE is carapace.ko, compressed or not; without it, modprobe says where the\n"
	"module lies and which options it has. PARAMETER=VALUE go to the module.\n"
	"\n"
	"KVM uses VMX, too. Where it is loaded and idle it is unloaded first, and\n"
	"loaded again by detach, or at once when attaching fails. Where it has\n"
	"virtual machines, Carapace does not attach.\n"
	"\n"
	"  -k, --keep-kvm  leave KVM alone: fail where it is loaded\n",
	.run = attach_run,
};
