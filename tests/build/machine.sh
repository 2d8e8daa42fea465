# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A machine to install to: the root in which things are built, and what is changed
# in it, which is thrown away. To be sourced.
#
# $machine is a folder of memory, root its root, and changed what is changed.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
machine=$(mktemp -d)
root=$machine/root
version=$(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' "$top/module/main.c")
number=0
# Whoever still runs in there keeps it, but nobody sees it, nor what is below.
trap 'umount -l "$machine"; rmdir "$machine"' EXIT

mount -t tmpfs tmpfs "$machine" &&
mkdir "$machine/changed" "$machine/work" "$root" &&
mount -t overlay overlay \
	-o "lowerdir=/,upperdir=$machine/changed,workdir=$machine/work" "$root" &&
mount -t proc proc "$root/proc" &&
mount --bind /dev "$root/dev" || exit

# result STATUS DESCRIPTION: one test; what $machine/log has goes with it
result()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		sed 's/^/# /' "$machine/log"
		echo "not ok $number $2"
		# For who sources this to end with
		# shellcheck disable=SC2034
		failed=1
	fi
}

# inside COMMAND...
inside()
{
	chroot "$root" "$@" >>"$machine/log" 2>&1
}

# But for logs, caches, and the key that DKMS has made for the machine
list_files()
{
	chroot "$root" find / -xdev \( -path /proc -o -path /dev -o -path /tmp \
		-o -path /var/log -o -path /var/cache -o -path /root \
		-o -path /srv -o -path '/var/lib/dkms/mok.*' \) -prune -o -print |
		sort
}

# built VERSION: DKMS has that one built and installed, and no other
built()
{
	local status
	status=$(chroot "$root" dkms status carapace)
	echo "$status" >>"$machine/log"
	[[ $status = "carapace/$1, "*": installed" ]] &&
		[ "$(wc -l <<<"$status")" = 1 ]
}

# next_version FILE: the package in /tmp, as one that says that it is of a version
# that comes after $version
next_version()
{
	local tree=$machine/tree
	dpkg-deb -R "$root"/tmp/carapace-dkms_*.deb "$tree" &&
	mv "$tree/usr/src/carapace-$version" "$tree/usr/src/carapace-$version.1" &&
	sed -i "s/$version/$version.1/" \
		"$tree"/DEBIAN/{control,md5sums,postinst,prerm} \
		"$tree/usr/src/carapace-$version.1/dkms.conf" &&
	dpkg-deb -b "$tree" "$1" >>"$machine/log"
}
