#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Attach, look at everything that can be seen, detach
#
# Controls: nothing of it is there before and afterwards.

. "$(dirname "$0")/carapace.sh"

plan 30

all_numbers()
{
	local count
	# "file:value"; one that is empty or cannot be read has no line.
	count=$(find "$sysfs/stats" -type f | wc -l)
	equals "$(grep -rE '^[0-9]+$' "$sysfs/stats" | wc -l)" "$count" &&
		! grep -rvE '^[0-9]+$' "$sysfs/stats" &&
		[ "$count" -ge 30 ]
}

stat()
{
	cat "$sysfs/stats/$1"
}

# Every address that the CPU has is mapped once, by one size of page.
pages_cover_all_addresses()
{
	local bits
	bits=$(sed -n 's/^address sizes.*: \([0-9]*\) bits physical.*/\1/p' \
		/proc/cpuinfo | head -n 1)
	[ "$bits" -le 48 ] || bits=48
	equals $(($(stat ept_4k) * 4096 + ($(stat ept_2m) << 21) +
		($(stat ept_1g) << 30))) $((1 << bits))
}

pages_are_large()
{
	grep -q '^ept-1g yes$' "$sysfs/capabilities" || return 0
	[ "$(stat ept_1g)" -gt "$(stat ept_2m)" ]
}

capabilities_are_listed()
{
	grep -q '^ept-1g ' "$sysfs/capabilities" &&
		! grep -vE '^[a-z0-9_-]+ (yes|no)$' "$sysfs/capabilities"
}

one_directory_per_cpu()
{
	local cpu
	for cpu in $(online_list); do
		[ -d "$sysfs/stats/cpu$cpu/exits" ] || return
	done
}

# A module's text and read-only data, and no longer than it is there
sealed_pages_are_counted()
{
	local before more
	before=$(stat sealed_pages)
	modprobe dummy numdummies=0 || return
	more=$(($(stat sealed_pages) - before))
	rmmod dummy
	[ "$before" -gt 1000 ] && [ $more -ge 2 ] && [ $more -lt 20 ] &&
		equals "$(stat sealed_pages)" "$before"
}

used_pool_is_part_of_it()
{
	[ "$(stat pool_used_bytes)" -gt 0 ] &&
		[ "$(stat pool_used_bytes)" -le "$(stat pool_bytes)" ]
}

only_the_policy_is_writable()
{
	[ -z "$(find "$sysfs" -type f -perm /222 ! -path '*/policy/*' \
		! -path '*/returns/*')" ] &&
		[ -z "$(find "$sysfs" -type f -perm /022)" ]
}

exits_are_counted()
{
	local cpu
	for cpu in $(online_list); do
		[ "$(cat "$sysfs/stats/cpu$cpu/exits/cpuid")" -gt 0 ] || {
			echo "cpu$cpu has no exit"
			return 1
		}
		# What would be a bug of ours
		equals "$(cat "$sysfs/stats/cpu$cpu/exits/ept_misconfig")" 0 ||
			return
	done
}

times_are_taken()
{
	local cpu
	for cpu in $(online_list); do
		[ "$(cat "$sysfs/stats/cpu$cpu/attach_ns")" -gt 0 ] || return
	done
}

check "nothing is there before" is_gone
check "every CPU is bare before" every_cpu is_bare

mark_log
check "attaches" attach
check "the log has one line: CPUs, time, memory" one_line \
	"attached to CPUs $(online) in [0-9]+ us, [0-9]+ KiB taken"
check "state is attached" equals "$(cat $sysfs/state)" attached
check "cpus are those that are online" equals "$(cat $sysfs/cpus)" "$(online)"
check "version is the module's" equals "$(cat $sysfs/version)" \
	"$(modinfo -F version "$CARAPACE_KO")"
check "capabilities are names with yes or no" capabilities_are_listed
check "stats are numbers" all_numbers
check "each CPU has its own" one_directory_per_cpu
check "EPT maps each address once" pages_cover_all_addresses
check "EPT's pages are large where the CPU can" pages_are_large
check "sealed pages are counted" sealed_pages_are_counted
check "pool use is within the pool" used_pool_is_part_of_it
check "nothing but the policy can be written" only_the_policy_is_writable
check "every CPU is in non-root mode" every_cpu is_guest
check "exits are counted" exits_are_counted
check "attaching was timed" times_are_taken

mark_log
check "loading it twice is EEXIST" returns $EEXIST attach
check "and says nothing" equals "$(our_lines)" ""
check "and changes nothing" equals "$(cat $sysfs/state $sysfs/cpus)" \
	"attached
$(online)"

memory=$(($(stat pool_bytes) / 1024))
cpus=$(online)
# A reader in the middle of a file does not keep the module.
exec 3<"$sysfs/stats/pool_bytes"
mark_log
check "detaches" rmmod carapace
check "the log has one line: the same CPUs and memory" one_line \
	"detached from CPUs $cpus in [0-9]+ us, $memory KiB returned"
check "a file that is still open is an error" returns 1 cat <&3
exec 3<&-
check "nothing is there afterwards" is_gone
check "every CPU is bare afterwards" every_cpu is_bare

check "attaches again" attach
check "every CPU is in non-root mode again" every_cpu is_guest
check "detaches again" rmmod carapace
check "every CPU is bare again" every_cpu is_bare

ktap_finished
