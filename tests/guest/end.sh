#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel ends, in each way that it can, while attached
#
# What comes after it finds bare CPUs and goes on as it would have: the machine
# restarts, is off, or another kernel boots, with all CPUs, and attaches in its
# turn. In the case of a crash that kernel saves a dump, which has the panic.
# How the CPUs were at the end, modules/end_probe.c reports.
#
# Does not return, or not here; how the machine ends is a result, too, for the
# caller to see: tests/matrix. A panic restarts the machine, or starts the
# kernel loaded for it, so that what follows the panic has to work.
#
# usage: end.sh bare|attached WAY [CPU [busy]]
#
# attack-KIND: an attack, with policy/action at "panic". What it does with "log"
# and bare is tested elsewhere (attacks.sh, exploits.sh, stacks.sh).
#
# The end comes from CPU (0); "busy": while another one executes CPUID with
# interrupts off. Control: the same bare.

. "$(dirname "$0")/carapace.sh"
. ./next_kernel.sh

# Results after those of all ways, from whichever kernel
declare -A more=(
	[restart]=1
	[power-off]=1
	[emergency-restart]=0
	[sysrq-power-off]=1
	[panic]=0
	[kexec]=6
	[kdump]=7
	[attack-register]=1
	[attack-code]=1
	[attack-exec]=1
	[attack-helper]=1
	[attack-carapace]=1
	[attack-return-address]=1
	[attack-frozen-frame]=1
	[attack-parked-stack]=1
)

declare -A attacks=(
	[attack-register]=REGISTER_CR4_SMEP
	[attack-code]=CODE_TEXT_DIRECT
	[attack-exec]=EXEC_KMALLOC
	[attack-helper]=HELPER_CORE_PATTERN_WRITE
	[attack-carapace]=SELF_POOL_DIRECT
)

# By the vulnerable driver, which is guarded
declare -A exploits=(
	[attack-return-address]=STACK_PARTIAL
	[attack-frozen-frame]=INDEXED_CORE
	[attack-parked-stack]=PARKED_CORE
)

sysrq()
{
	# Nothing that was printed shall be missing.
	sleep 0.1
	echo "$1" >/proc/sysrq-trigger
	# Some do their work later.
	sleep 30
}

end_by()
{
	case $1 in
	restart) busybox reboot -f ;;
	power-off) busybox poweroff -f ;;
	emergency-restart) sysrq b ;;
	sysrq-power-off) sysrq o ;;
	panic | kdump) sysrq c ;;
	kexec) kexec -e ;;
	attack-*)
		if [ -n "${exploits[$1]}" ]; then
			./exploit "${exploits[$1]}"
		else
			./attack "${attacks[$1]}"
		fi ;;
	esac
}

no_complaint()
{
	! dmesg | grep -E -e 'BUG: ' -e 'WARNING: ' -e 'Oops' -e 'rcu: INFO'
}

no_vmxe()
{
	local cr4
	# "none", then CR4 and three zeros
	read -r _ cr4 _ <<<"$(./ring0 "$1" read_cr4)"
	[ $((cr4 >> 13 & 1)) = 0 ]
}

in_and_out()
{
	attach && every_cpu is_guest && rmmod carapace && every_cpu is_bare
}

# In the kernel after kexec: ONLINE COUNTS
after_kexec()
{
	local before=$1
	shift
	go_on "$@"
	check "kexec: every CPU is online" equals "$(online)" "$before"
	check "kexec: every CPU is bare" every_cpu is_bare
	check "kexec: CR4.VMXE is clear" every_cpu no_vmxe
	check "kexec: attaches and detaches" in_and_out
	check "kexec: the log has no complaint" no_complaint
	ktap_finished
}

