#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Attacks on the return guard itself, by who reads and writes all memory and can
# have any code run: the vulnerable driver gives that to everyone
#
# Without a return guard there is nothing of it to attack. The control of each is
# the same access to other memory, or the same call made as it is meant to be.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

ADDRESS_MASK=$((0x000ffffffffff000))
GIB=$((1 << 30))

# vmx/layout.h and vmx/hypercall.h
VIEW_GUARD=510
VIEW_SHADOW=1
RETURNS_FILL=14
RETURNS_PATCH=15
SHADOW_TAKE=13

KILLED=137
SIGILL=132
OOPS=139
EPERM=0xffffffffffffffff

vuln()
{
	./vuln "$@"
}

hex()
{
	printf '0x%x' "$1"
}

# The window is the one area of its size; Linux says who took it.
window()
{
	local area
	area=$(awk '/shadow_memory_prepare/ { sub(/-.*/, "", $1); print $1 }' \
		/proc/vmallocinfo)
	echo $(((area + GIB - 1) & -GIB))
}

# Where the tables' entry for ADDRESS at LEVEL lies, in the direct map
entry_of()
{
	local level=4 table
	table=$(vuln address init_top_pgt)
	while :; do
		table=$((table + (($1 >> (12 + 9 * (level - 1))) & 511) * 8))
		[ "$level" = "$2" ] && break
		table=$(($(vuln read "$(hex $table)") & ADDRESS_MASK))
		table=$((table + direct_map))
		level=$((level - 1))
	done
	echo $table
}

# The first VMFUNC behind a symbol: 0F 01 D4
next_vmfunc()
{
	local at
	at=$(($(vuln address "$1")))
	until [ $(($(vuln read "$(hex $at)") & 0xffffff)) = $((0xd4010f)) ]; do
		at=$((at + 1))
	done
	hex $at
}

# A word of the shadow that there is: of a stack that has been used
shadow_word()
{
	local stack
	stack=$(vuln stack)
	echo $((window - vmalloc + stack + 0x3e00))
}

# overwrite ADDRESS: nothing changes, it is reported as $2, and who did it is dead
overwrite()
{
	local before
	mark_log
	before=$(vuln read "$(hex "$1")") || return
	returns $KILLED vuln write "$(hex "$1")" 0xffffffff81234567 &&
		equals "$(vuln read "$(hex "$1")")" "$before" &&
		reported "$2" && equals "$(cat $sysfs/state)" attached
}

# What Linux maps read-only, by an entry that says otherwise
overwrite_read_only()
{
	local entry value
	entry=$(hex "$(entry_of "$1" 2)")
	value=$(($(vuln read "$entry")))
	# PTE_PS; since 6.13, modules' code can lie in a large page
	if [ $((value & 128)) = 0 ]; then
		entry=$(hex "$(entry_of "$1" 1)")
		value=$(($(vuln read "$entry")))
	fi
	vuln write "$entry" "$(hex $((value | 2)))" || return
	overwrite "$@"
	set -- $?
	vuln write "$entry" "$(hex $value)"
	return "$1"
}

reported()
{
	matches "$(log_since_mark | grep 'carapace: ATTACK')" \
		"ATTACK kind=$1 .*comm=vuln .*action=block"
}

silent()
{
	equals "$(log_since_mark | grep 'carapace: ATTACK')" ''
}

# The same write, elsewhere, and the driver's functions, from its own stack
control()
{
	local data
	mark_log
	data=$(vuln address console_printk) &&
		vuln write "$data" "$(vuln read "$data")" &&
		vuln jump vuln_leave kmalloc && silent
}

alias_of_shadow()
{
	local pte
	pte=$(vuln read "$(hex "$(entry_of "$1" 1)")") || return
	[ $((pte & 1)) = 1 ] || {
		echo "no shadow at $(hex "$1")"
		return 1
	}
	echo $(((pte & ADDRESS_MASK) + direct_map + ($1 & 4095)))
}

through_alias()
{
	local alias
	alias=$(alias_of_shadow "$1") || {
		echo "$alias"
		return 1
	}
	overwrite "$alias" carapace
}

ring3_vmfunc()
{
	mark_log
	returns $SIGILL vuln vmfunc 0 $VIEW_SHADOW && silent
}

# strays RIP [REGISTER]...: does not come back, is reported, and Linux is well
strays()
{
	mark_log
	returns $KILLED vuln jump "$@" && reported '(return-address|carapace)' &&
		./vuln_work 2 && equals "$(cat $sysfs/state)" attached
}

