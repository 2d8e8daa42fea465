#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own suites give the same results attached as bare
#
# usage: suites.sh SUITE...
#
# A SUITE is a collection of the kernel's selftests, a part of one (ftrace/PART,
# a folder of test cases; mm/PART, a category), test_bpf, or samples: modules
# from the kernel's samples/ that patch its code. Every program runs bare, then
# attached. A result of ours is one of theirs: ok when it is the same
# both times, also when the test fails or is skipped both times, which is said.
#
# Where a result differs, its program runs bare again, up to three times. If the
# bare results differ among themselves, there is nothing to compare with, and ours
# is a skip that says so. If they are all the same, attached is different.
#
# What cannot run here is in left_out, with the reason.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

kselftest=/opt/kselftest
work=/run/suites
tracing=/sys/kernel/tracing
# For each program, in the guest's time; what stalls ends so, and is compared
limit=${LIMIT:-3600}

# left_out PROGRAM: why it does not run
left_out()
{
	case $1 in
	breakpoints:breakpoint_test)
		echo "stalls a CPU of the emulator, bare"
		;;
	livepatch:test-ftrace.sh)
		echo "it clears kernel.ftrace_enabled, which is EBUSY while" \
			"Carapace has hooks that must not be turned off, as" \
			"livepatches have (legit.sh)"
		;;
	x86:test_shadow_stack_64)
		echo "bare, it dies of SIGILL or SIGSEGV when something else runs" \
			"on its CPU (11 of 11 times), and when nothing does it fails" \
			"at userfaultfd (6 of 6)"
		;;
	esac
}

# What is in the kernel's log by now is in the file, too
wait_for_log()
{
	local mark="suites: until here $EPOCHREALTIME"
	echo "$mark" > /dev/kmsg
	until grep -qF "$mark" $work/log; do
		sleep 0.2
	done
}

