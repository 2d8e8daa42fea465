// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: whether this machine's kernel would do
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bytes.h"
#include "checks.h"
#include "cpu_values.h"
#include "kernel_module.h"
#include "pool_size.h"
#include "sysfs.h"
#include "types.h"
#include "x86.h"

/*
 * Of what pages_needed() of the module's island_load.c counts, this depends on the
 * module and the kernel a little: pages of the island's image, and places where the
 * core kernel changes its code.
 */
#define IMAGE_PAGES	96
#define CORE_SITES	100000

#define MEBIBYTES(blocks)	((blocks) * (u64)TABLE_POOL_CHUNK_SIZE >> 20)

/* README: tested are these; what it is made of came with the first */
static const char *const tested[] = { "5.10.", "6.1.", "6.12.", "7.2." };

#define OLDEST_MAJOR	5
#define OLDEST_MINOR	10

static void check_version(struct finding *finding)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;
	char release[64];
	size_t i;

	uname(&name);
	file_read("/proc/sys/kernel/osrelease", release, sizeof(release));
	if (strcmp(name.machine, "x86_64")) {
		found(finding, CHECK_BAD, "it takes x86-64", "%s on %s",
		      release, name.machine);
		return;
	}
	if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
	    (major < OLDEST_MAJOR ||
	     (major == OLDEST_MAJOR && minor < OLDEST_MINOR))) {
		found(finding, CHECK_BAD, "it takes 5.10 or later", "%s",
		      release);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(tested); i++) {
		if (!strncmp(release, tested[i], strlen(tested[i]))) {
			found(finding, CHECK_GOOD, "", "%s", release);
			return;
		}
	}
	found(finding, CHECK_NOTE, "tested are Debian's 5.10, 6.1, 6.12 and 7.2",
	      "%s, with which it was not tested", release);
}

/* A flag of the first CPU's; Linux clears those of what it does not use. */
static bool has_flag(const char *name)
{
	char flags[16384], *word, *saved;
	FILE *file = file_open("/proc/cpuinfo");
	bool has = false;

	while (file && fgets(flags, sizeof(flags), file)) {
		if (strncmp(flags, "flags", 5))
			continue;
		for (word = strtok_r(flags, " \t\n", &saved); word && !has;
		     word = strtok_r(NULL, " \t\n", &saved))
			has = !strcmp(word, name);
		break;
	}
	if (file)
		fclose(file);
	return has;
}

/* How the kernel was configured, from where distributions say it */
static bool read_config(struct bytes *config)
{
	static const char *const places[] = {
		"%s/proc/config.gz", "%s/boot/config-%s",
		"%s/lib/modules/%s/config",
	};
	char path[256], release[64];
	struct reason why;
	size_t i;

	file_read("/proc/sys/kernel/osrelease", release, sizeof(release));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), places[i], system_root, release);
		if (bytes_read(path, config, &why) &&
		    bytes_decompress(config, &why))
			return true;
		bytes_free(config);
	}
	return false;
}

static bool has_option(const struct bytes *config, const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), "\nCONFIG_%s=y\n", name);
	return memmem(config->data, config->size, line, strlen(line));
}

/* Without these it does not attach; without those, some of it cannot be. */
static void judge_config(struct finding *finding, const struct bytes *config)
{
	static const char *const needed[] = {
		"KALLSYMS", "KALLSYMS_ALL", "KPROBES", "DYNAMIC_FTRACE",
	};
	static const struct {
		const char *name;
		const char *for_what;
	} wanted[] = {
		{ "DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "no module's returns can be guarded" },
		{ "UNWINDER_ORC", "neither parked_stacks nor frozen_frames can be turned on" },
	};
	size_t i;

	if (has_option(config, "KASAN") && has_flag("la57")) {
		found(finding, CHECK_BAD, "boot with no5lvl",
		      "KASAN uses the addresses that it needs under 5-level paging");
		return;
	}
	found(finding, CHECK_GOOD, "", "has what Carapace needs");
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (has_option(config, needed[i]))
			continue;
		if (finding->verdict != CHECK_BAD)
			found(finding, CHECK_BAD, "take a kernel that has it",
			      "lacks what Carapace needs");
		found_detail(finding, "CONFIG_%s is missing", needed[i]);
	}
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (has_option(config, wanted[i].name))
			continue;
		if (finding->verdict == CHECK_GOOD)
			finding->verdict = CHECK_NOTE;
		found_detail(finding, "CONFIG_%s is missing: %s", wanted[i].name,
			     wanted[i].for_what);
	}
}

static void check_config(struct finding *finding)
{
	struct bytes config;

	if (read_config(&config)) {
		judge_config(finding, &config);
		bytes_free(&config);
	} else {
		found(finding, CHECK_UNKNOWN,
		      "it takes CONFIG_KALLSYMS_ALL, CONFIG_KPROBES and CONFIG_DYNAMIC_FTRACE",
		      "neither /boot nor /proc/config.gz says how it is configured");
	}
}

