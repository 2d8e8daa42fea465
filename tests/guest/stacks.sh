#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the guards of stacks stop, and what Linux does with its stacks
#
# usage: stacks.sh parked|frozen MODE...
#
# parked: stacks of tasks that do not run (policy/parked_stacks). No function's returns
# are guarded, so that nothing else stops anything.
# frozen: frames of who has called a guarded function (policy/frozen_frames). The
# driver is guarded, and with "load" and "work" all that is there.
#
# bare	without Carapace, each exploit succeeds. That is the control of the others.
# log	the guard is on: each succeeds and is reported.
# block	none has an effect, each is reported; with "parked", whose stack it was goes
#	on as if nothing had been, and with "frozen" who tried is dead.
# load	as in block, what stress-ng does: no report at all.
# work	as in block, what else Linux and its users do: no report at all.
# lock	the guard cannot be taken off. The last of all.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

guard=$1
shift
case $guard in
parked)
	: "${EXPLOITS:=PARKED_CORE PARKED_DEEP PARKED_ENTRY PARKED_FRAME_POINTER PARKED_CALLER PARKED_STUB PARKED_POINTER PARKED_FORK PARKED_NOTE PARKED_GONE TASK_SLEEPING TASK_JUMP TASK_BETWEEN TASK_STUB TASK_STUB_CALL TASK_STUB_PART TASK_STALE}"
	file=$sysfs/policy/parked_stacks
	kind=parked-stack
	context=parked
	counted=stacks_parked
	missed=stacks_unverified
	blocked=1 ;;
frozen)
	: "${EXPLOITS:=INDEXED_CORE INDEXED_FRAME_POINTER INDEXED_NESTED INDEXED_DEEP INDEXED_SAVED}"
	file=$sysfs/policy/frozen_frames
	kind=frozen-frame
	context=task
	counted=calls_frozen
	missed=calls_unfrozen
	blocked=137 ;;
*)
	echo "usage: stacks.sh parked|frozen MODE..." >&2
	exit 2 ;;
esac
: "${SECONDS_OF_LOAD:=2}"
: "${ROUNDS:=5}"

EPERM=0xffffffffffffffff
# vmx/hypercall.h
STACKS_ARM=16
STACKS_NOTE=17
STACKS_SETTLE=18

# But for those that there were to be
reported=0
none_reported()
{
	equals "$(counted_attacks)" "$reported" && all_verified &&
	equals "$(cat $sysfs/state)" attached
}

# start ACTION MODULES
start()
{
	# shellcheck disable=SC2119
	attach && echo "$1" > "$sysfs/policy/action" || return
	[ "$guard" = parked ] || echo "$2" > "$sysfs/returns/guard" || return
	echo on > "$file" && equals "$(cat "$file")" on
}

# The same, asked for when Carapace is loaded
start_loaded()
{
	attach "action=$1 ${file##*/}=on guard=$2" && equals "$(cat "$file")" on
}

is_well()
{
	linux_is_well && ./vuln_work 2
}

# New tasks have what ended ones had, whatever those have gone on with.
works()
{
	mark_log
	stress-ng --quiet --fork 1 --timeout "$SECONDS_OF_LOAD" >/dev/null 2>&1 &&
	is_well && equals "$(log_since_mark | grep 'carapace: ATTACK')" ''
}

# TASK_BETWEEN: a stack that is deeper than what is noted of it: what is in the middle
# is not among that. INDEXED_DEEP: more calls one within the other than are noted. These
# are limits, and this shows them.
is_stopped()
{
	[[ $1 != @(TASK_BETWEEN|INDEXED_DEEP) ]]
}

# perform MODE EXPLOIT
perform()
{
	local status=0 output report
	mark_log
	output=$(./exploit "$2" 2>&1) || status=$?
	report=$(log_since_mark | grep "carapace: ATTACK")
	echo "$output"
	echo "$report"
	if [ "$1" = block ] && is_stopped "$2"; then
		equals "$status" $blocked &&
			equals "$(echo "$output" | grep -E 'is root|strayed')" '' ||
			return
	else
		equals "$status" 0 && matches "$output" '(is root|strayed)$' ||
			return
	fi
	if [ "$1" = bare ] || ! is_stopped "$2"; then
		equals "$report" ''
	else
		matches "$report" \
			"ATTACK kind=$kind cpu=[0-9]+ pid=[0-9]+ comm=exploit context=$context .* slot=0x[0-9a-f]+ expected=.* found=.* action=$1\$"
	fi && is_well
}

# What a stack is written to for by others than its task, and what is done to tasks
load()
{
	./vuln_work 3 &&
	stress-ng --quiet --timeout "$SECONDS_OF_LOAD" "$@" >/dev/null 2>&1 &&
		none_reported
}

