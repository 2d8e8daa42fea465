#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who attacks, or was about to return elsewhere, and what becomes of it: a process,
# process 1, a kernel thread, a worker, a softirq, an interrupt, and a process that
# holds text_mutex, without which Linux cannot patch its code
#
# usage: contexts.sh [bare|log|block]...
#
# bare	without Carapace, the vulnerable driver's function goes where its return
#	address was made to lead, and attacks succeed. That is the control of the others.
# log	they do, and it is reported, with the context.
# block	it is reported. The process is dead, and has given back the mutex; all others
#	go on: a function returns to where it was called from, a write has no effect, and
#	who called data gets an error.

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
	[patcher]=task
)
# What a process does that is attacks.sh's, and what returns with the mutex held
# takes it along.
returning="task init thread worker timer interrupt"
attacking="init thread worker timer interrupt patcher"
declare -A attacks=(
	[code]=CODE_RODATA_DIRECT
	[exec]=EXEC_STACK
	[register]=REGISTER_LSTAR
)
kinds="code exec register"
declare -A counts=([log]=30 [block]=24)

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

# Linux changes its code: a static key, there and back
patches()
{
	local was file=/proc/sys/kernel/sched_schedstats
	was=$(cat $file) && echo $((!was)) > $file && echo "$was" > $file
}

# is_well MODE: nothing to ask for where nobody was stopped
is_well()
{
	[ "$1" = block ] || return 0
	linux_is_well && patches && ./vuln_work 2
}

reports()
{
	log_since_mark | grep 'carapace: ATTACK'
}

# reported MODE KIND CONTEXT KEYS: in one line, or not at all. What is written to code
# and let happen is written again, to undo it.
reported()
{
	local lines expected=1
	lines=$(reports)
	echo "$lines"
	[ "$1-$2" != log-code ] || expected=2
	if [ "$1" = bare ]; then
		equals "$lines" ''
	else
		equals "$(printf '%s\n' "$lines" | wc -l)" $expected &&
		matches "$lines" \
			"ATTACK kind=$2 .* context=${context[$3]} $4 action=$1\$"
	fi
}

# stray MODE CONTEXT
stray()
{
	local expected=strayed status=0 output
	mark_log
	output=$(detour "$2") || status=$?
	echo "$output"
	if [ "$1-$2" = block-task ]; then
		equals "$status" 137 && equals "$output" '' || return
	else
		[ "$1" != block ] || expected=returned
		equals "$status" 0 && equals "$output" $expected || return
	fi
	reported "$1" return-address "$2" \
		'fn=vuln_detour_function\+.* slot=.* expected=vuln_detour\+.* found=vuln_detour_strayed\+.*' &&
		is_well "$1"
}

# perform MODE KIND CONTEXT
#
# Under "log", a page of a stack that was let run stays so until a policy is written.
perform()
{
	local expected=0 effect=succeeded status=0
	mark_log
	[ "$1" = bare ] || echo "$1" > $sysfs/policy/action
	./attack "${attacks[$2]}" "$3" > /dev/null || status=$?
	if [ "$1" = block ]; then
		effect=no-effect
		[ "$3" != patcher ] || expected=137
	fi
	equals "$status" $expected && equals "$(./attack --last)" $effect &&
		reported "$1" "$2" "$3" 'fn=.*' && is_well "$1"
}

[ $# -gt 0 ] || set -- bare log block
plan $(($# * 26))
insmod modules/carapace_vuln.ko
insmod modules/attack.ko
for mode; do
	if [ "$mode" = bare ]; then
		check "bare: not attached" is_gone
	else
		check "$mode: attached" start "$mode"
	fi
	for name in $returning; do
		check "$mode: return-address: $name" stray "$mode" "$name"
	done
	for kind in $kinds; do
		for name in $attacking; do
			check "$mode: $kind: $name" perform "$mode" "$kind" "$name"
		done
	done
	if [ "$mode" = bare ]; then
		check "bare: not attached" is_gone
	else
		check "$mode: all was counted" equals "$(counted_attacks)" "${counts[$mode]}"
		rmmod carapace
	fi
done
rmmod attack carapace_vuln
ktap_finished
