#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each attack, bare and under each action
#
# usage: attacks.sh [MODE]... [GROUP]...
#
# bare	without Carapace: it succeeds. That is the control of all the others.
# off	attached, all guards off: it succeeds, and nobody is told.
# log	it succeeds and is reported.
# block	it has no effect, is reported, and whoever tried is dead; Linux is well.
# deny	the same with policy/dynamic_code at "deny", for what "seal" cannot stop
# open	attached as it is by default: the control of "lock"
# lock	attached and locked: it has no effect, and the shell stays on.
#
# A GROUP is the first word of attacks' names; without one, REGISTER.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

read_modes "$@"
: "${modes:=bare off log block}"
: "${groups:=REGISTER}"

# MODE ATTACK STATUS EFFECT KIND: what is expected of an attack. The first line
# that fits counts; what fits none has no meaning in that mode. EFFECT is an
# expression, KIND that of the report, none where it is "-".
#
# What a CPU does not have (CET, say) is skipped where EFFECT ends in "?".
# _NX and _SMEP: the CPU itself refuses, and no guard ever hears of it.
# EFER_NXE: without NX no stack can be used any more, nobody lives to tell.
# EXEC_MODULE_@(FORGED|FILLED): a page-table entry that asks for sealing is as good as a
# module that is loaded. Under "log" that is no violation either.
# CODE_REMAP_*, CODE_CALL_OTHER, CODE_PROBE_MIDDLE, EXEC_BPF_CONSTANTS: limits that the
# README states: page tables that lead to other data, or to other sealed code; what is
# legal for Linux's own patching; and jumps into sealed code. SELF_ANNOUNCE_BPF as well: Linux
# announces what a JIT writes, and so can an attacker. HELPER_RACE_*: what is written
# while a program is started that may be.
# SELF_DETACH, SELF_EXIT, SELF_CALL_SHUTDOWN: where they succeed there is nothing left
# to test.
expectations='
block	REGISTER_*			137	(no-effect|fault)?	register
*	REGISTER_EFER_NXE		-	-	-
bare	REGISTER_*			0	succeeded?	-
off	REGISTER_*			0	succeeded?	-
log	REGISTER_*			0	succeeded?	register

bare	EXEC_*_@(NX|SMEP)		0	fault		-
off	EXEC_*_@(NX|SMEP)		0	fault		-
log	EXEC_*_@(NX|SMEP)		0	fault		-
block	EXEC_*_@(NX|SMEP)		0	fault		-

bare	@(CODE|EXEC|HELPER)_*		0	succeeded	-
off	@(CODE|EXEC|HELPER)_*		0	succeeded	-
@(log|block)	@(CODE_REMAP_*|CODE_CALL_OTHER|CODE_PROBE_MIDDLE|EXEC_BPF_CONSTANTS|HELPER_RACE_*)	0	succeeded	-
log	CODE_REMAP			0	succeeded	exec
log	CODE_*				0	succeeded	code
log	EXEC_@(USER|VMALLOC_USER)	0	succeeded	register
log	EXEC_MODULE_@(FORGED|FILLED)	0	succeeded	-
log	EXEC_*				0	succeeded	exec
log	HELPER_*			0	succeeded	helper
block	CODE_REMAP			137	no-effect	exec
deny	CODE_ENTRY_ALIAS		0	not-here	-
@(block|deny)	CODE_@(PROBE_GADGET|ENTRY_*)	137	no-effect	code
block	CODE_*				137	(no-effect|fault)	code
block	EXEC_MODULE_@(FORGED|FILLED)	0	succeeded	-
deny	EXEC_MODULE_@(FORGED|FILLED)	137	no-effect	exec
block	EXEC_@(USER|VMALLOC_USER)	137	(no-effect|fault)	register
block	EXEC_*				137	(no-effect|fault)	exec
block	HELPER_*			0	no-effect	helper
lock	HELPER_HOOK_*			0	no-effect	helper

