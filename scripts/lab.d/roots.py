# SPDX-License-Identifier: GPL-2.0
"""Debian roots: where things are built, and what the guest is made of."""

import os
import shlex
import shutil
import subprocess

from cache import build_once, cache_dir, digest, remove
from host import LabError, die_with_parent, need_host_packages, run, say

# Bochs 3.0, the one version that is known to work, is in this suite.
EMULATOR_SUITE = "trixie"
DEFAULT_SUITE = "trixie"

# The smaller of Debian's two; what runs on machines is the other.
CLOUD = "cloud-amd64"
FULL = "amd64"
BUILD = [
    "bc",
    "build-essential",
    "busybox-static",
    "gcc-multilib",
    "kmod",
    "libcap-dev",
    "libelf-dev",
    "libnuma-dev",
    "liburing-dev",
    "rsync",
    "shellcheck",
    "xz-utils",
    "zstd",
]
GUEST = [
    "bpftool",
    "iproute2",
    "iputils-ping",
    "kexec-tools",
    "linux-perf",
    "makedumpfile",
    "procps",
    "python3-minimal",
    "strace",
    "stress-ng",
    "util-linux",
]
EMULATOR = ["bochs", "bochs-term", "bochsbios", "erofs-utils"]
# What packages are built, checked and installed with, and started by at boot
PACKAGING = ["debhelper", "dh-dkms", "dkms", "liblzma-dev", "lintian", "systemd"]

# What a few long tests take in addition: a compiler that has a fuzzer, and another
# kernel's modules. Beside the root, so that no machine is made anew for them.
EXTRAS = ["clang", "libclang-rt-dev", "linux-image-amd64"]
EXTRAS_PLACE = "/opt/extras"

# Those of the kernel's selftests that a hypervisor could break.
KSELFTESTS = [
    "breakpoints",
    "clone3",
    "core",
    "cpu-hotplug",
    "exec",
    "ftrace",
    "futex",
    "kcmp",
    "livepatch",
    "membarrier",
    "mincore",
    "mm",
    "perf_events",
    "pidfd",
    "prctl",
    "proc",
    "ptrace",
    "rseq",
    "sched",
    "seccomp",
    "sigaltstack",
    "splice",
    "static_keys",
    "sync",
    "syscall_user_dispatch",
    "timens",
    "timers",
    "vDSO",
    "x86",
]
KSELFTEST = "opt/kselftest"

# Tests that are modules, and what patches code by way of example
KSELFTEST_MODULES = [
    "lib/test_bpf.c",
    "lib/test_static_key_base.c",
    "lib/test_static_keys.c",
    "samples/ftrace/ftrace-direct-modify.c",
    "samples/ftrace/ftrace-direct-multi-modify.c",
    "samples/ftrace/ftrace-direct-multi.c",
    "samples/ftrace/ftrace-direct-too.c",
    "samples/ftrace/ftrace-direct.c",
    "samples/ftrace/ftrace-ops.c",
    "samples/kprobes/kprobe_example.c",
    "samples/kprobes/kretprobe_example.c",
]

# Suites of this kind add newer packages to the release they are named after.
BACKPORTS = "-backports"
# This one is ours: the same release with the kernel for any machine, and its modules.
FULL_SUITE = "-full"


def packages(suite):
    flavour = FULL if suite.endswith(FULL_SUITE) else CLOUD
    kernel = [f"linux-image-{flavour}", f"linux-headers-{flavour}"]
    chosen = kernel + BUILD + GUEST
    if suite == EMULATOR_SUITE:
        chosen = chosen + EMULATOR
    if suite == DEFAULT_SUITE:
        chosen = chosen + PACKAGING
    return sorted(chosen)


def mirror():
    """The Debian mirror that this machine's apt uses, if it says."""
    try:
        lines = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    for line in lines.splitlines():
        words = line.split()
        if len(words) == 3 and words[:2] == ["Debian", "Debian"]:
            return words[2].rstrip("/")
    return None


MOUNTS = """
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --bind "$1" "$root$2"
	shift 2
done
shift
directory=$1
shift
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	HOME=/root LC_ALL=C.UTF-8 TERM="${TERM:-linux}" \
	DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} \
	/bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$directory" "$@"
"""


def chroot_command(root, command, binds=(), directory="/"):
    """
    The command that runs COMMAND in ROOT. The mounts are in a namespace of
    their own, so that they go away with the command, whatever becomes of us.
    """
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNTS]
    words += ["sh", str(root)]
    for source, target in binds:
        words += [str(source), target]
    return words + ["--", directory] + [str(word) for word in command]


def chroot(root, command, binds=(), directory="/"):
    return run(chroot_command(root, command, binds, directory))


def root_path(suite):
    recipe = [KSELFTESTS, KSELFTEST_MODULES, MAKE_KSELFTEST]
    name = f"{suite}-{digest(packages(suite), *recipe)}"
    return cache_dir() / "roots" / name


def make_root(suite, path):
    need_host_packages(debootstrap="debootstrap", rsync="rsync")
    archive = suite.removesuffix(FULL_SUITE)
    release = archive.removesuffix(BACKPORTS)
    command = ["debootstrap", "--variant=minbase", release, str(path)]
    uri = mirror()
    if uri:
        command.append(uri)
    say(f"{suite}: base system")
    run(command)
    policy = path / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    # Mirrors that stand still for a while serve as well; signatures are checked.
    (path / "etc/apt/apt.conf.d/lab").write_text(
        'Acquire::Check-Valid-Until "false";\n', encoding="ascii"
    )
    # The guest boots from an initramfs of ours.
    (path / "etc/kernel-img.conf").write_text("do_initrd = no\n", encoding="ascii")
    (path / "etc/initramfs-tools").mkdir(exist_ok=True)
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends"]
    if archive != release:
        sources = path / "etc/apt/sources.list"
        line = sources.read_text(encoding="ascii").splitlines()[0]
        sources.write_text(
            f"{line}\n{line.replace(' ' + release + ' ', ' ' + archive + ' ')}\n",
            encoding="ascii",
        )
        install += ["-t", archive]
    chroot(path, ["apt-get", "update", "-qq"])
    say(f"{suite}: packages")
    chroot(path, install + packages(suite))
    chroot(path, ["apt-get", "clean"])
    shutil.rmtree(path / "var/lib/apt/lists")
    (path / "var/lib/apt/lists/partial").mkdir(parents=True)
    release_file = path / "etc/hostname"
    release_file.write_text("lab\n", encoding="ascii")


