#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What Linux does with functions whose returns are guarded goes on working
#
# usage: returns.sh [long|stock|full|TEST...]
#
# "full" is for the kernel with drivers for any machine.
#
# By name only: suspend_to_ram; threads_come_and_go, stacks_move, short_of_memory,
# out_of_memory, memory_comes, memory_comes_by_itself, memory_comes_to_parked,
# settles_when_memory_comes and stack_gone; bare_to_guarded, bare_patched,
# bare_frozen, bare_offline and bare_offline_going; storm, storm_unguard and storm_unload,
# which are for a kernel that preempts itself (preempt=full); and stacks_beyond and
# bare_everywhere, each the last of all tests.
#
# On the vulnerable driver, on the file system that all this runs from, and on
# other modules. Nothing here is an attack: each test fails where one is reported.
# Each kind of tracing is seen to see what it is there for.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

tracing=/sys/kernel/tracing
klp=/sys/kernel/livepatch/livepatch
returns=$sysfs/returns

# How many times, how many threads
: "${ROUNDS:=5}"
: "${THREADS:=500}"

guard()
{
	echo "$1" > $returns/guard
}

unguard()
{
	echo "$1" > $returns/unguard
}

# What is guarded where a test does not say otherwise
guard_usual()
{
	guard carapace_vuln && guard overlay && guard vmlinux
}

is_guarded()
{
	grep -qx "$1" $returns/modules
}

# coverage MODULE FIELD: a number of its line
coverage()
{
	awk -v module="$1" -v field="$2" '
	$1 == module {
		for (i = 2; i < NF; i++)
			if ($i == field)
				print $(i + 1)
	}' $returns/coverage
}

# uncovered MODULE PATTERN: how many of its returns are not guarded for that reason
uncovered()
{
	grep -c "^$1 [^:]*: $2" $returns/uncovered
}

reset_tracing()
{
	echo nop > $tracing/current_tracer
	: > $tracing/set_ftrace_filter
	[ ! -e $tracing/events/returns ] || echo 0 > $tracing/events/returns/enable
	: > $tracing/dynamic_events
	: > $tracing/trace
	echo 256 > $tracing/buffer_size_kb
}

traced()
{
	grep -qE -- "$1" $tracing/trace || {
		echo "not traced: $1; but:"
		grep -v '^#' $tracing/trace | head -n 5
		return 1
	}
}

# The driver's calls of all kinds; see vuln_work.c
calls()
{
	equals "$(./vuln call 0 3)" 108 &&
	equals "$(./vuln call 1 3)" 1533 &&
	equals "$(./vuln call 2 3)" 18 &&
	equals "$(./vuln call 3 30)" 465 &&
	equals "$(./vuln call 4 3)" 12 &&
	equals "$(./vuln call 5 3)" 12
}

# event DEFINITION PATTERN: a probe named "it", seen while it is on, only then
event()
{
	echo "$1" >> $tracing/dynamic_events || return
	: > $tracing/trace
	echo 1 > $tracing/events/returns/it/enable
	calls || return
	echo 0 > $tracing/events/returns/it/enable
	traced "$2" || return
	: > $tracing/trace
	calls || return
	! grep -qE "$2" $tracing/trace
}

# event_before DEFINITION PATTERN: the same, armed before the driver is guarded, and
# still when it is so no longer
event_before()
{
	unguard carapace_vuln && echo "$1" >> $tracing/dynamic_events || return
	echo 1 > $tracing/events/returns/it/enable
	seen "$2" && guard carapace_vuln && seen "$2" &&
		unguard carapace_vuln && seen "$2" || return
	echo 0 > $tracing/events/returns/it/enable
	calls && guard carapace_vuln && calls
}

seen()
{
	: > $tracing/trace
	calls && traced "$1"
}

# In the background: work for the driver, until it is told to end
start_load()
{
	rm -f /run/returns-load-failed
	touch /run/returns-load
	while [ -e /run/returns-load ]; do
		./vuln_work 1 || touch /run/returns-load-failed
	done &
	load=$!
}

end_load()
{
	rm -f /run/returns-load
	wait $load
	[ ! -e /run/returns-load-failed ]
}

# start_sleepers COUNT
start_sleepers()
{
	mkfifo /run/returns-ready
	./returns_user sleepers "$1" > /run/returns-ready &
	sleepers=$!
	read -r < /run/returns-ready
	rm /run/returns-ready
	until_seconds 60 all_asleep "$1"
}

all_asleep()
{
	[ "$(cat /proc/$sleepers/task/*/stack | grep -c ' vuln_sleep_until+')" = "$1" ]
}

# Each finds its function's end by itself, and calls another one on the way.
wake_sleepers()
{
	kill -USR1 $sleepers
	wait $sleepers
}

end_sleepers()
{
	kill $sleepers
	wait $sleepers 2> /dev/null
	return 0
}

# Guarded and not, with functions in flight and asleep, some of which come back
# while it is so and some while it is not
guard_in_a_loop()
{
	local status=0
	unguard carapace_vuln
	start_load
	start_sleepers 8 || status=1
	for _ in $(seq "$ROUNDS"); do
		./vuln sleep 150 & local one=$!
		guard carapace_vuln && calls || status=1
		./vuln sleep 150 & local other=$!
		sleep 0.1
		unguard carapace_vuln && calls || status=1
		wait $one || status=1
		wait $other || status=1
	done
	end_sleepers
	end_load || status=1
	guard carapace_vuln && return $status
}

# Who slept through the end of it comes back all the same
unload_carapace()
{
	start_sleepers 8 || return
	./vuln sleep 2500 & local one=$!
	rmmod carapace && is_gone && calls || return
	end_sleepers
	./vuln sleep 500 & local other=$!
	# shellcheck disable=SC2119
	attach && wait $one && guard carapace_vuln && wait $other &&
		guard overlay && guard vmlinux
}

unload_guarded()
{
	start_load
	until_seconds 10 grep -q '^carapace_vuln .* [1-9][0-9]* ' /proc/modules
	end_load && rmmod carapace_vuln && ! is_guarded carapace_vuln || return
	insmod modules/carapace_vuln.ko && ! is_guarded carapace_vuln &&
		guard carapace_vuln && calls
}

