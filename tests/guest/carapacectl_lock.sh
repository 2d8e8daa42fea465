#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tool locks, which is for good: a machine of its own
#
# Control: what is refused then, done before.

. "$(dirname "$0")/carapace.sh"

OK=0
FAILED=1
NOT_ATTACHED=3
PRIVILEGE=4

before()
{
	says $OK '' carapacectl policy registers=off &&
	says $OK '' carapacectl policy registers=on &&
	says $OK '^detached' carapacectl detach &&
	says $OK '^attached' carapacectl attach "$CARAPACE_KO"
}

# Lock comes last, whatever the order
all_or_none()
{
	says $FAILED 'nothing has been changed' \
		carapacectl policy lock=on action=log registers=maybe &&
	equals "$(cat $sysfs/policy/lock)" off &&
	equals "$(cat $sysfs/policy/action)" block
}

plan 9
check "there is nothing to lock" says $NOT_ATTACHED 'not attached' \
	carapacectl lock
carapacectl attach "$CARAPACE_KO" >/dev/null
check "before, all of it can be done" before
check "a policy that is refused does not lock" all_or_none
check "nobody else may" says $PRIVILEGE 'denied|permitted' \
	setpriv --reuid 65534 --clear-groups carapacectl lock
check "locks" says $OK '^locked until the next boot' carapacectl lock
check "no policy gets weaker" says $FAILED 'locked until the next boot' \
	carapacectl policy registers=off
check "but stricter" says $OK "" carapacectl policy \
	parked_stacks=on frozen_frames=on
check "does not detach, and says why" says $FAILED \
	'locked until the next boot' carapacectl detach
check "all CPUs are still attached" every_cpu is_guest
ktap_finished
