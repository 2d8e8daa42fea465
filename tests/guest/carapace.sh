# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the shell tests share. To be sourced by a script in the same directory.

cd "$(dirname "$(readlink -f "$0")")" || exit 1
# shellcheck source=/dev/null
. ../kselftest/ktap_helpers.sh

: "${CARAPACE_KO:=/root/carapace.ko}"
: "${CARAPACE_TESTING_KO:=/root/carapace-testing.ko}"
: "${CARAPACE_PARAMETERS:=}"
# on: tests run with PEBS on, on all CPUs; takes the testing build, and pebs=1
: "${PEBS:=off}"

sysfs=/sys/kernel/carapace

# What a hypercall of the guest half's begins with: vmx/hypercall.h
# shellcheck disable=SC2034
magic=0x6563617061726163

# errnos, as load_module returns them
# shellcheck disable=SC2034
{
	EPERM=1
	ENOENT=2
	EIO=5
	ENOMEM=12
	EACCES=13
	EBUSY=16
	EEXIST=17
	ENODEV=19
	EINVAL=22
	EILSEQ=84
	EOPNOTSUPP=95
	ECANCELED=125
}

# plan COUNT: how many tests there will be
#
# What the log said before is none of theirs, and each line costs those who read
# it about 40,000 instructions.
plan()
{
	dmesg -C
	ktap_print_header
	ktap_set_plan "$1"
}

# check DESCRIPTION COMMAND...: one test; what COMMAND prints goes with it
check()
{
	local description=$1
	local output
	shift
	if output=$("$@" 2>&1); then
		ktap_test_pass "$description"
	else
		[ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/# /'
		ktap_test_fail "$description"
	fi
}

# skip DESCRIPTION REASON
skip()
{
	echo "# $1: $2"
	ktap_test_skip "$1"
}

# equals FOUND EXPECTED
equals()
{
	[ "$1" = "$2" ] || {
		echo "found '$1', not '$2'"
		return 1
	}
}

# returns STATUS COMMAND...
returns()
{
	local expected=$1
	local status=0
	shift
	"$@" || status=$?
	equals "$status" "$expected"
}

matches()
{
	printf '%s\n' "$1" | grep -Eq -- "$2" || {
		echo "'$1' does not match '$2'"
		return 1
	}
}

# says STATUS PATTERN COMMAND...: ends so, and says so
says()
{
	local expected=$1
	local pattern=$2
	local status=0 output
	shift 2
	output=$("$@" 2>&1) || status=$?
	equals "$status" "$expected" && matches "$output" "$pattern"
}

# read_modes WORD...: sets modes, the words in small letters, and groups, the others
read_modes()
{
	local word
	modes=
	groups=
	for word; do
		case $word in
		[a-z]*)	modes+=" $word" ;;
		*)	groups+=" $word" ;;
		esac
	done
}

# read_rules TABLE: sets rules, the words of all its lines one after the other.
# To be read once, for Bash reads a byte at a time.
read_rules()
{
	local words
	rules=()
	while read -ra words; do
		rules+=("${words[@]}")
	done <<< "$1"
}

# impossible EXPLOIT: sets why this kernel does not have what it takes; to nothing where
# it has. PARKED_CORE's chain runs off the stacks of 5.10, and so does PARKED_DEEP's.
# There do_syscall_64() does not move the stack, and so needs no frame pointer. Without
# VMFUNC there is no stub that would note anything by itself, and its exception writes
# to the stack that it is tried on.
no_room="this kernel's stacks have no room for its chain"
impossible()
{
	why=
	if [[ $1 = @(TASK_STUB*|PIVOT_FULL) ]] && is_attached &&
	   ! grep -q '^vmfunc-eptp-switching yes$' $sysfs/capabilities; then
		why="this CPU has no VMFUNC"
	fi
	[[ $(uname -r) = 5.10.* ]] || return 0
	# shellcheck disable=SC2034
	case $1 in
	PARKED_CORE|PARKED_DEEP)
		why=$no_room ;;
	INDEXED_SAVED)
		why="this kernel's bsearch() has where it looks in another register than RBP" ;;
	INDEXED_FRAME_POINTER|PARKED_FRAME_POINTER)
		why="this kernel's do_syscall_64() returns without a frame pointer" ;;
	esac
}

# until_seconds COUNT COMMAND...: wait for what Linux does in its own time
until_seconds()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

# total COUNTER: of all CPUs
total()
{
	local counter sum=0
	for counter in "$sysfs"/stats/cpu*/"$1"; do
		sum=$((sum + $(cat "$counter")))
	done
	echo $sum
}

# counted_attacks: how many the events file tells of, of all kinds
counted_attacks()
{
	awk '{ sum += $2 } END { print sum }' $sysfs/events
}

# Parked stacks are compared: what is written to one is undone, and counted. Needs the
# vulnerable driver, unguarded.
are_compared()
{
	local before
	before=$(counted_attacks)
	returns 1 ./exploit TASK_SLEEPING >/dev/null 2>&1 &&
		[ "$(counted_attacks)" -gt "$before" ]
}

