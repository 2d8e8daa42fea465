#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Attach and detach many times under load, and leave nothing behind
#
# CYCLES is how often (5). The load: stress-ng on all CPUs, pipes between tasks,
# modules that come and go, TCP and ICMP over loopback. Every program of it has
# to end well, the log must have no line but ours, and the memory that is free
# must be what it was.
#
# Control: the same counts tell when Carapace stays loaded.

. "$(dirname "$0")/carapace.sh"
. ./load.sh

: "${CYCLES:=5}"

cycle()
{
	attach "" || return
	equals "$(cat $sysfs/state)" attached || return
	equals "$(cat $sysfs/cpus)" "$(online)" || return
	sleep 0.2
	equals "$(cat $sysfs/state)" attached || return
	rmmod carapace
}

cycles()
{
	local number
	for number in $(seq "$1"); do
		cycle || {
			echo "in cycle $number"
			return 1
		}
	done
}

vmstat()
{
	sed -n "s/^$1 //p" /proc/vmstat
}

# Pages that are free once caches are empty
free_pages()
{
	local cache
	# What waits for a grace period, and tasks' stacks
	sleep 2
	sync
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	echo 1 >/proc/sys/vm/stat_refresh
	# Those that CPUs keep for themselves are free, too
	awk -v free="$(vmstat nr_free_pages)" \
		'$1 == "count:" { free += $2 } END { print free }' /proc/zoneinfo
}

slab_pages()
{
	echo $(($(vmstat nr_slab_unreclaimable) + $(vmstat nr_slab_reclaimable)))
}

# Without tasks' stacks, which are kept for the next task, and areas that are
# free already
vmalloc_areas()
{
	grep -cv -e kernel_clone -e fork_idle -e unpurged /proc/vmallocinfo
}

measure()
{
	pages=$(free_pages)
	slab=$(slab_pages)
	areas=$(vmalloc_areas)
}

# less_by FOUND EXPECTED MOST: not by so much
less_by()
{
	[ $(($2 - $1)) -lt "$3" ]
}

no_line_but_ours()
{
	! log_since_mark | grep -v -E \
		-e '\] carapace: (attached to|detached from) CPUs ' \
		-e 'module verification failed'
}

plan 11

# Once before anything is compared: caches, tables and modules that grow once
start_load
cycles 1
stop_load
measure
pages_before=$pages
slab_before=$slab
areas_before=$areas

mark_log
start_load
check "attaches and detaches $CYCLES times under load" cycles "$CYCLES"
stop_load
check "the load ran" load_ran
check "no program of the load failed" load_ended_well
check "the log has no line but ours" no_line_but_ours
check "and of those two for each cycle" equals "$(our_lines | wc -l)" \
	$((2 * CYCLES))
check "nothing is left" is_gone

# What caches of the kernel's hold differs from time to time by this much; a
# pool that is lost is 512 pages, each time.
measure
slack=1024
echo "# free pages: $pages_before, then $pages"
echo "# slab pages: $slab_before, then $slab"
echo "# vmalloc areas: $areas_before, then $areas"
check "as many pages are free" less_by "$pages" "$pages_before" $slack
check "slab has not grown" less_by "$slab_before" "$slab" $slack
check "vmalloc has the same areas" equals "$areas" "$areas_before"

# Measured again: some of what the load left is given back only now. What is
# missing then is the pool and a little more, or less by what still trickles in.
measure
pages_before=$pages
areas_before=$areas
attach ""
measure
echo "# control: $pages_before free pages, attached $pages; $areas vmalloc areas"
check "control: while it is attached, its pages are missing" \
	test $((pages_before - pages)) -ge 384
check "control: and vmalloc has more areas" test "$areas" -gt "$areas_before"
rmmod carapace

ktap_finished
