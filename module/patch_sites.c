// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: where Linux exchanges instructions in its code
 *
 * From the kernel's own tables, at the time when the code is sealed. What these
 * tables say is taken for true: who can write to them before that needs no
 * patch site to do what he wants.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/ftrace.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/static_call.h>
#include <linux/string.h>

#include "compat.h"
#include "ftrace_records.h"
#include "kernel_symbols.h"
#include "opcodes.h"
#include "patch_sites.h"

/* arch/x86/kernel/alternative.c: lock prefixes, in case of a second CPU */
struct smp_alt_module {
	struct module *mod;
	char *name;
	const s32 *locks;
	const s32 *locks_end;
	u8 *text;
	u8 *text_end;
	struct list_head next;
};

/* Where the kernel has its tables; the first ones only for itself */
static struct {
	struct jump_entry *jumps, *jumps_end;
	struct static_call_site *calls, *calls_end;
	const u8 *trampolines, *trampolines_end;
	const u8 *ftrace_call, *ftrace_regs_call, *ftrace_graph_call;
	struct mutex *text_mutex;
	struct list_head *smp_alt_modules;
	const bool *uniproc_patched;
	bool searched;
} kernel;

/* Those of data are there with CONFIG_KALLSYMS_ALL only; and what they take besides */
static const struct {
	const char *name;
	void *address;
	const char *option;
} symbols[] = {
	{ "__start___jump_table", &kernel.jumps, "JUMP_LABEL" },
	{ "__stop___jump_table", &kernel.jumps_end, "JUMP_LABEL" },
	{ "__start_static_call_sites", &kernel.calls, "HAVE_STATIC_CALL_INLINE" },
	{ "__stop_static_call_sites", &kernel.calls_end, "HAVE_STATIC_CALL_INLINE" },
	{ "__static_call_text_start", &kernel.trampolines, "HAVE_STATIC_CALL" },
	{ "__static_call_text_end", &kernel.trampolines_end, "HAVE_STATIC_CALL" },
	{ "ftrace_call", &kernel.ftrace_call, "DYNAMIC_FTRACE" },
	{ "ftrace_regs_call", &kernel.ftrace_regs_call, "DYNAMIC_FTRACE" },
	{ "text_mutex", &kernel.text_mutex, "KPROBES" },
	{ "smp_alt_modules", &kernel.smp_alt_modules, "SMP" },
	{ "uniproc_patched", &kernel.uniproc_patched, "SMP" },
};

/* DEFINE_BPF_DISPATCHER(xdp): the only one. Without BPF's JIT there is none. */
static struct {
	const char *name;
	u64 address;
} dispatchers[] = {
	{ "__SCK__bpf_dispatcher_xdp_call", 0 },
	{ "__SCT__bpf_dispatcher_xdp_call", 0 },
};

static int find_symbols(void)
{
	unsigned long address;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		if (*(unsigned long *)symbols[i].address)
			continue;
		address = kernel_symbol(symbols[i].name);
		if (!address) {
			pr_err("this kernel has no symbol %s; it needs CONFIG_KALLSYMS_ALL and CONFIG_%s\n",
			       symbols[i].name, symbols[i].option);
			return -EOPNOTSUPP;
		}
		*(unsigned long *)symbols[i].address = address;
	}
	/* What a kernel need not have is looked for once: that takes long in vain. */
	if (kernel.searched)
		return 0;
	kernel.searched = true;
	/* There up to 5.17: a jump to the one of two, or the other */
	kernel.ftrace_graph_call = (const u8 *)kernel_symbol("ftrace_graph_call");
	for (i = 0; i < ARRAY_SIZE(dispatchers); i++)
		dispatchers[i].address = kernel_symbol(dispatchers[i].name);
	return 0;
}

/* Sites of one region: counted first, while there is no room */
struct collection {
	u64 text;
	u64 size;
	struct patch_site *sites;
	u32 room;
	u32 nr;
};

static bool is_in(const struct collection *c, u64 va)
{
	return va - c->text < c->size;
}

static void add(struct collection *c, u64 va, u32 what)
{
	if (!what || !is_in(c, va))
		return;
	if (c->nr < c->room)
		c->sites[c->nr] = (struct patch_site) {
			.offset = va - c->text, .what = what,
		};
	c->nr++;
}

