// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks on the strings that name what the kernel runs as root, and on what it
 * tells these programs
 *
 * Here they are changed, or made so that user space can change them. Whether
 * the kernel then runs what they name is for user space to see.
 */
#include <linux/binfmts.h>
#include <linux/cgroup-defs.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "../../../module/hooks.h"
#include "attack_module.h"

#define STRING	64	/* of each string: as much as is saved and written */

static DEFINE_MUTEX(lock);

/* What is to be undone */
static struct {
	char *string;
	char old[STRING];
	struct ctl_table *sysctl;
	struct ctl_table old_sysctl;
	struct hook_set *hooks;
	struct hook_set old_hooks;
} saved;

static struct page *user_page;

int attack_helper_init(void)
{
	user_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	return user_page ? 0 : -ENOMEM;
}

void attack_helper_exit(void)
{
	__free_page(user_page);
}

/*
 * A page of nothing, mapped so that no one counts what its page-table entry
 * leads to: the entry may be any, when the caller dies
 */
int attack_helper_mmap(struct vm_area_struct *area)
{
	if (area->vm_end - area->vm_start != PAGE_SIZE)
		return -EINVAL;
	return remap_pfn_range(area, area->vm_start, page_to_pfn(user_page),
			       PAGE_SIZE, area->vm_page_prot);
}

/*
 * Another CPU at the right moment, every time. The name of a helper's program has
 * been compared and the file is open; what it begins with decides what runs it.
 */
static int write_beginning(struct kprobe *probe, struct pt_regs *regs)
{
	struct linux_binprm *bprm = (void *)regs_get_kernel_argument(regs, 0);

	if (!current->mm && bprm->interp == bprm->filename)
		strscpy(bprm->buf, "#!" ATTACK_PROGRAM "\n", sizeof(bprm->buf));
	return 0;
}

static const struct kprobe beginning = {
	.symbol_name = "security_bprm_check",
	.pre_handler = write_beginning,
};

static struct kprobe beginning_probe;

/* Only what was changed is written: to write is what may be guarded. */
static void undo(void)
{
	mutex_lock(&lock);
	if (beginning_probe.addr)
		unregister_kprobe(&beginning_probe);
	beginning_probe.addr = NULL;
	if (saved.sysctl &&
	    memcmp(saved.sysctl, &saved.old_sysctl, sizeof(*saved.sysctl)))
		*saved.sysctl = saved.old_sysctl;
	if (saved.hooks) {
		saved.hooks->ops.func = saved.old_hooks.ops.func;
		saved.hooks->hook = saved.old_hooks.hook;
		saved.hooks->nr = saved.old_hooks.nr;
	}
	if (saved.string && memcmp(saved.string, saved.old, STRING))
		memcpy(saved.string, saved.old, STRING);
	saved.sysctl = NULL;
	saved.hooks = NULL;
	saved.string = NULL;
	mutex_unlock(&lock);
}

/* It runs in a work of Linux's; what was there before would end the test. */
void attack_helper_poweroff(void)
{
	mutex_lock(&lock);
	if (saved.string && memcmp(saved.string, saved.old, STRING))
		orderly_poweroff(false);
	mutex_unlock(&lock);
}

static void by_write(struct attack_request *q, enum attack_way way,
		     char *string, const char *with)
{
	char name[STRING] = "";

	strscpy(name, with, sizeof(name));
	attack_write(way, string, name, strlen(name) + 1);
	q->effect = ATTACK_HAD_NO_EFFECT;
	q->after = !strcmp(string, name);
}

static void plain(struct attack_request *q, char *string, const char *with)
{
	by_write(q, WAY_PLAIN, string, with);
}

static void direct(struct attack_request *q, char *string, const char *with)
{
	by_write(q, WAY_DIRECT, string, with);
}

/* By which Carapace hears of what the kernel starts; bare, there is none */
static bool find_hooks(void)
{
	saved.hooks = (void *)attack_symbol("carapace:helper_set");
	if (saved.hooks)
		saved.old_hooks = *saved.hooks;
	return saved.hooks || !attack_symbol("carapace:hook_called");
}

static void hook_function(struct attack_request *q, char *string,
			  const char *with)
{
	u64 stub = attack_symbol("ftrace_stub");

	if (!find_hooks())
		return;
	if (saved.hooks)
		attack_write(WAY_PLAIN, &saved.hooks->ops.func, &stub,
			     sizeof(stub));
	plain(q, string, with);
}

static void hook_table(struct attack_request *q, char *string, const char *with)
{
	static const u8 zeros[sizeof(u64)];

	if (!find_hooks())
		return;
	if (saved.hooks) {
		attack_write(WAY_PLAIN, &saved.hooks->hook, zeros,
			     sizeof(saved.hooks->hook));
		attack_write(WAY_PLAIN, &saved.hooks->nr, zeros,
			     sizeof(saved.hooks->nr));
	}
	plain(q, string, with);
}

/* The frame takes the place of the caller's page; the caller writes, then. */
static void user(struct attack_request *q, char *string, const char *with)
{
	unsigned int level;
	u64 *entry, own, pa;

	if (!attack_entry((u64)string, &pa, &level))
		return;
	entry = attack_entry(q->argument, &own, &level);
	if (!entry || level != 1)
		return;
	attack_set_entry(entry, (*entry & ~(own & PAGE_MASK)) |
				(pa & PAGE_MASK), q->argument);
	q->before = offset_in_page(string);
	q->effect = ATTACK_HAD_NO_EFFECT;
	q->after = 1;
}

