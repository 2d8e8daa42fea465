// SPDX-License-Identifier: GPL-2.0
/*
 * What the doctor finds, of machines that are made up
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "capability_cost.h"
#include "checks.h"
#include "cpu_values.h"
#include "emulated_cpu.h"
#include "module_builder.h"
#include "program.h"
#include "sysfs.h"
#include "tree.h"
#include "vmcs.h"
#include "x86.h"

#define MSR(cpu, index)	((cpu).vmx[(index) - IA32_VMX_BASIC])
#define ALLOWED(bit)	((u64)(bit) << 32)

#define CONFIG							\
	"# Linux/x86 Kernel Configuration\n"			\
	"CONFIG_KALLSYMS=y\n"					\
	"CONFIG_KALLSYMS_ALL=y\n"				\
	"CONFIG_KPROBES=y\n"					\
	"CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y\n"		\
	"CONFIG_UNWINDER_ORC=y\n"				\
	"# CONFIG_KASAN is not set\n"

#define TRACED	"CONFIG_DYNAMIC_FTRACE=y\n"

#define SECURE_BOOT \
	"sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* The CPU that the doctor is shown */
static struct {
	const char *vendor;
	const char *hypervisor;
	const char *hypervisor_behind;	/* in later leaves */
	bool readable;
	struct cpu_values values;
	struct cpu_values others;	/* all but the first one */
} cpu;

/* Its maker's name is in EBX, EDX and ECX, a hypervisor's in EBX, ECX and EDX. */
static void fake_leaf(u32 leaf, u32 subleaf, u32 regs[4])
{
	const struct cpu_values *v = &cpu.values;
	char name[13] = "";

	memset(regs, 0, 4 * sizeof(*regs));
	switch (leaf) {
	case 0:
		memcpy(&regs[1], cpu.vendor, 4);
		memcpy(&regs[3], cpu.vendor + 4, 4);
		memcpy(&regs[2], cpu.vendor + 8, 4);
		break;
	case 1:
		regs[2] = v->leaf1_ecx | (cpu.hypervisor ? 1U << 31 : 0);
		break;
	case 7:
		regs[1] = v->leaf7_ebx;
		regs[2] = v->leaf7_ecx;
		regs[3] = v->leaf7_edx;
		break;
	case 0xd:
		regs[0] = subleaf == 1 ? v->leafd_1_eax : 0;
		break;
	case 0x40000000:
		snprintf(name, sizeof(name), "%s", cpu.hypervisor);
		memcpy(&regs[1], name, 12);
		break;
	case 0x40000100:
		if (cpu.hypervisor_behind)
			snprintf(name, sizeof(name), "%s",
				 cpu.hypervisor_behind);
		memcpy(&regs[1], name, 12);
		break;
	case 0x80000001:
		regs[3] = v->ext1_edx;
		break;
	case 0x80000008:
		regs[0] = v->phys_bits;
		break;
	}
}

static bool fake_msrs(unsigned int number, struct cpu_values *values)
{
	const struct cpu_values *from = number ? &cpu.others : &cpu.values;

	if (!cpu.readable)
		return false;
	values->feature_control = from->feature_control;
	memcpy(values->vmx, from->vmx, sizeof(values->vmx));
	return true;
}

static const struct cpu_source fake_cpu = { fake_leaf, fake_msrs };

/* On which nothing is in the way, as far as it is not the CPU's to say */
FIXTURE(machine)
{
	char root[TREE_ROOT];
	char path[64];
	struct finding finding;
};

static void put_release(const char *root, const char *release)
{
	tree_put(root, "proc/sys/kernel/osrelease", release);
	tree_put(root, "boot/config-6.12.1-amd64", CONFIG TRACED);
}