/* As in patch.c, but here what stands at a site tells which kind it is. */
static bool is_nop5(const u8 *code)
{
	static const u8 nop5[] = OPCODES_NOP5;

	return !memcmp(code, nop5, sizeof(nop5));
}

static enum patch_kind jump_kind(const u8 *code)
{
	if ((code[0] == 0x66 && code[1] == OPCODE_NOP) ||
	    code[0] == OPCODE_JMP8)
		return PATCH_JUMP2;
	return is_nop5(code) || code[0] == OPCODE_JMP ? PATCH_JUMP5 : PATCH_NONE;
}

static void add_jumps(struct collection *c, const struct jump_entry *entry,
		      const struct jump_entry *end)
{
	u64 va;

	for (; entry < end; entry++) {
		/* That of .init.text is not, or no longer, in any region. */
		va = jump_entry_code(entry);
		if (is_in(c, va))
			add(c, va, patch_what(jump_kind((const u8 *)va), va,
					      jump_entry_target(entry)));
	}
}

/* Whether a call, by its key or its trampoline, leads to code made at run time */
static bool is_dispatcher(u64 va)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(dispatchers); i++) {
		if (va && va == dispatchers[i].address)
			return true;
	}
	return false;
}

static void add_call(struct collection *c, u64 va, enum patch_kind kind, bool dynamic)
{
	add(c, va, dynamic ? patch_what_dynamic(kind) : patch_what(kind, va, 0));
}

static void add_calls(struct collection *c, const struct static_call_site *site,
		      const struct static_call_site *end)
{
	enum patch_kind kind;
	const u8 *code;
	u64 va, key;

	for (; site < end; site++) {
		/* Those of .init.text, too: a module's are updated while it loads. */
		va = (u64)&site->addr + site->addr;
		key = (u64)&site->key + site->key;
		if (!is_in(c, va))
			continue;
		code = (const u8 *)va;
		kind = key & STATIC_CALL_SITE_TAIL ? PATCH_TAIL : PATCH_CALL;
		if (kind == PATCH_TAIL && code[0] == OPCODE_TWO_BYTES)
			kind = PATCH_TAIL_IF;
		add_call(c, va, kind, kind != PATCH_TAIL_IF &&
			 is_dispatcher(key & ~STATIC_CALL_SITE_FLAGS));
	}
}

static void add_trampoline(struct collection *c, const u8 *code)
{
	add_call(c, (u64)code, PATCH_TAIL, is_dispatcher((u64)code));
}

/* Trampolines have no table, but something behind them. */
static void find_trampolines(struct collection *c, const u8 *code, const u8 *end)
{
	static const u8 signature[] = COMPAT_TRAMPOLINE_END;

	for (code = PTR_ALIGN(code, 4); end - code >= 8; code += 4) {
		if ((code[0] == OPCODE_JMP || code[0] == OPCODE_RET) &&
		    !memcmp(code + 5, signature, sizeof(signature)))
			add_trampoline(c, code);
	}
}

/* Where other code may look like one, names tell. */
static void name_trampolines(struct collection *c, const struct module *mod)
{
	static const char prefix[] = STATIC_CALL_TRAMP_PREFIX_STR;
	const struct mod_kallsyms *k;
	const char *name;
	u32 i;

	rcu_read_lock_sched();
	k = rcu_dereference_sched(mod->kallsyms);
	for (i = 0; i < k->num_symtab; i++) {
		name = k->strtab + k->symtab[i].st_name;
		if (k->symtab[i].st_shndx != SHN_UNDEF && strstarts(name, prefix))
			add_trampoline(c, (const u8 *)k->symtab[i].st_value);
	}
	rcu_read_unlock_sched();
}

static void add_trampolines(struct collection *c, const struct module *mod)
{
	if (!mod)
		find_trampolines(c, kernel.trampolines, kernel.trampolines_end);
	else if (COMPAT_TRAMPOLINES_SIGNED)
		find_trampolines(c, (const u8 *)c->text,
				 (const u8 *)c->text + c->size);
	else
		name_trampolines(c, mod);
}

static void add_function(const struct dyn_ftrace *record, void *collection)
{
	add(collection, record->ip, patch_what(COMPAT_PATCH_FENTRY, 0, 0));
}

