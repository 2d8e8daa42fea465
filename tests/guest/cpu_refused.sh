#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# On a CPU that won't do, Carapace does not attach: the right errno, one line
# that names what is missing, nothing left behind, and the same a second time
#
# Control: the other tests, on CPUs that do.
#
# usage: cpu_refused.sh ERRNO-NAME PATTERN

. "$(dirname "$0")/carapace.sh"

errno=${!1}
pattern=$2

log()
{
	dmesg | grep 'carapace: ' | grep -v -e 'out-of-tree' -e 'verification'
}

# Asked beforehand, by who may read what the CPU says of itself
doctor_agrees()
{
	local status=0 output
	output=$(carapacectl doctor) || status=$?
	equals "$status" 1 && matches "$output" "$pattern"
}

plan 7
modprobe msr
check "the doctor says so beforehand" doctor_agrees
for time in first second; do
	dmesg -C
	check "$time time: refused with $1" returns "$errno" attach ""
	check "$time time: one line names it" matches "$(log)" "$pattern"
	check "$time time: nothing is left" is_gone
done
ktap_finished
