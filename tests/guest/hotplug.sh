#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CPUs that go offline and come online are detached and attached
#
# Control: a CPU that comes online without Carapace is bare.

. "$(dirname "$0")/carapace.sh"

cpu=$(online_list | tail -n 1)
others=$(online_list | sed '$d')

if [ -z "$others" ]; then
	ktap_print_header
	ktap_skip_all "needs two CPUs"
	exit "$KSFT_SKIP"
fi

set_online()
{
	echo "$1" >"/sys/devices/system/cpu/cpu$cpu/online"
}

cpus_are_those_online()
{
	equals "$(cat $sysfs/cpus)" "$(online)"
}

exits()
{
	cat "$sysfs/stats/cpu$cpu/exits/cpuid"
}

exits_move()
{
	local before
	before=$(exits)
	./ring0 "$cpu" cpuid_loop 10 >/dev/null
	[ $(($(exits) - before)) -ge 10 ]
}

detached_in()
{
	cat "$sysfs/stats/cpu$cpu/detach_ns"
}

# It is gone from Linux's list, and has left VMX.
has_detached()
{
	echo "in $(detached_in) ns, and the last time in $before"
	[ "$(detached_in)" != "$before" ]
}

off_and_on()
{
	local round
	for round in 1 2 3 4 5; do
		echo "round $round"
		set_online 0 || return
		cpus_are_those_online || return
		set_online 1 || return
		cpus_are_those_online || return
		is_guest "$cpu" || return
	done
}

# Carapace's memory can be written to. That keeps a CPU offline, but has none run bare.
stays_offline()
{
	insmod modules/carapace_vuln.ko && set_online 0 && say_going_down 1 || return
	mark_log
	! set_online 1 2>/dev/null &&
		equals "$(cat "/sys/devices/system/cpu/cpu$cpu/online")" 0 &&
		one_line "CPU $cpu cannot attach: a restart or power-off has begun"
}

comes_back()
{
	say_going_down 0 && set_online 1 && is_guest "$cpu"
	local status=$?
	rmmod carapace_vuln
	return $status
}

# Before the kernel threads that are bound to a CPU run there; kernels before 6.4 have
# no such place.
attaches_early()
{
	local states=/sys/devices/system/cpu/hotplug/states
	awk '
	$2 == "carapace:online" { ours = $1 + 0 }
	$2 == "smpboot/threads:online" { threads = $1 + 0 }
	END {
		print "attaches in state " ours ", threads run from " threads " on"
		exit !(ours && ours < threads)
	}' $states
}

plan 26

check "attaches" attach
check "the CPU is in" is_guest "$cpu"
case $(uname -r) in
5.10.*|6.1.*)	skip "it comes before what is bound to it" "an old kernel" ;;
7.*)		skip "it comes before what is bound to it" "this kernel turns LASS on later" ;;
*)		check "it comes before what is bound to it" attaches_early ;;
esac
before=$(detached_in)
check "the CPU goes offline" set_online 0
check "cpus says so" cpus_are_those_online
check "the others stay in" every_cpu is_guest
check "state is attached" equals "$(cat $sysfs/state)" attached
check "it has left VMX" has_detached
check "the CPU comes online" set_online 1
check "cpus says so, too" cpus_are_those_online
check "the CPU is in again" is_guest "$cpu"
check "its exits move" exits_move
mark_log
check "five times more" off_and_on
check "without a word of ours" equals "$(our_lines)" ""

check "when nothing is to attach any more, the CPU stays offline" stays_offline
check "else it comes back, attached" comes_back

set_online 0
check "detaches with the CPU offline" rmmod carapace
set_online 1
check "the CPU comes online bare" is_bare "$cpu"
check "the others are bare" every_cpu is_bare

set_online 0
check "attaches with the CPU offline" attach
check "cpus are those that are online" cpus_are_those_online
check "the CPU comes online later" set_online 1
check "and is attached" is_guest "$cpu"
check "and is counted" cpus_are_those_online
check "detaches" rmmod carapace
check "every CPU is bare" every_cpu is_bare

ktap_finished