# On the job's disk, behind what belongs to the job (scripts/lab.d/job.py):
# this kernel's memory is too small for it.
dump_is_saved()
{
	local disk
	disk=$(./add_partition /dev/lab-job 1536) || return
	makedumpfile --message-level 4 -F -d 31 /proc/vmcore >"$disk" &&
		sync && matches "$(head -c 12 "$disk")" '^makedumpfile$'
}

dump_has_panic()
{
	vmcore-dmesg /proc/vmcore >/tmp/dump.dmesg &&
		grep -q 'Kernel panic - not syncing: sysrq triggered crash' \
			/tmp/dump.dmesg
}

dump_has_our_line()
{
	local expected
	[ "$1" = bare ] && expected=1 || expected=0
	returns $expected grep -q 'carapace: attached to CPUs' /tmp/dump.dmesg
}

# In the kernel after a crash: MODE ONLINE COUNTS
after_kdump()
{
	local mode=$1
	local before=$2
	shift 2
	go_on "$@"
	check "kdump: the CPUs are online" equals "$(online)" "$before"
	check "kdump: every CPU is bare" every_cpu is_bare
	check "kdump: CR4.VMXE is clear" every_cpu no_vmxe
	check "kdump: a dump is saved" dump_is_saved
	check "kdump: it has the panic" dump_has_panic
	check "kdump: and our line if there was one" dump_has_our_line "$mode"
	check "kdump: the log has no complaint" no_complaint
	ktap_finished
}

prepare_kexec()
{
	# Of this one and modules/end_probe.c
	ahead=2
	load_kernel -l "" end.sh after_kexec "$(online)"
}

# A kernel that starts on another CPU than the first must not send INIT to it:
# that would restart the machine.
prepare_kdump()
{
	local arguments=
	local expected
	expected=$(online)
	if [ "$cpu" != 0 ]; then
		arguments=disable_cpu_apicid=0
		expected=0
	fi
	ahead=1
	load_kernel -p "$arguments" end.sh after_kdump "$mode" "$expected"
}

# The choke points are not guarded: they would be asked before the stacks are.
prepare_exploit()
{
	insmod modules/carapace_vuln.ko &&
		echo carapace_vuln >$sysfs/returns/guard || return
	case $way in
	attack-frozen-frame) echo on >$sysfs/policy/frozen_frames ;;
	attack-parked-stack) echo on >$sysfs/policy/parked_stacks ;;
	esac
}

prepare_attack()
{
	if [ -n "${exploits[$way]}" ]; then
		prepare_exploit
	else
		insmod modules/attack.ko
	fi &&
		echo panic >$sysfs/policy/action &&
		printf "carapace: ATTACK kind=%s " "${way#attack-}" \
			>/sys/module/end_probe/parameters/message
}

be_busy()
{
	local other
	other=$(online_list | grep -vx "$cpu" | head -n 1)
	# 50 times longer than the rest takes
	./ring0 "$other" cpuid_loop 100000000 >/dev/null &
	sleep 0.2
}

case $1 in
after_*)
	"$@"
	exit
	;;
esac

mode=$1
way=$2
cpu=${3:-0}
busy=${4:-}

results=$((${more[$way]} + 2))
case $mode-$way in
attached-panic | attached-attack-*) results=$((results + 1)) ;;
esac
plan $results

loaded()
{
	case $way in
	kexec | kdump) "prepare_$way" ;;
	attack-*) prepare_attack ;;
	esac
}

# Restart at once
echo -1 >/proc/sys/kernel/panic
if [ "$mode" = attached ]; then
	is=is_guest
else
	is=is_bare
fi
insmod modules/end_probe.ko number=3 || exit 1
[ "$mode" = bare ] || attach || exit 1
check "before: every CPU is $mode" every_cpu $is
check "before: what comes then is there" loaded
if [ "$mode" = attached ]; then
	echo 1 >/sys/module/end_probe/parameters/ask
fi
taskset -p -c "$cpu" $$ >/dev/null
[ -z "$busy" ] || be_busy
end_by "$way"
exit 1