*	SELF_RING3			0	fault		-
bare	SELF_@(POOL|RELEASE)_*		0	succeeded	-
bare	SELF_ANNOUNCE_TEXT		0	succeeded	-
bare	SELF_@(NUMBERS|WEAKEN_*|UNLOCK|DETACH)	0	fault	-
open	SELF_@(WEAKEN_*|UNLOCK|STORE|CALL_SUSPEND|CALL_TEARDOWN|CALL_STOP)	0	succeeded	-
lock	SELF_CALL_STOP			137	no-effect	register
lock	SELF_@(NUMBERS|WEAKEN_*|UNLOCK|DETACH|STORE|EXIT|CALL_*)	0	no-effect	-
@(block|lock)	SELF_*_WP		137	(no-effect|fault)	register
@(block|lock)	SELF_POOL_*		137	(no-effect|fault)	carapace
@(log|block|lock)	SELF_ANNOUNCE_BPF	0	succeeded	-
@(block|lock)	SELF_@(TEXT|RODATA|RELEASE|ANNOUNCE)_*	137	(no-effect|fault)	code
log	SELF_POOL_*			0	(no-effect|fault)	carapace
log	SELF_@(TEXT|RODATA|RELEASE|ANNOUNCE)_*	0	succeeded	code
'

# Guards that have to be off in "log" and "block", so that the one that an
# attack is about gets to answer. What of registers the execution guard needs it
# keeps by itself.
declare -A other_guards=([CODE]=registers [EXEC]=registers)

# What the attacks use: a stock module, and filters that are compiled
prepare()
{
	modprobe dummy numdummies=0 &&
		echo 1 > /proc/sys/net/core/bpf_jit_enable &&
		insmod modules/attack.ko
}

# Before 5.18 a BPF program is written to as data, and sealed when it first runs: a limit.
# Nor does the kernel have the functions that CODE_MODULE_POKE* is by.
without_packs='
@(log|block)	CODE_BPF_*	0	succeeded	-
'

# What this kernel has, by its symbols. To read /proc/kallsyms takes the emulator ten
# seconds, and the vulnerable driver none.
insmod modules/carapace_vuln.ko
./vuln address text_poke_set > /dev/null 2>&1 && has_packs=1 || has_packs=0
reboot_table=$(./vuln address kern_reboot_table 2> /dev/null)
rodata=$(./vuln address __start_rodata)
rodata_end=$(./vuln address __end_rodata)
rmmod carapace_vuln

[ $has_packs = 1 ] || expectations=$without_packs$expectations

# Without execute rights by mode in EPT, only SMEP and NX are pinned: who writes
# page-table entries runs what he likes. That is a limit, too.
without_mbec='
@(log|block)	EXEC_!(USER|VMALLOC_USER|*_NX|*_SMEP)	0	succeeded	-
'
grep -qw ept_mode_based_exec /proc/cpuinfo ||
	expectations=$without_mbec$expectations

read_rules "$expectations"

# expected MODE ATTACK: sets status, effect and kind; false when there is none
expected()
{
	local i
	for ((i = 0; i < ${#rules[@]}; i += 5)); do
		# They are patterns.
		# shellcheck disable=SC2053
		if [[ $1 = ${rules[i]} && $2 = ${rules[i + 1]} ]]; then
			status=${rules[i + 2]}
			effect=${rules[i + 3]}
			kind=${rules[i + 4]}
			[ "$status" != - ]
			return
		fi
	done
	return 1
}

# list MODE: the attacks that have a meaning in it
list()
{
	local group attack
	for group in $groups; do
		for attack in $(./attack --list "$group"); do
			expected "$1" "$attack" && echo "$attack"
		done
	done
}

# Attack in a process of its own; what kills it, and what it left behind. Under "log", a
# page that was let run stays so until a policy is written, whoever has it next.
perform()
{
	local found_status=0 found_effect report fn comm=attack context=task
	mark_log
	[ "$1" != log ] || echo log > $sysfs/policy/action
	./attack "$2" > /dev/null 2>&1 || found_status=$?
	found_effect=$(./attack --last)
	report=$(log_since_mark | grep "carapace: ATTACK")

	equals "$found_status" "$status" || return
	matches "$found_effect" "^${effect%\?}\$" || return
	if [ "$kind" = - ]; then
		equals "$report" ''
		return
	fi
	# User code and data have no symbol. A helper has a process of its own.
	case $kind in
	register|code)	fn='[a-z_0-9.]+\+0x' ;;
	*)		fn='[^ ]+' ;;
	esac
	# Up to 5.18 it is a kernel thread until it has become the program.
	[ "$kind" = helper ] && comm='[^ ]+' context='(task|kthread)'
	matches "$report" \
		"ATTACK kind=$kind cpu=[0-9]+ pid=[0-9]+ comm=$comm context=$context .*fn=$fn.* action=${1/#@(lock|deny)/block}\$"
}

try()
{
	expected "$1" "$2"
	if [ "${effect%\?}" != "$effect" ] &&
	   ! grep -Eqw "$(feature "$2")" /proc/cpuinfo; then
		skip "$1: $2" "this CPU does not have it, or this kernel does not know it"
		return
	fi
	if [ "$2" = HELPER_CORE_PATTERN_SYSCTL ] &&
	   ((reboot_table >= rodata && reboot_table < rodata_end)); then
		skip "$1: $2" "this kernel's sysctls are read-only data"
		return
	fi
	if [ "$2" = HELPER_CORE_PATTERN_SYSCTL ] && [ ! "$reboot_table" ]; then
		skip "$1: $2" "this kernel uses a copy of that table, which has no name"
		return
	fi
	if [[ $2 = CODE_MODULE_POKE* ]] && [ $has_packs = 0 ]; then
		skip "$1: $2" "this kernel does not write code by such functions"
		return
	fi
	check "$1: $2" perform "$1" "$2"
}

# What /proc/cpuinfo must have, where it is not everywhere that Carapace runs
feature()
{
	case $1 in
	REGISTER_S_CET_IBT)	echo ibt ;;
	REGISTER_CR4_CET)	echo 'ibt|user_shstk' ;;
	REGISTER_CR4_UMIP)	echo umip ;;
	REGISTER_CR4_LASS)	echo lass ;;
	*)			echo fpu ;;
	esac
}