# Where there is no VMFUNC: a return, as there are many, and nothing is stored
harmless()
{
	mark_log
	returns 0 vuln jump "$@" && silent && ./vuln_work 2
}

# bytes_at ADDRESS COUNT: as numbers
bytes_at()
{
	local at word i
	for ((at = $1; at < $1 + $2; at += 8)); do
		word=$(($(vuln read "$(hex $at)")))
		for i in 0 8 16 24 32 40 48 56; do
			echo $((word >> i & 255))
		done
	done
}

# call_of FUNCTION OTHER: where the first call of OTHER's in FUNCTION returns to
call_of()
{
	local from to bytes i distance
	from=$(($(vuln address "$1")))
	to=$(($(vuln address "$2")))
	mapfile -t bytes < <(bytes_at "$from" 512)
	for ((i = 0; i < 500; i++)); do
		[ "${bytes[i]}" = $((0xe8)) ] || continue
		distance=$((bytes[i + 1] | bytes[i + 2] << 8 | bytes[i + 3] << 16 |
			bytes[i + 4] << 24))
		[ $distance -lt $((1 << 31)) ] || distance=$((distance - (1 << 32)))
		[ $((from + i + 5 + distance)) != $to ] || {
			hex $((from + i + 5))
			return
		}
	done
	echo "no call of $2 in $1" >&2
	return 1
}

# slot_end FUNCTION: behind the call in its slot, which comes behind an ENDBR
slot_end()
{
	local function
	function=$(($(vuln address "$1")))
	case $(($(vuln read "$(hex $function)") & 0xffffffff)) in
	$((0xfa1e0ff3))|$((0x001f0f66))|$((0xd6401f0f)))
		function=$((function + 4)) ;;
	esac
	hex $((function + 5))
}

# The stub of choke points, for a function that is none, and a true call of it: on a
# stack as it should be
vouches_for_none()
{
	local call slot
	call=$(call_of ksys_write vfs_write) && slot=$(slot_end vfs_write) || return
	strays $choke_entry "stack,$slot,$call"
}

# check_view DESCRIPTION COMMAND...: a test of the shadow view
check_view()
{
	if [ $entry = returns_entry ]; then
		check "$@"
	else
		skip "$1" "this CPU has no VMFUNC"
	fi
}

# Stopped at its exit; an exception in the shadow view is none, and is not reported.
stub_elsewhere()
{
	mark_log
	returns $KILLED ./attack "$1" &&
		matches "$(log_since_mark | grep 'carapace: ATTACK')" \
			'ATTACK kind=carapace .*comm=attack .*action=block' &&
		./vuln_work 2 && equals "$(cat $sysfs/state)" attached
}

# Below the stack pointer there is nothing of what the CPU has pushed: five words and an
# error code. Who did it ends on his own stack.
pushed_to_shadow()
{
	local stack=$((word & ~15)) i
	hex $stack > /sys/module/attack/parameters/stub_stack
	stub_elsewhere STUB_GAP || return
	for i in 8 16 24 32 40 48; do
		equals "$(vuln read "$(hex $((stack - i)))")" 0 || return
	done
}

# As Linux ends who oopses, or as Carapace ends him: it is both
view_refused()
{
	local status=0
	mark_log
	vuln jump "$@" || status=$?
	[ $status = $KILLED ] || equals $status $OOPS || return
	reported carapace && ./vuln_work 2 &&
		equals "$(cat $sysfs/state)" attached
}

# switch_and_write VIEW ADDRESS VALUE: by an attacker's own code in ring 0
switch_and_write()
{
	vuln jump vuln_vmfunc 0 0 "$1" 0 0 "$(hex "$2")" "$3"
}

# To the view that there is anyway, the same code does what it is meant to.
own_vmfunc_control()
{
	local data before
	mark_log
	data=$(vuln address console_printk) && before=$(vuln read "$data") &&
		equals "$(switch_and_write $VIEW_GUARD "$data" 0x12345678)" 0 &&
		equals "$(vuln read "$data")" 0x12345678 &&
		vuln write "$data" "$before" && silent
}

# As on a CPU that has no VMFUNC
own_vmfunc_undefined()
{
	local before
	mark_log
	before=$(vuln read "$(hex "$word")") &&
		equals "$(switch_and_write "$1" "$word" 0x81234567)" $EPERM &&
		equals "$(vuln read "$(hex "$word")")" "$before" && silent
}