FIXTURE_SETUP(machine)
{
	tree_make(self->root);
	system_root = self->root;
	snprintf(self->path, sizeof(self->path), "%s/bin:/bin", self->root);
	program_path = self->path;
	put_release(self->root, "6.12.1-amd64\n");
	tree_put(self->root, "proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet\n");
	tree_put(self->root, "proc/cpuinfo",
		 "processor\t: 0\nflags\t\t: fpu vme lm\nbugs\t\t:\n");
	tree_put(self->root, "proc/meminfo", "MemTotal:  1048576 kB\n");
	tree_put(self->root, "proc/buddyinfo",
		 "Node 0, zone   DMA32  9 9 9 9 9 9 9 9 9 9 9\n"
		 "Node 0, zone  Normal  0 0 0 0 0 0 0 0 0 1 2\n");
	cpu.vendor = "GenuineIntel";
	cpu.hypervisor = NULL;
	cpu.hypervisor_behind = NULL;
	cpu.readable = true;
	cpu.values = arrow_lake;
	cpu.others = arrow_lake;
	cpu_source = &fake_cpu;
}

FIXTURE_TEARDOWN(machine)
{
	tree_remove(self->root);
}

static void look(struct finding *finding, const char *name)
{
	static const struct check *const groups[] = {
		cpu_checks, kernel_checks, module_checks,
	};
	const struct check *check;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		for (check = groups[i]; check->name; check++) {
			if (!strcmp(check->name, name)) {
				memset(finding, 0xff, sizeof(*finding));
				check->look(finding);
				return;
			}
		}
	}
	abort();
}

/* The verdict, and words of what is so and of the advice */
#define EXPECT_FOUND(name, verdict_, what_, advice_) do {		\
	look(&self->finding, name);					\
	EXPECT_EQ(verdict_, self->finding.verdict);			\
	EXPECT_NE(NULL, strstr(self->finding.what, what_)) {		\
		TH_LOG("%s", self->finding.what);			\
	}								\
	EXPECT_NE(NULL, strstr(self->finding.advice, advice_)) {	\
		TH_LOG("%s", self->finding.advice);			\
	}								\
} while (0)

#define EXPECT_GOOD(name, what) do {					\
	EXPECT_FOUND(name, CHECK_GOOD, what, "");			\
	EXPECT_STREQ("", self->finding.advice);				\
	EXPECT_EQ(0, self->finding.nr_details);				\
} while (0)

static bool has_detail(const struct finding *finding, const char *words)
{
	unsigned int i;

	for (i = 0; i < finding->nr_details; i++) {
		if (strstr(finding->details[i], words))
			return true;
	}
	return false;
}

TEST_F(machine, of_intel)
{
	EXPECT_GOOD("CPU", "GenuineIntel");
	EXPECT_GOOD("VMX", "has all that Carapace needs");
	cpu.values.leaf1_ecx = 0;
	EXPECT_FOUND("VMX", CHECK_BAD, "does not show VMX", "firmware setup");
	EXPECT_FOUND("firmware lock", CHECK_UNKNOWN, "there is no VMX", "");
	EXPECT_FOUND("all CPUs", CHECK_UNKNOWN, "there is no VMX", "");
	EXPECT_FOUND("optional capabilities", CHECK_UNKNOWN, "there is no VMX",
		     "");
}

/* Nothing that could be turned on */
TEST_F(machine, of_amd)
{
	cpu.vendor = "AuthenticAMD";
	cpu.values.leaf1_ecx = 0;
	EXPECT_FOUND("CPU", CHECK_BAD, "AuthenticAMD, which has no VMX",
		     "an Intel CPU");
	EXPECT_FOUND("VMX", CHECK_BAD, "does not show VMX", "an Intel CPU");
	EXPECT_EQ(NULL, strstr(self->finding.advice, "firmware"));
}

