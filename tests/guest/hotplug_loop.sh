#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CPUs go offline and come online many times, attached and under load
#
# ROUNDS is how often (10), each time another CPU. Every time it is detached
# and attached; the load ends well, neither the kernel nor Carapace complains, and
# at the end all is as it was.
#
# Control: the same bare, with the same load.

. "$(dirname "$0")/carapace.sh"
. ./load.sh

: "${ROUNDS:=10}"

mapfile -t cpus <<< "$(online_list | sed 1d)"
if [ -z "${cpus[0]}" ]; then
	ktap_print_header
	ktap_skip_all "needs two CPUs"
	exit "$KSFT_SKIP"
fi
all=$(online)

set_online()
{
	echo "$2" >"/sys/devices/system/cpu/cpu$1/online"
}

# The CPUs that are online are those attached, if any are
in_step()
{
	[ "$mode" = bare ] || equals "$(cat $sysfs/cpus)" "$(online)"
}

rounds()
{
	local round cpu
	for round in $(seq "$ROUNDS"); do
		cpu=${cpus[round % ${#cpus[@]}]}
		echo "round $round, CPU $cpu"
		set_online "$cpu" 0 && in_step && set_online "$cpu" 1 &&
			in_step || return
	done
}

loop()
{
	start_load
	check "$mode: CPUs go and come $ROUNDS times under load" rounds
	stop_load
	check "$mode: the load ran" load_ran
	check "$mode: no program of the load failed" load_ended_well
	check "$mode: the same CPUs are online" equals "$(online)" "$all"
	check "$mode: the log has no complaint" no_complaint
}

plan 14

mark_log
mode=bare
loop

check "attaches" attach
mark_log
mode=attached
loop
check "every CPU is attached" every_cpu is_guest
check "detaches" rmmod carapace
check "every CPU is bare" every_cpu is_bare

ktap_finished