# Off and on again, while tasks sleep, run, are born and die
switch_in_a_loop()
{
	local status=0 load
	stress-ng --quiet --fork 1 --switch 1 --timeout 60 >/dev/null 2>&1 & load=$!
	for _ in $(seq "$ROUNDS"); do
		echo off > "$file" && echo on > "$file" || status=1
	done
	kill $load
	wait $load
	[ $status = 0 ] && none_reported
}

# A CPU goes and comes, and tasks run on it meanwhile that root does not see
# hotplug ROUNDS COMMAND...
hotplug()
{
	local rounds=$1 cpu status=0 load before noted
	shift
	cpu=$(online_list | tail -n 1)
	noted=$sysfs/stats/cpu$cpu/$counted
	"$@" >/dev/null 2>&1 & load=$!
	for _ in $(seq "$rounds"); do
		echo 0 > /sys/devices/system/cpu/cpu"$cpu"/online &&
		echo 1 > /sys/devices/system/cpu/cpu"$cpu"/online || status=1
	done
	before=$(cat "$noted")
	sleep 1
	kill $load
	wait $load
	[ $status = 0 ] && [ "$(cat "$noted")" -gt "$before" ] && none_reported
}

check_hotplug()
{
	local name="work: $1"
	shift
	if [ "$(online)" = 0 ]; then
		skip "$name" "it takes two CPUs"
	else
		check "$name" hotplug "$@"
	fi
}

suspend()
{
	echo mem > /sys/power/state && ./vuln_work 1 && none_reported
}

# Once all stacks have been noted anew
compared_again()
{
	[ "$guard" = parked ] || return 0
	check "work: after $1, stacks are compared again" until_seconds 60 are_compared
	reported=$(counted_attacks)
}

# Of a task that runs meanwhile, Linux does not show all.
is_unwound()
{
	local last
	last=$(tail -n 1 "$1" 2>/dev/null)
	[ -z "$last" ] || [[ $last = *@(ret_from_fork|entry_SYSCALL)* ]]
}

# Every task's stack, as Linux unwinds it, is there to its end.
traces()
{
	local stack
	for stack in /proc/[0-9]*/stack; do
		until_seconds 5 is_unwound "$stack" || {
			cat "$stack"
			return 1
		}
	done
	[ "$(cat /proc/[0-9]*/stack | grep -c .)" -gt 100 ] && none_reported
}

# Tasks' functions are traced as ever
tracing()
{
	local tracing=/sys/kernel/tracing tracer
	# Functions that sleep, some of them while the tracer comes and goes
	printf '%s\n' '*:mod:carapace_vuln' 'pipe_*' 'futex_*' do_nanosleep \
		'schedule*' > $tracing/set_ftrace_filter
	./vuln sleep 3000 &
	for tracer in function_graph function; do
		echo $tracer > $tracing/current_tracer && ./vuln_work 1 &&
			grep -q vuln_ $tracing/trace || return
	done
	echo nop > $tracing/current_tracer && ./vuln_work 1 || return
	: > $tracing/set_ftrace_filter
	wait $! && none_reported
}

modules()
{
	modprobe vfat && modprobe -r vfat && modprobe dummy &&
		modprobe -r dummy && none_reported
}

profile()
{
	echo balanced > "$sysfs/policy/profile" && equals "$(cat "$file")" off &&
	echo strict > "$sysfs/policy/profile" && equals "$(cat "$file")" on &&
	./vuln_work 1 && none_reported &&
	echo balanced > "$sysfs/policy/profile" && echo on > "$file"
}

# Noted, and completely but for the odd one
noted()
{
	local all part
	all=$(total $counted)
	part=$(total ${counted}_in_part)
	echo "$all noted, $part in part, $(total $missed) not"
	[ "$all" -gt 1000 ] && [ $((part * 50)) -lt "$all" ] &&
		equals "$(total $missed)" 0
}

refused()
{
	equals "$(./vuln jump hypercall 0 0 0 0 0 "$@")" $EPERM && none_reported
}

forged()
{
	equals "$(cat "$file")" on &&
	refused $STACKS_ARM 0 && refused $STACKS_SETTLE 0 &&
	refused $STACKS_SETTLE 1 &&
	refused $STACKS_NOTE init_task
}

# A switch that is none: who says so is no task's to be left, and dies.
jumped()
{
	mark_log
	returns 137 ./vuln jump stack_switch 0 0 0 0 0 init_task init_task &&
	matches "$(log_since_mark | grep 'carapace: ATTACK')" \
		'^[^A]*ATTACK kind=carapace .* comm=vuln context=task fn=stack_switch[+].* action=block$'
}

