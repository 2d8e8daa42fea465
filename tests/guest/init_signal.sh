#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An INIT that nobody expects does to an attached CPU what it does to a bare
# one: the CPU loses its state and waits for a SIPI, which makes it run again,
# where that says, bare. Without an INIT a SIPI does nothing. The others go on,
# and nothing counts as a fault of root's.
#
# Locked, a CPU does not go: the machine is reset, which is for its caller to see.
# A SIPI without an INIT does nothing then, too.
#
# Linux has lost the CPU, so each run needs a machine of its own.
#
# usage: init_signal.sh bare|attached|locked

DIR=$(cd "$(dirname "$0")" && pwd)
. "$DIR/../kselftest/ktap_helpers.sh"

sysfs=/sys/kernel/carapace
mark=/tmp/cpu1-ran

check()
{
	name=$1
	shift
	if "$@"; then
		ktap_test_pass "$name"
	else
		ktap_test_fail "$name"
	fi
}

is()
{
	[ "$(cat "$1")" = "$2" ] || {
		ktap_print_msg "$1 is $(cat "$1"), not $2"
		false
	}
}

signal=/sys/module/init_signal/parameters

send()
{
	echo 1 > $signal/now
}

start()
{
	echo 1 > $signal/start
	# A moment for the other CPU
	sleep 0.1
}

shows_vmx()
{
	[ $(($(cat $signal/features) >> 5 & 1)) = 1 ]
}

# Whether CPU 1 does anything: it gets 3 s of a machine that is idle
cpu1_runs()
{
	rm -f "$mark"
	taskset -c 1 touch "$mark" &
	for _ in 1 2 3; do
		[ -e "$mark" ] && return 0
		sleep 1
	done
	false
}

cpu1_is_lost()
{
	! cpu1_runs
}

insmod "$DIR/modules/init_signal.ko" cpu=1 || exit 1
# Whoever runs on CPU 1 then is lost with it.
taskset -p -c 0 $$ > /dev/null || exit 1
ktap_print_header
case $1 in
locked)
	ktap_set_plan 7
	check "attach" insmod "${CARAPACE_KO:-/root/carapace.ko}"
	echo on > $sysfs/policy/lock
	check "locked" is $sysfs/policy/lock on
	;;
attached)
	ktap_set_plan 17
	check "attach" insmod "${CARAPACE_KO:-/root/carapace.ko}"
	;;
*)
	ktap_set_plan 12
	;;
esac

check "CPU 1 runs before" cpu1_runs
check "a SIPI is sent" start
check "and changes nothing" cpu1_runs
check "nor has it started anything" is $signal/runs 0x0
if [ "$1" != bare ]; then
	check "CPU 1 is still attached" is $sysfs/cpus 0-1
fi
if [ "$1" = locked ]; then
	# Nothing that was printed shall be missing.
	sleep 0.1
	send
	sleep 3
	exit 1
fi
check "INIT is sent" send
check "CPU 1 is lost" cpu1_is_lost
check "CPU 0 goes on" taskset -c 0 true

if [ "$1" = attached ]; then
	check "the exit was counted" is $sysfs/stats/cpu1/exits/init 1
	check "CPU 1 is no longer attached" is $sysfs/cpus 0
	check "that is no fault" is $sysfs/state attached
fi

start
check "a SIPI starts CPU 1" is $signal/runs 0x1
check "which is bare" shows_vmx
start
check "once" is $signal/runs 0x1
send
start
check "INIT and SIPI start it again" is $signal/runs 0x2
check "and CPU 0 still goes on" taskset -c 0 true
ktap_finished
