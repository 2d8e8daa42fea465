#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A machine with the Debian packages: rebooted, it is protected from boot on
#
# The packages have been installed where things are built, as DKMS needs a
# compiler: tests/build/packages-installed. What they have changed is on this
# machine's disk after each reboot, which is a kexec of the same kernel, in which
# systemd is process 1. What is done to the disk in one is not there in the next.
#
# An upgrade here leaves no module on the disk, for that takes the compiler. What
# an upgrade and a purge do to it where there is one, tests/build/packages-upgrade
# looks at.
#
# usage: packages.sh

. "$(dirname "$0")/carapace.sh"
. ./next_kernel.sh

directory=/root/installed
settings=/etc/modprobe.d/carapace.conf
release=$(uname -r)
next=/run/lab/initramfs

# The init of the next kernel: what the lab's guest-init does, with files from
# this one, and systemd in the end
write_next_init()
{
	cat <<-'END'
		#!/bin/bash
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		hostname lab
		ip link set lo up
		stty -F /dev/ttyS1 raw -echo 115200
		tar -xf /dev/lab-job -C / --keep-directory-symlink
		cp /run/lab/job /root/lab-job
		for archive in /run/lab/initramfs/bin/{installed,own}.tar; do
		        tar -xf "$archive" -C / --keep-directory-symlink
		done
		# systemd has a /run of its own.
		mv /run/lab/initramfs /root/initramfs
		# The lab's: no service is to start where things are built
		rm -f /usr/sbin/policy-rc.d
		exec /lib/systemd/systemd
	END
}

# Goes on with the test as a service
write_next_unit()
{
	cat <<-'END'
		[Unit]
		After=getty.target
		[Service]
		ExecStart=/bin/bash /usr/local/sbin/lab-next
		[Install]
		WantedBy=multi-user.target
	END
}

# lab_next is the kernel's parameter, and only its first process has it
write_next_service()
{
	cat <<-'END'
		exec 9>/dev/ttyS1
		lab_next=$(sed 's/.*lab_next=//; s/ .*//' /proc/cmdline)
		export lab_next HOME=/root DEBIAN_FRONTEND=noninteractive
		mkdir /run/lab && ln -s /root/initramfs /run/lab
		cd /root
		. /root/lab-job
	END
}

# Files of this test's own, and the policy, as the administrator wants it
write_own_files()
{
	local own=/tmp/own
	mkdir -p $own/etc/systemd/system/multi-user.target.wants \
		$own/etc/modprobe.d $own/usr/local/sbin &&
	write_next_service >$own/usr/local/sbin/lab-next &&
	write_next_unit >$own/etc/systemd/system/lab-next.service &&
	ln -s ../lab-next.service \
		$own/etc/systemd/system/multi-user.target.wants &&
	tar -xOf $directory/installed.tar .$settings |
		sed 's/^options.*/options carapace profile=monitor/' \
		>$own$settings &&
	tar -C $own -cf $next/bin/own.tar .
}

# load_next NEXT [ARGUMENTS]
load_next()
{
	ahead=1 load_kernel -l "${2-}" packages.sh "$1"
}

reboot_into_systemd()
{
	write_next_init >$next/guest-init && chmod +x $next/guest-init &&
	cp $directory/installed.tar $next/bin/installed.tar &&
	write_own_files && load_next booted
}

protected_from_boot_on()
{
	local unit target
	unit=$(systemctl show -P ActiveEnterTimestampMonotonic carapace)
	target=$(systemctl show -P ActiveEnterTimestampMonotonic sysinit.target)
	equals "$(systemctl is-active carapace)" active &&
	[ "$unit" -gt 0 ] && [ "$unit" -lt "$target" ] &&
	equals "$(cat $sysfs/policy/profile)" monitor &&
	all_attached
}

all_attached()
{
	equals "$(cat $sysfs/state)" attached &&
		equals "$(cat $sysfs/cpus)" "$(online)"
}

tools_say_so()
{
	matches "$(dkms status carapace)" ", ${release//+/\\+}, .*: installed" &&
	matches "$(modinfo -n carapace)" /updates/dkms/carapace.ko &&
	says 0 'state +attached' carapacectl status &&
	matches "$(dpkg -V carapace-dkms carapacectl)" "^\?\?5.* $settings"
}