come_later()
{
	guard '*' && is_guarded '\*' && is_guarded overlay || return
	rmmod carapace_vuln && insmod modules/carapace_vuln.ko &&
		is_guarded carapace_vuln && ./vuln_work 2 || return
	[ "$(coverage carapace_vuln returns)" -gt 0 ] &&
		[ "$(coverage carapace_vuln jumps)" -gt 5 ] || return
	modprobe vfat && is_guarded vfat && is_guarded fat && modprobe -r vfat &&
		! is_guarded vfat || return
	unguard '*' && equals "$(cat $returns/modules)" '' || return
	calls && guard_usual
}

# A module that is being initialised while Carapace attaches: it is sealed when it is
# done, and guarded, which was asked for before.
came_before()
{
	local vuln=/sys/module/carapace_vuln coming status
	rmmod carapace && rmmod carapace_vuln || return
	insmod modules/carapace_vuln.ko wait=1 & coming=$!
	until_seconds 10 grep -qx coming $vuln/initstate
	status=$?
	attach guard=carapace_vuln || status=1
	echo 0 > $vuln/parameters/wait
	wait $coming && [ $status = 0 ] && is_guarded carapace_vuln &&
		guard overlay && guard vmlinux && calls
}

# As many as are switched on: before guarding, or while it is
function_tracer()
{
	echo '*:mod:carapace_vuln' > $tracing/set_ftrace_filter
	echo function > $tracing/current_tracer
	calls && ./vuln_work 1 || return
	traced 'vuln_eight' && traced 'vuln_sleep_until' || return
	unguard carapace_vuln && calls && guard carapace_vuln && calls
}

# A function that sleeps while the tracer comes and goes
function_graph()
{
	./vuln sleep 1500 & local before=$!
	echo '*:mod:carapace_vuln' > $tracing/set_ftrace_filter
	echo function_graph > $tracing/current_tracer
	./vuln sleep 2500 & local meanwhile=$!
	calls && ./vuln_work 1 && wait $before || return
	traced 'vuln_recursion.*\(\)' || return
	unguard carapace_vuln && calls && guard carapace_vuln && calls || return
	echo nop > $tracing/current_tracer
	calls && wait $meanwhile
}

kprobe_entry()
{
	event 'p:returns/it carapace_vuln:vuln_eight' 'it: \(vuln_eight\+'
}

kprobe_entry_before()
{
	event_before 'p:returns/it carapace_vuln:vuln_eight' 'it: \(vuln_eight\+'
}

kretprobe()
{
	event 'r:returns/it carapace_vuln:vuln_eight $retval' \
		'it: \(.*<- vuln_eight.* arg1=0x6c' || return
	# Recursion
	reset_tracing
	event 'r:returns/it carapace_vuln:vuln_recursion $retval' \
		'<- vuln_recursion.* arg1=0x1d1'
}

# Over a function that sleeps, and over unguarding
kretprobe_asleep()
{
	echo 'r:returns/it carapace_vuln:vuln_sleep_until' > $tracing/dynamic_events
	echo 1 > $tracing/events/returns/it/enable
	./vuln sleep 2000 & local one=$!
	sleep 0.3
	unguard carapace_vuln && guard carapace_vuln || return
	wait $one && traced '<- vuln_sleep_until' || return
	./vuln sleep 1000 & local other=$!
	sleep 0.3
	echo 0 > $tracing/events/returns/it/enable
	: > $tracing/dynamic_events
	unguard carapace_vuln && guard carapace_vuln && wait $other
}

# An instruction's address in vuln_eight's middle
inside()
{
	local offset
	for offset in {10..40}; do
		echo "p:returns/it carapace_vuln:vuln_eight+$offset" \
			> $tracing/dynamic_events && break
	done 2> /dev/null
	: > $tracing/dynamic_events
	echo "carapace_vuln:vuln_eight+$offset"
}

kprobe_inside()
{
	event "p:returns/it $(inside)" 'it: \(vuln_eight\+'
}

# call_of CALLER CALLEE: where the one calls the other, as a probe's place. Where Linux
# counts calls (retbleed=stuff), they lead to what does so, right before the function.
call_of()
{
	local caller callee word at i before
	caller=$(./vuln address "$1") && callee=$(./vuln address "$2") || return
	caller=$((caller)) callee=$((callee))
	for at in {0..500..4}; do
		word=$(($(./vuln read "$(printf '0x%x' $((caller + at)))")))
		# A word has all of a call that begins in its lower half.
		for i in 0 1 2 3; do
			[ $((word >> 8 * i & 0xff)) = $((0xe8)) ] || continue
			before=$((callee - (caller + at + i + 5 +
					    (word >> 8 * (i + 1) << 32 >> 32))))
			if [ $before -ge 0 ] && [ $before -lt 16 ]; then
				echo "$1+$((at + i))"
				return
			fi
		done
	done
	echo "$1 does not call $2"
	return 1
}

# Linux makes the call in the probe's place.
kprobe_call()
{
	local at
	at=$(call_of vuln_calls vuln_eight) &&
		event "p:returns/it carapace_vuln:$at" 'it: \(vuln_calls\+' || {
		echo "$at"
		return 1
	}
	reset_tracing
	at=$(call_of vuln_calls call_usermodehelper_exec) || {
		echo "$at"
		return 1
	}
	echo "p:returns/it carapace_vuln:$at" >> $tracing/dynamic_events || return
	echo 1 > $tracing/events/returns/it/enable
	equals "$(./vuln call 6 3)" 3 && traced 'it: \(vuln_calls\+' || return
	echo 0 > $tracing/events/returns/it/enable
	equals "$(./vuln call 6 3)" 3
}

kprobe_inside_before()
{
	event_before "p:returns/it $(inside)" 'it: \(vuln_eight\+'
}

fprobe()
{
	event 'f:returns/it vuln_eight' 'it: \(vuln_eight\+' || return
	reset_tracing
	event 'f:returns/it vuln_eight%return $retval' '<- vuln_eight.*=108'
}

