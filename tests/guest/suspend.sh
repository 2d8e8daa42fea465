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

plan 24

mode=bare
suspend
check "attaches" attach
mode=attached
suspend
check "detaches" rmmod carapace

ktap_finished
