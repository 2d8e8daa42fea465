#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# While PEBS is on, no stub switches views: its VMFUNC exits, and root stores for it
#
# The emulator has no PEBS. The testing build's parameter "pebs" has it be switched on
# all the same; it records nothing. With PEBS=on, other tests run so: carapace.sh.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

# vmx/layout.h
VIEW_SHADOW=1

KILLED=137
SIGILL=132
UD=6

# pebs VALUE: on all CPUs
pebs()
{
	local cpu
	for cpu in $(online_list); do
		set_pebs "$cpu" "$1" || return
	done
}

vmfuncs()
{
	cat "$sysfs/stats/cpu$1/exits/vmfunc"
}

# The driver does what it is there for, and nobody takes it for an attack.
works()
{
	mark_log
	./vuln_work 3 && no_alarm block && all_verified
}

# works_with CPU: and of all CPUs, VMFUNC exits on this one, on "all" or on "none"
works_with()
{
	local cpu count
	local -A before
	for cpu in $(online_list); do
		before[$cpu]=$(vmfuncs "$cpu")
	done
	works || return
	for cpu in $(online_list); do
		count=$(($(vmfuncs "$cpu") - before[$cpu]))
		echo "cpu$cpu: $count"
		if [ "$1" = all ] || [ "$1" = "$cpu" ]; then
			[ $count -gt 0 ] || return
		else
			[ $count = 0 ] || return
		fi
	done
}

on_one_cpu()
{
	set_pebs 0 1 && works_with 0 && set_pebs 0 0
}

# Functions are in flight as it is switched, and stubs under way.
on_and_off()
{
	local status=0
	mark_log
	./vuln_work 20 & local worker=$!
	while kill -0 $worker 2> /dev/null; do
		pebs 1 || status=1
		pebs 0 || status=1
	done
	wait $worker || status=1
	no_alarm block && all_verified && return $status
}

# stopped EXPLOIT KIND FUNCTION
stopped()
{
	mark_log
	returns $KILLED ./exploit "$1" &&
		matches "$(log_since_mark | grep 'carapace: ATTACK')" \
			"ATTACK kind=$2 .*comm=exploit .*fn=$3\\+.*action=block" &&
		linux_is_well && ./vuln_work 1
}

ring3_vmfunc()
{
	local before
	before=$(counted_attacks)
	returns $SIGILL ./vuln vmfunc 0 $VIEW_SHADOW &&
		equals "$(counted_attacks)" "$before"
}

# Nobody's stub, and as on a CPU whose VMFUNC does not exit an attack
own_vmfunc()
{
	mark_log
	returns $KILLED ./ring0 0 vmfunc 0 $VIEW_SHADOW &&
		matches "$(log_since_mark | grep 'carapace: ATTACK')" \
			'ATTACK kind=carapace .*comm=ring0 .*action=block'
}

# To a view that is none: as on a CPU that has no VMFUNC
unknown_vmfunc()
{
	local before
	before=$(counted_attacks)
	matches "$(./ring0 0 vmfunc 0 2)" "^$UD " &&
		matches "$(./ring0 0 vmfunc 1 $VIEW_SHADOW)" "^$UD " &&
		equals "$(counted_attacks)" "$before"
}

insmod modules/carapace_vuln.ko
attach_testing pebs=1
if ! grep -q '^vmfunc-eptp-switching yes$' $sysfs/capabilities; then
	plan 1
	skip "VMFUNC exits while PEBS is on" "this CPU has no VMFUNC"
	ktap_finished
fi
echo vmlinux > $sysfs/returns/guard
echo carapace_vuln > $sysfs/returns/guard

plan 12
check "off: no VMFUNC exits" works_with none
check "on, on one CPU: its VMFUNC does, and no other" on_one_cpu
check "on and off all the time" on_and_off
check "off again: none does" works_with none
pebs 1
check "on, on all CPUs: they all do" works_with all
check "on: VMFUNC in ring 3 is undefined" ring3_vmfunc
check "on: VMFUNC to a view that is none is undefined" unknown_vmfunc
check "on: VMFUNC of the attacker's own is refused" own_vmfunc
check "on: a chain in the driver is stopped" \
	stopped STACK_CHAIN return-address vuln_parse_plain
check "on: a chain to a choke point is stopped" \
	stopped PIVOT_HEAP return-address commit_creds
pebs 0
check "off: a chain to a choke point is stopped" \
	stopped PIVOT_HEAP return-address commit_creds
pebs 1
rmmod carapace
check "detached with PEBS on" all_are bare "$(online)"
rmmod carapace_vuln
ktap_finished
