// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: the programs that the kernel itself starts: where Linux does so, and
 * where administrators say which
 *
 * Root keeps what may be started (vmx/helper_guard.c). It hears
 * - what an administrator writes, where Linux takes it over: not from the string
 *   that Linux keeps, which may be an attacker's by then;
 * - what Linux is about to start, in the helper's own process: when it passes the
 *   name, the arguments and the environment on, and when it has copied them and
 *   opened the file.
 *
 * The strings themselves can be written. Protected, each write to their pages
 * would take two exits. Tried on 6.12 with one CPU, under stress-ng's fork, exec,
 * switch, timer and sock: core_pattern's page was not written in 15 s; with
 * modprobe_path's, the machine did not get through the same load, why is not known.
 * What else is in these pages is up to the linker, and a locked write there would
 * not be atomic with other CPUs' (vmx/decoy.c).
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/binfmts.h>
#include <linux/cache.h>
#include <linux/capability.h>
#include <linux/cgroup-defs.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "bridge.h"
#include "compat.h"
#include "cpus_call.h"
#include "helper_hooks.h"
#include "helpers.h"
#include "hooks.h"
#include "hypercall.h"
#include "kernel_symbols.h"
#include "requests.h"

/*
 * The strings that sysctls change. The entry is known by its address from load
 * on; where it leads to later is for whoever wrote there to know.
 */
static struct variable {
	const char *name;
	const char *file;
	enum helper_kind kind;
	const struct ctl_table *sysctl;
	u32 room;
} variables[] __ro_after_init = {
#define VARIABLE(what, in, is)						\
	{ .name = (what), .file = "/proc/sys/kernel/" in, .kind = HELPER_##is }
	VARIABLE("core_pattern", "core_pattern", CORE_PATTERN),
	VARIABLE("modprobe_path", "modprobe", MODPROBE),
	VARIABLE("poweroff_cmd", "poweroff_cmd", POWEROFF),
	VARIABLE("uevent_helper", "hotplug", UEVENT),
#undef VARIABLE
};

/*
 * Strings of modules. Those with a parameter can be changed through it; the others
 * only before Carapace is loaded.
 */
static const struct {
	const char *variable;
	const char *parameter;
} module_strings[] = {
	{ "nfs_cache_getent_prog", "cache_getent" },
	{ "cltrack_prog", "cltrack_prog" },
	{ "drbd_usermode_helper", "usermode_helper" },
	{ "v86d_path", NULL },
	{ "ocfs2_hb_ctl_path", NULL },
	{ "mce_helper", NULL },
};

/* Longer than any name that Linux opens: it is refused before it is looked for. */
static const char no_program[PATH_MAX + 1] = { [0 ... PATH_MAX - 1] = '/' };

static const int *writes_strict __ro_after_init;

/* While the module is loaded: who reads, to find out the entry of what */
static const struct task_struct *learner __ro_after_init;
static struct variable *learning __ro_after_init;

static long vet(enum helper_kind kind, u32 room, u32 position, const char *text,
		size_t length)
{
	struct helper_write w = {
		.kind = kind,
		.room = min_t(u32, room, HELPER_TEXT),
		.position = position,
		.length = min_t(size_t, length, HELPER_TEXT),
		.text = "",
	};

	memcpy(w.text, text, w.length);
	return cpus_hypercall(HYPERCALL_HELPER_VET, (u64)&w, 0);
}

/* Whoever Linux lets write to these files as they are */
static bool by_root(void)
{
	return uid_eq(current_euid(), GLOBAL_ROOT_UID);
}

/* proc_dostring(): what the administrator wrote is in a buffer of the kernel's. */
static void notrace string_written(unsigned long ip, struct pt_regs *regs)
{
	const struct ctl_table *sysctl = (void *)regs_get_kernel_argument(regs, 0);
	const char *buffer = (void *)regs_get_kernel_argument(regs, 2);
	const size_t *length = (void *)regs_get_kernel_argument(regs, 3);
	const loff_t *position = (void *)regs_get_kernel_argument(regs, 4);
	u32 i;

	if (learner == current)
		learning->sysctl = sysctl;
	if (!(int)regs_get_kernel_argument(regs, 1) || !by_root())
		return;
	for (i = 0; i < ARRAY_SIZE(variables); i++) {
		if (variables[i].sysctl && variables[i].sysctl == sysctl)
			break;
	}
	if (i == ARRAY_SIZE(variables))
		return;
	/* Else each write begins at the string's beginning. */
	vet(variables[i].kind, variables[i].room,
	    !writes_strict || READ_ONCE(*writes_strict) == 1 ?
	    min_t(u64, *position, U32_MAX) : 0, buffer, *length);
}

/* uevent_helper_store(), of /sys/kernel/uevent_helper */
static void notrace uevent_written(unsigned long ip, struct pt_regs *regs)
{
	if (by_root())
		vet(HELPER_UEVENT, HELPER_TEXT, 0,
		    (void *)regs_get_kernel_argument(regs, 2),
		    regs_get_kernel_argument(regs, 3));
}

static void notrace vet_agent(const char *text)
{
	/* As Linux asks */
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN)) {
		text = skip_spaces(text);
		vet(HELPER_RELEASE_AGENT, HELPER_TEXT, 0, text, strlen(text));
	}
}

