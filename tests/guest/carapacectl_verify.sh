#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tool compares modules' code in memory with their files: all that Linux
# changes is known, and nothing else passes
#
# What differs is made in the files: the bytes in memory are the same either way.
# Control: the same files unchanged.
#
# usage: carapacectl_verify.sh [MODULE...]
#
# MODULEs, besides a few small ones. To list the kernel's symbols takes an
# emulated machine ten seconds, so each run of the tool compares a lot.

. "$(dirname "$0")/carapace.sh"

OK=0
FAILED=1

# Of many kinds of code: retpolines, alternatives, assembly, static calls
modules="dummy veth tcp_bbr aesni_intel sha512_ssse3 $*"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

load_modules()
{
	local module
	for module in $modules; do
		modprobe "$module" || echo "no $module"
	done
	insmod modules/attack.ko
	[ "$(wc -l </proc/modules)" -gt 10 ]
}

# Those that modprobe knows; the lab loads some of its initramfs's, which are the
# same files
stock_modules()
{
	cut -d ' ' -f 1 /proc/modules | grep -vE '^(attack|carapace)$'
}

# verify FILE...: stock modules and these, to be as in their files
same()
{
	local status=0
	# shellcheck disable=SC2046
	carapacectl verify $(stock_modules) "$@" >"$work/out" 2>&1 || status=$?
	cat "$work/out"
	equals "$status" $OK &&
	equals "$(grep -c ', as in /' "$work/out")" \
		"$(($(stock_modules | wc -l) + $#))"
}

bare()
{
	same "$PWD/modules/attack.ko"
}

# Bytes that Linux changes while a module runs, and Carapace itself
patched_meanwhile()
{
	local tracing=/sys/kernel/tracing status
	modprobe -r kvm_intel 2>/dev/null
	attach &&
	echo ':mod:dummy' >$tracing/set_ftrace_filter &&
	echo function >$tracing/current_tracer &&
	echo 'p:one dummy:dummy_xmit+9' >$tracing/kprobe_events &&
	echo 1 >$tracing/events/kprobes/one/enable || return
	same "$CARAPACE_KO" && matches "$(cat "$work/out")" \
		'^dummy: .* [0-9]+ function entries, 1 kprobes$'
	status=$?
	echo 0 >$tracing/events/kprobes/one/enable
	echo >$tracing/kprobe_events
	echo nop >$tracing/current_tracer
	return $status
}

# counted MODULE WORDS: how many of that kind are changed, says the tool
counted()
{
	sed -n "s/^$1: .*[ ]\([0-9]*\) $2.*/\1/p" "$work/out"
}

# as_guarded MODULE: the guarded returns, and jumps by which functions end, that the
# tool knows in it are the guard's
as_guarded()
{
	local returns jumps
	returns=$(sed -n "s/^$1 .* returns \([0-9]*\) of .*/\1/p" \
		$sysfs/returns/coverage)
	jumps=$(sed -n "s/^$1 .* jumps \([0-9]*\) of .*/\1/p" $sysfs/returns/coverage)
	[ "$returns" -gt 0 ] && [ "$jumps" -gt 0 ] &&
		equals "$(counted "$1" 'guarded returns')" $((returns + jumps))
}

# Returns that go through the guard, and the slots that call it
guarded()
{
	carapacectl guard dummy overlay || return
	same "$CARAPACE_KO" && as_guarded dummy && as_guarded overlay &&
	[ "$(counted overlay 'function entries')" -gt 0 ] &&
	equals "$(counted veth 'guarded returns')" ''
}

# Also those that come later
all_guarded()
{
	local module
	carapacectl guard '*' || return
	modprobe -r tcp_bbr && modprobe tcp_bbr &&
	same "$CARAPACE_KO" "$PWD/modules/attack.ko" || return
	for module in dummy overlay veth tcp_bbr; do
		as_guarded "$module" || return
	done
}

# And nothing remains of it
unguarded()
{
	carapacectl unguard '*' || return
	same "$CARAPACE_KO" && ! grep 'guarded returns' "$work/out"
}

# flip SECTION OFFSET: in a copy of dummy.ko, whose name is printed
flip()
{
	python3 - "$work/dummy.ko" "$work/flipped.ko" "$@" <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		headers, = struct.unpack_from("<Q", data, 40)
		count, names = struct.unpack_from("<HH", data, 60)
		def header(i):
		    return struct.unpack_from("<IIQQQQ", data, headers + 64 * i)
		for i in range(count):
		    start = header(names)[4] + header(i)[0]
		    if data[start:data.index(b"\0", start)] == sys.argv[3].encode():
		        data[header(i)[4] + int(sys.argv[4], 0)] ^= 0x10
		open(sys.argv[2], "wb").write(data)
	END
}

unpack_dummy()
{
	local file
	file=$(modinfo -n dummy)
	case $file in
	*.xz) xz -dc "$file" >"$work/dummy.ko" ;;
	*) cp "$file" "$work/dummy.ko" ;;
	esac
}

# One run: what it says is judged piece by piece
look_at_bad_files()
{
	unpack_dummy &&
	head -c 3000 "$work/dummy.ko" >"$work/cut.ko" &&
	flip .note.gnu.build-id 20 && mv "$work/flipped.ko" "$work/build.ko" &&
	flip .text 0x20 || return
	carapacectl verify "$work"/{flipped,cut,build}.ko nonesuch \
		modules/livepatch.ko "$work/dummy.ko" >"$work/out" 2>&1
	equals $? $FAILED
}

out_says()
{
	matches "$(cat "$work/out")" "$1"
}

changed_bytes_are_named()
{
	out_says '^dummy: .* not as in .*/flipped.ko' &&
	out_says '\.text\+0x20 at 0x[0-9a-f]+: 1 byte$' &&
	out_says '^dummy: .*, as in .*/dummy.ko'
}

files_that_are_none()
{
	out_says 'cut.ko: malformed' && out_says 'build.ko: another build' &&
	out_says 'nonesuch: no such module is loaded' &&
	out_says 'livepatch.ko: the module livepatch is not loaded'
}

plan 9
check "modules are loaded" load_modules
check "all are as in their files" bare
check "the tool says how it went" look_at_bad_files
check "a byte that is changed is named" changed_bytes_are_named
check "files that are none" files_that_are_none
check "traced, probed, attached: still the same" patched_meanwhile
check "guarded: the same, and each guarded return is known" guarded
check "everything guarded" all_guarded
check "guarded no longer" unguarded
rmmod carapace
ktap_finished
