// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: whether the module would be let in
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "checks.h"
#include "kernel_module.h"
#include "kvm.h"
#include "sysfs.h"
#include "types.h"

#define SECURE_BOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* What a signature ends with, and so the file */
#define SIGNED	"~Module signature appended~\n"

static void not_installed(struct finding *finding)
{
	char build[PATH_MAX], release[64];

	file_read("/proc/sys/kernel/osrelease", release, sizeof(release));
	snprintf(build, sizeof(build), "/lib/modules/%s/build/Makefile",
		 release);
	if (file_is_there(build))
		found(finding, CHECK_NOTE,
		      "'make', then 'carapacectl attach ./carapace.ko'",
		      "not installed; headers to build it with are there");
	else
		found(finding, CHECK_NOTE,
		      "install linux-headers-$(uname -r), run 'make', then 'carapacectl attach ./carapace.ko'",
		      "not installed, and no headers to build it with");
}

/* The administrator's options: the last one counts, and alone it is true. */
static bool disabled(const struct module_file *file)
{
	static const char name[] = "disable";
	const char *at = file->parameters;
	bool is = false;
	size_t length;

	for (; *at; at += length + strspn(at + length, " ")) {
		length = strcspn(at, " ");
		if (!strncmp(at, name, strlen(name)) &&
		    strchr(" =", at[strlen(name)]))
			is = module_flag(at + strlen(name), length - strlen(name));
	}
	return is;
}

static void check_module(struct finding *finding)
{
	struct module_file file;
	struct reason why;

	if (!module_file_find("carapace", &file, &why)) {
		not_installed(finding);
		return;
	}
	if (module_file_check(&file, "carapace", &why))
		found(finding, CHECK_BAD,
		      "mend it, or its options in /etc/modprobe.d", "%.120s: %.120s",
		      file.path, why.text);
	else if (disabled(&file))
		found(finding, CHECK_BAD,
		      "take it out of /etc/modprobe.d, or off the kernel command line",
		      "%.120s has the option disable", file.path);
	else
		found(finding, CHECK_GOOD, "", "%.250s", file.path);
}

static void check_kvm(struct finding *finding)
{
	switch (kvm_state()) {
	case KVM_ABSENT:
		found(finding, CHECK_GOOD, "", "not loaded");
		break;
	case KVM_IDLE:
		found(finding, CHECK_NOTE,
		      "'carapacectl attach' unloads it, and 'detach' brings it back",
		      "loaded, without a virtual machine");
		break;
	case KVM_BUSY:
		found(finding, CHECK_BAD, "end them first",
		      "has virtual machines");
		break;
	case KVM_BUILT_IN:
		found(finding, CHECK_BAD, "take a kernel with KVM as a module",
		      "part of this kernel, so VMX is not to be had");
		break;
	}
}

/* Attributes, 4 bytes, come before the value */
static bool secure_boot(void)
{
	unsigned char value[5] = { 0 };
	FILE *file = file_open(SECURE_BOOT);
	bool is_on;

	if (!file)
		return false;
	is_on = fread(value, 1, sizeof(value), file) == sizeof(value) &&
		value[4] == 1;
	fclose(file);
	return is_on;
}

/* "[none] integrity confidentiality": the one in brackets */
static void lockdown_mode(char *mode, size_t size)
{
	char text[128], *start;

	snprintf(mode, size, "none");
	if (!file_read("/sys/kernel/security/lockdown", text, sizeof(text)))
		return;
	start = strchr(text, '[');
	if (start)
		snprintf(mode, size, "%.*s", (int)strcspn(start + 1, "]"),
			 start + 1);
}

static bool signatures_enforced(void)
{
	char value[8];

	return file_read("/sys/module/module/parameters/sig_enforce", value,
			 sizeof(value)) && *value == 'Y';
}

static bool is_signed(const char *path)
{
	size_t length = strlen(SIGNED);
	struct bytes bytes;
	struct reason why;
	bool is;

	is = bytes_read(path, &bytes, &why) && bytes_decompress(&bytes, &why) &&
	     bytes.size > length &&
	     !memcmp(bytes.data + bytes.size - length, SIGNED, length);
	bytes_free(&bytes);
	return is;
}

static void check_signature(struct finding *finding, const char *asks)
{
	struct module_file file;
	struct reason why;

	if (!module_file_find("carapace", &file, &why))
		found(finding, CHECK_NOTE,
		      "sign carapace.ko: README, \"Secure Boot\"",
		      "%s: the kernel takes signed modules only", asks);
	else if (is_signed(file.path))
		found(finding, CHECK_NOTE,
		      "the kernel has to trust its key: README, \"Secure Boot\"",
		      "%s: the kernel takes signed modules only, and %.120s is signed",
		      asks, file.path);
	else
		found(finding, CHECK_BAD,
		      "sign it: README, \"Secure Boot\"",
		      "%s: the kernel takes signed modules only, and %.120s is not signed",
		      asks, file.path);
}

static void check_signing(struct finding *finding)
{
	char mode[32], asks[80];

	lockdown_mode(mode, sizeof(mode));
	snprintf(asks, sizeof(asks), "Secure Boot %s, lockdown %s",
		 secure_boot() ? "on" : "off", mode);
	if (strcmp(mode, "none") || signatures_enforced())
		check_signature(finding, asks);
	else
		found(finding, CHECK_GOOD, "", "%s: modules need no signature",
		      asks);
}

static void check_modules_disabled(struct finding *finding)
{
	char value[8];

	if (file_read("/proc/sys/kernel/modules_disabled", value,
		      sizeof(value)) && *value == '1')
		found(finding, CHECK_BAD, "reboot without it",
		      "kernel.modules_disabled is set: no module can be loaded");
	else
		found(finding, CHECK_GOOD, "", "can be loaded");
}

const struct check module_checks[] = {
	{ "module", check_module },
	{ "KVM", check_kvm },
	{ "signatures", check_signing },
	{ "modules", check_modules_disabled },
	{ }
};
