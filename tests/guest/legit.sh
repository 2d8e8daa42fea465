#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What Linux does to its own code goes on working
#
# usage: legit.sh bare|attached [TEST]...
#
# Each test sees that what was changed has its effect, and that it has it no
# longer once it was changed back. Attached, nothing of it is an attack. Uprobes
# and perf's sampling are in tracing.c.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh
# shellcheck source=tests/guest/load.sh
. ./load.sh

mode=${1:-attached}
shift
tracing=/sys/kernel/tracing
klp=/sys/kernel/livepatch/livepatch

# Stock modules; the large ones take a minute each to unpack in the emulator
modules="dummy loop veth tun vfat"

reset_tracing()
{
	echo nop > $tracing/current_tracer
	echo 0 > $tracing/events/enable
	: > $tracing/set_ftrace_filter
	: > $tracing/kprobe_events
	: > $tracing/trace
	echo 256 > $tracing/buffer_size_kb
}

traced()
{
	grep -q -- "$1" $tracing/trace
}

# silent PATTERN COMMAND...: it runs, and leaves no trace
silent()
{
	local pattern=$1
	shift
	: > $tracing/trace
	"$@" > /dev/null
	! traced "$pattern"
}

# event GROUP/NAME PATTERN COMMAND...: it is seen while it is on, only then
event()
{
	local file=$tracing/events/$1/enable
	local pattern=$2
	shift 2
	: > $tracing/trace
	echo 1 > "$file"
	"$@" > /dev/null
	echo 0 > "$file"
	traced "$pattern" || {
		echo "not traced: $pattern"
		return 1
	}
	silent "$pattern" "$@"
}

static_keys()
{
	for _ in 1 2 3; do
		echo 1 > /proc/sys/kernel/sched_schedstats
		grep -q sum_sleep_runtime /proc/self/sched || return
		echo 0 > /proc/sys/kernel/sched_schedstats
		! grep -q sum_sleep_runtime /proc/self/sched || return
	done
}

tracepoint()
{
	event sched/sched_process_fork 'sched_process_fork: comm=' /bin/true
}

# Two users of one tracepoint: its static call goes to another function
tracepoint_shared()
{
	local count
	: > $tracing/trace
	echo 1 > $tracing/events/sched/sched_process_exec/enable
	count=$(perf stat -x, -e sched:sched_process_exec /bin/true 2>&1 |
		cut -d, -f1)
	echo 0 > $tracing/events/sched/sched_process_exec/enable
	equals "$count" 1 && traced 'sched_process_exec: filename=/bin/true'
}

perf_tracepoint()
{
	local count
	count=$(perf stat -x, -e sched:sched_process_exec /bin/true 2>&1 |
		cut -d, -f1)
	equals "$count" 1
}

# Of all CPUs, with the stacks
perf_record()
{
	local data=/run/legit-perf
	local cpu
	perf record -q -a -g -B -N -F 50 -e cpu-clock -o $data \
		stress-ng --quiet --cpu "$(online_list | wc -l)" --timeout 2s &&
		perf script -G -i $data -F comm,cpu > $data.txt || return
	for cpu in $(online_list); do
		grep -q "^ *stress-ng.*\[0*$cpu\]" $data.txt || {
			echo "CPU $cpu was not seen"
			return 1
		}
	done
}

system_call_events()
{
	event syscalls/sys_enter_getcwd sys_getcwd /bin/pwd
}

preempt=/sys/kernel/debug/sched/preempt

