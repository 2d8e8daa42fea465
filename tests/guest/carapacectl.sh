#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tool, attached: what it shows is what sysfs and the log have, what it
# changes is changed, and its exit statuses are what its --help says
#
# Control: the same questions while nothing is attached.

. "$(dirname "$0")/carapace.sh"

OK=0
FAILED=1
USAGE=2
NOT_ATTACHED=3
PRIVILEGE=4
DEGRADED=6

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# json FILE EXPRESSION...: each is true; Python, about the texts "lines", the
# first of which is "j". An emulated machine takes its time for a Python.
json()
{
	python3 -c 'import json, os, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
j = lines[0] if lines else None
def read(name):
    return open(sys.argv[2] + "/" + name).read().strip()
def pairs(name):
    return dict(line.split() for line in read(name).splitlines())
for expression in sys.argv[3:]:
    if not eval(expression):
        sys.exit(f"not so: {expression}, in {lines}")' \
		"$1" "$sysfs" "${@:2}"
}

policy_is()
{
	equals "$(cat $sysfs/policy/action) $(cat $sysfs/policy/registers)" "$*"
}

# In a log that only tells, so that who attacks lives
attack()
{
	local program=${1:-./attack}
	"$program" REGISTER_CR4_SMAP >/dev/null 2>&1
	"$program" REGISTER_CR0_WP >/dev/null 2>&1
}

not_attached()
{
	says $NOT_ATTACHED 'not attached' carapacectl status &&
	says $NOT_ATTACHED '"state":"not attached"' carapacectl status --json &&
	says $NOT_ATTACHED 'not attached' carapacectl policy &&
	says $NOT_ATTACHED 'not attached' carapacectl top --rounds 1 &&
	says $NOT_ATTACHED 'not attached' carapacectl guard dummy &&
	says $NOT_ATTACHED 'not attached' carapacectl detach
}

same_as_sysfs()
{
	carapacectl status --json >"$work/json" &&
	json "$work/json" \
		"j['state'] == read('state') == 'attached'" \
		"j['version'] == read('version')" \
		"j['cpus'] == read('cpus') == j['online']" \
		"j['policy'] == {name: read('policy/' + name)
				 for name in os.listdir('$sysfs/policy')}" \
		"{name: 'yes' if of['present'] else 'no' for name, of
		  in j['capabilities'].items()} == pairs('capabilities')" \
		"j['stats']['pool_bytes'] == int(read('stats/pool_bytes'))"
}

cpuid_exits()
{
	cat $sysfs/stats/cpu*/exits/cpuid | paste -sd+ | bc
}

# What is guarded, in all and by module
guarded()
{
	local names
	says $OK '^guarded +no module' carapacectl status &&
	says $OK '^guarded vmlinux' carapacectl guard vmlinux ata_piix &&
	says $OK '^guarded +2 modules and the like: [1-9][0-9]* of [1-9]' \
		carapacectl status &&
	carapacectl status --json > "$work/json" || return
	names="functions,functions_of,returns,returns_of,untraceable,shared,changed"
	names+=",jumps,jumps_of"
	json "$work/json" \
		"','.join(j['coverage']['ata_piix']) == '$names'" \
		"sorted(j['coverage']) == ['ata_piix', 'vmlinux']" \
		"0 < j['coverage']['ata_piix']['returns']" \
		"j['coverage']['ata_piix']['returns_of'] > 5" &&
	says $OK '' carapacectl unguard '*' &&
	says $OK '^guarded +no module' carapacectl status
}

exits_add_up()
{
	local before after
	before=$(cpuid_exits)
	carapacectl status --json >"$work/json" || return
	after=$(cpuid_exits)
	[ "$before" -gt 0 ] &&
	json "$work/json" "$before <= j['exits']['cpuid'] <= $after"
}

one_policy()
{
	says $OK '' carapacectl policy action=log && policy_is log on
}

two_policies()
{
	says $OK '' carapacectl policy action=panic registers=off &&
	policy_is panic off &&
	says $OK '^action=panic$' carapacectl policy &&
	says $OK '"registers":"off"' carapacectl policy --json
}

all_or_none()
{
	carapacectl policy action=block registers=on &&
	says $FAILED "'maybe' is none of its values" \
		carapacectl policy action=log registers=maybe &&
	policy_is block on
}

# A profile comes first, wherever it stands; and one that is refused leaves none
profiles()
{
	says $OK '' carapacectl policy action=log profile=strict &&
	policy_is log on &&
	equals "$(cat $sysfs/policy/profile $sysfs/policy/dynamic_code)" \
		$'custom\ndeny' &&
	says $OK '^policy +custom: action log,' carapacectl status &&
	says $FAILED "'maybe' is none of its values" \
		carapacectl policy profile=monitor registers=maybe &&
	equals "$(cat $sysfs/policy/profile $sysfs/policy/dynamic_code)" \
		$'custom\ndeny' &&
	says $FAILED "'custom' is none" carapacectl policy profile=custom &&
	carapacectl policy profile=balanced &&
	says $OK '^policy +balanced: action block,' carapacectl status
}

# What there is of it is another test's
guards_modules()
{
	says $USAGE 'which modules' carapacectl guard &&
	if [ -e $sysfs/returns ]; then
		says $FAILED 'nonesuch: ' carapacectl guard nonesuch
	else
		says $FAILED 'no return guard' carapacectl guard nonesuch &&
		says $FAILED 'no return guard' carapacectl unguard nonesuch
	fi
}

