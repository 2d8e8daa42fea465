#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where Carapace does not attach, and where there is no room in it: the right errno, one
# line that says what to do, nothing left behind
#
# Control for each: without the obstacle it attaches; without Carapace there is room.

. "$(dirname "$0")/carapace.sh"

# attaches_and_detaches: the control
attaches_and_detaches()
{
	attach "" && rmmod carapace
}

# refused DESCRIPTION ERRNO PATTERN [PARAMETERS]: three tests
refused()
{
	mark_log
	check "$1: refused" returns "$2" attach "${4:-}"
	check "$1: one line says why" one_line "$3"
	check "$1: nothing is left" nothing_left
}

nothing_left()
{
	is_gone && every_cpu is_bare
}

have_kvm()
{
	modinfo kvm_intel >/dev/null 2>&1
}

plan 33

refused "switched off" $ECANCELED "not attaching: .*disable" "disable=1"
check "switched on, it attaches" attaches_and_detaches

if have_kvm && modprobe kvm_intel; then
	# KVM has VMX on: CPUs are not bare, but they were not before either.
	mark_log
	check "KVM is loaded: refused" returns $EBUSY attach
	check "KVM is loaded: one line says why" one_line \
		"KVM.*modprobe -r kvm_intel"
	check "KVM is loaded: nothing is left" is_gone
	modprobe -r kvm_intel
	check "KVM is gone, it attaches" attach
	mark_log
	check "KVM does not load meanwhile" returns 1 modprobe kvm_intel
	check "and says so in its own words" matches "$(log_since_mark)" \
		"kvm_intel: VMX not supported|kvm.*(no hardware support|not supported)"
	check "and does no harm" every_cpu is_guest
	rmmod carapace
	check "KVM loads afterwards" modprobe kvm_intel
	modprobe -r kvm_intel kvm
else
	for number in 1 2 3 4 5 6 7 8; do
		skip "KVM $number" "no kvm_intel that loads"
	done
fi

# Every block of 2 MiB is taken, three times over; single pages are left.
hog()
{
	local empty=0 round
	sync
	echo 3 >/proc/sys/vm/drop_caches
	insmod modules/memory_hog.ko || return
	for round in $(seq 20); do
		if echo "$round" >/sys/module/memory_hog/parameters/again
		then
			empty=$((empty + 1))
		else
			empty=0
		fi 2>/dev/null
		[ "$empty" -lt 3 ] || return 0
	done
	echo "# there is always one block more"
}

hog
refused "out of memory" $ENOMEM "out of memory: needs [0-9]+ free blocks"
rmmod memory_hog
check "with memory, it attaches" attaches_and_detaches

# kprobes COUNT: so many within functions, at the same time
kprobes()
{
	./load_module modules/probe_hog.ko count="$1" && rmmod probe_hog
}

attach_testing probe_room=16
check "kprobes: there is room" kprobes 16
mark_log
check "one more: refused" returns "$EILSEQ" kprobes 17
check "one more: one line says why" one_line "a kprobe within .*: there are too many"
rmmod carapace
check "without Carapace there is room" kprobes 17

# hypercall NUMBER PATTERN: what becomes of it in ring 0
hypercall()
{
	matches "$(./ring0 0 vmcall "$1")" "$2"
}

STEAL_TIME=0x4b564d03

# steal_time BITS PATTERN: what becomes of them in KVM's MSR, which is 0 otherwise
steal_time()
{
	matches "$(./ring0 0 wrmsr $STEAL_TIME "$1" 0)" "$2"
}

# By its number in enum x86_hypervisor_type
mark_log
check "on VMware: refused" returns "$EOPNOTSUPP" attach_testing hypervisor=1
check "on VMware: one line says why" one_line "the hypervisor underneath is not KVM"
check "on VMware: nothing is left" nothing_left
check "on KVM, it attaches" attach_testing hypervisor=5
check "KVM's clock pairing is not there" hypercall 9 '^none 0xfffffffffffffc18 '
# There is nobody underneath: VMCALL fails in root, and RAX is as it was.
check "a yield is handed on" hypercall 11 '^none 0xb '
check "and does no harm" every_cpu is_guest
# The emulator has no such MSR: it ignores writes, and 0 is read.
check "steal time is what Linux wrote" steal_time 0x40 '^none 0x40 '
check "and not what KVM does not take" steal_time 2 '^13 '
rmmod carapace
check "without Carapace it is the CPU's own" steal_time 0x40 '^none 0 '
check "on nothing, it attaches" attach
check "and steal time is the CPU's own" steal_time 0x40 '^none 0 '
check "and there are no such hypercalls" hypercall 11 '^6 '
rmmod carapace

ktap_finished
