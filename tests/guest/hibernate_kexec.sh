#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hibernate while attached, and return from another kernel
#
# The image of this kernel goes to the disk, another kernel starts (by kexec, in
# place of a machine that boots again), attaches in its turn, reads the image
# and hands over. Where the image goes on, every CPU is attached again.
#
# usage: hibernate_kexec.sh bare|attached
#
# Control: the same bare.

. "$(dirname "$0")/carapace.sh"
. ./next_kernel.sh

# On the disk of the job, behind what belongs to the job
# (scripts/lab.d/job.py)
place="/dev/lab-job 1536"

# In the kernel between: MODE COUNTS
restore()
{
	local mode=$1
	shift
	go_on "$@"
	check "the kernel between: every CPU is bare" every_cpu is_bare
	if [ "$mode" = attached ]; then
		check "the kernel between: attaches" attach
	fi
	# shellcheck disable=SC2086
	check "does not come back" ./image restore $place
	exit 1
}

if [ "$1" = restore ]; then
	shift
	restore "$@"
fi

mode=$1
all=$(online)
if [ "$mode" = attached ]; then
	results=2
	plan 9
else
	results=1
	plan 6
fi

[ "$mode" = bare ] || attach || exit 1
check "every CPU is $mode" all_are "$mode" "$all"
# This one
ahead=1
# An image is taken only where the memory map is the same: Linux itself hands over
# its own, kexec leaves out what lies below 0x400.
loader=-s
check "another kernel is loaded" load_kernel -l "" hibernate_kexec.sh restore \
	"$mode"
mark_log
# As if those of the kernel between were ours
KTAP_TESTNO=$((KTAP_TESTNO + results))
KTAP_CNT_PASS=$((KTAP_CNT_PASS + results))
# shellcheck disable=SC2086
check "hibernates, and returns from another kernel" ./image save $place
check "all is as before" all_are "$mode" "$all"
check "the log has no complaint" no_complaint
if [ "$mode" = attached ]; then
	check "detaches" rmmod carapace
	check "every CPU is bare" every_cpu is_bare
fi
ktap_finished