fprobe_before()
{
	event_before 'f:returns/it vuln_eight' 'it: \(vuln_eight\+' || return
	reset_tracing
	event_before 'f:returns/it vuln_eight%return $retval' '<- vuln_eight.*=108'
}

# Where vuln_eight returns, its only return, and the instruction before
return_offsets()
{
	objdump -dr --disassemble=vuln_eight modules/carapace_vuln.ko |
		awk '
		/<vuln_eight>:$/ { start = $1 }
		/\tret/ || /\tjmp/ {
			at = $1
			before = last
		}
		/^ .*:\t/ { last = $1 }
		END {
			gsub(":", "", at)
			gsub(":", "", before)
			print start, at, before
		}' | {
		read -r start at before
		echo $((16#$at - 16#$start)) $((16#$before - 16#$start))
	}
}

read -r site beside <<< "$(return_offsets)"
site="carapace_vuln:vuln_eight+$site"
beside="carapace_vuln:vuln_eight+$beside"

# probe_site [WHERE]
probe_site()
{
	echo "p:returns/it ${1:-$site}" >> $tracing/dynamic_events
}

enable_site()
{
	echo "$1" > $tracing/events/returns/it/enable
}

site_is_probed()
{
	: > $tracing/trace
	calls && traced 'it: \(vuln_eight\+'
}

# Probed first: that return stays as it is, and the probe, too. Registered is
# enough: it has a copy of what is to be put back.
probe_before_guarding()
{
	local all enabled=$1
	all=$(coverage carapace_vuln returns)
	equals "$(coverage carapace_vuln changed)" 0 &&
		unguard carapace_vuln && probe_site || return
	[ -z "$enabled" ] || enable_site 1
	guard carapace_vuln && calls || return
	equals "$(coverage carapace_vuln changed)" 1 || return
	equals "$(coverage carapace_vuln returns)" $((all - 1)) || return
	matches "$(cat $returns/uncovered)" \
		'^carapace_vuln vuln_eight\+.*: something else stands there' &&
		equals "$(uncovered carapace_vuln "its function cannot be traced")" \
			"$(coverage carapace_vuln untraceable)" || return
	enable_site 1
	site_is_probed || return
	unguard carapace_vuln && site_is_probed && guard carapace_vuln &&
		site_is_probed || return
	enable_site 0
	: > $tracing/dynamic_events
	calls && unguard carapace_vuln && guard carapace_vuln && calls &&
		equals "$(coverage carapace_vuln changed)" 0 &&
		equals "$(coverage carapace_vuln returns)" "$all"
}

probe_before_armed()
{
	probe_before_guarding armed
}

# Not the others, either, where one cannot be
none_of_all()
{
	says 1 busy unguard '*' && is_guarded carapace_vuln && is_guarded overlay
}

# Probed last: it works, and the guard stays until it is gone; nothing is undone
# before.
probe_after_guarding()
{
	local all enabled=$1
	all=$(coverage carapace_vuln returns)
	probe_site || return
	if [ -n "$enabled" ]; then
		enable_site 1
		site_is_probed || return
	fi
	says 1 busy unguard carapace_vuln || return
	matches "$(our_lines)" 'carapace_vuln stays guarded.* probe' || return
	is_guarded carapace_vuln && calls || return
	[ "$(coverage carapace_vuln returns)" -ge $((all - 1)) ] || return
	none_of_all || return
	[ -n "$enabled" ] || enable_site 1
	site_is_probed || return
	enable_site 0
	: > $tracing/dynamic_events
	calls && unguard carapace_vuln && calls && guard carapace_vuln && calls &&
		equals "$(coverage carapace_vuln returns)" "$all"
}

probe_after_armed()
{
	probe_after_guarding armed
}

# Right before the return: what it restores is what stands there by then.
probe_beside()
{
	local all before
	all=$(coverage carapace_vuln returns)
	for before in yes no; do
		[ $before = no ] || unguard carapace_vuln || return
		probe_site "$beside" && enable_site 1 || return
		[ $before = no ] || guard carapace_vuln || return
		site_is_probed &&
			equals "$(coverage carapace_vuln returns)" "$all" || return
		[ $before = yes ] || unguard carapace_vuln || return
		enable_site 0
		: > $tracing/dynamic_events
		calls || return
		[ $before = yes ] || guard carapace_vuln || return
		calls || return
	done
}

says_so()
{
	our_lines | grep -q "$1"
}

unload_waits()
{
	probe_site && enable_site 1 || return
	rmmod carapace & local unload=$!
	until_seconds 20 says_so 'stays guarded'
	sleep 2
	kill -0 $unload && site_is_probed || return
	equals "$(our_lines | grep -c 'stays guarded')" 1 || return
	enable_site 0
	: > $tracing/dynamic_events
	wait $unload && is_gone && calls || return
	# shellcheck disable=SC2119
	attach && guard_usual
}

settled()
{
	[ "$(cat $klp/transition 2> /dev/null || echo 0)" = 0 ]
}

patched()
{
	equals "$(./vuln call 4 3)" 1012 && equals "$(./vuln call 5 3)" 1012
}

unpatch()
{
	echo 0 > $klp/enabled
	until_seconds 60 [ ! -e $klp ]
	calls && rmmod livepatch
}

# Guarded when it comes, or it comes when it is guarded
live_patch()
{
	start_sleepers 2 || return
	insmod modules/livepatch.ko && until_seconds 60 settled && patched ||
		return
	unguard carapace_vuln && patched && guard carapace_vuln && patched ||
		return
	unpatch && unguard carapace_vuln || return
	insmod modules/livepatch.ko && until_seconds 60 settled && patched &&
		guard carapace_vuln && patched && unpatch || return
	end_sleepers
	calls
}

live_patch_before()
{
	unguard carapace_vuln && insmod modules/livepatch.ko &&
		until_seconds 60 settled && patched && guard carapace_vuln &&
		patched && unguard carapace_vuln && patched && unpatch &&
		calls && guard carapace_vuln && calls
}

# What goes through choke points every day, by name, by pointer and by jumps
choke_users()
{
	local old output status=0
	old=$(cat /proc/sys/kernel/core_pattern)
	echo '|/bin/true' > /proc/sys/kernel/core_pattern
	output=$(./choke_users) || status=1
	echo "$old" > /proc/sys/kernel/core_pattern
	[ $status = 0 ] || printf '%s\n' "$output"
	modprobe dummy && modprobe -r dummy && return $status
}

# bpf_attach's, while it runs; sets $bpf
start_bpf()
{
	mkfifo /run/returns-bpf /run/returns-said
	./bpf_attach overlay ovl_open "$1" < /run/returns-bpf \
		> /run/returns-said 2>&1 & bpf=$!
	exec 7> /run/returns-bpf 8< /run/returns-said
	rm /run/returns-bpf /run/returns-said
	read -r -t 60 said <&8
	equals "$said" attached
}

end_bpf()
{
	exec 7>&-
	read -r -t 60 said <&8
	exec 8<&-
	wait $bpf && matches "$said" '^ran [1-9]'
}

bpf_beside()
{
	local where=$1 refused=$EBUSY
	# One ops for all of BPF's, since 7.0: it refuses in its own way.
	! ./vuln address update_ftrace_direct_add > /dev/null 2>&1 || refused=$EINVAL
	returns $refused ./bpf_attach overlay ovl_open "$where" < /dev/null || return
	unguard overlay && start_bpf "$where" && cat /etc/passwd > /dev/null || return
	guard overlay && cat /etc/passwd > /dev/null || return
	[ "$(coverage overlay shared)" -gt 0 ] || return
	end_bpf && unguard overlay && guard overlay &&
		equals "$(coverage overlay shared)" 0
}

bpf_fentry()
{
	bpf_beside fentry
}

bpf_fexit()
{
	bpf_beside fexit
}

# Attached first, and still when nothing is guarded any more
bpf_before()
{
	local where
	for where in fentry fexit; do
		unguard overlay && start_bpf $where && guard overlay &&
			cat /etc/passwd > /dev/null || return
		[ "$(coverage overlay shared)" -gt 0 ] || return
		unguard overlay && cat /etc/passwd > /dev/null && end_bpf &&
			guard overlay && equals "$(coverage overlay shared)" 0 ||
			return
	done
}

perf_sampling()
{
	perf record -q -F 500 -e cpu-clock -g -a -o /run/returns-perf -- \
		./vuln_work 3 || return
	perf script -i /run/returns-perf -F ip,sym > /run/returns-script \
		2> /dev/null
	# A chain that begins in the driver, or in a stub under it, and goes on
	awk -v RS= '/vuln_ioctl/ { all++; if (/entry_SYSCALL_64/) whole++ }
		END { print all + 0, whole + 0; exit !(all && all == whole) }' \
		/run/returns-script
}

whole_stack()
{
	grep -q vuln_sleep_until "$1" && grep -q vuln_ioctl "$1" &&
		grep -q entry_SYSCALL_64 "$1"
}

stacks()
{
	local task
	start_sleepers 2 || return
	for task in /proc/$sleepers/task/*/stack; do
		grep -q vuln "$task" || continue
		whole_stack "$task" || return
	done
	echo t > /proc/sysrq-trigger
	log_since_mark > /run/returns-log
	end_sleepers
	# Certain frames; what is not has a question mark.
	grep -q ' vuln_sleep_until+' /run/returns-log || return
	! grep -E '\? +vuln_(sleep_until|ioctl)' /run/returns-log
}

switch_off_tracing()
{
	returns 1 sh -c 'echo 0 > /proc/sys/kernel/ftrace_enabled' 2> /dev/null
	calls || return
	equals "$(cat /proc/sys/kernel/ftrace_enabled)" 1
}

hotplug()
{
	local cpu status=0
	cpu=$(online_list | tail -n 1)
	start_load
	start_sleepers 4 || status=1
	for _ in 1 2 3; do
		echo 0 > "/sys/devices/system/cpu/cpu$cpu/online" || status=1
		calls || status=1
		unguard carapace_vuln && guard carapace_vuln || status=1
		echo 1 > "/sys/devices/system/cpu/cpu$cpu/online" || status=1
		calls || status=1
	done
	end_sleepers
	end_load || status=1
	equals "$(cat $sysfs/cpus)" "$(online)" && return $status
}

suspend_to_ram()
{
	start_sleepers 4 && echo mem > /sys/power/state && calls || return
	end_sleepers
	calls && equals "$(cat $sysfs/cpus)" "$(online)"
}

kinds_of_calls()
{
	calls && ./vuln_work "$ROUNDS"
}

uring()
{
	is_guarded overlay && ./returns_user uring /etc/passwd 20
}

shadow_used()
{
	cat $sysfs/stats/shadow_used_bytes
}

# threads_rounds COUNT THREADS: threads that come and go; sets used, by round, which
# is bytes of shadow more than before them
threads_rounds()
{
	local before round
	before=$(shadow_used)
	used=(0)
	for round in $(seq "$1"); do
		start_sleepers "$2" || return
		used[round]=$(($(shadow_used) - before))
		end_sleepers
		echo "round $round: $2 threads, ${used[round]} bytes of shadow more"
	done
	echo "of $(cat $sysfs/stats/shadow_bytes) bytes"
	all_verified
}

# What 500 threads need: no more than a page each, and some for tables
many_threads()
{
	threads_rounds 4 "$THREADS" &&
		[ $((used[4] / 4)) -le $((THREADS * 4096 * 5 / 4)) ]
}

# When threads come again Linux takes other addresses, until it has some 32 MiB and
# more of those that it has not flushed yet (lazy_max_pages() in mm/vmalloc.c), so
# that it is more each time up to then. From then on stacks lie where some were, or
# next to that, and their shadow is there: ten rounds take less than half of one.
threads_come_and_go()
{
	threads_rounds 20 "$THREADS" &&
		[ $((used[20] - used[10])) -le $((THREADS * 4096 / 2)) ]
}

# Linux flushes the addresses that it has freed when a module goes.
flush_addresses()
{
	sleep 1
	modprobe vfat && modprobe -r vfat fat
}

# Stacks lie where others ended, and the page below was a stack's or is one's: what was
# there is of use again, so that it is not more each time.
stacks_move()
{
	local before round used=()
	rmmod carapace
	# shellcheck disable=SC2119
	attach parked_stacks=on && guard carapace_vuln || return
	before=$(shadow_used)
	for round in {1..6}; do
		flush_addresses && insmod modules/address_hog.ko few=$((round % 3 + 1)) &&
			start_sleepers 100 || return
		end_sleepers
		rmmod address_hog || return
		used+=($((($(shadow_used) - before) / 4096)))
	done
	echo "${used[*]} pages of shadow more"
	# shellcheck disable=SC2119
	all_verified && [ $((used[5] - used[1])) -le 100 ] &&
		rmmod carapace && attach && guard_usual
}

# With no more than 2 MiB for them, what stacks had that are gone is used again, and all
# that returns is verified. 300 threads need more than half of it. Root's tables take as
# much.
short_of_memory()
{
	rmmod carapace
	attach_testing "shadow_chunks=2 $CARAPACE_PARAMETERS" &&
		guard carapace_vuln || return
	threads_rounds 20 300 &&
		equals "$(cat $sysfs/stats/shadow_bytes)" $((4 << 20)) &&
		calls && rmmod carapace && attach && guard_usual
}

# attach_short THREADS PARAMETERS: with too little memory for so many, asleep
attach_short()
{
	rmmod carapace
	attach_testing "shadow_chunks=2 $2 $CARAPACE_PARAMETERS" &&
		guard carapace_vuln && start_sleepers "$1" || return
	unshadowed=$(cat $sysfs/stats/returns_unshadowed)
	equals "$(cat $sysfs/stats/shadow_bytes)" $((4 << 20))
}

attach_again()
{
	echo "$unshadowed entries without a shadow," \
		"$(cat $sysfs/stats/returns_unverified) returns" \
		"and $(total stacks_unverified) switches unverified"
	# shellcheck disable=SC2119
	rmmod carapace && attach && guard_usual
}

# A return where nothing was ever stored, nor missed: from a stack's lowest page
attack_unused()
{
	returns 137 ./vuln jump returns_check stack && equals "$(counted_attacks)" 1
}

# More than there is memory for go unverified, are counted, and nothing is reported.
# What is an attack meanwhile is.
out_of_memory()
{
	attach_short 700 '' && attack_unused || return
	end_sleepers
	equals "$(counted_attacks)" 1 &&
		[ "$unshadowed" -gt 0 ] && calls && attach_again
}

more_than_two_chunks()
{
	[ "$(cat $sysfs/stats/shadow_bytes)" -gt $((4 << 20)) ]
}

give_memory()
{
	echo 128 > /sys/module/carapace/parameters/shadow_chunks &&
		guard overlay && more_than_two_chunks
}

# Who was entered while memory was short returns when there is some again: unverified,
# and no attack. What is one is reported.
memory_comes()
{
	attach_short 700 '' && give_memory && wake_sleepers &&
		equals "$(counted_attacks)" 0 &&
		[ "$(cat $sysfs/stats/returns_unverified)" -gt 0 ] &&
		attack_unused && calls && attach_again
}

# Nobody guards anything then: it is Linux that is asked again.
memory_comes_by_itself()
{
	attach_short 500 '' &&
		echo 128 > /sys/module/carapace/parameters/shadow_chunks &&
		until_seconds 60 more_than_two_chunks && wake_sleepers &&
		equals "$(counted_attacks)" 0 && calls && attach_again
}

# The same to who went to sleep; root's own memory is short, too.
memory_comes_to_parked()
{
	attach_short 450 parked_stacks=on && give_memory && wake_sleepers &&
		equals "$(counted_attacks)" 0 &&
		[ "$(total stacks_unverified)" -gt 0 ] || return
	unshadowed=$(total stacks_unverified)
	./exploit TASK_SLEEPING
	./exploit PARKED_CORE
	equals "$(counted_attacks)" 2 && equals "$(total stacks_unverified)" "$unshadowed" &&
		calls && attach_again
}

# What is known of a task is not what gives way, though the kernel's page tables say that
# its stack is gone.
stack_gone()
{
	rmmod carapace
	attach_testing "shadow_chunks=2 parked_stacks=on $CARAPACE_PARAMETERS" &&
		returns 1 env EXPLOIT_THREADS=700 ./exploit PARKED_GONE &&
		equals "$(counted_attacks)" 1 &&
		equals "$(cat $sysfs/stats/shadow_bytes)" $((4 << 20)) &&
		[ "$(total stacks_unverified)" -gt 0 ] && calls || return
	# shellcheck disable=SC2119
	rmmod carapace && attach && guard_usual
}

said()
{
	log_since_mark | grep -q "carapace: $1"
}

# A CPU goes and comes, and there is too little memory to note all stacks anew; later
# there is some.
settles_when_memory_comes()
{
	rmmod carapace
	attach_testing "shadow_chunks=2 parked_stacks=on $CARAPACE_PARAMETERS" &&
		start_sleepers 450 || return
	echo 0 > /sys/devices/system/cpu/cpu1/online &&
		echo 1 > /sys/devices/system/cpu/cpu1/online &&
		until_seconds 20 said 'parked stacks are not guarded any more (-12)' || return
	echo 128 > /sys/module/carapace/parameters/shadow_chunks &&
		until_seconds 60 are_compared || return
	# shellcheck disable=SC2119
	wake_sleepers && rmmod carapace && attach && guard_usual
}

# Stacks at addresses that have no shadow go unverified, are counted, and nothing is
# reported: those that are there already, and new ones. Some stay.
stacks_beyond()
{
	local beyond unshadowed switches status=0
	rmmod carapace
	insmod modules/address_hog.ko && start_sleepers 16 || return
	local before=$sleepers
	attach "parked_stacks=on frozen_frames=on $CARAPACE_PARAMETERS" &&
		guard carapace_vuln && start_sleepers 16 || status=1
	calls && ./vuln_work 1 || status=1
	beyond=$(cat /sys/module/address_hog/parameters/beyond)
	unshadowed=$(cat $sysfs/stats/returns_unshadowed)
	switches=$(total stacks_unverified)
	end_sleepers
	sleepers=$before
	end_sleepers
	echo "$beyond stacks beyond, $unshadowed entries without a shadow," \
		"$(cat $sysfs/stats/returns_unverified) returns and $switches switches unverified"
	equals "$(counted_attacks)" 0 || status=1
	# shellcheck disable=SC2119
	rmmod carapace && rmmod address_hog && attach && guard_usual || status=1
	[ $status = 0 ] && [ "$beyond" -ge 32 ] && [ "$unshadowed" -gt 0 ] &&
		[ "$switches" -gt 0 ]
}

# refused FILE ERRNO PATTERN NAME: and the log says why, and nothing has changed
refused()
{
	local before status=0
	before=$(cat $returns/modules)
	mark_log
	echo "$1 '${4:0:20}'"
	./write_errno "$returns/$1" "$4" || status=$?
	equals "$status" "$2" && one_line "$3" &&
		equals "$(cat $returns/modules)" "$before"
}

bad_names()
{
	local long before
	long=$(printf 'x%.0s' {1..100})
	before=$(cat $returns/coverage)
	for file in guard unguard; do
		refused $file $ENOENT "'nonsense' is no" nonsense &&
		refused $file $EINVAL "no module's name" '' &&
		refused $file $EINVAL "no module's name" ' ' &&
		refused $file $EINVAL "no module's name" 'two words' &&
		refused $file $EINVAL "no module's name" ' carapace_vuln' &&
		refused $file $EINVAL "no module's name" $'carapace_vuln\t' &&
		refused $file $EINVAL "no module's name" "$long" || return
	done
	refused guard $EEXIST "'carapace_vuln' is guarded already" carapace_vuln &&
	refused guard $EINVAL "'carapace' .*itself" carapace &&
	refused unguard $ENOENT "'carapace' .*not a guarded one" carapace &&
	refused unguard $ENOENT "'libata' .*not a guarded one" libata &&
	equals "$(cat $returns/coverage)" "$before"
}

# Stock modules of the cloud flavour: file systems, network, block, crypto. Small
# ones, and what they need: large ones take a minute each to unpack in the emulator.
stock="vfat isofs romfs binfmt_misc quota_v2 loop brd dummy veth tun ifb
ipip gre ah4 tcp_bbr sch_tbf sch_red sch_prio act_mirred net_failover dns_resolver
llc psample nfnetlink tcp_diag unix_diag xts lrw chacha20poly1305 adiantum
serpent_generic blowfish_common cast6_generic authenc algif_hash xor"

# Sound and USB, of the flavour that machines have
full="snd_dummy snd_aloop snd_mixer_oss snd_pcm_oss snd_seq_dummy snd_seq_midi
snd_virmidi snd_hrtimer snd_hda_codec_generic snd_hda_codec_hdmi snd_hda_codec_realtek
snd_hda_intel snd_usb_audio uhci_hcd ehci_pci xhci_pci usb_storage uas usbhid cdc_acm
cdc_ether usbserial usblp usbip_host vhci_hcd dummy_hcd g_mass_storage"

# Of the returns of functions that can be traced at all, 99 % are guarded.
# covered LEAST PATTERN MODULE...: so many at least of them, and of what they need
covered()
{
	local module seen=0 bad=0 least=$1 pattern=$2
	shift 2
	unguard '*'
	for module; do
		modprobe -q "$module"
	done
	guard '*'
	while read -r module _ _ _ _ _ guarded _ all _ untraceable _; do
		[[ $module =~ $pattern ]] || continue
		seen=$((seen + 1))
		echo "$module: $guarded of $((all - untraceable)), and $untraceable untraceable"
		[ $((guarded * 100)) -ge $(((all - untraceable) * 99)) ] ||
			bad=$((bad + 1))
	done < $returns/coverage
	equals "$(grep -cvFx '*' $returns/modules)" "$(wc -l < $returns/coverage)" || return
	echo "$seen modules, $bad with less than 99 %"
	[ "$seen" -ge "$least" ] && [ $bad = 0 ]
}

# uncover MODULE...: they go, guarded as they are
uncover()
{
	local module
	for module; do
		modprobe -qr "$module"
	done
	for module; do
		! grep "^$module " /proc/modules || return
	done
	unguard '*' && guard_usual
}

# Lists of words
# shellcheck disable=SC2086
stock_coverage()
{
	covered 30 . $stock
}

# shellcheck disable=SC2086
full_coverage()
{
	covered 30 '^(snd|sound|usb|[a-z]+hci|.*hid|cdc|uas|dummy_hcd|g_|libcomposite)' $full
}

# A sound card without hardware, and a disk on USB without any
# shellcheck disable=SC2086
full_use()
{
	local disk
	dd if=/dev/zero of=/dev/dsp bs=8192 count=1 status=none &&
		grep -q Dummy /proc/asound/cards || return
	modprobe -r g_mass_storage
	dd if=/dev/urandom of=/tmp/returns-disk bs=1M count=4 status=none
	modprobe g_mass_storage file=/tmp/returns-disk || return
	until_seconds 60 compgen -G '/sys/bus/usb/drivers/usb-storage/*:1.0/host*/target*/*/block/*' \
		> /tmp/returns-found || return
	disk=$(sed -n '1s|.*/||p' /tmp/returns-found)
	cmp "/dev/$disk" /tmp/returns-disk &&
		dd if=/dev/zero of="/dev/$disk" bs=1M count=4 conv=fsync status=none || return
	modprobe -r g_mass_storage
	cmp -n 4194304 /tmp/returns-disk /dev/zero || return
	uncover $full
}

# They go on working, and go.
# shellcheck disable=SC2086
stock_use()
{
	ip link add returns0 type veth peer name returns1 &&
		ip link set returns0 up && ip link del returns0 || return
	uncover $stock
}

# A CPU that root gives back at once
# root_faults CPU
root_faults()
{
	# HYPERCALL_TEST_FAULT
	./ring0 "$1" vmcall "$magic" 3 > /dev/null
	is_bare "$1"
}

# Root is gone from every CPU: the returns go on working, and what they lead to
# stays. The last of all tests.
bare_everywhere()
{
	rmmod carapace
	# shellcheck disable=SC2119
	attach_testing && guard carapace_vuln && guard overlay || return
	start_sleepers 4 || return
	for cpu in $(online_list); do
		root_faults "$cpu" || return
	done
	expected_state=degraded
	every_cpu is_bare && calls && ./vuln_work 2 || return
	end_sleepers
	returns 1 rmmod carapace && matches "$(our_lines)" 'cannot be unloaded' &&
		calls && returns 1 unguard carapace_vuln && calls
}

# Who was entered on a CPU that is bare, on a stack that has no shadow, returns on one
# that is guarded: unverified, and no attack.
bare_to_guarded()
{
	local cpu
	cpu=$(online_list | tail -n 1)
	rmmod carapace
	# shellcheck disable=SC2119
	attach_testing && guard carapace_vuln || return
	root_faults "$cpu" || return
	mkfifo /run/returns-ready
	taskset -c "$cpu" ./returns_user sleepers 20 > /run/returns-ready &
	sleepers=$!
	read -r < /run/returns-ready
	rm /run/returns-ready
	until_seconds 60 all_asleep 20 && taskset -cap 0 $sleepers > /dev/null &&
		wake_sleepers && equals "$(counted_attacks)" 0 || return
	echo "$(cat $sysfs/stats/returns_unverified) returns unverified"
	[ "$(cat $sysfs/stats/returns_unverified)" -gt 0 ] && taskset -c "$cpu" rmmod carapace &&
		attach && guard_usual
}

# Of what root patches, how often it has had Linux stop all CPUs
stopped()
{
	grep -c 'stop_machine.* <-cpus_patch_hypercall' $tracing/trace
}

# Code that a bare CPU runs is changed while that stands still. Where all are guarded
# root has them stand still itself.
bare_patched()
{
	local cpu status=0
	cpu=$(online_list | tail -n 1)
	rmmod carapace
	# shellcheck disable=SC2119
	attach_testing && guard carapace_vuln || return
	echo stop_machine > $tracing/set_ftrace_filter
	echo function > $tracing/current_tracer
	unguard carapace_vuln && guard carapace_vuln && equals "$(stopped)" 0 &&
		root_faults "$cpu" || return
	start_load
	taskset -acp "$cpu" $load > /dev/null
	for _ in $(seq "$ROUNDS"); do
		unguard carapace_vuln && calls && guard carapace_vuln && calls || status=1
	done
	end_load && equals "$(stopped)" $((ROUNDS * 2)) || status=1
	: > $tracing/trace
	! echo on 2> /dev/null > $sysfs/policy/parked_stacks &&
		equals "$(grep -c stop_machine $tracing/trace)" 0 || status=1
	echo nop > $tracing/current_tracer
	# shellcheck disable=SC2119
	taskset -c "$cpu" rmmod carapace && calls && attach && guard_usual && return $status
}

# asleep_in FUNCTION PID
asleep_in()
{
	grep -q " $1+" "/proc/$2/stack"
}

# What root noted of callers on a guarded CPU is of the past where a function has
# returned on a bare one, and been called there again.
bare_frozen()
{
	local cpu frozen
	cpu=$(online_list | tail -n 1)
	rmmod carapace
	# shellcheck disable=SC2119
	attach_testing frozen_frames=on && guard carapace_vuln && root_faults "$cpu" || return
	frozen=$(total calls_frozen)
	taskset -c 0 ./vuln sleep_twice 2000 & local sleeper=$!
	until_seconds 20 asleep_in vuln_sleep_until $sleeper &&
		[ "$(total calls_frozen)" -gt "$frozen" ] &&
		taskset -cp "$cpu" $sleeper > /dev/null || return
	until_seconds 20 asleep_in vuln_sleep_again $sleeper &&
		taskset -cp 0 $sleeper > /dev/null && wait $sleeper &&
		equals "$(counted_attacks)" 0 || return
	# shellcheck disable=SC2119
	taskset -c "$cpu" rmmod carapace && attach && guard_usual
}

# The last CPU that is guarded goes offline: what guarded returns lead to is there, until
# it is back and they can be put back.
bare_offline()
{
	rmmod carapace
	# shellcheck disable=SC2119
	attach_testing && guard carapace_vuln && root_faults 0 &&
		echo 0 > /sys/devices/system/cpu/cpu1/online && calls || return
	returns 1 rmmod carapace && calls && matches "$(our_lines)" 'cannot be unloaded' ||
		return
	echo 1 > /sys/devices/system/cpu/cpu1/online && is_guest 1 && calls || return
	# shellcheck disable=SC2119
	rmmod carapace && calls && attach && guard_usual
}

# The same while it is being unloaded already, and waits for a probe
bare_offline_going()
{
	rmmod carapace
	# shellcheck disable=SC2119
	attach_testing && guard carapace_vuln && probe_site && enable_site 1 || return
	rmmod carapace & local unload=$!
	until_seconds 20 says_so 'stays guarded'
	root_faults 0 && echo 0 > /sys/devices/system/cpu/cpu1/online || return
	enable_site 0
	: > $tracing/dynamic_events
	until_seconds 20 says_so 'unloading waits' && calls && kill -0 $unload || return
	echo 1 > /sys/devices/system/cpu/cpu1/online
	# shellcheck disable=SC2119
	wait $unload && is_gone && calls && attach && guard_usual
}

# How long a storm lasts, in seconds, and the most that anything may take in it
: "${STORM:=5}"
: "${STORM_BOUND:=30}"

# The stubs' beginning and end, and where they are when the part in the shadow view is
# over: as arguments of ring0's
stub_places()
{
	local name
	for name in returns_ask_choke returns_blocked returns_stored; do
		./vuln address carapace:$name || return
	done
}

# returns_storm, while it runs; sets $storm
start_storm()
{
	mkfifo /run/returns-storm /run/returns-said
	./returns_storm < /run/returns-storm > /run/returns-said 2>&1 & storm=$!
	exec 7> /run/returns-storm 8< /run/returns-said
	rm /run/returns-storm /run/returns-said
	read -r -t 60 said <&8
	equals "$said" ready
}

end_storm()
{
	local status=0
	exec 7>&-
	cat <&8
	exec 8<&-
	wait $storm || status=1
	return $status
}

# How many NMIs have come in the stubs' code, and how many where a CPU is when the
# stub's part in the shadow view is over, or was ended by root for the NMI
storm()
{
	local places hits status=0
	matches "$(cat /sys/kernel/debug/sched/preempt)" '\(full\)' || return
	mapfile -t places < <(stub_places)
	start_storm && ./ring0 0 nmi_places "${places[@]}" > /dev/null &&
		sleep "$STORM" || status=1
	read -ra hits <<< "$(./ring0 0 nmi_places 0 0 0)"
	end_storm || status=1
	echo "$((hits[1])) NMIs in stubs, $((hits[2])) of them behind the shadow view"
	[ $((hits[1])) -gt 0 ] && [ $((hits[2])) -gt 0 ] && return $status
}

# in_time COMMAND...
in_time()
{
	local start=$SECONDS
	"$@" || return
	echo "$*: $((SECONDS - start)) s"
	[ $((SECONDS - start)) -le "$STORM_BOUND" ]
}

storm_unguard()
{
	local name status=0
	start_storm || status=1
	for _ in 1 2 3; do
		for name in carapace_vuln overlay vmlinux; do
			in_time unguard $name && in_time guard $name || status=1
		done
	done
	end_storm && return $status
}

storm_unload()
{
	local name status=0
	start_storm || status=1
	for _ in 1 2; do
		# shellcheck disable=SC2119
		in_time rmmod carapace && is_gone && in_time attach || status=1
		for name in carapace_vuln overlay vmlinux; do
			in_time guard $name || status=1
		done
	done
	end_storm && return $status
}

# What the log may say, by test
may_say()
{
	case $1 in
	probe_after_*)	echo 'stays guarded' ;;
	came_before)	echo '(at|de)tached (to|from) CPUs|it is guarded when it is loaded' ;;
	*unload*)	echo 'stays guarded|(at|de)tached (to|from) CPUs' ;;
	bad_names)	echo 'returns/(un)?guard' ;;
	short_of_memory)	echo 'out of memory: stacks|(at|de)tached (to|from) CPUs' ;;
	*memory*|stack_gone)	echo 'out of memory: stacks|parked stacks are not guarded any more|(at|de)tached (to|from) CPUs|ATTACK .* comm=(vuln|exploit) |carapace:   ' ;;
	stacks_beyond|stacks_move)	echo '(at|de)tached (to|from) CPUs' ;;
	come_later|stock_*)	echo 'is not guarded \(' ;;
	bare_*)	echo '(at|de)tached (to|from) CPUs|no longer guarded|cannot be unloaded|a CPU is|no CPU is|stays guarded|unloading waits' ;;
	*)		echo nothing ;;
	esac
}