# programs SUITE: of which it is made
programs()
{
	local collection=${1%%/*}
	case $1 in
	samples)
		printf 'samples:%s\n' ftrace-direct ftrace-direct-too \
			ftrace-direct-modify ftrace-direct-multi \
			ftrace-direct-multi-modify ftrace-ops kprobe_example \
			kretprobe_example
		return
		;;
	test_bpf)
		echo test_bpf:all
		return
		;;
	esac
	grep "^$collection:" $kselftest/kselftest-list.txt |
		sed "s|^$collection:|$1:|"
}

# What the module logs of each of its tests, as KTAP
run_test_bpf()
{
	local mark="suites: from here on $EPOCHREALTIME"
	local status=0
	echo "$mark" > /dev/kmsg
	modprobe test_bpf || status=$?
	modprobe -r test_bpf
	wait_for_log
	sed "1,/$mark\$/d" $work/log |
		awk -v number=1 '
			!sub(/^.*test_bpf: #/, "") { next }
			{ sub(/jited:0/, "not jited") }
			/ PASS/ { print "ok", number++, $0; next }
			{ print "not ok", number++, $0 }'
	step 1 load [ $status = 0 ]
}

# What modules say, in the trace or in the log, when they have done their work
samples_say()
{
	case $1 in
	ftrace-direct) echo "waking up" ;;
	ftrace-direct-too) echo "handle mm fault" ;;
	ftrace-direct-modify) printf 'my direct func%s\n' 1 2 ;;
	ftrace-direct-multi) echo ": ip ff" ;;
	ftrace-direct-multi-modify) printf 'my direct func%s ip\n' 1 2 ;;
	ftrace-ops) echo "Attempted .* calls" ;;
	kprobe_example) printf 'handler_%s: <kernel_clone>\n' pre post ;;
	kretprobe_example) echo "kernel_clone returned" ;;
	esac
}

# step NUMBER NAME COMMAND...: as KTAP
step()
{
	local number=$1
	local name=$2
	shift 2
	if "$@"; then
		echo "ok $number $name"
	else
		echo "not ok $number $name # exit=$?"
	fi
}

run_sample()
{
	local mark="suites: from here on $EPOCHREALTIME"
	local pattern parameters=
	local number=3
	# Else it is done when it is loaded, which fails, then
	[ "$1" != ftrace-ops ] || parameters=persist=1
	: > $tracing/trace
	echo "$mark" > /dev/kmsg
	step 1 load modprobe "$1" $parameters
	# Some change what they do every two seconds
	sleep 5
	/bin/true
	step 2 unload modprobe -r "$1"
	wait_for_log
	sed "1,/$mark\$/d" $work/log | cat - $tracing/trace > $work/said
	while read -r pattern; do
		step $((number++)) "$pattern" grep -q "$pattern" $work/said
	done < <(samples_say "$1")
}

# run PROGRAM: prints what its runner prints
run()
{
	local suite=${1%%:*}
	local part=${suite#*/}
	local collection=${suite%%/*}
	case $suite in
	test_bpf)
		run_test_bpf
		return
		;;
	samples)
		run_sample "${1#*:}"
		return
		;;
	ftrace/*)
		# ftracetest-ktap, which the runner runs, hands no arguments on
		cd $kselftest/ftrace &&
			timeout $limit ./ftracetest -K -v "test.d/$part"
		return
		;;
	mm/*)
		export KSELFTEST_RUN_VMTESTS_SH_ARGS="-t $part"
		;;
	cpu-hotplug)
		export KSELFTEST_CPU_ON_OFF_TEST_SH_ARGS=-a
		;;
	livepatch)
		# It only looks whether there is something; all is built
		export KDIR=/
		;;
	esac
	$kselftest/run_kselftest.sh -o $limit -t "$collection:${1#*:}"
}

# results: those in the output of a runner, one a line: result, tab, name. Many
# programs of x86 say [OK] and the like instead of KTAP. How often they say
# which belongs to their end.
results()
{
	awk '
		{ sub(/^[# \t]+/, "") }
		match($0, /^\[(OK|FAIL|PASS|SKIP|WARN|NOTE)\]/) {
			marks[substr($0, 1, RLENGTH)]++
			next
		}
		!/^(not )?ok [0-9]+/ { next }
		line { print line }
		{
			result = /^not / ? "not ok" : "ok"
			name = $0
			sub(/^(not )?ok [0-9]+[ \t-]*/, "", name)
			if (match(name, /# *(SKIP|XFAIL|TIMEOUT|exit=[0-9]+)/))
				result = result " " substr(name, RSTART, RLENGTH)
			sub(/[ \t]*#.*/, "", name)
			gsub(/\t/, " ", name)
			line = result "\t" name
		}
		END {
			if (line == "")
				line = "none\tno result at all"
			split(line, end, "\t")
			for (mark in marks)
				end[1] = end[1] " " marks[mark] mark
			print end[1] "\t" end[2]
		}'
}

# show NAME: print results as they come, for who waits; in a form that is none of
# ours
show()
{
	sed -u -n -E "s/^[# \t]*((not )?ok [0-9].*)/# $1: \1/p"
}

# phase NAME PROGRAM...: run them, and keep their output and results
phase()
{
	local name=$1
	local program file start shown
	shift
	mkdir -p $work/"$name"
	for program; do
		start=$SECONDS
		file=$work/$name/${program//\//.}
		echo "suites: $name: $program" > /dev/kmsg
		# The runner opens it once more, and writes to its end
		: > "$file.out"
		tail -n +1 -f "$file.out" > >(show "$name") &
		shown=$!
		(run "$program") >> "$file.out" 2>&1 < /dev/null
		kill $shown
		results < "$file.out" > "$file"
		echo "# $name: $program: $((SECONDS - start)) s"
	done
}

# compare PROGRAM: each result by its place, as verdict, tab, and words. Numbers
# in names (addresses, times, process IDs) don't count.
compare()
{
	local file=${1//\//.}
	local again=("$work"/again-*/"$file")
	[ -e "${again[0]}" ] || again=()
	awk -F '\t' -v program="$1" '
		FNR == 1 { run++ }
		{
			name = $2
			gsub(/0x[0-9a-f]+|[0-9.]+/, "N", name)
			result[run, FNR] = $1
			key[run, FNR] = $1 "\t" name
			words[run, FNR] = $2
			if (FNR > count)
				count = FNR
		}
		END {
			for (i = 1; i <= count; i++) {
				name = words[2, i]
				if ((1, i) in words)
					name = words[1, i]
				said = result[1, i]
				verdict = "equal"
				if (key[1, i] != key[2, i]) {
					verdict = "differs"
					said = said "; attached: " result[2, i]
				}
				for (j = 3; j <= run && verdict != "equal"; j++) {
					said = said "; bare: " result[j, i]
					if (key[j, i] != key[1, i])
						verdict = "unstable"
				}
				print verdict "\t" program ": " name "\t" said
			}
		}' "$work/bare/$file" "$work/attached/$file" "${again[@]}"
}

# differing PROGRAM: whether it has a result that does
differing()
{
	compare "$1" | grep -q '^differs'
}

# Kernel messages of a phase that complain, without what changes each time
complaints()
{
	sed -n "/suites: $1: /,/suites: end of $1\$/p" $work/log |
		grep -E -o -e 'BUG: .*' -e 'WARNING: .*' -e 'Oops.*' \
			-e 'rcu: INFO.*' -e 'INFO: task.*' \
			-e 'unchecked MSR.*' -e 'NMI received.*' \
			-e 'general protection fault.*' \
			-e 'unable to handle.*' -e 'carapace: .*' |
		sed -E 's/0x[0-9a-f]+|[0-9]+/N/g' | sort -u
}

# Not one that there was not bare as well
no_new_complaint()
{
	! comm -13 <(complaints bare) <(complaints attached) | grep .
}

no_alarm()
{
	equals "$(counted_attacks)" 0 &&
		! grep ATTACK $work/log
}

mkdir -p $work
# All that is written there, lest a mark is missing
echo on > /proc/sys/kernel/printk_devkmsg
dmesg --follow > $work/log &
follower=$!

all=()
for suite; do
	for program in $(programs "$suite"); do
		reason=$(left_out "$program")
		if [ -n "$reason" ]; then
			echo "# left out: $program: $reason"
		else
			all+=("$program")
		fi
	done
done

ktap_print_header

phase bare "${all[@]}"
echo "suites: end of bare" > /dev/kmsg
check "attach" attach
phase attached "${all[@]}"
echo "suites: end of attached" > /dev/kmsg
wait_for_log
check "no alarm" no_alarm
check "no complaint of the kernel's that was none bare" no_new_complaint
check "all CPUs are attached" all_are attached "$(online)"
check "detach" rmmod carapace
differ=("${all[@]}")
for round in 0 1 2 3; do
	[ $round = 0 ] || phase again-$round "${differ[@]}"
	still=()
	for program in "${differ[@]}"; do
		! differing "$program" || still+=("$program")
	done
	differ=("${still[@]}")
done

declare -A count
for program in "${all[@]}"; do
	while IFS=$'\t' read -r verdict name said; do
		count[$verdict]=$((${count[$verdict]:-0} + 1))
		case $verdict in
		equal)
			[ "$said" = ok ] || echo "# $name: both times $said"
			ktap_test_pass "$name"
			;;
		differs)
			echo "# $name: bare: $said"
			ktap_test_fail "$name"
			;;
		unstable)
			skip "$name" "bare: $said"
			;;
		esac
	done < <(compare "$program")
done
for program in "${differ[@]}"; do
	for name in bare attached again-3; do
		tail -n 40 "$work/$name/${program//\//.}.out" |
			sed "s/^/# $name: /"
	done
done
kill $follower
ktap_set_plan $((KTAP_TESTNO - 1))
echo "# $*: ${count[equal]:-0} equal, ${count[differs]:-0} differ," \
	"${count[unstable]:-0} unstable"
ktap_finished