TEST_F(machine, on_a_hypervisor)
{
	EXPECT_GOOD("hypervisor underneath", "none");
	cpu.hypervisor = "KVMKVMKVM";
	EXPECT_FOUND("hypervisor underneath", CHECK_NOTE, "KVMKVMKVM",
		     "nested");
	EXPECT_GOOD("VMX", "has all");
	cpu.hypervisor = "";
	EXPECT_FOUND("hypervisor underneath", CHECK_NOTE, "without a name",
		     "nested");
	cpu.hypervisor = "TCGTCGTCGTCG";
	EXPECT_FOUND("hypervisor underneath", CHECK_NOTE, "TCGTCGTCGTCG",
		     "nested");
	cpu.hypervisor = "VMwareVMware";
	EXPECT_FOUND("hypervisor underneath", CHECK_BAD, "VMwareVMware",
		     "guest of KVM's");
	cpu.hypervisor = "Microsoft Hv";
	EXPECT_FOUND("hypervisor underneath", CHECK_BAD, "Microsoft Hv",
		     "guest of KVM's");
	cpu.hypervisor_behind = "XenVMMXenVMM";
	EXPECT_FOUND("hypervisor underneath", CHECK_BAD, "Microsoft Hv",
		     "guest of KVM's");
	cpu.hypervisor_behind = "KVMKVMKVM";
	EXPECT_FOUND("hypervisor underneath", CHECK_NOTE, "KVMKVMKVM",
		     "nested");
	cpu.values.leaf1_ecx = 0;
	EXPECT_FOUND("VMX", CHECK_BAD, "does not show VMX",
		     "have the hypervisor underneath offer it");
}

TEST_F(machine, lacks_what_is_needed)
{
	MSR(cpu.values, IA32_VMX_PROCBASED_CTLS2) &=
		~ALLOWED(SECONDARY_ENABLE_EPT);
	EXPECT_FOUND("VMX", CHECK_BAD, "no EPT", "cannot run Carapace");
	EXPECT_FOUND("optional capabilities", CHECK_UNKNOWN, "", "");
	EXPECT_EQ(0, self->finding.nr_details);
}

TEST_F(machine, whose_firmware_locks)
{
	EXPECT_GOOD("firmware lock", "VMX is locked on");
	cpu.values.feature_control = 1;
	EXPECT_FOUND("firmware lock", CHECK_BAD, "VMX is locked off",
		     "firmware setup");
	cpu.values.feature_control = 0;
	EXPECT_GOOD("firmware lock", "not locked");
	cpu.readable = false;
	EXPECT_FOUND("firmware lock", CHECK_UNKNOWN, "cannot be read",
		     geteuid() ? "root" : "modprobe msr");
}

TEST_F(machine, with_two_kinds_of_cpus)
{
	if (sysconf(_SC_NPROCESSORS_CONF) < 2)
		SKIP(return, "there is one CPU only");
	EXPECT_GOOD("all CPUs", "with the same capabilities");
	MSR(cpu.others, IA32_VMX_PROCBASED_CTLS2) &=
		~ALLOWED(SECONDARY_MODE_BASED_EXEC);
	EXPECT_FOUND("all CPUs", CHECK_BAD, "CPU 1 has other VMX capabilities",
		     "microcode");
}

/* All that are missing are named, each with its cost, and no others */
TEST_F(machine, lacks_what_is_optional)
{
	struct vmx_controls controls;
	struct cpu_values values;
	struct vmx_refusal why;
	unsigned int i, missing = 0;
	const char *cost;

	MSR(cpu.values, IA32_VMX_PROCBASED_CTLS2) &=
		~ALLOWED(SECONDARY_MODE_BASED_EXEC | SECONDARY_ENABLE_VMFUNC);
	MSR(cpu.values, IA32_VMX_EPT_VPID_CAP) &= ~EPT_CAP_1G;
	ASSERT_TRUE(cpu_values_read(0, &values));
	ASSERT_EQ(0, vmx_capabilities_check(&values, &controls, &why));
	EXPECT_FOUND("optional capabilities", CHECK_NOTE,
		     "optional capabilities", "");
	for (i = 0; i < VMX_CAPABILITY_COUNT; i++) {
		cost = capability_cost(vmx_capability_name(i));
		if (!cost)
			continue;
		if (vmx_capability_present(&controls, i)) {
			EXPECT_FALSE(has_detail(&self->finding, cost));
			continue;
		}
		missing++;
		EXPECT_TRUE(has_detail(&self->finding, cost)) {
			TH_LOG("%s", vmx_capability_name(i));
		}
		EXPECT_TRUE(has_detail(&self->finding,
				       vmx_capability_name(i)));
	}
	EXPECT_EQ(missing, self->finding.nr_details);
	EXPECT_GE(missing, 3);
}

