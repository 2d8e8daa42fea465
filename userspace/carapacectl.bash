# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion for carapacectl

declare -A _carapacectl_options=(
	[status]="--json"
	[doctor]="--json"
	[attach]="--keep-kvm"
	[detach]=""
	[policy]="--json"
	[lock]=""
	[guard]=""
	[unguard]=""
	[log]="--json --follow --since"
	[top]="--interval --rounds"
	[sites]="--json --summary --jobs"
	[verify]="--json"
)

declare -A _carapacectl_values=(
	[action]="log block panic"
	[code]="on off"
	[dynamic_code]="seal deny"
	[exec]="on off"
	[frozen_frames]="on off"
	[helpers]="on off"
	[lock]="on"
	[parked_stacks]="on off"
	[profile]="monitor balanced strict"
	[registers]="on off"
	[returns]="on off"
)

# What stands behind the command: an option, or what the command takes
_carapacectl_argument()
{
	local command=$1 current=$2 modules=
	local options=${_carapacectl_options[$command]}

	case $command,$current in
	*,-*)
		mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$current")
		;;
	attach,* | sites,*)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	verify,* | guard,* | unguard,*)
		[ "$command" = verify ] || modules=vmlinux
		modules+=" $(cut -d " " -f 1 /proc/modules 2>/dev/null)"
		mapfile -t COMPREPLY < <(compgen -W "$modules" -- "$current")
		;;
	policy,*)
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -S = \
			-W "${!_carapacectl_values[*]}" -- "$current")
		;;
	esac
}

_carapacectl()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local before=${COMP_WORDS[COMP_CWORD - 1]}
	local key=

	COMPREPLY=()
	# "KEY=VALUE" is three words to bash
	if [ "$current" = = ]; then
		key=$before
		current=
	elif [ "$before" = = ]; then
		key=${COMP_WORDS[COMP_CWORD - 2]}
	fi

	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"${!_carapacectl_options[*]} --help --version" \
			-- "$current")
	elif [ "$key" ]; then
		[ "${COMP_WORDS[1]}" = policy ] || return
		mapfile -t COMPREPLY < <(compgen -W \
			"${_carapacectl_values[$key]-}" -- "$current")
	elif [ "${_carapacectl_options[${COMP_WORDS[1]}]+known}" ]; then
		_carapacectl_argument "${COMP_WORDS[1]}" "$current"
	fi
}
complete -F _carapacectl carapacectl