/* cgroup_release_agent_write() */
static void notrace agent_written(unsigned long ip, struct pt_regs *regs)
{
	vet_agent((void *)regs_get_kernel_argument(regs, 1));
}

/* cgroup1_parse_param(): mount -o release_agent= */
static void notrace agent_mounted(unsigned long ip, struct pt_regs *regs)
{
	const struct fs_parameter *p =
		(void *)regs_get_kernel_argument(regs, 1);

	if (p->type == fs_value_is_string && p->string &&
	    !strcmp(p->key, "release_agent"))
		vet_agent(p->string);
}

/* param_set_copystring() */
static void notrace parameter_set(unsigned long ip, struct pt_regs *regs)
{
	const char *text = (void *)regs_get_kernel_argument(regs, 0);
	const struct kernel_param *param =
		(void *)regs_get_kernel_argument(regs, 1);
	u32 i;

	if (!by_root())
		return;
	for (i = 0; i < ARRAY_SIZE(module_strings); i++) {
		if (module_strings[i].parameter &&
		    !strcmp(module_strings[i].parameter, param->name))
			vet(HELPER_PROGRAM, HELPER_TEXT, 0, text, strlen(text));
	}
}

/* Root says no. Where it does not answer (-ENXIO), the CPU is not attached. */
static bool refused(const struct helper_request *q)
{
	long err = hypercall(HYPERCALL_HELPER_CHECK, (u64)q, 0);

	return err && err != -ENXIO;
}

/*
 * kernel_execve(): besides init, which was long before, only helpers' processes
 * come here. The report has this one killed; nothing of the program is run.
 */
static void notrace program_named(unsigned long ip, struct pt_regs *regs)
{
	const struct helper_request q = {
		.path = regs_get_kernel_argument(regs, 0),
		.argv = regs_get_kernel_argument(regs, 1),
		.envp = regs_get_kernel_argument(regs, 2),
		.site = ip,
	};

	if (refused(&q))
		regs->di = (unsigned long)no_program;
}

/*
 * security_bprm_creds_for_exec(): the same once more for the name as Linux has
 * copied it; the file is open. A process that is no helper's has memory of its
 * own. Here nothing is turned back: who is refused is killed by the report,
 * before it is in user mode.
 */
static void notrace program_opened(unsigned long ip, struct pt_regs *regs)
{
	const struct linux_binprm *bprm =
		(void *)regs_get_kernel_argument(regs, 0);
	const struct helper_request q = {
		.path = (u64)bprm->filename,
		.copied = true,
		.site = ip,
	};

	if (!current->mm)
		refused(&q);
}

/* What is not needed does not exist where nobody can change such a string. */
static struct hook hooks[] __ro_after_init = {
	HOOK("kernel_execve", program_named, true),
	HOOK("security_bprm_creds_for_exec", program_opened, true),
	HOOK("proc_dostring", string_written, true),
	HOOK(COMPAT_CORE_PATTERN, string_written, false),
	HOOK("param_set_copystring", parameter_set, true),
	HOOK("uevent_helper_store", uevent_written, false),
	HOOK("cgroup_release_agent_write", agent_written, false),
	HOOK("cgroup1_parse_param", agent_mounted, false),
};

DEFINE_HOOK_SET(helper_set, hooks);

/*
 * Linux may have made a copy of the table that is in its source, and this leads to
 * what it uses: the file is read, and string_written() sees with which entry.
 */