# No guarded return went through for want of something to compare with.
all_verified()
{
	equals "$(cat $sysfs/stats/returns_unverified)" 0 &&
		equals "$(cat $sysfs/stats/returns_unshadowed)" 0
}

# set_pebs CPU VALUE: IA32_PEBS_ENABLE, which reads as 0 where there is none
set_pebs()
{
	matches "$(./ring0 "$1" wrmsr 0x3f1 "$2" 0xffffffffffffffff)" '^none '
}

switch_pebs_on()
{
	set_pebs "$1" 1
}

# With those of the module's parameters that each attaching here has
attach()
{
	./load_module "$CARAPACE_KO" "$* $CARAPACE_PARAMETERS" || return
	[ "$PEBS" = off ] || every_cpu switch_pebs_on
}

attach_testing()
{
	./load_module "$CARAPACE_TESTING_KO" "$@"
}

is_attached()
{
	[ -d "$sysfs" ]
}

is_gone()
{
	[ ! -e "$sysfs" ] && ! grep -q '^carapace ' /proc/modules
}

online()
{
	cat /sys/devices/system/cpu/online
}

# The numbers of the CPUs that are online, one a line
online_list()
{
	local cpu
	for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
		if [ "$(cat "$cpu/online" 2>/dev/null || echo 1)" = 1 ]; then
			echo "${cpu##*/cpu}"
		fi
	done | sort -n
}

# Whether a CPU runs on the bare machine: VMX shows, and no hypercall answers
is_bare()
{
	local leaf1
	leaf1=$(./ring0 "$1" cpuid 1 0) || return
	# The results are EAX, EBX, ECX, EDX.
	# shellcheck disable=SC2086
	set -- "$1" $leaf1
	[ $((${5} >> 5 & 1)) = 1 ] || {
		echo "cpu$1: CPUID hides VMX"
		return 1
	}
	matches "$(./ring0 "$1" vmcall "$magic" 1)" '^6 '
}

# Whether it is attached: the other way round
is_guest()
{
	matches "$(./ring0 "$1" vmcall "$magic" 1)" '^none 0x676e6f70 ' &&
		! is_bare "$1" >/dev/null
}

every_cpu()
{
	local cpu
	for cpu in $(online_list); do
		"$1" "$cpu" || return
	done
}

# all_are bare|attached ONLINE: and these CPUs are online
all_are()
{
	equals "$(online)" "$2" || return
	if [ "$1" = bare ]; then
		every_cpu is_bare
		return
	fi
	equals "$(cat $sysfs/state)" attached &&
		equals "$(cat $sysfs/cpus)" "$2" && every_cpu is_guest
}

# From here on: what log_since_mark prints
mark_log()
{
	# Another one each time, in subshells, too
	log_mark="carapace-tests: mark $EPOCHREALTIME"
	echo "$log_mark" >/dev/kmsg
}

# Where the log has lost the mark, what came since then is not all there.
log_since_mark()
{
	dmesg | awk -v mark="$log_mark" '
		found
		substr($0, length($0) - length(mark) + 1) == mark { found = 1 }
		END { if (!found) print "] carapace: ATTACK? WARNING: the mark is gone" }'
}

# kernel_complaints [-e PATTERN]...: lines of standard input by which Linux says that
# something is wrong with it, and such as have one of the patterns
kernel_complaints()
{
	grep -E -e 'BUG: ' -e 'WARNING: ' -e 'Oops' -e 'rcu: INFO' \
		-e 'INFO: task' "$@"
}

# Linux has not complained since the mark. Faults of user mode count, too.
linux_is_well()
{
	! log_since_mark | kernel_complaints -e 'general protection fault'
}

# Neither a line of ours nor a complaint of the kernel's
no_complaint()
{
	! log_since_mark | grep -v carapace-tests |
		kernel_complaints -e carapace: -e 'unchecked MSR' \
			-e 'NMI received' -e 'general protection fault' \
			-e 'unable to handle'
}

# no_alarm MODE: nor, where it is not "bare", an attack
no_alarm()
{
	no_complaint || return
	[ "$1" = bare ] && return
	equals "$(counted_attacks)" 0 &&
		equals "$(cat $sysfs/state)" attached
}

our_lines()
{
	log_since_mark | grep -E '\] carapace: ' |
		grep -v -e 'loading out-of-tree' -e 'module verification failed'
}

# one_line PATTERN: since the mark we logged one line, and that is what it says
one_line()
{
	local lines
	lines=$(our_lines)
	equals "$(printf '%s\n' "$lines" | wc -l)" 1 &&
		matches "$lines" "$1"
}

# say_going_down 1|0: have Carapace think that Linux restarts, or no longer, by a write
# to its memory. Needs the vulnerable driver.
say_going_down()
{
	local at word
	at=$(./vuln address carapace:going_down)
	word=$(./vuln read "$at") &&
		./vuln write "$at" $(((word & ~0xff) | $1))
}