/* Where there is no VMX, whatever the CPU has: module/main.c refuses them. */
static void check_guest(struct finding *finding)
{
	char type[32];

	if (file_read("/sys/hypervisor/guest_type", type, sizeof(type)) &&
	    !strcmp(type, "PV"))
		found(finding, CHECK_BAD,
		      "take a guest of KVM's with nested virtualisation, or the bare machine",
		      "a Xen PV guest, which has no VMX");
	else if (has_flag("tdx_guest"))
		found(finding, CHECK_BAD,
		      "take an ordinary guest with nested virtualisation, or the bare machine",
		      "a TDX guest, which has no VMX of its own");
	else
		found(finding, CHECK_GOOD, "", "neither Xen PV nor TDX");
}

/* What a word of the command line says of carapace.disable */
static bool says_disable(const char *word, bool *value)
{
	static const char name[] = "carapace.disable";
	const char *rest = word + strlen(name);

	if (strncmp(word, name, strlen(name)) || (*rest && *rest != '='))
		return false;
	*value = module_flag(rest, strlen(rest));
	return true;
}

static bool blacklists(char *word)
{
	static const char list[] = "module_blacklist=";
	char *name, *saved;

	if (strncmp(word, list, strlen(list)))
		return false;
	for (name = strtok_r(word + strlen(list), ",", &saved); name;
	     name = strtok_r(NULL, ",", &saved)) {
		if (!strcmp(name, "carapace"))
			return true;
	}
	return false;
}

static void check_command_line(struct finding *finding)
{
	bool disabled = false, blacklisted = false;
	char line[4096], *word, *saved;

	file_read("/proc/cmdline", line, sizeof(line));
	for (word = strtok_r(line, " ", &saved); word;
	     word = strtok_r(NULL, " ", &saved)) {
		/* Of several, the last one counts; a list is one of names */
		if (!says_disable(word, &disabled))
			blacklisted |= blacklists(word);
	}
	if (disabled || blacklisted)
		found(finding, CHECK_BAD, "reboot without it",
		      "%s keeps Carapace off",
		      disabled ? "carapace.disable" : "module_blacklist=carapace");
	else
		found(finding, CHECK_GOOD, "", "nothing there keeps it off");
}

static void check_events(struct finding *finding)
{
	if (has_flag("fred"))
		found(finding, CHECK_BAD, "boot with fred=off",
		      "the kernel has events delivered by FRED");
	else
		found(finding, CHECK_GOOD, "", "delivered by the IDT");
}

static void check_kdump(struct finding *finding)
{
	if (file_is_there("/proc/vmcore"))
		found(finding, CHECK_BAD,
		      "attach in the kernel that comes after",
		      "this is a kdump kernel");
	else
		found(finding, CHECK_GOOD, "", "not in one");
}

/* Columns of /proc/buddyinfo behind "Node N, zone NAME" count free blocks */
static u64 free_blocks(void)
{
	FILE *file = file_open("/proc/buddyinfo");
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

static u64 memory_pages(void)
{
	FILE *file = file_open("/proc/meminfo");
	unsigned long long kib = 0;

	if (file) {
		if (fscanf(file, "MemTotal: %llu kB", &kib) != 1)
			kib = 0;
		fclose(file);
	}
	return kib / 4;
}

/* A page for each GiB of addresses, where the CPU has no EPT pages of that size */
static u64 ept_pages(void)
{
	struct vmx_controls controls;
	struct vmx_refusal why;
	struct cpu_values values;
	bool large = true;
	u64 limit;

	if (cpu_values_read(0, &values) &&
	    !vmx_capabilities_check(&values, &controls, &why))
		large = controls.ept_1g;
	limit = 1ULL << (values.phys_bits < 48 ? values.phys_bits : 48);
	return 2 + (limit >> 39) + (large ? 0 : limit >> 30);
}

/* Blocks of 2 MiB */
static u64 blocks_needed(void)
{
	u64 pages = IMAGE_PAGES + pool_of_all(CORE_SITES + POOL_MODULE_SITES) +
		    POOL_OF_CPU * (u64)sysconf(_SC_NPROCESSORS_CONF) +
		    ept_pages() + pool_spare(memory_pages());

	return (pages + TABLE_POOL_CHUNK_PAGES - 1) / TABLE_POOL_CHUNK_PAGES;
}

static void check_memory(struct finding *finding)
{
	u64 there = free_blocks(), needed = blocks_needed();

	if (module_is_loaded("carapace"))
		found(finding, CHECK_GOOD, "",
		      "Carapace is attached, and has what it takes");
	else if (needed > TABLE_POOL_CHUNKS_MAX)
		found(finding, CHECK_BAD,
		      "EPT pages of 1 GiB, or fewer CPUs, would do",
		      "it would take some %" PRIu64 " MiB, and %" PRIu64 " MiB is the most",
		      MEBIBYTES(needed), MEBIBYTES(TABLE_POOL_CHUNKS_MAX));
	else if (there >= needed)
		found(finding, CHECK_GOOD, "",
		      "%" PRIu64 " free blocks of 2 MiB; it takes some %" PRIu64,
		      there, needed);
	else
		found(finding, CHECK_NOTE,
		      "attach soon after boot, or free some memory",
		      "%" PRIu64 " free blocks of 2 MiB just now, and it takes some %" PRIu64 "; Linux may make more",
		      there, needed);
}

const struct check kernel_checks[] = {
	{ "kernel", check_version },
	{ "configuration", check_config },
	{ "kind of guest", check_guest },
	{ "command line", check_command_line },
	{ "events", check_events },
	{ "kdump kernel", check_kdump },
	{ "memory", check_memory },
	{ }
};
