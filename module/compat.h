/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what differs between the kernels that it builds for
 *
 * The only place for such differences.  Stable releases and distributions take
 * interfaces over from later kernels, so a version number tells little: Kbuild
 * looks into the headers and defines HAVE_….
 */
#ifndef CARAPACE_COMPAT_H
#define CARAPACE_COMPAT_H

#include <linux/module.h>
#include <linux/syscore_ops.h>

/*
 * register_syscore() (7.0, and 6.12's stable releases): callbacks take an
 * argument, and what is registered is not the operations themselves.
 *
 * SYSCORE_CALLBACK(name) begins the definition of a callback,
 * DEFINE_SYSCORE(name, ...) defines what compat_register_syscore() takes.
 */
#ifdef HAVE_REGISTER_SYSCORE
#define SYSCORE_CALLBACK(name)	name(void *unused)
#define DEFINE_SYSCORE(name, ...)					\
	static const struct syscore_ops name##_ops = { __VA_ARGS__ };	\
	static struct syscore name = { .ops = &name##_ops }
#define compat_register_syscore(name)	register_syscore(name)
#define compat_unregister_syscore(name)	unregister_syscore(name)
#else
#define SYSCORE_CALLBACK(name)	name(void)
#define DEFINE_SYSCORE(name, ...)					\
	static struct syscore_ops name = { __VA_ARGS__ }
#define compat_register_syscore(name)	register_syscore_ops(name)
#define compat_unregister_syscore(name)	unregister_syscore_ops(name)
#endif

/*
 * Where a module's parts lie: since 6.4, each in memory of its own; before, one
 * behind the other in two blocks.
 */
enum compat_module_part {
	MODULE_PART_TEXT,
	MODULE_PART_RODATA,
	MODULE_PART_RO_AFTER_INIT,
	MODULE_PART_INIT_TEXT,
};

static inline void compat_module_part(const struct module *mod,
				      enum compat_module_part part, u64 *start,
				      u64 *size)
{
#ifdef HAVE_MODULE_MEMORY
	static const enum mod_mem_type types[] = {
		[MODULE_PART_TEXT] = MOD_TEXT,
		[MODULE_PART_RODATA] = MOD_RODATA,
		[MODULE_PART_RO_AFTER_INIT] = MOD_RO_AFTER_INIT,
		[MODULE_PART_INIT_TEXT] = MOD_INIT_TEXT,
	};
	const struct module_memory *memory = &mod->mem[types[part]];

	*start = (u64)memory->base;
	*size = memory->size;
#else
	const struct module_layout *layout = part == MODULE_PART_INIT_TEXT ?
					     &mod->init_layout :
					     &mod->core_layout;
	const u64 ends[] = {
		[MODULE_PART_TEXT] = layout->text_size,
		[MODULE_PART_RODATA] = layout->ro_size,
		[MODULE_PART_RO_AFTER_INIT] = layout->ro_after_init_size,
		[MODULE_PART_INIT_TEXT] = layout->text_size,
	};
	const u64 starts[] = {
		[MODULE_PART_RODATA] = layout->text_size,
		[MODULE_PART_RO_AFTER_INIT] = layout->ro_size,
		[MODULE_PART_INIT_TEXT] = 0,
	};

	*start = (u64)layout->base + starts[part];
	*size = ends[part] - starts[part];
#endif
}

#endif /* CARAPACE_COMPAT_H */
