#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A triple fault ends the machine: attached just as bare, which is the control
#
# Does not return; how the machine ends is the result. It is for its caller to
# see: tests/matrix.
#
# usage: triple_fault.sh bare|attached

. "$(dirname "$0")/carapace.sh"

plan 1
if [ "$1" = attached ]; then
	# Its way is an empty IDT, which the register guard would not have.
	attach "" || exit 1
	echo off > "$sysfs/policy/registers"
	check "every CPU is attached" every_cpu is_guest
else
	check "every CPU is bare" every_cpu is_bare
fi
./ring0 "$(online_list | tail -n 1)" triple_fault
exit 1
