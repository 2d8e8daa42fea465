#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every stock module that this machine can load, it can load and unload attached
#
# usage: stock_modules.sh [PART/PARTS]
#
# All are loaded, and stay; then all are unloaded. Control: bare, where many do
# not load, for want of a device. Attached they fail alike, with the same words.
# The PARTth of PARTS portions is for where time matters.

# shellcheck source=tests/guest/carapace.sh
. ./carapace.sh

work=/run/stock-modules
portion=${1:-1/1}

# left_out MODULE: why it is not loaded
left_out()
{
	case $1 in
	kvm_intel)
		echo "attached, the CPU has no VMX, as the README says"
		;;
	esac
}

loaded()
{
	cut -d ' ' -f 1 /proc/modules | sort
}

names()
{
	find "/lib/modules/$(uname -r)/kernel" -name '*.ko*' |
		sed 's|.*/||; s|\.ko.*||; y|-|_|' | sort |
		awk -v part="${portion%/*}" -v parts="${portion#*/}" \
			'NR % parts == part - 1'
}

# Those that nothing uses, until none goes any more
unload_all()
{
	local before
	until [ "$before" = "$(loaded)" ]; do
		before=$(loaded)
		awk '$3 == 0 { print $1 }' /proc/modules |
			grep -vxF -f $work/before -e carapace |
			while read -r module; do
				rmmod "$module" 2> /dev/null
			done
	done
}

# phase NAME MODULE...: load all, unload all; keep what became of each
phase()
{
	local name=$1
	local module said start=$SECONDS
	shift
	for module; do
		said=$(modprobe "$module" 2>&1) && said=loaded
		echo "$module ${said##*: }"
	done > $work/"$name.load"
	echo "# $name: $(loaded | wc -l) modules at once," \
		"$((SECONDS - start)) s"
	unload_all
	loaded > $work/"$name.left"
	echo "# $name: $(wc -l < $work/"$name.left") left," \
		"$((SECONDS - start)) s"
}

# said FILE MODULE: what became of its loading
said()
{
	sed -n "s/^$2 //p" $work/"$1.load"
}

no_alarm()
{
	equals "$(counted_attacks)" 0
}

mkdir -p $work
loaded > $work/before
modules=()
for name in $(names); do
	reason=$(left_out "$name")
	if [ -n "$reason" ]; then
		echo "# left out: $name: $reason"
	elif ! grep -qx "$name" $work/before; then
		modules+=("$name")
	fi
done

plan $((${#modules[@]} + 5))
phase bare "${modules[@]}"
check "attach" attach
phase attached "${modules[@]}"
check "no alarm" no_alarm
check "all CPUs are attached" all_are attached "$(online)"
check "the same modules are left" \
	diff $work/bare.left <(grep -vx carapace $work/attached.left)
check "detach" rmmod carapace
for name in "${modules[@]}"; do
	bare=$(said bare "$name")
	[ "$bare" = loaded ] || echo "# $name: $bare"
	check "$name" equals "$(said attached "$name")" "$bare"
done
echo "# not to be unloaded: $(comm -13 $work/before $work/bare.left | xargs)"
echo "# $(grep -c ' loaded$' $work/bare.load) of ${#modules[@]} can be loaded"
ktap_finished
