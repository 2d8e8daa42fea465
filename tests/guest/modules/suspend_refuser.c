// SPDX-License-Identifier: GPL-2.0
/*
 * Refuses to suspend, at one of the steps
 *
 * What has been suspended until then has to come back. Syscore operations are
 * called in the reverse order of registration: loaded before Carapace, this is
 * asked when Carapace has left the last CPU; loaded after it, when it has not.
 */
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/suspend.h>

#include "../../../module/compat.h"

static char *step = "";
module_param(step, charp, 0444);
MODULE_PARM_DESC(step, "prepare, suspend, noirq, cpu or syscore");

static uint refused;
module_param(refused, uint, 0444);
MODULE_PARM_DESC(refused, "how often it has");

static int ask(const char *here)
{
	if (strcmp(step, here))
		return 0;
	refused++;
	return -EBUSY;
}

static int notify(struct notifier_block *block, unsigned long event,
		  void *unused)
{
	if (event != PM_SUSPEND_PREPARE && event != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	return notifier_from_errno(ask("prepare"));
}

static struct notifier_block notifier = { .notifier_call = notify };

static int device_suspend(struct device *device)
{
	return ask("suspend");
}

static int device_suspend_noirq(struct device *device)
{
	return ask("noirq");
}

static const struct dev_pm_ops pm_ops = {
	.suspend = device_suspend,
	.suspend_noirq = device_suspend_noirq,
};

static int probe(struct platform_device *device)
{
	return 0;
}

static struct platform_driver driver = {
	.probe = probe,
	.driver = {
		.name = "suspend_refuser",
		.pm = &pm_ops,
	},
};

static struct platform_device *device;

static int cpu_down(unsigned int cpu)
{
	return ask("cpu");
}

static int SYSCORE_CALLBACK(syscore_suspend_refuser)
{
	return ask("syscore");
}

DEFINE_SYSCORE(syscore_hooks, .suspend = syscore_suspend_refuser);

static int hotplug_state;

static int __init suspend_refuser_init(void)
{
	int err;

	err = platform_driver_register(&driver);
	if (err)
		return err;
	device = platform_device_register_simple("suspend_refuser",
						 PLATFORM_DEVID_NONE, NULL, 0);
	err = PTR_ERR_OR_ZERO(device);
	if (err)
		goto out_driver;
	err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
					"suspend_refuser:online", NULL,
					cpu_down);
	if (err < 0)
		goto out_device;
	hotplug_state = err;
	compat_register_syscore(&syscore_hooks);
	register_pm_notifier(&notifier);
	return 0;

out_device:
	platform_device_unregister(device);
out_driver:
	platform_driver_unregister(&driver);
	return err;
}

static void __exit suspend_refuser_exit(void)
{
	unregister_pm_notifier(&notifier);
	compat_unregister_syscore(&syscore_hooks);
	cpuhp_remove_state_nocalls(hotplug_state);
	platform_device_unregister(device);
	platform_driver_unregister(&driver);
}

module_init(suspend_refuser_init);
module_exit(suspend_refuser_exit);

MODULE_DESCRIPTION("For tests: refuses to suspend");
MODULE_AUTHOR("The Carapace authors");
MODULE_LICENSE("GPL");