stays_on()
{
	! echo off > "$file" && ! echo balanced > "$sysfs/policy/profile" &&
	equals "$(cat "$file")" on && ./vuln_work 1
} 2>/dev/null

# probes: with one on each instruction of the switch between tasks that can have one, not
# enabled; says how many
probes()
{
	insmod modules/probe_hog.ko function=__switch_to_asm count=100 &&
		cat /sys/module/probe_hog/parameters/placed
}

# A probe runs the jump that it has copied. Where that is another one now, as it would
# be here, there is no probe; and where there is a probe, that jump stays.
probed()
{
	local armed
	armed=$(probes) && rmmod probe_hog && echo off > "$file" || return
	[ "$armed" -gt 5 ] && [ "$(probes)" -gt "$armed" ] || return
	! echo on > "$file" && equals "$(cat "$file")" off || return
	rmmod probe_hog && echo on > "$file" && ./vuln_work 1 && none_reported
}

# Whoever changes the policy meanwhile turns nothing on again.
unloads()
{
	local writing status=0
	while echo block > "$sysfs/policy/action" || [ -d $sysfs ]; do
		:
	done 2>/dev/null & writing=$!
	rmmod carapace || {
		kill $writing
		status=1
	}
	wait $writing
	[ $status = 0 ] && is_gone && is_well
}

count()
{
	case $1 in
	load)	echo 9 ;;
	work)	[ "$guard" = parked ] && echo 13 || echo 10 ;;
	lock)	[ "$guard" = parked ] && echo 5 || echo 3 ;;
	*)	echo $(($(echo "$EXPLOITS" | wc -w) + 2)) ;;
	esac
}

insmod modules/carapace_vuln.ko
tests=0
for mode; do
	tests=$((tests + $(count "$mode")))
done
plan $tests

for mode; do
	reported=0
	case $mode in
	bare)
		check "bare: not attached" is_gone ;;
	load|work)
		check "$mode: attached" start block '*' ;;
	lock)
		check "lock: attached" start_loaded block carapace_vuln ;;
	*)
		check "$mode: attached" start "$mode" carapace_vuln ;;
	esac
	case $mode in
	bare|log|block)
		for exploit in $EXPLOITS; do
			impossible "$exploit"
			# Where it is stopped it never comes to that.
			if [ "$why" = "$no_room" ] && [ "$mode" = block ] &&
					is_stopped "$exploit"; then
				why=
			fi
			# A CPU goes on as a task that Linux knows to be asleep.
			[ "$mode:$exploit" != log:PARKED_NOTE ] ||
				why="Linux would not survive it"
			if [ "$why" ]; then
				skip "$mode: $exploit" "$why"
				continue
			fi
			check "$mode: $exploit" perform "$mode" "$exploit"
		done
		check "$mode: ordinary use" works ;;
	load)
		check "load: tasks" load --fork 2 --vfork 1 --clone 1 --exec 1
		check "load: scheduler" load --switch 1 --schedpolicy 1 --yield 1
		check "load: waiting" load --futex 1 --poll 1 --epoll 1 --sem 1 --timer 1
		check "load: memory" load --vm 1 --vm-bytes 16M --mmap 1 --mmap-bytes 8M
		check "load: files" load --hdd 1 --hdd-bytes 4M --dentry 1
		check "load: network and pipes" load --sock 1 --pipe 1
		check "load: signals and debuggers" load --signal 1 --ptrace 1 --kill 1
		check "load: noted to the end" noted ;;
	work)
		check "work: profiles" profile
		check "work: traces" traces
		check "work: tracing" tracing
		check "work: modules" modules
		check "work: off and on in a loop" switch_in_a_loop
		check_hotplug "CPU hotplug" "$ROUNDS" \
			stress-ng --quiet --fork 1 --futex 1 --timeout 60
		# Such a thread is in no list of tasks while it ends.
		check_hotplug "CPU hotplug while threads end" $((ROUNDS * 5)) ./threads 120
		compared_again "CPU hotplug"
		check "work: suspend to RAM" suspend
		compared_again "suspend to RAM"
		[ "$guard" != parked ] ||
			check "work: probes on the switch" probed
		check "work: unloads while the policy is written" unloads ;;
	lock)
		echo on > "$sysfs/policy/lock"
		check "lock: stays on" stays_on
		if [ "$guard" = parked ]; then
			check "lock: forged hypercalls" forged
			check "lock: a switch from anywhere" jumped
		fi
		check "lock: ordinary use" works ;;
	esac
	[[ $mode = @(bare|lock|work) ]] || rmmod carapace
done
[ "$mode" = lock ] || rmmod carapace_vuln
ktap_finished