preemption()
{
	local before models model
	before=$(sed 's/.*(\(.*\)).*/\1/' $preempt)
	# Which there are, the kernel says: 7.x has "full" and "lazy" alone.
	read -r -a models < <(tr -d '()' < $preempt)
	[ ${#models[@]} -gt 1 ] || return
	for model in "${models[@]}" "$before"; do
		echo "$model" > $preempt
		matches "$(cat $preempt)" "\($model\)" &&
			equals "$(bash -c 'echo $((6 * 7))')" 42 || return
	done
}

# tracer NAME PATTERN [FILTER]
tracer()
{
	: > $tracing/trace
	[ -z "$3" ] || echo "$3" > $tracing/set_ftrace_filter
	echo "$1" > $tracing/current_tracer
	/bin/true
	echo 0 > $tracing/tracing_on
	traced "$2"
	local found=$?
	echo nop > $tracing/current_tracer
	: > $tracing/set_ftrace_filter
	echo 1 > $tracing/tracing_on
	[ $found = 0 ] && silent "$2" /bin/true
}

still_loading()
{
	grep -q '^dummy .* Loading ' /proc/modules
}

# While the module loads, also the static calls of its .init.text go elsewhere
preemption_in_init()
{
	local before status=0
	before=$(sed 's/.*(\(.*\)).*/\1/' $preempt)
	modprobe dummy numdummies=1000 &
	until_seconds 30 still_loading
	# Without cond_resched(), which it calls
	echo full > $preempt && matches "$(cat $preempt)" '\(full\)' || status=1
	still_loading || {
		echo "was loaded before all was changed"
		status=1
	}
	echo "$before" > $preempt
	wait $!
	modprobe -r dummy && equals $status 0
}

kprobe_types()
{
	grep -E "$1" /sys/kernel/debug/kprobes/list
}

# At a function's entry, where ftrace does the work
kprobe_ftrace()
{
	echo 'p:legit/open do_sys_openat2' > $tracing/kprobe_events
	event legit/open 'open: (do_sys_openat2' cat /proc/version
}

kretprobe()
{
	# shellcheck disable=SC2016
	echo 'r:legit/opened do_sys_openat2 $retval' > $tracing/kprobe_events
	event legit/opened 'opened: (.*<- do_sys_openat2' \
		cat /proc/version
}

# The first place behind the entry that a kprobe can be at
kprobe_inside()
{
	local offset
	for offset in {10..40}; do
		echo "p:legit/inside do_sys_openat2+$offset" \
			> $tracing/kprobe_events && break
	done 2> /dev/null
	[ -e $tracing/events/legit/inside ]
}

kprobe_plain()
{
	local status
	echo 0 > /proc/sys/debug/kprobes-optimization
	kprobe_inside && event legit/inside 'inside: (do_sys_openat2+' \
		cat /proc/version
	status=$?
	echo 1 > /proc/sys/debug/kprobes-optimization
	return $status
}

kprobe_optimized()
{
	kprobe_inside || return
	: > $tracing/trace
	echo 1 > $tracing/events/legit/inside/enable
	until_seconds 10 kprobe_types 'do_sys_openat2\+.*\[OPTIMIZED\]' || {
		echo "never optimized:"
		kprobe_types do_sys_openat2
		return 1
	}
	cat /proc/version
	echo 0 > $tracing/events/legit/inside/enable
	traced 'inside: (do_sys_openat2+' &&
		silent 'inside: (do_sys_openat2+' cat /proc/version
}

# Armed before Carapace came: what it replaced is put back all the same
kprobe_from_before()
{
	[ -e $tracing/events/legit/before ] || return
	: > $tracing/trace
	echo 1 > $tracing/events/legit/before/enable
	cat /proc/version
	traced 'before: (vfs_open+' || return
	echo 0 > $tracing/events/legit/before/enable
	silent 'before: (vfs_open+' cat /proc/version
}

# Inside the function: at its entry it would be ftrace's
arm_from_before()
{
	local offset
	for offset in {10..40}; do
		echo "p:legit/before vfs_open+$offset" \
			> $tracing/kprobe_events && break
	done 2> /dev/null
	echo 1 > $tracing/events/legit/before/enable
}

bpf_filters()
{
	for _ in {1..5}; do
		./bpf_programs > /dev/null || return
	done
}

stock_modules()
{
	local module
	for module in $modules; do
		if ! modprobe "$module" ||
		   ! grep -q "^$module " /proc/modules; then
			echo "$module: not loaded"
			return 1
		fi
	done
	ip link add legit0 type veth peer name legit1 &&
		ip link set legit0 up && ip link del legit0 || return
	for module in $modules; do
		if ! modprobe -r "$module" ||
		   grep -q "^$module " /proc/modules; then
			echo "$module: not unloaded"
			return 1
		fi
	done
}

# Root's tables that modules' code has needed are free again once enough code has gone:
# sooner or later fewer are in use than were.
tables_go()
{
	local most=0 used
	for _ in {1..100}; do
		insmod modules/carapace_vuln.ko && modprobe veth &&
			modprobe -r veth && rmmod carapace_vuln || return
		used=$(cat $sysfs/stats/pool_used_bytes)
		[ "$used" -ge "$most" ] || return 0
		most=$used
	done
	echo "$most bytes, and never less"
	return 1
}

settled()
{
	[ "$(cat $klp/transition 2>/dev/null || echo 0)" = 0 ]
}

live_patch()
{
	local before
	before=$(cat /proc/cmdline)
	insmod modules/livepatch.ko && until_seconds 60 settled &&
		equals "$(cat /proc/cmdline)" "patched live" || return
	echo 0 > $klp/enabled
	until_seconds 60 [ ! -e $klp ]
	equals "$(cat /proc/cmdline)" "$before" && rmmod livepatch
}

administrator()
{
	local file old
	for file in core_pattern modprobe poweroff_cmd; do
		old=$(cat /proc/sys/kernel/$file)
		echo /bin/legit > /proc/sys/kernel/$file &&
			equals "$(cat /proc/sys/kernel/$file)" /bin/legit &&
			echo "$old" > /proc/sys/kernel/$file &&
			equals "$(cat /proc/sys/kernel/$file)" "$old" || return
	done
}

# ftrace's main switch: attached it stays on, as it does with a livepatch
ftrace_switch()
{
	local file=/proc/sys/kernel/ftrace_enabled
	if [ "$mode" = bare ]; then
		returns 0 ./write_errno $file 0 && equals "$(cat $file)" 0 &&
			echo 1 > $file
	else
		returns "$EBUSY" ./write_errno $file 0
	fi && equals "$(cat $file)" 1
}

# What root sets runs: the positive control of attacks on it
core_handler()
{
	local old
	old=$(cat /proc/sys/kernel/core_pattern)
	printf '#!/bin/sh\nid -u > /run/legit-core\n' > /run/legit-helper
	chmod 755 /run/legit-helper
	rm -f /run/legit-core
	echo '|/run/legit-helper' > /proc/sys/kernel/core_pattern
	bash -c 'ulimit -c unlimited; kill -ABRT $$' 2> /dev/null
	until_seconds 10 [ -s /run/legit-core ]
	echo "$old" > /proc/sys/kernel/core_pattern
	equals "$(cat /run/legit-core)" 0
}

function_some()
{
	tracer function vfs_read 'vfs_*'
}

function_all()
{
	tracer function do_exit
}

function_graph_some()
{
	tracer function_graph vfs_read 'vfs_*'
}

# All that comes between the process's end and that of tracing has to fit.
function_graph_all()
{
	local status=0 size
	size=$(grep -o '^[0-9]*' $tracing/buffer_size_kb)
	echo 4096 > $tracing/buffer_size_kb
	tracer function_graph do_exit || status=1
	echo "$size" > $tracing/buffer_size_kb
	return $status
}

# What patches code, while all CPUs run it
under_load()
{
	local name
	local status=0
	start_load
	for name in static_keys tracepoint perf_tracepoint preemption \
		    kprobe_ftrace kretprobe kprobe_plain kprobe_optimized \
		    bpf_filters live_patch function_some function_graph_some \
		    perf_record static_keys; do
		echo "$name:"
		"$name" || status=1
		reset_tracing
	done
	stop_load
	load_ran && load_ended_well && equals $status 0
}

# By name only, for they take minutes: function_all, function_graph_all,
# perf_record, under_load, tables_go (attached)
tests="kprobe_from_before static_keys tracepoint tracepoint_shared perf_tracepoint
system_call_events preemption preemption_in_init kprobe_ftrace kretprobe kprobe_plain
kprobe_optimized bpf_filters stock_modules live_patch ftrace_switch
administrator core_handler function_some function_graph_some"

# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $tests
plan $(($# + 1))

# Without parameters of the module's.
# shellcheck disable=SC2119
reset_tracing
arm_from_before
[ "$mode" = bare ] || attach
mark_log
for name; do
	if [[ $name = preemption* ]] && [ ! -e $preempt ]; then
		skip "$mode: $name" "this kernel's model does not change"
		continue
	fi
	check "$mode: $name" "$name"
	reset_tracing
done
check "$mode: no complaint, no alarm" no_alarm "$mode"
[ "$mode" = bare ] || rmmod carapace
ktap_finished