static void add_locks(struct collection *c)
{
	const struct smp_alt_module *module;
	const s32 *offset;
	const u8 *lock;

	if (!*kernel.uniproc_patched)
		return;
	list_for_each_entry(module, kernel.smp_alt_modules, next) {
		for (offset = module->locks; offset < module->locks_end; offset++) {
			lock = (const u8 *)offset + *offset;
			if (*offset && is_in(c, (u64)lock) && *lock == OPCODE_DS)
				add(c, (u64)lock, patch_what(PATCH_LOCK, 0, 0));
		}
	}
}

static void collect(struct collection *c, const struct module *mod)
{
	c->nr = 0;
	/* In this order in ftrace, too. No patch is under way then. */
	ftrace_records_lock();
	mutex_lock(kernel.text_mutex);
	ftrace_records_walk(c->text, c->size, add_function, c);
	add_locks(c);
	add_trampolines(c, mod);
	if (mod) {
		add_jumps(c, mod->jump_entries,
			  mod->jump_entries + mod->num_jump_entries);
		add_calls(c, mod->static_call_sites,
			  mod->static_call_sites + mod->num_static_call_sites);
	} else {
		add_jumps(c, kernel.jumps, kernel.jumps_end);
		add_calls(c, kernel.calls, kernel.calls_end);
		add(c, (u64)kernel.ftrace_call, patch_what(PATCH_TRACER, 0, 0));
		add(c, (u64)kernel.ftrace_regs_call, patch_what(PATCH_TRACER, 0, 0));
		add_call(c, (u64)kernel.ftrace_graph_call, PATCH_TAIL, false);
	}
	mutex_unlock(kernel.text_mutex);
	ftrace_records_unlock();
}

static int patch_sites(const struct module *mod, u64 text, u64 size,
		       struct patch_site **sites, u32 *nr)
{
	struct collection c = { .text = text, .size = size };
	struct patch_site *scratch;
	int err;

	*sites = NULL;
	*nr = 0;
	err = find_symbols();
	if (!err)
		err = ftrace_records_find();
	if (err)
		return err;

	collect(&c, mod);
	if (!c.nr)
		return 0;
	c.room = c.nr;
	c.sites = kvmalloc_array(c.room, sizeof(*c.sites), GFP_KERNEL);
	if (!c.sites)
		return -ENOMEM;
	collect(&c, mod);
	err = -EAGAIN;
	if (c.nr > c.room)
		goto err_free;

	err = -ENOMEM;
	scratch = kvmalloc_array(c.nr, sizeof(*scratch), GFP_KERNEL);
	if (!scratch)
		goto err_free;
	patch_sort(c.sites, scratch, c.nr);
	kvfree(scratch);

	err = -EINVAL;
	if (!patch_sites_valid(c.sites, c.nr, size)) {
		pr_err("%s: the tables of what Linux patches contradict each other; please report this line\n",
		       mod ? mod->name : "the kernel");
		goto err_free;
	}
	*sites = c.sites;
	*nr = c.nr;
	return 0;

err_free:
	kvfree(c.sites);
	return err;
}

/**
 * patch_sites_core() - find what Linux patches in the core kernel
 * @sites: where to put them, sorted; for kvfree()
 * @nr: where to put how many there are
 * @text: where the region begins, for example at _stext
 * @size: its size; sites outside of it are left out
 *
 * Context: may sleep; takes ftrace_lock and text_mutex. First called while this
 * module is not sealed yet (kernel_symbol()).
 *
 * Return: 0 or a negative errno, and then there is nothing to free.
 */
int patch_sites_core(struct patch_site **sites, u32 *nr, u64 text, u64 size)
{
	return patch_sites(NULL, text, size, sites, nr);
}

/**
 * patch_sites_module() - find what Linux patches in a module
 * @mod: the module, which the caller keeps from going away; a module that is
 *       being loaded is ready for this when its notifiers hear of COMING
 * @text: where the region begins
 * @size: its size; sites outside of it are left out, as is .init.text
 * @sites: where to put them, sorted; for kvfree(); may be NULL for none
 * @nr: where to put how many there are
 *
 * Context: may sleep; takes ftrace_lock and text_mutex.
 *
 * Return: 0 or a negative errno, and then there is nothing to free.
 */
int patch_sites_module(const struct module *mod, u64 text, u64 size,
		       struct patch_site **sites, u32 *nr)
{
	return patch_sites(mod, text, size, sites, nr);
}