static void learn_sysctl(struct variable *v, const void *data)
{
	struct file *file = filp_open(v->file, O_RDONLY, 0);
	loff_t position = 0;
	char byte;

	if (IS_ERR(file))
		return;
	learning = v;
	learner = current;
	kernel_read(file, &byte, sizeof(byte), &position);
	learner = NULL;
	filp_close(file, NULL);
	if (v->sysctl && (v->sysctl->data != data || v->sysctl->maxlen <= 0))
		v->sysctl = NULL;
}

static long vet_variable(struct variable *v)
{
	char *text = (char *)kernel_symbol(v->name);

	if (!text)
		return 0;
	v->room = HELPER_TEXT;
	learn_sysctl(v, text);
	if (v->sysctl)
		v->room = min_t(u32, v->sysctl->maxlen, HELPER_TEXT);
	else
		pr_notice("%s cannot be read; a change of it will be taken for an attack\n",
			  v->file);
	return vet(v->kind, v->room, 0, text, strnlen(text, v->room - 1));
}

static long vet_program(const char *name)
{
	const char *text = (char *)kernel_symbol(name);

	return text ? vet(HELPER_PROGRAM, HELPER_TEXT, 0, text,
			  strnlen(text, HELPER_TEXT - 1)) : 0;
}

/* Of the cgroup hierarchies that are mounted */
static void vet_agents(void)
{
	struct list_head *roots = (void *)kernel_symbol("cgroup_roots");
	struct mutex *lock = (void *)kernel_symbol("cgroup_mutex");
	struct cgroup_root *root;

	if (!roots || !lock)
		return;
	mutex_lock(lock);
	list_for_each_entry(root, roots, root_list)
		vet(HELPER_RELEASE_AGENT, HELPER_TEXT, 0,
		    root->release_agent_path,
		    strnlen(root->release_agent_path, HELPER_TEXT - 1));
	mutex_unlock(lock);
}

/* What stands there now. A change that comes in between is followed already. */
static long vet_all(void)
{
	long err = 0;
	u32 i;

	for (i = 0; !err && i < ARRAY_SIZE(variables); i++)
		err = vet_variable(&variables[i]);
	for (i = 0; !err && i < ARRAY_SIZE(module_strings); i++)
		err = vet_program(module_strings[i].variable);
#ifdef CONFIG_STATIC_USERMODEHELPER
	if (!err)
		err = vet(HELPER_PROGRAM, HELPER_TEXT, 0,
			  CONFIG_STATIC_USERMODEHELPER_PATH,
			  strlen(CONFIG_STATIC_USERMODEHELPER_PATH));
#endif
	vet_agents();
	return err;
}

/**
 * helper_hooks_start() - follow what the kernel starts, and who says what
 *
 * Context: may sleep; all CPUs are attached.
 *
 * Return: 0 or a negative errno, after one line.
 */
int helper_hooks_start(void)
{
	int err;

	writes_strict = (int *)kernel_symbol("sysctl_writes_strict");
	err = hooks_add(&helper_set);
	if (err)
		return err;
	err = vet_all();
	if (err) {
		pr_err("cannot tell root which programs the kernel may start (%d); please report this line\n",
		       err);
		hooks_remove(&helper_set);
	}
	return err;
}

/**
 * helper_hooks_stop() - the opposite
 *
 * Context: may sleep; guards are off, CPUs still attached.
 */
void helper_hooks_stop(void)
{
	hooks_remove(&helper_set);
}

/* Linux asks for a sysctl's mode: read-only, where it is one of ours. */
static int locked_mode(struct ctl_table_header *head,
		       COMPAT_CTL_TABLE *sysctl)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(variables); i++) {
		if (variables[i].sysctl == sysctl)
			return sysctl->mode & ~0222;
	}
	return sysctl->mode;
}

/**
 * helper_hooks_lock() - let nobody try to change what stays
 *
 * Root alone keeps the values. Here Linux is made to say so to administrators,
 * with EPERM, instead of taking what it then would not start. The sysctls
 * themselves are read-only data in newer kernels.
 *
 * Context: may sleep; the policy is locked, so this module stays.
 */
void helper_hooks_lock(void)
{
	struct ctl_table_root *root = (void *)kernel_symbol("sysctl_table_root");

	if (root && !root->permissions)
		WRITE_ONCE(root->permissions, locked_mode);
	else
		pr_notice("what the kernel is told to start can still be written to /proc/sys, but is not started\n");
}