TEST_F(machine, with_another_kernel)
{
	EXPECT_GOOD("kernel", "6.12.1-amd64");
	put_release(self->root, "5.10.0-29-amd64\n");
	EXPECT_GOOD("kernel", "5.10.0-29-amd64");
	put_release(self->root, "10.0.1\n");
	EXPECT_FOUND("kernel", CHECK_NOTE, "not tested", "tested are");
	put_release(self->root, "6.11.4\n");
	EXPECT_FOUND("kernel", CHECK_NOTE, "not tested", "tested are");
	put_release(self->root, "5.9.16\n");
	EXPECT_FOUND("kernel", CHECK_BAD, "5.9.16", "5.10 or later");
	put_release(self->root, "4.19.0-27-amd64\n");
	EXPECT_FOUND("kernel", CHECK_BAD, "4.19.0-27-amd64", "5.10 or later");
}

TEST_F(machine, whose_kernel_is_configured)
{
	EXPECT_GOOD("configuration", "has what Carapace needs");
	tree_put(self->root, "boot/config-6.12.1-amd64", CONFIG);
	EXPECT_FOUND("configuration", CHECK_BAD, "lacks", "take a kernel");
	EXPECT_EQ(1, self->finding.nr_details);
	EXPECT_TRUE(has_detail(&self->finding,
			       "CONFIG_DYNAMIC_FTRACE is missing"));
	tree_put(self->root, "boot/config-6.12.1-amd64",
		 "#\nCONFIG_KALLSYMS=y\nCONFIG_KPROBES=y\n"
		 "# CONFIG_KALLSYMS_ALL is not set\n" TRACED);
	EXPECT_FOUND("configuration", CHECK_BAD, "lacks", "");
	EXPECT_TRUE(has_detail(&self->finding,
			       "CONFIG_KALLSYMS_ALL is missing"));
	EXPECT_TRUE(has_detail(&self->finding, "parked_stacks"));
	EXPECT_TRUE(has_detail(&self->finding, "returns can be guarded"));
	EXPECT_EQ(3, self->finding.nr_details);
	tree_put(self->root, "boot/config-6.12.1-amd64",
		 CONFIG TRACED "CONFIG_KASAN=y\n");
	EXPECT_GOOD("configuration", "has what");
	tree_put(self->root, "proc/cpuinfo", "flags\t\t: fpu la57 lm\n");
	EXPECT_FOUND("configuration", CHECK_BAD, "KASAN", "no5lvl");
	put_release(self->root, "6.12.2\n");
	EXPECT_FOUND("configuration", CHECK_UNKNOWN, "neither",
		     "CONFIG_KALLSYMS_ALL");
}

TEST_F(machine, that_has_its_configuration_compressed)
{
#ifdef HAVE_ZLIB
	char path[64];
	gzFile file;

	tree_put(self->root, "proc/config.gz", "");
	snprintf(path, sizeof(path), "%s/proc/config.gz", self->root);
	file = gzopen(path, "w");
	gzputs(file, CONFIG);
	ASSERT_EQ(Z_OK, gzclose(file));
	EXPECT_FOUND("configuration", CHECK_BAD, "lacks", "");
#else
	SKIP(return, "built without zlib");
#endif
}

