/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carapace: what differs from kernel to kernel, all of it
 */
#ifndef CARAPACE_MODULE_COMPAT_H
#define CARAPACE_MODULE_COMPAT_H

#include <linux/rcupdate.h>
#include <linux/version.h>
#include <asm/kexec.h>
#include <asm/reboot.h>

/*
 * A callback for CPUs that stop in a crash, in NMI context, and for emergency
 * restarts. From 6.6 on there is one for all users of virtualization; before,
 * KVM's own pointer, which nobody else may hold at the same time.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
static inline int compat_register_emergency(void (*callback)(void))
{
	cpu_emergency_register_virt_callback(callback);
	return 0;
}

static inline void compat_unregister_emergency(void (*callback)(void))
{
	cpu_emergency_unregister_virt_callback(callback);
}
#else
static inline int compat_register_emergency(void (*callback)(void))
{
	if (rcu_access_pointer(crash_vmclear_loaded_vmcss))
		return -EBUSY;
	rcu_assign_pointer(crash_vmclear_loaded_vmcss, callback);
	return 0;
}

static inline void compat_unregister_emergency(void (*callback)(void))
{
	RCU_INIT_POINTER(crash_vmclear_loaded_vmcss, NULL);
	synchronize_rcu();
}
#endif

#endif /* CARAPACE_MODULE_COMPAT_H */