own_vmfunc()
{
	local before
	mark_log
	before=$(vuln read "$(hex "$word")") &&
		returns $KILLED switch_and_write $VIEW_SHADOW "$word" 0x81234567 &&
		equals "$(vuln read "$(hex "$word")")" "$before" &&
		reported carapace && ./vuln_work 2 &&
		equals "$(cat $sysfs/state)" attached
}

# debug_store VECTOR: what has the CPU's own records lie in the window is refused so;
# what has them elsewhere is not
debug_store()
{
	local all=0xffffffffffffffff
	matches "$(./ring0 0 wrmsr 0x600 "$(hex "$window")" $all)" "^$1 " &&
		matches "$(./ring0 0 wrmsr 0x600 "$(hex $((window - 4096)))" $all)" \
			'^none '
}

# A call of the guest half's own, from nowhere near it
hypercall_refused()
{
	mark_log
	equals "$(vuln jump hypercall 0 0 0 0 0 "$@")" $EPERM &&
		equals "$(cat $sysfs/stats/returns_patched)" "$patched"
}

# Entries of the table of calls that lead to choke points, that are the driver's:
# the lower half of such a word is where the call returns to
own_callers()
{
	local start at count=0
	start=$(($(cat /sys/module/carapace_vuln/sections/.text) & 0xffffffff))
	for at in $(seq 0 8 2040); do
		at=$(($(vuln read "$(hex $((callers + at)))") & 0xffffffff))
		[ $((at - start)) -ge 0 ] && [ $((at - start)) -lt 65536 ] &&
			count=$((count + 1))
	done
	echo $count
}

probe()
{
	echo "$1:carapace_test vfs_fsync" > /sys/kernel/tracing/kprobe_events
	[ "$1" = - ] ||
		echo 1 > /sys/kernel/tracing/events/kprobes/carapace_test/enable
}

# What root has seen of a call is true until code changes.
callers_forgotten()
{
	mark_log
	./vuln_work 1 || return
	[ "$(own_callers)" -gt 0 ] || {
		echo "no call is known"
		return 1
	}
	probe p && equals "$(own_callers)" 0 || return
	echo 0 > /sys/kernel/tracing/events/kprobes/carapace_test/enable
	probe - && ./vuln_work 1 && silent
}

# record_of ADDRESS: where ftrace's record of the function there lies. They are in
# pages, sorted, a module's by themselves: struct ftrace_page is next, records, index;
# struct dyn_ftrace is ip, flags.
record_of()
{
	local page records count ip i
	page=$(vuln read ftrace_pages_start)
	while [ "$page" != 0 ]; do
		records=$(vuln read "$(hex $((page + 8)))")
		count=$(($(vuln read "$(hex $((page + 16)))") & 0xffffffff))
		for ((i = 0; i < count; i++)); do
			ip=$(($(vuln read "$(hex $((records + 16 * i)))")))
			# The first one of a page tells whose they are.
			if [ $((ip - $1)) -lt -65536 ] || [ $((ip - $1)) -gt 65536 ]; then
				break
			fi
			if [ $((ip - $1)) -ge 0 ] && [ $((ip - $1)) -le 4 ]; then
				hex $((records + 16 * i))
				return
			fi
		done
		page=$(vuln read "$page")
	done
	return 1
}

# slot_of ADDRESS: the five bytes that ftrace patches at a function's beginning
slot_of()
{
	hex $(($(vuln read "$1") & 0xffffffffff))
}

# ftrace's record of a function says that nobody has it any more, and the next time
# that anything is traced, ftrace takes the guard's call out of the function. Its
# return is compared all the same, with what calls before that have left.
disconnected()
{
	local record slot flags
	record=$(record_of $(($(vuln address vuln_parse_plain)))) || {
		echo "no record"
		return 1
	}
	flags=$(hex $((record + 8)))
	slot=$(hex $(($(vuln read "$record"))))
	equals "$(($(slot_of "$slot") & 0xff))" $((0xe8)) || return
	# The number of users is in the lowest bits.
	vuln write "$flags" "$(hex $(($(vuln read "$flags") & ~0xffff)))" || return
	echo vfs_fsync > /sys/kernel/tracing/set_ftrace_filter
	echo function > /sys/kernel/tracing/current_tracer
	# NOPL
	equals "$(slot_of "$slot")" 0x441f0f || return
	mark_log
	returns $KILLED ./exploit STACK_PARTIAL &&
		matches "$(log_since_mark | grep 'carapace: ATTACK')" \
			'ATTACK kind=return-address .*comm=exploit .*action=block' &&
		equals "$(cat $sysfs/state)" attached
}

