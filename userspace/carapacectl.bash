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
	[help]=""
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

# Where the module shows what it guards
_carapacectl_guarded=/sys/kernel/carapace/returns/modules

# _carapacectl_complete WORDS CURRENT: adds to COMPREPLY
_carapacectl_complete()
{
	local words
	mapfile -t words < <(compgen -W "$1" -- "$2")
	COMPREPLY+=("${words[@]}")
}

# _carapacectl_names WORDS CURRENT: the same, and "*", with what keeps it from the shell
_carapacectl_names()
{
	_carapacectl_complete "$1" "$2"
	[[ '\*' != "$2"* ]] || COMPREPLY+=('\*')
}

_carapacectl_loaded()
{
	cut -d " " -f 1 /proc/modules 2>/dev/null
}

_carapacectl_files()
{
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# What attach takes: a file, and the module's parameters
_carapacectl_attach()
{
	local files
	mapfile -t COMPREPLY < <(compgen -S = \
		-W "${!_carapacectl_values[*]} disable guard" -- "$1")
	mapfile -t files < <(compgen -f -- "$1")
	if [ ${#COMPREPLY[@]} = 0 ]; then
		compopt -o filenames
	else
		compopt -o nospace
	fi
	COMPREPLY+=("${files[@]}")
}

# What stands behind the command: an option, or what the command takes
_carapacectl_argument()
{
	local command=$1 current=$2
	local options=${_carapacectl_options[$command]}

	case $command,$current in
	*,-*)
		_carapacectl_complete "$options --help" "$current"
		;;
	attach,*)
		_carapacectl_attach "$current"
		;;
	sites,*)
		_carapacectl_files "$current"
		;;
	verify,*)
		_carapacectl_files "$current"
		_carapacectl_complete "$(_carapacectl_loaded)" "$current"
		;;
	guard,*)
		_carapacectl_names "vmlinux $(_carapacectl_loaded)" "$current"
		;;
	unguard,*)
		_carapacectl_names \
			"$(grep -vxF '*' "$_carapacectl_guarded" 2>/dev/null)" \
			"$current"
		;;
	policy,*)
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -S = \
			-W "${!_carapacectl_values[*]}" -- "$current")
		;;
	help,*)
		_carapacectl_complete "${!_carapacectl_options[*]}" "$current"
		;;
	esac
}

# _carapacectl_value COMMAND KEY CURRENT: what KEY= could be
_carapacectl_value()
{
	case $1,$2 in
	attach,guard)
		_carapacectl_names "vmlinux $(_carapacectl_loaded)" "$3"
		;;
	attach,* | policy,*)
		_carapacectl_complete "${_carapacectl_values[$2]-}" "$3"
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
		_carapacectl_value "${COMP_WORDS[1]}" "$key" "$current"
	elif [ "${_carapacectl_options[${COMP_WORDS[1]}]+known}" ]; then
		_carapacectl_argument "${COMP_WORDS[1]}" "$current"
	fi
}
complete -F _carapacectl carapacectl