# What the CPU itself refuses is an oops that the attacker swallows (attack_exec.c), and
# of SELF_EXIT, locked, Carapace warns; nothing else of that kind is to be in the log.
complaints()
{
	dmesg | grep -v 'WARNING: .* carapace_exit+' |
		grep -E -e 'WARNING: ' -e 'rcu: INFO' -e 'INFO: task' -e 'lockup' \
			-e 'unchecked MSR' -e 'scheduling while atomic'
	# With LASS, which 6.19 is the first to use, that of the attacker is one.
	dmesg | awk '/general protection fault/ { line = $0 }
		     line && / Comm: / { if (!/ Comm: attack /) print line; line = "" }
		     END { if (line) print line }'
}

healthy()
{
	equals "$(complaints)" '' &&
	equals "$(cat $sysfs/state)" attached &&
	equals "$(cat $sysfs/cpus)" "$(online)" &&
	equals "$(bash -c 'echo $((6 * 7))')" 42
}

# The events file counts what the log told of, and nothing else
counted()
{
	local count
	count=$(counted_attacks)
	case $1 in
	off|open)	equals "$count" 0 || return ;;
	*)		[ "$count" -gt 0 ] || return ;;
	esac
	healthy
}

# Locked: what rmmod does, and writing weaker values
stays_on()
{
	! rmmod carapace 2>/dev/null &&
	! echo off > $sysfs/policy/lock &&
	! echo log > $sysfs/policy/action &&
	! echo off > $sysfs/policy/registers &&
	healthy
} 2>/dev/null

begin()
{
	local group file
	# Without parameters of the module's.
	# shellcheck disable=SC2119
	[ "$1" = bare ] || attach || return
	case $1 in
	off)
		for file in registers code exec helpers; do
			[ ! -e $sysfs/policy/$file ] ||
				echo off > $sysfs/policy/$file
		done ;;
	log|block)
		echo "$1" > $sysfs/policy/action
		for group in $groups; do
			for file in ${other_guards[$group]}; do
				echo off > "$sysfs/policy/$file"
			done
		done ;;
	deny)
		echo deny > $sysfs/policy/dynamic_code ;;
	lock)
		echo on > $sysfs/policy/lock ;;
	esac
}

end()
{
	case $1 in
	bare)
		check "bare: nothing of ours" is_gone
		return ;;
	lock)
		check "lock: counted, and stays on" eval \
			'counted lock && stays_on'
		return ;;
	esac
	check "$1: counted, and Linux is well" counted "$1"
	rmmod carapace
}

shopt -s extglob
prepare
tests=0
for mode in $modes; do
	tests=$((tests + $(list "$mode" | wc -l) + 1))
done
plan "$tests"

for mode in $modes; do
	begin "$mode"
	for attack in $(list "$mode"); do
		try "$mode" "$attack"
	done
	end "$mode"
done
# Locked, no module goes.
rmmod attack 2>/dev/null
ktap_finished