plan 28
# Root sees addresses as they are.
echo 1 > /proc/sys/kernel/kptr_restrict
insmod modules/carapace_vuln.ko
# shellcheck disable=SC2119
attach
echo vmlinux > $sysfs/returns/guard
echo carapace_vuln > $sysfs/returns/guard
direct_map=$(($(vuln read page_offset_base)))
vmalloc=$(($(vuln read vmalloc_base)))
window=$(window)
word=$(shadow_word)
vmfunc=$(hex $(($(vuln address returns_shadow_begin) - 3)))
vmfunc_back=$(next_vmfunc returns_shadow_begin)

check "control: other memory, and an honest jump" control
check "the shadow, by the window" overwrite "$word" carapace
check "the shadow, by the direct map" through_alias "$word"
check "the window's page table" overwrite "$(entry_of "$word" 1)" carapace
check "the table above it" overwrite "$(entry_of "$word" 2)" carapace
check "the window's entry in Linux's table" overwrite "$(entry_of "$word" 3)" code
check "VMFUNC in ring 3 is undefined" ring3_vmfunc
# vmx/layout.h: STUB_CALLERS
stub_words=$(vuln address returns_words)
callers=$(hex $((stub_words + 32)))
check "known callers of choke points are forgotten when code changes" \
	callers_forgotten
check "the table of them" overwrite_read_only "$callers" code
# STUB_FREEZING
check "the word that says whether root is asked about frames" \
	overwrite_read_only "$(hex $((stub_words + 24)))" code
entry=returns_entry
choke_entry=returns_entry_choke
strays=strays
view_refused=view_refused
own_control=own_vmfunc_control
own=own_vmfunc
records=13
if ! grep -q '^vmfunc-eptp-switching yes$' $sysfs/capabilities; then
	entry=returns_entry_ask
	choke_entry=returns_entry_choke_ask
	strays=harmless
	# Undefined, and of no consequence: its fix-up goes on.
	view_refused=harmless
	own_control="own_vmfunc_undefined $VIEW_GUARD"
	own="own_vmfunc_undefined $VIEW_SHADOW"
	# There is no view in which they would be written.
	records=none
fi
# Commands with their arguments
# shellcheck disable=SC2086
check "control: VMFUNC of the attacker's own, to the guard view" $own_control
# shellcheck disable=SC2086
check "the shadow, by VMFUNC of the attacker's own" $own
check "VMFUNC of the attacker's own, to a view that is none" \
	own_vmfunc_undefined 2
# All but the stack is as it is when a module's function is called.
honest="kmalloc,$(vuln address vuln_leave),$(call_of ksys_write vfs_write)"
check "the stub's VMFUNC, on a stack that is none" \
	$strays "$vmfunc" "$honest" 0 $VIEW_SHADOW
check "the stub's VMFUNC back, to the shadow view" \
	$view_refused "$vmfunc_back" kmalloc 0 $VIEW_SHADOW
check "the stub behind it, in the guard view" \
	harmless returns_shadow_begin kmalloc 0 $VIEW_SHADOW
check "the stub's beginning, on a stack that is none" \
	strays $entry "$honest"
insmod modules/attack.ko
for attack in STUB_32 STUB_CHOKE_32 STUB_TWICE; do
	if [[ $attack = *_32 ]] && grep -qw lass /proc/cpuinfo; then
		skip "the stub at another address: $attack" "LASS keeps the kernel from it"
	else
		check_view "the stub at another address: $attack" stub_elsewhere $attack
	fi
done
check_view "an exception in the view, pushed to the shadow" pushed_to_shadow
check "the stub of choke points, for another function" vouches_for_none
check "the CPU's own records, in the window" debug_store $records
check "the check, on a stack that is none" strays returns_check vmalloc

echo on > $sysfs/policy/lock
patched=$(cat $sysfs/stats/returns_patched)
# What is read as a request: code, so no word of it is 0
text=$(vuln address _text)
check "locked: returns are not restored by a forged request" \
	hypercall_refused $RETURNS_PATCH "$text"
check "locked: the shadow is not filled in" \
	hypercall_refused $RETURNS_FILL "$text"
check "locked: the shadow's memory is not given back" \
	hypercall_refused $SHADOW_TAKE "$text"
check "locked: a function's entry, by ftrace's record of it" disconnected
ktap_finished
