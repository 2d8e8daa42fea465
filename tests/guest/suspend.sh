#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Suspend to RAM, and attempts at it that fail, while attached
#
# ROUNDS is how often (2). The emulator comes back at once. After each time
# every CPU is attached, counts its exits on, and neither the kernel nor Carapace
# complains. A suspend that fails does so at each step where it can: a notifier, a
# device, a CPU that does not go, and the last callbacks, before and after ours.
#
# Control: the same bare.

. "$(dirname "$0")/carapace.sh"

: "${ROUNDS:=2}"

if ! grep -qw mem /sys/power/state; then
	ktap_print_header
	ktap_skip_all "the machine has no suspend to RAM"
	exit "$KSFT_SKIP"
fi

all=$(online)
[ "$all" = 0 ] || several=yes

to_ram()
{
	echo mem >/sys/power/state
}

exits()
{
	cat "$sysfs/stats/cpu$1/exits/cpuid"
}

# Those of before are not forgotten, and there are more.
exits_go_on()
{
	local cpu
	for cpu in $(online_list); do
		[ "$(exits "$cpu")" -gt "${exits_before[$cpu]}" ] || {
			echo "CPU $cpu: ${exits_before[$cpu]}, $(exits "$cpu")"
			return 1
		}
	done
}

as_before()
{
	all_are "$mode" "$all" && { [ "$mode" = bare ] || exits_go_on; }
}

remember_exits()
{
	local cpu
	exits_before=()
	[ "$mode" = bare ] && return
	for cpu in $(online_list); do
		exits_before[cpu]=$(exits "$cpu")
	done
}

rounds()
{
	local round
	for round in $(seq "$ROUNDS"); do
		echo "round $round"
		remember_exits
		to_ram && as_before || return
	done
}

# refused STEP: it fails there, once, and all is as before
refused()
{
	remember_exits
	echo "step $1"
	returns 1 to_ram 2>/dev/null &&
		equals "$(cat /sys/module/suspend_refuser/parameters/refused)" \
			1 && as_before
}

refuse_at()
{
	local step=$1
	local status=0
	insmod modules/suspend_refuser.ko step="$step" || return
	refused "$step" || status=1
	rmmod suspend_refuser
	return $status
}

# The module is loaded before ours, so its callbacks come after ours.
refuse_behind_us()
{
	local step=$1
	local status=0
	[ "$mode" = bare ] || rmmod carapace
	insmod modules/suspend_refuser.ko step="$step" || return
	[ "$mode" = bare ] || attach
	refused "$step" || status=1
	[ "$mode" = bare ] || rmmod carapace
	rmmod suspend_refuser
	[ "$mode" = bare ] || attach
	return $status
}

suspend()
{
	local step
	mark_log
	check "$mode: suspends to RAM $ROUNDS times" rounds
	check "$mode: the log has no complaint" no_complaint
	for step in prepare suspend noirq syscore ${several:+cpu}; do
		check "$mode: refused: $step" refuse_at "$step"
	done
	[ "$several" ] || skip "$mode: refused: cpu" "needs two CPUs"
	check "$mode: the log has no complaint of that" no_complaint
	for step in syscore ${several:+cpu}; do
		check "$mode: refused behind us: $step" refuse_behind_us "$step"
	done
	[ "$several" ] || skip "$mode: refused behind us: cpu" "needs two CPUs"
	check "$mode: suspends to RAM after that" rounds
}

# Whoever says that nothing is to attach any more, and suspends, gets a bare CPU. That
# is told, and the others stay offline.
comes_back_bare()
{
	local status=0
	insmod modules/carapace_vuln.ko
	echo carapace_vuln >$sysfs/returns/guard && say_going_down 1 || status=1
	mark_log
	to_ram || status=1
	equals "$(cat $sysfs/state)" degraded && equals "$(cat $sysfs/cpus)" '' &&
		equals "$(online)" 0 && is_bare 0 &&
		log_since_mark | grep 'CPU 0 cannot attach: a restart' || status=1
	# What the driver's returns lead to is there.
	returns 1 rmmod carapace && equals "$(./vuln call 0 3)" 108 || status=1
	return $status
}

comes_back_next_time()
{
	local cpu status=0
	local states=/sys/devices/system/cpu/hotplug/states
	say_going_down 0
	to_ram || status=1
	# Linux takes those that did not come back for online still: not by "online", then.
	for cpu in /sys/devices/system/cpu/cpu[1-9]*; do
		[ ! -e "$cpu" ] ||
			tail -n 1 $states | cut -d : -f 1 >"$cpu/hotplug/target"
	done
	as_before || status=1
	rmmod carapace_vuln
	return $status
}

plan 26

mode=bare
suspend
check "attaches" attach
mode=attached
suspend
remember_exits
check "it comes back bare, not silently" comes_back_bare
check "the next time it comes back attached" comes_back_next_time
check "detaches" rmmod carapace

ktap_finished
