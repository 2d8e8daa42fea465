// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: whether this machine's kernel would let it
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checks.h"
#include "kernel_module.h"
#include "kvm.h"
#include "sysfs.h"
#include "types.h"

#define SECURE_BOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* README: tested are these */
static const char *const tested[] = { "5.10.", "6.1.", "6.12.", "7.2." };

static void check_version(struct finding *finding)
{
	struct utsname name;
	size_t i;

	uname(&name);
	if (strcmp(name.machine, "x86_64")) {
		found(finding, CHECK_BAD, "it takes x86-64", "%s on %s",
		      name.release, name.machine);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(tested); i++) {
		if (!strncmp(name.release, tested[i], strlen(tested[i]))) {
			found(finding, CHECK_GOOD, "", "%s", name.release);
			return;
		}
	}
	found(finding, CHECK_NOTE, "tested are Debian's 5.10, 6.1, 6.12 and 7.2",
	      "%s, with which it was not tested", name.release);
}

static void check_module(struct finding *finding)
{
	struct module_file file;
	struct reason why;
	struct utsname name;
	char build[PATH_MAX];

	if (module_file_find("carapace", &file, &why)) {
		found(finding, CHECK_GOOD, "", "%s", file.path);
		return;
	}
	uname(&name);
	snprintf(build, sizeof(build), "/lib/modules/%s/build/Makefile",
		 name.release);
	if (access(build, F_OK))
		found(finding, CHECK_NOTE,
		      "install linux-headers-$(uname -r), run 'make', then 'carapacectl attach ./carapace.ko'",
		      "not installed, and no headers to build it with");
	else
		found(finding, CHECK_NOTE,
		      "'make', then 'carapacectl attach ./carapace.ko'",
		      "not installed; headers to build it with are there");
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
	FILE *file = fopen(SECURE_BOOT, "re");
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

static void check_signing(struct finding *finding)
{
	char mode[32];
	bool locked;

	lockdown_mode(mode, sizeof(mode));
	locked = strcmp(mode, "none");
	if (locked || signatures_enforced())
		found(finding, CHECK_NOTE,
		      "sign carapace.ko with a key that the kernel trusts (Debian's wiki, SecureBoot)",
		      "Secure Boot %s, lockdown %s: the kernel takes signed modules only",
		      secure_boot() ? "on" : "off", mode);
	else
		found(finding, CHECK_GOOD, "",
		      "Secure Boot %s, lockdown %s: modules need no signature",
		      secure_boot() ? "on" : "off", mode);
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

/* Whether a word of the command line is, or begins with, one of ours */
static const char *keeps_off(const char *word)
{
	static const char *const exact[] = {
		"carapace.disable", "carapace.disable=1", "carapace.disable=y",
		"carapace.disable=Y",
	};
	static const char blacklist[] = "module_blacklist=";
	char list[1024], *name, *saved;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(exact); i++) {
		if (!strcmp(word, exact[i]))
			return exact[i];
	}
	if (strncmp(word, blacklist, strlen(blacklist)))
		return NULL;
	snprintf(list, sizeof(list), "%s", word + strlen(blacklist));
	for (name = strtok_r(list, ",", &saved); name;
	     name = strtok_r(NULL, ",", &saved)) {
		if (!strcmp(name, "carapace"))
			return "module_blacklist=carapace";
	}
	return NULL;
}

static void check_command_line(struct finding *finding)
{
	char line[4096], *word, *saved;
	const char *what;

	file_read("/proc/cmdline", line, sizeof(line));
	for (word = strtok_r(line, " ", &saved); word;
	     word = strtok_r(NULL, " ", &saved)) {
		what = keeps_off(word);
		if (what) {
			found(finding, CHECK_BAD, "reboot without it",
			      "%s keeps Carapace off", what);
			return;
		}
	}
	found(finding, CHECK_GOOD, "", "nothing there keeps it off");
}

static void check_events(struct finding *finding)
{
	char flags[16384], *at;
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool fred = false;

	/* Linux clears the flag where it does not use it. */
	while (file && fgets(flags, sizeof(flags), file)) {
		if (strncmp(flags, "flags", 5))
			continue;
		at = strstr(flags, " fred");
		fred = at && (at[5] == ' ' || at[5] == '\n');
		break;
	}
	if (file)
		fclose(file);
	if (fred)
		found(finding, CHECK_BAD, "boot with fred=off",
		      "the kernel has events delivered by FRED");
	else
		found(finding, CHECK_GOOD, "", "delivered by the IDT");
}

static void check_kdump(struct finding *finding)
{
	if (!access("/proc/vmcore", F_OK))
		found(finding, CHECK_BAD,
		      "attach in the kernel that comes after",
		      "this is a kdump kernel");
	else
		found(finding, CHECK_GOOD, "", "not in one");
}

/* Columns of /proc/buddyinfo behind "Node N, zone NAME" count free blocks */
static u64 free_blocks(void)
{
	FILE *file = fopen("/proc/buddyinfo", "re");
	char line[512], *at, *end;
	u64 blocks = 0, count;
	int order;

	while (file && fgets(line, sizeof(line), file)) {
		at = strstr(line, "zone");
		if (!at)
			continue;
		at += strcspn(at, " ");
		at += strspn(at, " ");
		at += strcspn(at, " ");
		for (order = 0; ; order++, at = end) {
			count = strtoull(at, &end, 10);
			if (end == at)
				break;
			/* 2 MiB is order 9; larger ones are several. */
			if (order >= 9)
				blocks += count << (order - 9);
		}
	}
	if (file)
		fclose(file);
	return blocks;
}

static void check_memory(struct finding *finding)
{
	u64 blocks = free_blocks();

	if (blocks)
		found(finding, CHECK_GOOD, "",
		      "%" PRIu64 " free blocks of 2 MiB; it takes one on most machines",
		      blocks);
	else
		found(finding, CHECK_NOTE,
		      "attach soon after boot, or free some memory",
		      "no free block of 2 MiB just now; Linux may still make one");
}

const struct check kernel_checks[] = {
	{ "kernel", check_version },
	{ "module", check_module },
	{ "KVM", check_kvm },
	{ "signatures", check_signing },
	{ "modules", check_modules_disabled },
	{ "command line", check_command_line },
	{ "events", check_events },
	{ "kdump kernel", check_kdump },
	{ "memory", check_memory },
	{ }
};
