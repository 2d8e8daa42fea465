#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hibernate while attached, and return
#
# ROUNDS is how often (1). The kernel writes an image of itself, and instead of
# powering off reads it again and goes on as that: test_resume. So every CPU
# leaves and comes back when the image is made, and leaves once more for the
# image that is to take the kernel's place, in which it comes back again.
#
# Control: the same bare.

. "$(dirname "$0")/carapace.sh"

: "${ROUNDS:=1}"

if ! grep -qw test_resume /sys/power/disk; then
	ktap_print_header
	ktap_skip_all "the kernel has no test_resume"
	exit "$KSFT_SKIP"
fi

# On the disk of the job, behind what belongs to the job
# (scripts/lab.d/job.py)
make_swap()
{
	swap=$(./add_partition /dev/lab-job 1536) && mkswap -q "$swap" &&
		swapon "$swap"
}

# The image's log ends where it was made. If it were not the image that goes on,
# it would say that the image was written and read.
image_goes_on()
{
	matches "$(log_since_mark)" 'hibernation: Creating image' &&
		! log_since_mark | grep -E 'Image (saving|loading) done'
}

rounds()
{
	local round
	for round in $(seq "$ROUNDS"); do
		echo "round $round"
		mark_log
		echo disk >/sys/power/state || return
		image_goes_on && all_are "$mode" "$all" && no_complaint || return
	done
}

plan 5

make_swap || exit 1
echo test_resume >/sys/power/disk
# As small as it can be
echo 0 >/sys/power/image_size
all=$(online)

mode=bare
check "bare: hibernates and returns $ROUNDS times" rounds
check "attaches" attach
mode=attached
check "attached: hibernates and returns $ROUNDS times" rounds
check "detaches" rmmod carapace
check "every CPU is bare" every_cpu is_bare

ktap_finished
