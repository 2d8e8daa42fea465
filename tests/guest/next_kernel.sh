# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A kernel in the place of the running one: the same, with the lab's initramfs,
# so that it finds this machine's disks, and goes on with the test. To be
# sourced after carapace.sh.
#
# It gets the state of the test on its command line (lab_next=, see
# scripts/lab.d/job.py): the words of NEXT, and the counts of the results.

# load_kernel OPTION ARGUMENTS NEXT...: for kexec, to run "NEXT... COUNTS" then.
# $ahead is how many results come before those, from now on; $loader is kexec's
# options for who loads it.
load_kernel()
{
	local option=$1
	local arguments=$2
	local next
	shift 2
	next="$PWD/$* $KSFT_NUM_TESTS $((KTAP_TESTNO + ahead))"
	next="$next $((KTAP_CNT_PASS + ahead)) $KTAP_CNT_FAIL"
	arguments="$arguments lab_next=${next// /,}"
	(cd /run/lab/initramfs && find . | busybox cpio -o -H newc 2>/dev/null) \
		>/tmp/initramfs || return
	# Checksums of all that is loaded take the emulator longer than the rest.
	# shellcheck disable=SC2086
	kexec ${loader:--c --no-checks} "$option" "/boot/vmlinuz-$(uname -r)" \
		--initrd=/tmp/initramfs --command-line="$(
			sed 's/crashkernel=[^ ]*//; s/carapace\.disable//' /proc/cmdline
		) $arguments"
}

# go_on COUNTS: after the kernel before
go_on()
{
	# shellcheck disable=SC2034
	KSFT_NUM_TESTS=$1
	KTAP_TESTNO=$2
	KTAP_CNT_PASS=$3
	KTAP_CNT_FAIL=$4
}
