# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Something for all CPUs to do while a test goes on, of programs that tell when
# something has gone wrong. To be sourced after carapace.sh.

scratch=$(mktemp -d)
trap 'touch "$scratch/stop"; wait; rm -rf "$scratch"' EXIT

# load NAME COMMAND...: over and over until told to stop
load()
{
	local name=$1
	local status
	shift
	while [ ! -e "$scratch/stop" ]; do
		status=0
		"$@" >"$scratch/$name.out" 2>&1 || status=$?
		echo "$status" >>"$scratch/$name.status"
		[ "$status" = 0 ] ||
			cp "$scratch/$name.out" "$scratch/$name.failed"
	done
}

module_load()
{
	modprobe dummy numdummies=1 && ip link set dummy0 up && modprobe -r dummy
}

start_load()
{
	local cpus
	cpus=$(online_list | wc -l)
	rm -f "$scratch"/*
	load stress stress-ng --quiet --cpu "$cpus" --vm 1 --vm-bytes 16M \
		--fork 1 --switch 1 --timer 1 --fault 1 --timeout 2s &
	load sched perf bench sched pipe -l 1000 &
	load module module_load &
	load tcp stress-ng --quiet --sock 1 --sock-ops 50 --timeout 2s &
	load ping ping -q -c 50 -i 0.002 127.0.0.1 &
}

stop_load()
{
	touch "$scratch/stop"
	wait
}

load_ran()
{
	local name
	for name in stress sched module tcp ping; do
		[ -s "$scratch/$name.status" ] || {
			echo "$name did not finish once"
			return 1
		}
	done
}

load_ended_well()
{
	! grep -vx 0 "$scratch"/*.status && return
	cat "$scratch"/*.failed
	return 1
}
