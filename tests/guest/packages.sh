#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A machine with the Debian packages: rebooted, it is protected from boot on
#
# The packages have been installed where things are built, as DKMS needs a
# compiler: tests/build/packages-installed. What they have changed is on this
# machine's disk after the reboot, which is a kexec of the same kernel, in which
# systemd is process 1. What an upgrade and a purge do to the disk,
# tests/build/packages-upgrade looks at.
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
		export lab_next HOME=/root
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

reboot_into_systemd()
{
	write_next_init >$next/guest-init && chmod +x $next/guest-init &&
	cp $directory/installed.tar $next/bin/installed.tar &&
	write_own_files && ahead=1 load_kernel -l "" packages.sh booted
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

if [ "${1-}" = booted ]; then
	shift
	go_on "$@"
	check "protected from boot on, with its policy" protected_from_boot_on
	check "DKMS and the tool say so, too" tools_say_so
	ktap_finished
fi

plan 3
check "the next kernel is loaded" reboot_into_systemd
sleep 0.1
kexec -e