# In a directory of its own; $1 is the package, $2 the kernel, then come the
# collections, --, and the modules.
MAKE_KSELFTEST = """
set -e
package=$1
kernel=$2
build=/lib/modules/$kernel/build
shift 2
collections=
while [ "$1" != -- ]; do
	collections="$collections $1"
	shift
done
shift
apt-get update -qq
apt-get download -qq "$package"
dpkg-deb -x "$package"_*.deb .
mkdir linux
tar -xf usr/src/"$package".tar.xz -C linux --strip-components=1 \
	--exclude=*/drivers --exclude=*/fs --exclude=*/net --exclude=*/sound
make -s -C linux ARCH=x86 headers
# Some need what is not here; the others do, of the same collection, too.
# Collections differ in what they call the architecture, so it is not said here.
make -C linux/tools/testing/selftests -i -j"$(nproc)" KDIR="$build" \
	TARGETS="$collections" INSTALL_PATH="$PWD/install" \
	install >log 2>&1 || :
mkdir install/include install/scripts
cp linux/tools/testing/selftests/*.h install/include
cp linux/scripts/checkpatch.pl linux/scripts/spelling.txt \
	linux/scripts/const_structs.checkpatch install/scripts
mkdir modules
for source; do
	if [ -e "linux/$source" ]; then
		cp "linux/$source" modules
		source=${source##*/}
		echo "obj-m += ${source%.c}.o" >>modules/Kbuild
	fi
done
make -C "$build" M="$PWD/modules" -k -j"$(nproc)" modules >>log 2>&1 || :
install -D -m 644 -t "/lib/modules/$kernel/kselftest" modules/*.ko
depmod "$kernel"
"""


def make_kselftest(root, path):
    """The kernel's selftests, their headers, and checkpatch."""
    kernel = kernel_version(root)
    version = ".".join(kernel.split(".")[:2])
    work = path.with_name("kselftest.work")
    remove(work)
    work.mkdir()
    script = ["sh", "-c", MAKE_KSELFTEST, "sh", f"linux-source-{version}", kernel]
    script += [*KSELFTESTS, "--", *KSELFTEST_MODULES]
    chroot(root, script, directory=f"/{KSELFTEST}.work")
    if not (work / "install/kselftest-list.txt").exists():
        raise LabError("the kernel's selftests could not be built")
    # Kernels before 6.8 have no helpers for shell scripts; ours need them.
    helpers = work / "install/kselftest/ktap_helpers.sh"
    if not helpers.exists():
        shutil.copy(emulator_root() / KSELFTEST / "kselftest/ktap_helpers.sh", helpers)
    # In 5.10's harness a fixture's set-up does not know its variant; ours asks.
    if tuple(map(int, version.split("."))) < (6, 1):
        for name in ("kselftest.h", "kselftest_harness.h"):
            shutil.copy(emulator_root() / KSELFTEST / "include" / name,
                        work / "install/include")
    (work / "install").rename(path)
    remove(work)


# In a directory of its own; arguments are packages. Nothing is installed: whoever
# uses them says where they are.
GET_EXTRAS = """
set -e
mkdir -p archives/partial
apt-get update -qq
apt-get install -qq -y --no-install-recommends --download-only \\
	-o Dir::Cache::archives="$PWD/archives" "$@"
for package in archives/*.deb; do
	dpkg-deb -x "$package" .
done
rm -r archives
"""


def make_extras(root, path):
    path.mkdir()
    script = ["sh", "-c", GET_EXTRAS, "sh", *EXTRAS]
    chroot(root, script, [(path, EXTRAS_PLACE)], EXTRAS_PLACE)


def extras(suite):
    """What has EXTRAS, to be bound to EXTRAS_PLACE."""
    root = suite_root(suite)
    return build_once(
        cache_dir() / "extras" / f"{root.name}-{digest(EXTRAS, GET_EXTRAS)}",
        f"{suite}: more packages",
        lambda path: make_extras(root, path),
    )


def suite_root(suite):
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes Debian roots and mounts")
    root = build_once(
        root_path(suite),
        f"{suite}: making the root",
        lambda path: make_root(suite, path),
    )
    build_once(
        root / KSELFTEST,
        f"{suite}: making the kernel's selftests",
        lambda path: make_kselftest(root, path),
    )
    return root


def emulator_root():
    return suite_root(EMULATOR_SUITE)


def kernel_version(root):
    versions = sorted(
        entry.name
        for entry in (root / "lib/modules").iterdir()
        if (root / "boot" / f"vmlinuz-{entry.name}").exists()
    )
    if not versions:
        raise LabError(f"no kernel in {root}")
    return versions[-1]


def execute(root, command, binds=(), directory="/"):
    """Run a command in ROOT at our terminal; its exit status."""
    words = chroot_command(root, command, binds, directory)
    with subprocess.Popen(words, preexec_fn=die_with_parent) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The command got it too, and says how it ends.
                continue


def quote(command):
    return " ".join(shlex.quote(word) for word in command)
