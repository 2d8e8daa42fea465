#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What administrators have the kernel start, the kernel starts
#
# usage: helpers.sh bare|attached|lock
#
# Each change is seen to have its effect: the program runs, as root, with the
# arguments that the kernel gives it. Attached, nothing of it is an attack. Under
# "lock" nothing can be changed, and what was set before goes on.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

mode=${1:-attached}
kernel=/proc/sys/kernel
ran=/run/helper-ran
family=12	# DECnet, gone since 6.1, and a module before

# program NAME: an executable that tells who runs it, and with what arguments
program()
{
	# Its own words
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "$(id -u) $0 $*" > %s.new\nmv %s.new %s\n' \
		$ran $ran $ran > "$1"
	chmod 755 "$1"
}

# runs PATTERN COMMAND...: COMMAND has the kernel run it, and that is how
runs()
{
	local pattern=$1
	local end=$((SECONDS + 20))
	shift
	rm -f $ran
	"$@" > /dev/null 2>&1
	until [ -s $ran ]; do
		[ $SECONDS -lt $end ] || {
			echo "it did not run"
			return 1
		}
	done
	matches "$(cat $ran)" "$pattern"
}

crash()
{
	# Of the shell that is to crash
	# shellcheck disable=SC2016
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		bash -c 'ulimit -c unlimited; kill -ABRT $$'
}

core_pattern()
{
	echo '|/run/helper-1 %P %e %s 100%% x%' > $kernel/core_pattern &&
		runs '^0 /run/helper-1 [0-9]+ bash 6 100% x$' crash
}

core_pattern_by_sysctl()
{
	sysctl -q -w 'kernel.core_pattern=| /run/helper-2 %E' &&
		runs '^0 /run/helper-2 !usr!bin!bash$' crash
}

# Two writes, the second behind the first
core_pattern_in_pieces()
{
	{
		printf '|/run/hel' && printf 'per-1 %%g'
	} > $kernel/core_pattern &&
		runs '^0 /run/helper-1 65534$' crash
}

# Each write begins at the beginning
core_pattern_not_strict()
{
	local strict
	strict=$(cat $kernel/sysctl_writes_strict)
	echo 0 > $kernel/sysctl_writes_strict
	{
		printf 'none' && printf '|/run/helper-2 %%u'
	} > $kernel/core_pattern
	echo "$strict" > $kernel/sysctl_writes_strict
	runs '^0 /run/helper-2 65534$' crash
}

core_pattern_in_container()
{
	unshare --mount --pid --uts --ipc --net --fork --mount-proc \
		bash -c 'echo "|/run/helper-1 c" > /proc/sys/kernel/core_pattern' &&
		runs '^0 /run/helper-1 c$' crash
}

# A crash in a container is handled outside.
crash_in_container()
{
	# shellcheck disable=SC2016
	echo '|/run/helper-2 %u %P' > $kernel/core_pattern &&
		runs '^0 /run/helper-2 0 [0-9]+$' unshare --user \
			--map-root-user --mount --pid --fork --mount-proc \
			bash -c 'bash -c "ulimit -c unlimited; kill -ABRT \$\$"; :'
}

# No protocol family is known by that number: the kernel asks modprobe.
ask_for_family()
{
	perl -e "socket(S, $family, 2, 0)"
}

modprobe_path()
{
	echo /run/helper-1 > $kernel/modprobe &&
		runs '^0 /run/helper-1 -q -- net-pf-12$' ask_for_family
}

modprobe_by_sysctl()
{
	sysctl -q -w kernel.modprobe=/run/helper-2 &&
		runs '^0 /run/helper-2 -q -- net-pf-12$' ask_for_family
}

modprobe_in_container()
{
	unshare --mount --pid --fork --mount-proc \
		sysctl -q -w kernel.modprobe=/run/helper-1 &&
		runs '^0 /run/helper-1 -q -- net-pf-12$' ask_for_family
}

# The stock one loads a module.
modprobe_itself()
{
	modprobe -r dummy
	echo "$modprobe" > $kernel/modprobe &&
		ip link add helper0 type dummy && ip link del helper0 &&
		grep -q '^dummy ' /proc/modules
}

poweroff_command()
{
	local old
	old=$(cat $kernel/poweroff_cmd)
	echo '/run/helper-1 -n' > $kernel/poweroff_cmd &&
		equals "$(cat $kernel/poweroff_cmd)" '/run/helper-1 -n' &&
		echo "$old" > $kernel/poweroff_cmd
}

# request_key(2)
ask_for_key()
{
	# Perl's own
	# shellcheck disable=SC2016
	perl -e '@a = ("user", "helper:$$", "asked"); syscall(249, @a[0..2], 0)'
}

request_key()
{
	runs '^0 /sbin/request-key create( [0-9]+){6}$' ask_for_key
}

add_bridge()
{
	ip link add helper1 type bridge &&
		ip link set helper1 type bridge stp_state 1
	ip link del helper1
}

