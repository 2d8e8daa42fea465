#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Once the policy is locked, none of Linux's own ways leads a CPU out
#
# CPU hotplug, suspend, hibernation, kexec, and unloading a module: what each would
# do is tried unlocked first, where it works. Locked, it is refused, the CPUs stay
# attached, and what does not take a CPU out goes on working.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

all=$(online)

one_cpu_less()
{
	echo 0 >/sys/devices/system/cpu/cpu1/online
}

and_back()
{
	echo 1 >/sys/devices/system/cpu/cpu1/online
}

offline_and_online()
{
	one_cpu_less && and_back
}

to_ram()
{
	echo mem >/sys/power/state
}

to_disk()
{
	echo disk >/sys/power/state
}

load_kexec()
{
	kexec -c --no-checks -l "/boot/vmlinuz-$(uname -r)" --reuse-cmdline
}

load_and_forget()
{
	load_kexec && kexec -u
}

module_comes()
{
	modprobe dummy numdummies=0
}

module_goes()
{
	rmmod dummy
}

lock()
{
	echo on >$sysfs/policy/lock
}

# Asked for all the time while Carapace is being loaded, it comes when that is done.
lock_at_once()
{
	local asking
	rmmod carapace || return
	until lock; do sleep 0.1; done 2>/dev/null & asking=$!
	# shellcheck disable=SC2119
	attach || {
		kill $asking
		return 1
	}
	wait $asking && as_it_was
}

# One that is not there yet
another_comes()
{
	! grep -q '^ifb ' /proc/modules && modprobe ifb numifbs=0 &&
		grep -q '^ifb ' /proc/modules
}

# One whose initialisation fails: where it was others come, which write there.
modules_fail()
{
	local name
	for name in vfat isofs romfs; do
		returns 1 modprobe kvm_intel && modprobe $name || return
	done
}

# Code that is made meanwhile: a probe's
probe_fires()
{
	local tracing=/sys/kernel/tracing
	mountpoint -q $tracing || mount -t tracefs none $tracing || return
	echo 'p:locked do_sys_openat2' >$tracing/dynamic_events &&
		echo 1 >$tracing/events/kprobes/locked/enable &&
		cat /proc/version &&
		grep -q 'locked: (do_sys_openat2' $tracing/trace &&
		echo 0 >$tracing/events/kprobes/locked/enable &&
		echo '-:kprobes/locked' >>$tracing/dynamic_events
}

all_cpus_work()
{
	local cpu
	for cpu in $(online_list); do
		taskset -c "$cpu" true || return
	done
}

as_it_was()
{
	equals "$(cat $sysfs/state)" attached && all_are attached "$all" &&
		every_cpu is_guest && equals "$(online)" "$all"
}

works()
{
	"$@" >/dev/null 2>&1 && as_it_was
}

refused()
{
	local pattern=$1
	shift
	mark_log
	if "$@" >/dev/null 2>&1; then
		echo "it works"
		return 1
	fi
	as_it_was || return
	[ "$pattern" = - ] || matches "$(our_lines)" "$pattern"
}

all_guarded()
{
	echo '*' >$sysfs/returns/guard
}

# Linux need not call it an error that there is no image.
no_image()
{
	mark_log
	to_disk >/dev/null 2>&1
	as_it_was && matches "$(our_lines)" 'policy/lock is on'
}

plan 17
attach
module_comes
check "unlocked: a CPU goes offline and comes online" works offline_and_online
check "unlocked: suspend to RAM" works to_ram
check "unlocked: a kernel for kexec is loaded" works load_and_forget
check "unlocked: a module goes" works module_goes
module_comes
check "lock, before it is there" lock_at_once
check "locked: no CPU goes offline" \
	refused 'CPU 1 stays online: policy/lock is on' one_cpu_less
check "locked: no suspend to RAM" refused 'policy/lock is on' to_ram
check "locked: no hibernation" no_image
check "locked: no kernel for kexec is loaded" refused - load_kexec
check "locked: no module goes" refused - module_goes
check "locked: nor does Carapace" refused - rmmod carapace
check "locked: nothing more is guarded" \
	refused "\* is not guarded .*the policy is locked" all_guarded
check "locked: a module comes" works another_comes
check "locked: modules fail, and others come" works modules_fail
check "locked: a probe comes, fires, and goes" works probe_fires
check "locked: a task moves from CPU to CPU" works all_cpus_work
check "locked: no attack was counted" equals "$(counted_attacks)" 0
ktap_finished
