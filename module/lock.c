// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: no way back until the next boot
 *
 * Root alone makes the lock hold: no value of the policy gets weaker, and no CPU
 * leaves. Here Linux is kept from trying what would then fail badly.
 */
#define pr_fmt(fmt) "carapace: " fmt

#include <linux/cpumask.h>
#include <linux/module.h>

#include "cpus.h"
#include "cpus_call.h"
#include "hypercall.h"
#include "island_load.h"
#include "kernel_symbols.h"
#include "lock.h"
#include "module_list.h"
#include "policy.h"

/**
 * lock_is_on() - whether root lets no CPU leave any more
 *
 * Context: any, after island_load().
 */
bool lock_is_on(void)
{
	return READ_ONCE(island_public()->policy.value[POLICY_LOCK]);
}

static bool image_loaded(const char *name)
{
	void **image = (void **)kernel_symbol(name);

	return image && READ_ONCE(*image);
}

/*
 * What a kexec starts would run under Carapace, which lets it run nothing. A
 * CPU that is not attached could be started with any code, and would run bare.
 */
static const char *obstacle(void)
{
	unsigned int cpu;

	if (cpus_any_degraded())
		return "a CPU is bare; unload Carapace and load it again";
	for_each_present_cpu(cpu) {
		if (!cpu_is_attached(cpu))
			return "not all CPUs are attached; bring them online";
	}
	if (image_loaded("kexec_image"))
		return "a kernel for kexec is loaded; unload it with 'kexec -u'";
	if (image_loaded("kexec_crash_image"))
		return "a crash kernel is loaded, which could not start; unload it with 'kexec -p -u'";
	return NULL;
}

static int lock(void)
{
	return cpus_hypercall(HYPERCALL_POLICY, POLICY_LOCK, 1);
}

/* No image can be loaded any more, and none is; before root is asked */
static int lock_without_images(int *load_disabled)
{
	int err, was_disabled = 0;
	const char *why;

	if (load_disabled) {
		was_disabled = READ_ONCE(*load_disabled);
		WRITE_ONCE(*load_disabled, 1);
	}
	why = obstacle();
	if (why) {
		pr_notice("policy/lock stays off: %s\n", why);
		err = -EBUSY;
	} else {
		err = module_list_hold(lock);
	}
	if (err && load_disabled)
		WRITE_ONCE(*load_disabled, was_disabled);
	return err;
}

/**
 * lock_turn_on() - have root lock the policy
 *
 * All modules stay from then on, this one, too, and no kernel can be loaded for
 * kexec.
 *
 * Context: may sleep; CPU hotplug is excluded by the caller.
 *
 * Return: 0, also when it is on; -EBUSY after a line that says what is in the way;
 * or what root says.
 */
int lock_turn_on(void)
{
	int err;

	if (lock_is_on())
		return 0;
	err = lock_without_images((int *)kernel_symbol("kexec_load_disabled"));
	if (err != -EAGAIN)
		return err;
	pr_notice("policy/lock stays off: a module is being unloaded; try again\n");
	return -EBUSY;
}
