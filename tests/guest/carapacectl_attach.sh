#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tool attaches and detaches: where the module lies, what is in the way, and
# KVM, which is there again afterwards
#
# Control: KVM in the way of insmod, in refusals.sh.

. "$(dirname "$0")/carapace.sh"

OK=0
FAILED=1
USAGE=2
NOT_ATTACHED=3
PRIVILEGE=4
BAD_FILE=5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

loaded()
{
	[ -e "/sys/module/$1/initstate" ]
}

# A directory of modules that has this one only
install_module()
{
	local release modules
	release=$(uname -r)
	modules=$work/lib/modules/$release
	mkdir -p "$modules/updates" &&
	cp "$CARAPACE_KO" "$modules/updates" &&
	depmod -b "$work" "$release" 2>/dev/null &&
	mount --bind "$modules" "/lib/modules/$release"
}

by_name()
{
	says $FAILED 'modprobe knows no module' carapacectl attach || return
	install_module || return
	says $OK '^attached to CPUs' carapacectl attach &&
	every_cpu is_guest &&
	echo $(($(cat $sysfs/stats/pool_bytes) >> 21)) >"$work/blocks" &&
	says $OK '^detached' carapacectl detach &&
	says $FAILED 'carapace.disable' carapacectl attach disable=1
	local status=$?
	umount "/lib/modules/$(uname -r)"
	return $status
}

compressed()
{
	gzip -1c "$CARAPACE_KO" >"$work/carapace.ko.gz" &&
	says $OK '^attached to CPUs' \
		carapacectl attach "$work/carapace.ko.gz" &&
	says $OK '^detached' carapacectl detach
}

bad_files()
{
	head -c 1000 "$CARAPACE_KO" >"$work/cut.ko"
	head -c 1000 "$work/carapace.ko.gz" >"$work/cut.ko.gz"
	says $BAD_FILE 'No such file' carapacectl attach /nonexistent.ko &&
	says $BAD_FILE 'gzip: ends too early' \
		carapacectl attach "$work/cut.ko.gz" &&
	says $BAD_FILE 'cut.ko: malformed' carapacectl attach "$work/cut.ko" &&
	says $BAD_FILE 'the module attack, and not carapace' \
		carapacectl attach modules/attack.ko &&
	says $USAGE "no parameter 'profil'" \
		carapacectl attach "$CARAPACE_KO" action=log profil=strict &&
	is_gone &&
	says $OK '^attached' carapacectl attach "$CARAPACE_KO" \
		action=log frozen-frames=on &&
	equals "$(cat $sysfs/policy/frozen_frames)" on && rmmod carapace
}

# perf holds whose tracepoint it has open
in_use()
{
	says $OK '^attached' carapacectl attach "$CARAPACE_KO" || return
	says $FAILED 'somebody uses its tracepoint' \
		perf stat -e carapace:carapace_attack -- carapacectl detach
	local status=$?
	# Its own tracepoint is Linux's to patch, as all others are
	equals "$(awk '$1 == "code" { print $2 }' $sysfs/events)" 0 || return
	says $OK '^detached' carapacectl detach && return $status
}

kvm_goes_and_comes()
{
	modprobe kvm_intel || return
	says $OK 'unloading kvm_intel' carapacectl attach "$CARAPACE_KO" &&
	! loaded kvm && every_cpu is_guest &&
	says $OK 'loading kvm_intel again' carapacectl detach &&
	loaded kvm_intel
}

kvm_comes_back_at_once()
{
	loaded kvm_intel &&
	says $FAILED 'loading kvm_intel again' \
		carapacectl attach "$CARAPACE_KO" disable=1 &&
	loaded kvm_intel && is_gone
}

kvm_comes_back_after_rmmod()
{
	carapacectl attach "$CARAPACE_KO" >/dev/null && rmmod carapace &&
	! loaded kvm &&
	says $NOT_ATTACHED 'loading kvm_intel again' carapacectl detach &&
	loaded kvm_intel
}

kvm_is_left_alone()
{
	says $FAILED 'KVM is loaded' \
		carapacectl attach --keep-kvm "$CARAPACE_KO" &&
	loaded kvm_intel
}

kvm_is_busy()
{
	exec 3<>/dev/kvm || return
	says $FAILED "KVM is used by carapacectl_att \(pid" \
		carapacectl attach "$CARAPACE_KO"
	local status=$?
	exec 3>&-
	loaded kvm_intel && is_gone && return $status
}

# configured OPTION...: where the kernel says how it is configured; the lab's disk
# has no such file
configured()
{
	printf 'CONFIG_%s=y\n' '' "$@" >"/boot/config-$(uname -r)"
}

doctor()
{
	says $OK 'has all that Carapace needs' carapacectl doctor &&
	says $OK '"would_attach":true,"certain":false' \
		carapacectl doctor --json &&
	configured KALLSYMS KALLSYMS_ALL KPROBES DYNAMIC_FTRACE &&
	says $OK '"would_attach":true,"certain":true' \
		carapacectl doctor --json &&
	configured KALLSYMS KPROBES DYNAMIC_FTRACE &&
	says $FAILED '^ +CONFIG_KALLSYMS_ALL is missing' carapacectl doctor
	local status=$?
	rm "/boot/config-$(uname -r)"
	return $status
}

# What it takes, foretold to the block
doctor_counts()
{
	local foretold taken
	taken=$(cat "$work/blocks")
	foretold=$(carapacectl doctor | sed -n 's/.*it takes some \([0-9]*\).*/\1/p')
	echo "$foretold blocks foretold, $taken taken"
	[ "$taken" -gt 0 ] && [ $((taken - foretold)) -le 1 ] &&
		[ $((foretold - taken)) -le 1 ]
}

plan 13

check "attaches by name, with what the administrator set" by_name
check "attaches a compressed module" compressed
check "says which files are none, and which parameters" bad_files
check "takes root" says $PRIVILEGE 'only root' \
	setpriv --reuid 65534 --clear-groups carapacectl attach "$CARAPACE_KO"
check "says who keeps it from detaching" in_use

modprobe msr
check "the doctor finds nothing in the way" doctor
check "and knows what memory it takes" doctor_counts
if modprobe kvm_intel; then
	modprobe -r kvm_intel
	check "an idle KVM goes, and comes back" kvm_goes_and_comes
	check "at once, where attaching fails" kvm_comes_back_at_once
	check "later, where somebody else detached" kvm_comes_back_after_rmmod
	check "it can be left alone" kvm_is_left_alone
	check "a busy KVM stays" kvm_is_busy
	check "and the doctor says so of an idle one" says $OK \
		'KVM +loaded, without a virtual machine' carapacectl doctor
	modprobe -r kvm_intel
else
	for number in 1 2 3 4 5 6; do
		skip "KVM $number" "no kvm_intel that loads"
	done
fi
ktap_finished