# Its name is a constant of a module's.
bridge()
{
	runs '^0 /sbin/bridge-stp helper1 (start|stop)$' add_bridge
}

# A cgroup that becomes empty
empty_cgroup()
{
	mkdir /run/helper-cgroup/"$1" &&
		echo 1 > /run/helper-cgroup/"$1"/notify_on_release &&
		bash -c "echo \$\$ > /run/helper-cgroup/$1/cgroup.procs"
}

release_agent_mounted()
{
	mkdir -p /run/helper-cgroup &&
		mount -t cgroup -o none,name=helper,release_agent=/run/helper-1 \
			none /run/helper-cgroup &&
		runs '^0 /run/helper-1 /a$' empty_cgroup a
}

release_agent_written()
{
	echo /run/helper-2 > /run/helper-cgroup/release_agent &&
		runs '^0 /run/helper-2 /b$' empty_cgroup b
}

# One that was there before
release_agent_before()
{
	runs '^0 /run/helper-1 /c$' empty_cgroup c
}

# The NFS server has a program keep track of clients; without version 3, it
# needs nobody else.
serve()
{
	echo "$1" > /proc/fs/nfsd/threads
}

parameter()
{
	local status
	ip link set lo up
	modprobe nfsd cltrack_prog=/run/helper-1 &&
		mount -t nfsd nfsd /proc/fs/nfsd &&
		echo '-3 +4' > /proc/fs/nfsd/versions || return
	runs '^0 /run/helper-1 init$' serve 1
	status=$?
	serve 0
	printf /run/helper-2 > /sys/module/nfsd/parameters/cltrack_prog
	[ $status = 0 ] && runs '^0 /run/helper-2 init$' serve 1
	status=$?
	serve 0
	umount /proc/fs/nfsd
	return $status
}

# Where others trace the same functions
traced()
{
	local tracing=/sys/kernel/tracing
	echo 'kernel_execve proc_dostring security_bprm_creds_for_exec' \
		> $tracing/set_ftrace_filter
	echo function > $tracing/current_tracer
	echo '|/run/helper-2 t' > $kernel/core_pattern
	runs '^0 /run/helper-2 t$' crash && grep -q kernel_execve $tracing/trace
	local status=$?
	echo nop > $tracing/current_tracer
	: > $tracing/set_ftrace_filter
	return $status
}

before_locking()
{
	echo '|/run/helper-1 %s' > $kernel/core_pattern &&
		echo /run/helper-1 > $kernel/modprobe &&
		echo on > $sysfs/policy/lock
}

# FILE: it cannot be written, and is as it was
stays()
{
	local old
	old=$(cat "$1")
	! echo '|/run/helper-2' > "$1" && equals "$(cat "$1")" "$old"
} 2> /dev/null

strings_stay()
{
	stays $kernel/core_pattern && stays $kernel/modprobe &&
		stays $kernel/poweroff_cmd
}

strings_stay_in_container()
{
	! unshare --mount --pid --fork --mount-proc \
		bash -c 'echo /run/helper-2 > /proc/sys/kernel/modprobe' &&
		equals "$(cat $kernel/modprobe)" /run/helper-1
} 2> /dev/null

core_runs_on()
{
	runs '^0 /run/helper-1 6$' crash
}

modprobe_runs_on()
{
	runs '^0 /run/helper-1 -q -- net-pf-12$' ask_for_family
}

tests="core_pattern core_pattern_by_sysctl core_pattern_in_pieces
core_pattern_not_strict core_pattern_in_container crash_in_container
modprobe_path modprobe_by_sysctl modprobe_in_container modprobe_itself
poweroff_command request_key bridge release_agent_mounted release_agent_written
parameter traced"
lock_tests="before_locking strings_stay strings_stay_in_container core_runs_on
modprobe_runs_on request_key release_agent_before"

modprobe=$(cat $kernel/modprobe)
for name in /run/helper-1 /run/helper-2 /sbin/request-key /sbin/bridge-stp; do
	program $name
done

[ "$mode" != lock ] || tests=$lock_tests
# shellcheck disable=SC2086
set -- $tests
plan $(($# + 1))

if [ "$mode" = lock ]; then
	mkdir -p /run/helper-cgroup
	mount -t cgroup -o none,name=helper,release_agent=/run/helper-1 \
		none /run/helper-cgroup
fi
# Without parameters of the module's.
# shellcheck disable=SC2119
[ "$mode" = bare ] || attach
mark_log
for name; do
	if [ "$name" = parameter ]; then
		why=
		[[ $(uname -r) != 5.10.* ]] ||
			why="this kernel's NFS server does not start without rpcbind"
		modinfo -p nfsd | grep -q '^cltrack_prog:' ||
			why="this kernel's NFS server starts no program"
		if [ "$why" ]; then
			skip "$mode: $name" "$why"
			continue
		fi
	fi
	check "$mode: $name" "$name"
done
check "$mode: no complaint, no alarm" no_alarm "$mode"
[ "$mode" != attached ] || rmmod carapace
ktap_finished