not_a_policy()
{
	says $USAGE 'no key' carapacectl policy action=log nonsense=1 &&
	says $USAGE 'not KEY=VALUE' carapacectl policy action &&
	policy_is block on
}

privileges()
{
	says $OK '^state +attached' nobody carapacectl status &&
	says $PRIVILEGE 'denied|permitted' nobody carapacectl policy action=log &&
	says $PRIVILEGE 'denied|permitted' nobody carapacectl log &&
	says $PRIVILEGE 'only root' nobody carapacectl detach &&
	policy_is block on
}

# Names, and a line that somebody else wrote
attack_is_logged()
{
	carapacectl policy action=log || return
	cp attack "$work/x action=none" || return
	attack "$work/x action=none"
	echo "<1>carapace: ATTACK kind=forged cpu=0 pid=1 comm=init action=log" \
		>/dev/kmsg
	carapacectl log --json >"$work/json" || return
	json "$work/json" \
		"len(lines) == $(dmesg | grep '\] carapace: ATTACK kind=' |
				 grep -vc forged) > 0" \
		"{l['comm'] for l in lines} == {'x action=none'}" \
		"{l['action'] for l in lines} == {'log'}" \
		"all(l['details'] for l in lines)"
}

since_now_there_is_nothing()
{
	equals "$(carapacectl log --since 0s)" '' &&
	matches "$(carapacectl log --since 1d)" 'register by x action=none'
}

# Those that were there before, and then one that comes while it waits
followed()
{
	local line='' reader
	coproc exec carapacectl log --follow --json
	reader=$COPROC_PID
	attack
	while [[ $line != *'"comm":"attack"'* ]]; do
		read -t 30 -r -u "${COPROC[0]}" line || break
	done
	kill "$reader"
	wait "$reader" 2>/dev/null
	matches "$line" '"comm":"attack".*"action":"log"'
}

# The same, as people read it: one line says what it was, the next one more of it
followed_for_people()
{
	local line='' more='' reader
	cp attack "$work/somebody" || return
	coproc exec carapacectl log --follow
	reader=$COPROC_PID
	attack "$work/somebody"
	while [[ $line != *' by somebody '* ]]; do
		read -t 30 -r -u "${COPROC[0]}" line || break
	done
	IFS= read -t 30 -r -u "${COPROC[0]}" more
	kill "$reader"
	wait "$reader" 2>/dev/null
	matches "$line" '  register by somebody \(pid [0-9]+\), action log$' &&
	matches "$more" '^    .* register=CR4'
}

counts()
{
	local count
	count=$(awk '$1 == "register" { print $2 }' $sysfs/events)
	carapacectl status --json >"$work/json" &&
	json "$work/json" "j['events']['register'] == $count > 0" \
		"j['events'] == {name: int(count) for name, count
				 in pairs('events').items()}" &&
	says $OK "^violations +register $count" carapacectl status
}

top_counts()
{
	local count output
	count=$(awk '$1 == "register" { print $2 }' $sysfs/events)
	output=$(carapacectl top --interval 0.1 --rounds 2) &&
	matches "$output" '^cpuid +[0-9.]+ +[0-9]+$' &&
	matches "$output" "^register +0\.0 +$count$" && [ "$count" -gt 0 ]
}

# Somebody else detaches, while it runs
top_ends()
{
	local line='' top fd status=0
	coproc exec carapacectl top --interval 0.5 2>&1
	top=$COPROC_PID
	exec {fd}<&"${COPROC[0]}"
	read -t 30 -r -u "$fd" line
	carapacectl detach >/dev/null || return
	cat <&"$fd" >"$work/top"
	wait "$top" || status=$?
	matches "$line" '^carapace attached, CPUs ' &&
	equals "$status" $NOT_ATTACHED &&
	matches "$(tail -n 1 "$work/top")" 'Carapace is not attached'
}

no_colours()
{
	! carapacectl status | grep -q $'\033'
}

degraded()
{
	attach_testing "" || return
	# HYPERCALL_TEST_FAULT
	./ring0 0 vmcall "$magic" 3 >/dev/null
	says $DEGRADED '^state +degraded' carapacectl status
	local status=$?
	carapacectl detach >/dev/null && return $status
}

plan 23
insmod modules/attack.ko

check "not attached, it says so" not_attached
check "attaches" says $OK "^attached to CPUs $(online)" \
	carapacectl attach "$CARAPACE_KO"
check "and is" every_cpu is_guest
check "does not attach twice" says $FAILED 'attached already' \
	carapacectl attach "$CARAPACE_KO"
check "status is what sysfs has" same_as_sysfs
check "exits are those of all CPUs" exits_add_up
check "changes a policy" one_policy
check "changes two at once" two_policies
check "all or none" all_or_none
check "profiles" profiles
check "guards modules, or says that it cannot" guards_modules
check "tells what is guarded" guarded
check "takes no other words" not_a_policy
check "asks for privileges where it takes some" privileges
check "shows attacks, and no line that a process wrote" attack_is_logged
check "shows none that are older than asked for" since_now_there_is_nothing
check "follows" followed
check "follows, for people" followed_for_people
check "counts violations" counts
check "top counts exits and violations" top_counts
check "no colours but on a terminal" no_colours
check "top ends when it is detached" top_ends
check "a degraded state has its status" degraded
rmmod attack
ktap_finished