# For the next test, whatever became of this one
recover()
{
	local name
	# shellcheck disable=SC2119
	is_attached || attach
	[ -c /dev/carapace_vuln ] || insmod modules/carapace_vuln.ko
	for name in carapace_vuln overlay vmlinux; do
		is_guarded $name || guard $name
	done
}

# A test, and what has to be so after each
quietly()
{
	local status=0
	mark_log
	local mark=$log_mark
	"$1" || status=1
	reset_tracing
	log_mark=$mark
	log_since_mark | grep -v carapace-tests | grep -vE "$(may_say "$1")" |
		kernel_complaints -e carapace: -e 'general protection fault' \
			-e 'unable to handle' &&
		status=1
	[ "$1" = stacks_beyond ] || all_verified || status=1
	equals "$(counted_attacks)" 0 &&
		equals "$(cat $sysfs/state)" $expected_state && return $status
}

expected_state=attached
quick="kinds_of_calls choke_users guard_in_a_loop unload_guarded function_tracer kretprobe
kprobe_call probe_before_guarding probe_after_armed probe_beside bpf_fentry switch_off_tracing uring
bad_names came_before"
# These take some minutes.
long="unload_carapace function_graph kprobe_entry kprobe_entry_before kretprobe_asleep
kprobe_inside kprobe_inside_before fprobe fprobe_before probe_before_armed
probe_after_guarding unload_waits live_patch live_patch_before bpf_fexit bpf_before stacks
hotplug come_later perf_sampling many_threads"
stock_tests="stock_coverage stock_use"
full_tests="full_coverage full_use"