TEST_F(machine, that_is_a_guest)
{
	EXPECT_GOOD("kind of guest", "neither Xen PV nor TDX");
	tree_put(self->root, "sys/hypervisor/guest_type", "HVM\n");
	EXPECT_GOOD("kind of guest", "neither Xen PV nor TDX");
	tree_put(self->root, "sys/hypervisor/guest_type", "PV\n");
	EXPECT_FOUND("kind of guest", CHECK_BAD, "Xen PV", "guest of KVM's");
	tree_put(self->root, "sys/hypervisor/guest_type", "HVM\n");
	tree_put(self->root, "proc/cpuinfo", "flags\t\t: lm tdx_guest\n");
	EXPECT_FOUND("kind of guest", CHECK_BAD, "TDX", "ordinary guest");
}

TEST_F(machine, whose_events_are_delivered)
{
	tree_put(self->root, "proc/cpuinfo", "flags\t\t: xfred freds lm\n");
	EXPECT_GOOD("events", "IDT");
	tree_put(self->root, "proc/cpuinfo",
		 "flags\t\t: lm\n\nflags\t\t: fred\n");
	EXPECT_GOOD("events", "IDT");
	tree_put(self->root, "proc/cpuinfo", "flags\t\t: lm fred\n");
	EXPECT_FOUND("events", CHECK_BAD, "FRED", "fred=off");
}