loaded()
{
	[ -e "/sys/module/$1/initstate" ]
}

is_on()
{
	equals "$(systemctl is-active carapace)" active && all_attached &&
		every_cpu is_guest
}

# udev loads KVM where it can, and that has the CPUs in VMX operation.
is_off()
{
	is_gone && { ! loaded kvm_intel || modprobe -r kvm_intel; } &&
		every_cpu is_bare
}

stop_and_start()
{
	systemctl stop carapace && is_off &&
	equals "$(systemctl is-active carapace)" inactive &&
	systemctl start carapace && is_on
}

restart_with_another_policy()
{
	sed -i 's/profile=monitor/profile=balanced/' $settings &&
	systemctl restart carapace && is_on &&
	equals "$(cat $sysfs/policy/profile)" balanced
}

kvm_goes_and_comes()
{
	systemctl stop carapace && modprobe kvm_intel && loaded kvm_intel &&
	systemctl start carapace && is_on && ! loaded kvm_intel &&
	! loaded kvm && systemctl stop carapace && modprobe kvm_intel &&
	loaded kvm_intel
}

kvm_in_use_stays()
{
	exec 3<>/dev/kvm || return
	returns 1 systemctl start carapace
	local status=$?
	exec 3>&-
	[ $status = 0 ] && loaded kvm_intel && is_off &&
	says 3 'Device or resource busy' systemctl status carapace &&
	systemctl start carapace && is_on
}

# But for what is there to test it, the lab's page of the tool among it
no_files_are_left()
{
	equals "$(find /etc /usr /var -xdev -name '*carapace*' \
		! -path '/usr/libexec/kselftest-carapace*' \
		! -path /usr/share/man/man8/carapacectl.8)" '' &&
	equals "$(systemctl show -P UnitFileState carapace)" ''
}

purge()
{
	mark_log
	dpkg -P carapace-dkms carapacectl && no_files_are_left
}

purged()
{
	purge && is_off && one_line 'carapace: detached from CPUs'
}

kept_off()
{
	is_off && equals "$(systemctl is-active carapace)" inactive &&
	says 3 'ConditionKernelCommandLine=!carapace.disable was not met' \
		systemctl status carapace
}

kept_off_by_name()
{
	returns 1 modprobe carapace &&
	says 1 'carapace.disable' carapacectl attach &&
	says 1 'carapace.disable' carapacectl doctor && is_off
}

upgraded()
{
	local before
	before=$(dpkg-query -W -f '${Version}' carapace-dkms) || return
	mark_log
	dpkg -i $directory/next.deb &&
	equals "$(dpkg-query -W -f '${Version}' carapace-dkms)" "$before.1" &&
	is_on && equals "$(cat $sysfs/policy/profile)" monitor &&
	equals "$(our_lines)" ''
}

purged_while_locked()
{
	carapacectl lock && purge && all_attached && every_cpu is_guest &&
	equals "$(cat $sysfs/policy/lock)" on
}

# What udev does at boot comes first.
[ -z "${1-}" ] || udevadm settle

case ${1-} in
booted)
	shift
	go_on "$@"
	check "protected from boot on, with its policy" protected_from_boot_on
	check "DKMS and the tool say so, too" tools_say_so
	check "a stop takes it off, a start puts it on" stop_and_start
	check "a restart has the policy that there is now" \
		restart_with_another_policy
	check "a start has an idle KVM go, and a stop lets it be loaded" \
		kvm_goes_and_comes
	check "a KVM that is used stays" kvm_in_use_stays
	check "purged, it is off, and nothing is left" purged
	check "the next kernel is loaded, with carapace.disable" \
		load_next disabled carapace.disable
	;;
disabled)
	shift
	go_on "$@"
	check "kept off at boot, and the service says why" kept_off
	check "kept off by name" kept_off_by_name
	check "the next kernel is loaded, without" load_next locked
	;;
locked)
	shift
	go_on "$@"
	check "upgraded, the one that runs goes on" upgraded
	check "purged while locked, it is there until the next boot" \
		purged_while_locked
	ktap_finished
	;;
*)
	plan 14
	check "the next kernel is loaded" reboot_into_systemd
	;;
esac

sleep 0.1
kexec -e
