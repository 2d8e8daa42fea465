#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whole classes of stress-ng's with everything guarded that there is: no alarm, and no
# return or stack that goes through for want of something to compare with
#
# usage: stress.sh CLASS...
#
# One stressor after the other, on all CPUs at once, $STRESS_SECONDS each.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

: "${STRESS_SECONDS:=1}"

# What these classes use of modules
modules="loop dummy tun veth vfat binfmt_misc algif_hash sctp"

# Not these, which fail or have no end in a guest of this size, bare as well:
# cyclic: wants SCHED_DEADLINE time that other stressors' ends still hold
# swap: wants a file system to swap to, and this is overlayfs
without=cyclic,swap

guard_everything()
{
	local module guard
	for module in $modules; do
		modprobe -q "$module"
	done
	attach && echo '*' > $sysfs/returns/guard || return
	for guard in returns parked_stacks frozen_frames; do
		echo on > $sysfs/policy/$guard &&
			equals "$(cat $sysfs/policy/$guard)" on || return
	done
}

stress()
{
	local status=0 output
	output=$(stress-ng --class "$1" --sequential "$(online_list | wc -l)" \
		--timeout "$STRESS_SECONDS" --temp-path /var/tmp --oomable \
		--minimize --exclude "$without" 2>&1) || status=$?
	echo "$output" | grep -E -e '(passed|failed|skipped): ' -e 'fail: '
	equals "$status" 0 && matches "$output" 'passed: [1-9][0-9]' &&
		matches "$output" 'failed: 0$'
}

nothing_reported()
{
	equals "$(counted_attacks)" 0 && all_verified &&
		equals "$(total stacks_unverified)" 0 &&
		equals "$(cat $sysfs/state)" attached &&
		equals "$(cat $sysfs/cpus)" "$(online)"
}

# Not linux_is_well: stressors' own faults are in the log.
is_well()
{
	! log_since_mark | kernel_complaints
}

plan $(($# * 3 + 1))
mark_log
check "everything is guarded" guard_everything
for class; do
	check "$class: no stressor fails" stress "$class"
	check "$class: nothing is reported" nothing_reported
	check "$class: Linux is well" is_well
done
rmmod carapace
ktap_finished