TEST_F(machine, with_words_on_the_command_line)
{
	static const struct {
		const char *line;
		const char *what;	/* NULL for nothing */
	} lines[] = {
		{ "", NULL },
		{ "quiet carapace.disable", "carapace.disable" },
		{ "carapace.disable=1 quiet", "carapace.disable" },
		{ "carapace.disable=on", "carapace.disable" },
		{ "carapace.disable=Yes", "carapace.disable" },
		{ "carapace.disable=0", NULL },
		{ "carapace.disable=off", NULL },
		{ "carapace.disable=", NULL },
		{ "carapace.disable carapace.disable=n", NULL },
		{ "carapace.disabled xcarapace.disable", NULL },
		{ "carapace.profile=strict", NULL },
		{ "module_blacklist=carapace", "module_blacklist" },
		{ "module_blacklist=a,carapace,b quiet", "module_blacklist" },
		{ "module_blacklist=carapacectl,xcarapace", NULL },
		{ "xmodule_blacklist=carapace", NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		tree_put(self->root, "proc/cmdline", lines[i].line);
		if (lines[i].what)
			EXPECT_FOUND("command line", CHECK_BAD, lines[i].what,
				     "reboot without it");
		else
			EXPECT_GOOD("command line", "nothing there");
	}
}

TEST_F(machine, that_crashed_before)
{
	EXPECT_GOOD("kdump kernel", "not in one");
	tree_put(self->root, "proc/vmcore", "");
	EXPECT_FOUND("kdump kernel", CHECK_BAD, "kdump", "comes after");
}

/* DMA32 has 9 blocks of 2 MiB and as many of 4, Normal 1 and 2 */
TEST_F(machine, with_memory)
{
	EXPECT_GOOD("memory", "32 free blocks of 2 MiB; it takes some");
	tree_put(self->root, "proc/buddyinfo",
		 "Node 0, zone  Normal  99 99 99 99 99 99 99 99 99 1 0\n");
	EXPECT_FOUND("memory", CHECK_NOTE, "1 free blocks", "free some memory");
	tree_put(self->root, "proc/buddyinfo",
		 "Node 0, zone  Normal  0 0 0 0 0 0 0 0 0 4 0\n");
	EXPECT_GOOD("memory", "4 free blocks");
	/* The more there is, the more it takes */
	tree_put(self->root, "proc/meminfo", "MemTotal:  67108864 kB\n");
	EXPECT_FOUND("memory", CHECK_NOTE, "4 free blocks", "");
	/* A page for each GiB of addresses */
	cpu.values.phys_bits = 48;
	MSR(cpu.values, IA32_VMX_EPT_VPID_CAP) &= ~EPT_CAP_1G;
	EXPECT_FOUND("memory", CHECK_BAD, "512 MiB is the most",
		     "EPT pages of 1 GiB");
}

TEST_F(machine, where_it_is_attached)
{
	tree_put(self->root, "sys/module/carapace/initstate", "live\n");
	cpu.values.leaf1_ecx = 0;
	tree_put(self->root, "proc/buddyinfo", "");
	EXPECT_GOOD("VMX", "hides VMX");
	EXPECT_GOOD("firmware lock", "hides VMX");
	EXPECT_GOOD("optional capabilities", "hides VMX");
	EXPECT_GOOD("memory", "attached");
}

TEST_F(machine, with_kvm)
{
	EXPECT_GOOD("KVM", "not loaded");
	tree_put(self->root, "sys/module/kvm/initstate", "live\n");
	tree_put(self->root, "sys/module/kvm/refcnt", "1\n");
	tree_put(self->root, "sys/module/kvm_intel/initstate", "live\n");
	tree_put(self->root, "sys/module/kvm_intel/refcnt", "0\n");
	EXPECT_FOUND("KVM", CHECK_NOTE, "without a virtual machine",
		     "unloads it");
	tree_put(self->root, "sys/module/kvm_intel/refcnt", "3\n");
	EXPECT_FOUND("KVM", CHECK_BAD, "has virtual machines", "end them");
	tree_put(self->root, "sys/module/kvm_intel/refcnt", "0\n");
	tree_put(self->root, "sys/module/kvm/refcnt", "2\n");
	EXPECT_FOUND("KVM", CHECK_BAD, "has virtual machines", "end them");
}

TEST_F(machine, with_kvm_built_in)
{
	tree_put(self->root, "sys/module/kvm/parameters/halt_poll_ns", "0\n");
	EXPECT_FOUND("KVM", CHECK_BAD, "part of this kernel", "as a module");
}

TEST_F(machine, that_takes_no_more_modules)
{
	EXPECT_GOOD("modules", "can be loaded");
	tree_put(self->root, "proc/sys/kernel/modules_disabled", "0\n");
	EXPECT_GOOD("modules", "can be loaded");
	tree_put(self->root, "proc/sys/kernel/modules_disabled", "1\n");
	EXPECT_FOUND("modules", CHECK_BAD, "modules_disabled", "reboot");
}

static void put_modprobe(const char *root, const char *script)
{
	char path[64];

	tree_put(root, "bin/modprobe", script);
	snprintf(path, sizeof(path), "%s/bin/modprobe", root);
	chmod(path, 0755);
}

/* A file carapace.ko, and a modprobe that finds it, with options */
static void install(const char *root, const char *options, bool is_signed)
{
	static const char modinfo[] =
		"name=carapace\0parmtype=disable:bool\0parmtype=action:charp";
	static const char signature[] = "~Module signature appended~\n";
	struct module_builder builder;
	struct bytes whole;
	char text[256];

	builder_init(&builder);
	builder.contents[1] = modinfo;
	builder.sections[1].sh_size = sizeof(modinfo);
	whole = builder_finish(&builder);
	if (is_signed) {
		whole.data = realloc(whole.data, whole.size + sizeof(signature));
		memcpy(whole.data + whole.size, signature, sizeof(signature));
		whole.size += strlen(signature);
	}
	tree_put_bytes(root, "carapace.ko", whole.data, whole.size);
	bytes_free(&whole);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho 'insmod %s/carapace.ko %s'\n", root, options);
	put_modprobe(root, text);
}

TEST_F(machine, where_it_is_installed)
{
	put_modprobe(self->root, "#!/bin/false\n");
	EXPECT_FOUND("module", CHECK_NOTE, "no headers",
		     "install linux-headers");
	tree_put(self->root, "lib/modules/6.12.1-amd64/build/Makefile", "");
	EXPECT_FOUND("module", CHECK_NOTE, "headers to build it with are there",
		     "'make'");
	install(self->root, "", false);
	EXPECT_GOOD("module", "/carapace.ko");
	install(self->root, "disable=0 action=log", false);
	EXPECT_GOOD("module", "/carapace.ko");
	install(self->root, "action=log disable", false);
	EXPECT_FOUND("module", CHECK_BAD, "option disable", "command line");
	install(self->root, "disable=1", false);
	EXPECT_FOUND("module", CHECK_BAD, "option disable", "modprobe.d");
	install(self->root, "acton=log", false);
	EXPECT_FOUND("module", CHECK_BAD, "no parameter 'acton'",
		     "modprobe.d");
	tree_put(self->root, "carapace.ko", "nothing");
	EXPECT_FOUND("module", CHECK_BAD, "no ELF file", "mend");
}

FIXTURE(signatures)
{
	char root[TREE_ROOT];
	char path[64];
	struct finding finding;
};

/* What asks for signatures, and what the doctor calls it */
FIXTURE_VARIANT(signatures)
{
	const char *file;
	const char *text;
	const char *what;
};

FIXTURE_VARIANT_ADD(signatures, enforced)
{
	.file = "sys/module/module/parameters/sig_enforce",
	.text = "Y\n",
	.what = "Secure Boot off, lockdown none",
};

FIXTURE_VARIANT_ADD(signatures, under_integrity)
{
	.file = "sys/kernel/security/lockdown",
	.text = "none [integrity] confidentiality\n",
	.what = "Secure Boot off, lockdown integrity",
};

FIXTURE_VARIANT_ADD(signatures, under_confidentiality)
{
	.file = "sys/kernel/security/lockdown",
	.text = "none integrity [confidentiality]\n",
	.what = "lockdown confidentiality",
};

FIXTURE_SETUP(signatures)
{
	tree_make(self->root);
	system_root = self->root;
	snprintf(self->path, sizeof(self->path), "%s/bin:/bin", self->root);
	program_path = self->path;
	tree_put(self->root, "proc/sys/kernel/osrelease", "6.12.1\n");
	tree_put(self->root, "sys/module/module/parameters/sig_enforce", "N\n");
	tree_put(self->root, "sys/kernel/security/lockdown",
		 "[none] integrity confidentiality\n");
}

FIXTURE_TEARDOWN(signatures)
{
	tree_remove(self->root);
}

TEST_F(signatures, are_asked_for)
{
	install(self->root, "", false);
	EXPECT_GOOD("signatures", "modules need no signature");
	tree_put(self->root, variant->file, variant->text);
	EXPECT_FOUND("signatures", CHECK_BAD, variant->what,
		     "README, \"Secure Boot\"");
	EXPECT_NE(NULL, strstr(self->finding.what, "carapace.ko is not signed"));
	install(self->root, "", true);
	EXPECT_FOUND("signatures", CHECK_NOTE, "carapace.ko is signed",
		     "README, \"Secure Boot\"");
	put_modprobe(self->root, "#!/bin/false\n");
	EXPECT_FOUND("signatures", CHECK_NOTE, variant->what,
		     "README, \"Secure Boot\"");
}

/* Four bytes of attributes, then the value */
TEST_F(signatures, are_of_secure_boot)
{
	install(self->root, "", false);
	tree_put_bytes(self->root, SECURE_BOOT, "\6\0\0\0\1", 5);
	EXPECT_GOOD("signatures", "Secure Boot on, lockdown none");
	tree_put_bytes(self->root, SECURE_BOOT, "\6\0\0\0\0", 5);
	EXPECT_GOOD("signatures", "Secure Boot off");
	tree_put_bytes(self->root, SECURE_BOOT, "\1\1\1\1", 4);
	EXPECT_GOOD("signatures", "Secure Boot off");
}

TEST_HARNESS_MAIN