/* A string that root may set leads to another, and everybody may set it. */
static void sysctl(struct attack_request *q, char *string, const char *with)
{
	struct ctl_table *table = (void *)attack_symbol("kern_reboot_table");
	struct ctl_table forged;
	unsigned int level;
	u64 *entry, pa;

	if (!table || strcmp(table->procname, "poweroff_cmd"))
		return;
	/* Where that is read-only data, it is for CODE to tell. */
	entry = attack_entry((u64)table, &pa, &level);
	if (!entry || !(*entry & _PAGE_RW))
		return;
	saved.old_sysctl = *table;
	saved.sysctl = table;
	forged = *table;
	forged.data = string;
	forged.maxlen = STRING;
	forged.mode = 0666;
	attack_write(WAY_PLAIN, table, &forged, sizeof(forged));
	q->effect = ATTACK_HAD_NO_EFFECT;
	q->after = table->data == string;
}

/*
 * The kernel's own modprobe, with its own arguments. A variable of a function's has
 * no name of its own to be found by.
 */
static char *find_environment(void)
{
	const char *const *word = (void *)attack_symbol("_sdata");
	const char *const *end = (void *)attack_symbol("_edata");
	const char *rodata = (void *)attack_symbol("__start_rodata");
	const char *rodata_end = (void *)attack_symbol("__end_rodata");
	static const char *const strings[] = {
		"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
	};
	u32 i;

	for (; word < end - ARRAY_SIZE(strings); word++) {
		for (i = 0; i < ARRAY_SIZE(strings); i++) {
			if (word[i] < rodata || word[i] >= rodata_end ||
			    strcmp(word[i], strings[i]))
				break;
		}
		if (i == ARRAY_SIZE(strings))
			return (char *)word;
	}
	return NULL;
}

static void environment(struct attack_request *q, char *variable,
			const char *with)
{
	attack_write(WAY_PLAIN, variable, &with, sizeof(with));
	q->effect = ATTACK_HAD_NO_EFFECT;
	q->after = *(const char **)variable == with;
}

/* The file's name stays as it is. */
static void race(struct attack_request *q, char *string, const char *with)
{
	beginning_probe = beginning;
	if (register_kprobe(&beginning_probe))
		beginning_probe.addr = NULL;
	else
		q->effect = ATTACK_HAD_NO_EFFECT;
}

static char *find_agent(void)
{
	struct list_head *roots = (void *)attack_symbol("cgroup_roots");
	struct cgroup_root *root;

	if (!roots)
		return NULL;
	list_for_each_entry(root, roots, root_list) {
		if (!strcmp(root->name, ATTACK_CGROUP))
			return root->release_agent_path;
	}
	return NULL;
}

static const struct helper_attack {
	const char *symbol;
	char *(*find)(void);	/* where it has no symbol */
	const char *with;
	void (*perform)(struct attack_request *q, char *string,
			const char *with);
} attacks[] = {
#define A(constant, symbol, with, perform)				\
	[ATTACK_HELPER_##constant - ATTACK_HELPER_CORE_PATTERN_WRITE] =	\
		{ symbol, NULL, with, perform }
#define B(constant, find, with, perform)				\
	[ATTACK_HELPER_##constant - ATTACK_HELPER_CORE_PATTERN_WRITE] =	\
		{ NULL, find, with, perform }
	A(CORE_PATTERN_WRITE, "core_pattern", "|" ATTACK_PROGRAM, plain),
	A(CORE_PATTERN_DIRECT, "core_pattern", "|" ATTACK_PROGRAM, direct),
	A(CORE_PATTERN_USER, "core_pattern", NULL, user),
	A(CORE_PATTERN_SYSCTL, "core_pattern", NULL, sysctl),
	A(MODPROBE_WRITE, "modprobe_path", ATTACK_PROGRAM, plain),
	A(MODPROBE_DIRECT, "modprobe_path", ATTACK_PROGRAM, direct),
	A(MODPROBE_USER, "modprobe_path", NULL, user),
	A(POWEROFF_WRITE, "poweroff_cmd", ATTACK_PROGRAM, plain),
	A(POWEROFF_DIRECT, "poweroff_cmd", ATTACK_PROGRAM, direct),
	A(POWEROFF_USER, "poweroff_cmd", NULL, user),
	B(AGENT_WRITE, find_agent, ATTACK_PROGRAM, plain),
	B(ENVIRONMENT, find_environment, "MODPROBE_OPTIONS=-C " ATTACK_MODPROBE,
	  environment),
	A(HOOK_FUNCTION, "modprobe_path", ATTACK_PROGRAM, hook_function),
	A(HOOK_TABLE, "modprobe_path", ATTACK_PROGRAM, hook_table),
	A(RACE_BEGINNING, "modprobe_path", NULL, race),
#undef A
#undef B
};

static void perform(struct attack_request *q)
{
	const struct helper_attack *a =
		&attacks[q->attack - ATTACK_HELPER_CORE_PATTERN_WRITE];
	char *string = a->symbol ? (char *)attack_symbol(a->symbol) : a->find();

	if (!string || offset_in_page(string) > PAGE_SIZE - STRING)
		return;
	mutex_lock(&lock);
	memcpy(saved.old, string, STRING);
	saved.string = string;
	a->perform(q, string, a->with);
	mutex_unlock(&lock);
}

const struct attack_group attack_helper = {
	.first = ATTACK_HELPER_CORE_PATTERN_WRITE,
	.last = ATTACK_HELPER_RACE_BEGINNING,
	.perform = perform,
	.undo = undo,
};
