#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A fault of root's own: that CPU goes on bare, the others stay guarded, Linux
# lives
#
# The testing build has a hypercall that makes root fault. Control: before it,
# state is attached and the CPU is in non-root mode.

. "$(dirname "$0")/carapace.sh"

# HYPERCALL_TEST_FAULT
test_fault=3

others=
for_others()
{
	local other
	for other in $others; do
		"$@" "$other" || return
	done
}

# The call returns to an instruction that no longer exists: #UD.
fault_on()
{
	matches "$(./ring0 "$1" vmcall "$magic" $test_fault)" '^(6|none) '
}

# Everything still runs, on every CPU: processes, timers, interrupts, disks.
alive()
{
	local number
	for number in $(online_list); do
		taskset -c "$number" sh -c 'sleep 0.1; ls -lR /sys/class' \
			>/dev/null || return
		stress-ng --quiet --taskset "$number" --cpu 1 --fork 1 \
			--switch 1 --timeout 1s || return
	done
}

# frees_code BARE GUARDED: a module is loaded on the second and unloaded on the
# first; what it took becomes anything. Nobody may take that for an attack.
frees_code()
{
	local round
	mark_log
	for round in 1 2; do
		taskset -c "$2" modprobe dummy numdummies=1 &&
			taskset -c "$1" modprobe -r dummy &&
			taskset -c "$2" stress-ng --quiet --vm 1 \
				--vm-bytes 80% --vm-method zero-one \
				--timeout 2s || return
		equals "$(log_since_mark | grep -c ATTACK)" 0 || return
	done
	echo "$round rounds"
}

# The numbers in a list of CPUs as the kernel writes it, one a line
expand()
{
	local range
	for range in $(echo "$1" | tr , ' '); do
		seq "${range%-*}" "${range#*-}"
	done
}

# What takes all CPUs is refused, and the line says what to do.
# refused_while_bare KEY
refused_while_bare()
{
	mark_log
	! echo on 2>/dev/null >"$sysfs/policy/$1" &&
		one_line 'a CPU is bare; unload Carapace and load it again' &&
		equals "$(cat "$sysfs/policy/$1")" off
}

# Detaching from a bare CPU, too, ends what guards the others.
only_expected()
{
	equals "$(log_since_mark | grep -cE 'ATTACK|BUG: |WARNING: ')" 0
}

plan $(($(online_list | wc -l) * 15 + 7))

for cpu in $(online_list); do
	others=$(online_list | grep -vx "$cpu")
	check "cpu$cpu: attaches" attach_testing
	check "cpu$cpu: state is attached" equals "$(cat $sysfs/state)" attached
	check "cpu$cpu: is in non-root mode" is_guest "$cpu"
	mark_log
	check "cpu$cpu: root faults, and comes back" fault_on "$cpu"
	# The line is printed from an interrupt that follows.
	sleep 0.2
	check "cpu$cpu: one line says so, and why" one_line \
		"CPU $cpu is no longer guarded.*: fault in root mode .*vector 6"
	check "cpu$cpu: state is degraded" equals "$(cat $sysfs/state)" degraded
	check "cpu$cpu: cpus are the others" equals \
		"$(expand "$(cat $sysfs/cpus)")" "$others"
	check "cpu$cpu: is bare" is_bare "$cpu"
	check "cpu$cpu: the others are not" for_others is_guest
	for key in parked_stacks lock; do
		check "cpu$cpu: $key stays off" refused_while_bare $key
	done
	check "cpu$cpu: Linux is alive" alive
	check "cpu$cpu: what it frees is code no more" \
		for_others frees_code "$cpu"
	check "cpu$cpu: detaches" taskset -c "$cpu" rmmod carapace
	check "cpu$cpu: and is in the log for nothing else" only_expected
done

check "attaches" attach_testing
for cpu in $(online_list); do
	fault_on "$cpu" >/dev/null
done
check "with no CPU left, state is degraded" equals "$(cat $sysfs/state)" \
	degraded
check "and every CPU is bare" every_cpu is_bare
check "and Linux is alive" alive
check "and it detaches" rmmod carapace
check "afterwards all attach again" attach_testing
check "every one" every_cpu is_guest
rmmod carapace

ktap_finished
