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

#endif /* CARAPACE_COMPAT_H */
