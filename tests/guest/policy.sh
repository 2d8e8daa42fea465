#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The policy: profiles and single values, as files and as the module's
# parameters, and what may be changed to what
#
# usage: policy.sh [lock]
#
# lock: what is locked from the beginning, which takes a machine of its own

. "$(dirname "$0")/carapace.sh"

# policy_is NAME=VALUE...
policy_is()
{
	local pair
	for pair; do
		equals "${pair%%=*}=$(cat "$sysfs/policy/${pair%%=*}")" \
			"$pair" || return
	done
}

# set_policy NAME=VALUE...
set_policy()
{
	local pair
	for pair; do
		echo "${pair#*=}" 2>/dev/null >"$sysfs/policy/${pair%%=*}" ||
			return
	done
}

# refused PATTERN NAME=VALUE: and nothing has changed
refused()
{
	local before after
	before=$(head "$sysfs"/policy/*)
	mark_log
	! set_policy "$2" || return
	after=$(head "$sysfs"/policy/*)
	equals "$after" "$before" && one_line "$1"
}

monitor="profile=monitor action=log code=on exec=on registers=on helpers=on
	dynamic_code=seal parked_stacks=off frozen_frames=off"
balanced="profile=balanced action=block code=on exec=on registers=on helpers=on
	dynamic_code=seal parked_stacks=off frozen_frames=off"
strict="profile=strict action=block code=on exec=on registers=on helpers=on
	dynamic_code=deny parked_stacks=on frozen_frames=on"

# The lists are to be split.
# shellcheck disable=SC2086
profiles_set_all()
{
	policy_is $balanced &&
	set_policy action=panic exec=off profile=monitor && policy_is $monitor &&
	set_policy profile=strict && policy_is $strict &&
	set_policy profile=balanced && policy_is $balanced lock=off
}

# A value that differs, and back
single_values_are_custom()
{
	local pair
	for pair in action=panic action=log code=off exec=off registers=off \
		helpers=off returns=off dynamic_code=deny parked_stacks=on \
		frozen_frames=on; do
		set_policy profile=balanced "$pair" || return
		case $pair in
		action=log) policy_is profile=monitor ;;
		*) policy_is profile=custom ;;
		esac || return
		policy_is "$pair" || return
	done
	set_policy frozen_frames=off parked_stacks=off dynamic_code=seal helpers=on \
		returns=on &&
		policy_is profile=balanced
}

words_that_do_not_exist()
{
	refused "profile: 'custom' is none of its values" profile=custom &&
	refused "profile: '' is none" profile= &&
	refused "action: 'blocks' is none" action=blocks &&
	refused "lock: '1' is none" lock=1 &&
	! printf 'off\0on' 2>/dev/null >$sysfs/policy/code &&
	! head -c 5000 /dev/zero 2>/dev/null >$sysfs/policy/code &&
	policy_is code=on
}

# What an attack comes to on each CPU, at once after a change
in_force_at_once()
{
	local cpu
	for cpu in $(online_list); do
		set_policy action=log
		taskset -c "$cpu" ./attack REGISTER_CR4_SMAP >/dev/null 2>&1
		equals "$(./attack --last)" succeeded || return
		set_policy action=block
		taskset -c "$cpu" ./attack REGISTER_CR4_SMAP >/dev/null 2>&1
		equals "$(./attack --last)" no-effect || return
	done
}

# Of each file that can be written: what somebody else's write comes to, and root's
# without the capability; and root's, of what is there, or of nothing sensible
nobody_else_may()
{
	local file word nobody="setpriv --reuid 65534 --clear-groups"
	local incapable="setpriv --bounding-set -sys_admin --inh-caps -sys_admin"
	$nobody test -r $sysfs/policy/profile || return
	# The words are to be split.
	# shellcheck disable=SC2086
	for file in $sysfs/policy/* $sysfs/returns/guard $sysfs/returns/unguard; do
		word=$(cat "$file" 2>/dev/null || echo vmlinux)
		returns $EACCES $nobody ./write_errno "$file" "$word" &&
		returns $EPERM $incapable ./write_errno "$file" "$word" &&
		returns $EINVAL ./write_errno "$file" '' || {
			echo "$file"
			return 1
		}
		case $file in
		*/returns/*)	;;
		*)		returns 0 ./write_errno "$file" "$word" || return ;;
		esac
	done
	while read -r file; do
		# shellcheck disable=SC2086
		returns $EACCES $nobody ./write_errno "$file" 1 || {
			echo "$file"
			return 1
		}
	done < <(find $sysfs -type f ! -path "$sysfs/policy/*" \
		! -name guard ! -name unguard)
	policy_is profile=balanced && equals "$(cat $sysfs/returns/modules)" ''
}

# guarded_are NAME...
guarded_are()
{
	equals "$(sort $sysfs/returns/modules | tr '\n' ' ')" "$(printf '%s ' "$@")"
}

# The driver comes and goes, and is guarded as often as it comes, until it is
# said not to be.
awaited()
{
	guarded_are ata_piix sd_mod &&
	insmod modules/carapace_vuln.ko &&
	guarded_are ata_piix carapace_vuln sd_mod &&
	rmmod carapace_vuln && guarded_are ata_piix sd_mod &&
	insmod modules/carapace_vuln.ko &&
	guarded_are ata_piix carapace_vuln sd_mod &&
	rmmod carapace_vuln &&
	echo carapace_vuln > $sysfs/returns/unguard &&
	insmod modules/carapace_vuln.ko && guarded_are ata_piix sd_mod &&
	rmmod carapace_vuln
}

parameters()
{
	attach "exec=off profile=monitor helpers=off dynamic_code=deny" &&
	policy_is profile=custom action=log exec=off helpers=off code=on \
		dynamic_code=deny lock=off &&
	rmmod carapace &&
	attach "action=panic registers=off code=off lock=off" &&
	policy_is profile=custom action=panic dynamic_code=seal registers=off \
		code=off exec=on lock=off &&
	rmmod carapace &&
	attach "guard=ata_piix,carapace,carapace_vuln,sd_mod" && awaited &&
	rmmod carapace &&
	attach "guard=*" && grep -qx '\*' $sysfs/returns/modules &&
	! grep -qx carapace $sysfs/returns/modules &&
	echo '*' > $sysfs/returns/unguard &&
	equals "$(cat $sysfs/returns/modules)" ''
}

# bad_parameter PATTERN PARAMETERS
bad_parameter()
{
	mark_log
	returns $EINVAL attach "$2" && is_gone && one_line "$1"
}

bad_parameters()
{
	bad_parameter "profile: 'none' is none" profile=none &&
	bad_parameter "profile: 'custom' is none" profile=custom &&
	bad_parameter "action: '' is none" action= &&
	bad_parameter "lock: 'yes' is none" "profile=strict lock=yes"
}

# Nor unguarded, which is weaker, too
stays_guarded()
{
	mark_log
	! echo "$1" 2>/dev/null >$sysfs/returns/unguard &&
	one_line "returns/unguard: nothing is unguarded: the kernel is locked down" &&
	grep -qx overlay $sysfs/returns/modules
}

locked_down()
{
	set_policy profile=balanced
	modprobe overlay && echo overlay >$sysfs/returns/guard || return
	echo integrity >/sys/kernel/security/lockdown || return
	refused "profile stays as it is: the kernel is locked down" \
		profile=monitor &&
	refused "action stays as it is: the kernel is locked down" action=log &&
	refused "exec stays as it is: the kernel is locked down" exec=off &&
	stays_guarded overlay && stays_guarded '*' &&
	set_policy profile=balanced action=panic && policy_is action=panic &&
	refused "profile stays as it is: the kernel is locked down" \
		profile=balanced &&
	set_policy dynamic_code=deny && policy_is profile=custom
}

# shellcheck disable=SC2086
locked_from_the_beginning()
{
	mark_log
	attach "lock=on profile=strict" && policy_is $strict lock=on &&
	one_line 'attached to CPUs'
}

locked_only_tightens()
{
	refused 'profile stays as it is: .* locked until' profile=balanced &&
	refused 'profile stays as it is: .* locked until' profile=monitor &&
	refused 'lock stays as it is: .* locked until' lock=off &&
	refused 'code stays as it is: .* locked until' code=off &&
	set_policy profile=strict action=panic &&
	policy_is profile=custom action=panic &&
	! rmmod carapace 2>/dev/null && every_cpu is_guest
}

# Not all or nothing would be: guarded, and not locked
lock_that_cannot_be()
{
	echo 0 >/sys/devices/system/cpu/cpu1/online || return
	mark_log
	returns $EBUSY attach "lock=on"
	local status=$?
	one_line 'lock stays off: not all CPUs are attached' && is_gone || status=1
	echo 1 >/sys/devices/system/cpu/cpu1/online
	return $status
}

if [ "${1-}" = lock ]; then
	plan 3
	insmod modules/ring0_exec.ko
	check "a lock that cannot be is no attachment" lock_that_cannot_be
	check "locked from the beginning" locked_from_the_beginning
	check "then it only gets tighter" locked_only_tightens
	ktap_finished
fi

plan 8
insmod modules/attack.ko
attach
check "profiles set all values" profiles_set_all
check "a single value makes another profile, or none" single_values_are_custom
set_policy profile=balanced
check "words that do not exist change nothing" words_that_do_not_exist
check "changes are in force on all CPUs at once" in_force_at_once
check "it takes CAP_SYS_ADMIN" nobody_else_may
rmmod carapace
check "parameters that do not exist: not loaded, and one line" bad_parameters
check "others say the same from the beginning" parameters
check "under lockdown nothing gets weaker" locked_down
rmmod carapace
rmmod attack
ktap_finished