# Lists of words
# shellcheck disable=SC2086
case $* in
'')	set -- $quick ;;
long)	set -- $long ;;
stock)	set -- $stock_tests ;;
full)	set -- $full_tests ;;
esac
plan $(($# + 1))

reset_tracing
insmod modules/carapace_vuln.ko

start()
{
	# shellcheck disable=SC2119
	attach && guard_usual
}
check "three are guarded" start
for name; do
	case $name in
	bare_offline*)		[ "$(online)" = 0-1 ] ;;
	hotplug|bare_[!e]*)	[ "$(online)" != 0 ] ;;
	esac || {
		skip "$name" "it takes two CPUs"
		continue
	}
	if [[ $name = fprobe* ]] && ! grep -q 'f\[:' $tracing/README; then
		skip "$name" "this kernel has no such events"
		continue
	fi
	if [[ $name = bpf* ]] && ./bpf_attach 2>&1 | grep -q 'built with'; then
		skip "$name" "this kernel has no BTF of modules"
		continue
	fi
	started=$SECONDS
	output=$(quietly "$name" 2>&1)
	status=$?
	[ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/# /'
	echo "# $((SECONDS - started)) s"
	recover > /dev/null 2>&1
	if [ $status = 0 ]; then
		ktap_test_pass "$name"
	else
		ktap_test_fail "$name"
	fi
done
[ $expected_state != attached ] || rmmod carapace carapace_vuln
ktap_finished
