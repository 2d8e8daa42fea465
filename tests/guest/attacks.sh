#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each attack, bare and under each action
#
# usage: attacks.sh [bare|off|log|block]...
#
# bare	without Carapace: it succeeds. That is the control of all the others.
# off	attached, its guard off: it succeeds, and nobody is told.
# log	it succeeds and is reported.
# block	it has no effect, is reported, and whoever tried is dead; Linux is well.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

[ $# -gt 0 ] || set -- bare off log block

# Without NX no stack can be used any more: nobody lives to tell that it
# succeeded. See nx.sh.
fatal="EFER_NXE"

mapfile -t attacks <<< "$(./attack --list)"
plan $(($# * (${#attacks[@]} + 1)))

insmod modules/attack.ko

# Attack in a shell of its own; what kills it, and what it left behind
status=
perform()
{
	mark_log
	status=0
	./attack "$1" > /dev/null 2>&1 || status=$?
	effect=$(./attack --last)
	report=$(log_since_mark | grep "carapace: ATTACK")
}

try()
{
	local mode=$1
	local attack=$2
	local name="$mode: $attack"

	case "$mode $fatal" in
	block*) ;;
	*"$attack"*)
		skip "$name" "nobody would live to tell"
		return
	esac
	perform "$attack"
	if [ "$effect" = not-here ]; then
		skip "$name" "this CPU does not have it"
		return
	fi
	case $mode in
	bare|off)	check "$name" unhindered ;;
	log)		check "$name" reported 0 succeeded log ;;
	block)		check "$name" reported 137 '(no-effect|fault)' block ;;
	esac
}

unhindered()
{
	equals "$status" 0 &&
	equals "$effect" succeeded &&
	equals "$report" ''
}

# reported STATUS EFFECT ACTION
reported()
{
	equals "$status" "$1" &&
	matches "$effect" "^$2\$" &&
	matches "$report" \
		"ATTACK kind=[a-z-]+ cpu=[0-9]+ pid=[0-9]+ comm=attack context=task .*fn=[a-z_0-9]+\+0x.* .*action=$3\$"
}

healthy()
{
	equals "$(cat $sysfs/state)" attached &&
	equals "$(cat $sysfs/cpus)" "$(online)" &&
	equals "$(bash -c 'echo $((6 * 7))')" 42
}

# The events file counts what the log told of, and nothing else
counted()
{
	local count
	count=$(awk '{ sum += $2 } END { print sum }' $sysfs/events)
	[ "$count" -eq 0 ] && [ "$1" = off ] && return
	[ "$count" -gt 0 ] && [ "$1" != off ] && healthy
}

for mode in "$@"; do
	case $mode in
	bare)	;;
	off)
		attach
		echo off > $sysfs/policy/registers
		;;
	*)
		attach
		echo "$mode" > $sysfs/policy/action
		;;
	esac
	for attack in "${attacks[@]}"; do
		try "$mode" "$attack"
	done
	if [ "$mode" = bare ]; then
		check "bare: nothing of ours" is_gone
	else
		check "$mode: counted, and Linux is well" counted "$mode"
		rmmod carapace
	fi
done
rmmod attack
ktap_finished
