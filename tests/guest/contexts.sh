#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who was about to return elsewhere, and what becomes of it: a process, process 1,
# a kernel thread, a worker, a softirq and an interrupt
#
# usage: contexts.sh [bare|log|block]...
#
# bare	without Carapace, the vulnerable driver's function goes where its return
#	address was made to lead. That is the control of the others.
# log	it does, and it is reported, with the context.
# block	it is reported. The process is dead; all others go on, to where the function
#	was called from.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

# What each is to the report
declare -A context=(
	[task]=task
	[init]=init
	[thread]=kthread
	[worker]=kthread
	[timer]=interrupt
	[interrupt]=interrupt
)
contexts="task init thread worker timer interrupt"

start()
{
	# shellcheck disable=SC2119
	attach && echo "$1" > $sysfs/policy/action &&
		echo carapace_vuln > $sysfs/returns/guard
}

detour()
{
	if [ "$1" = init ]; then
		./vuln context_init
	else
		./vuln context "$1"
	fi
}

is_well()
{
	! log_since_mark | grep -E -e 'BUG: ' -e 'WARNING: ' -e 'Oops' \
		-e 'general protection fault' -e 'rcu: INFO' -e 'INFO: task' &&
		./vuln_work 2
}

# perform MODE CONTEXT
perform()
{
	local expected=strayed status=0 output report
	mark_log
	output=$(detour "$2") || status=$?
	report=$(log_since_mark | grep 'carapace: ATTACK')
	echo "$output"
	echo "$report"
	if [ "$1-$2" = block-task ]; then
		equals "$status" 137 && equals "$output" '' || return
	else
		[ "$1" != block ] || expected=returned
		equals "$status" 0 && equals "$output" $expected || return
	fi
	if [ "$1" = bare ]; then
		equals "$report" ''
	else
		equals "$(printf '%s\n' "$report" | wc -l)" 1 &&
		matches "$report" \
			"ATTACK kind=return-address .* context=${context[$2]} fn=vuln_detour_function\+.* slot=.* expected=vuln_detour\+.* found=vuln_detour_strayed\+.* action=$1\$"
	fi && is_well
}

[ $# -gt 0 ] || set -- bare log block
plan $(($# * 8))
insmod modules/carapace_vuln.ko
for mode; do
	if [ "$mode" = bare ]; then
		check "bare: not attached" is_gone
	else
		check "$mode: attached" start "$mode"
	fi
	for name in $contexts; do
		check "$mode: $name" perform "$mode" "$name"
	done
	if [ "$mode" = bare ]; then
		check "bare: not attached" is_gone
	else
		check "$mode: all was counted" equals "$(counted_attacks)" 6
		rmmod carapace
	fi
done
rmmod carapace_vuln
ktap_finished
