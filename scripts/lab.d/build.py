# SPDX-License-Identifier: GPL-2.0
"""Build the clone's sources against a suite's kernel, in the suite's root."""

import os
import subprocess

import roots
from cache import CLONE, cache_dir, digest, lock, remove
from host import LabError, need_host_packages, run

SOURCES = "/srv/carapace"
STAGE = "/srv/stage"


def build_directory(suite):
    return cache_dir() / "build" / f"{suite}-{digest(str(CLONE))}"


def stage_directory(suite):
    return build_directory(suite) / "stage"


def stage_lock(suite, shared=False):
    return lock(f"build-{build_directory(suite).name}", shared)


def copy_sources(target):
    """
    Bring TARGET up to date with the clone's files: those that git knows or
    would take. Times are kept, so that make builds what has changed.
    """
    need_host_packages(git="git", rsync="rsync")
    command = ["git", "-C", str(CLONE), "-c", f"safe.directory={CLONE}"]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = run(command).split(b"\0")
    names = {name for name in listed if name and os.path.lexists(CLONE / os.fsdecode(name))}
    target.mkdir(parents=True, exist_ok=True)
    manifest = target.parent / "manifest"
    if manifest.exists():
        for name in set(manifest.read_bytes().split(b"\0")) - names - {b""}:
            remove(target / os.fsdecode(name))
    command = ["rsync", "-a", "--from0", "--files-from=-", f"{CLONE}/", f"{target}/"]
    done = subprocess.run(command, input=b"\0".join(sorted(names)), check=False)
    if done.returncode:
        raise LabError("cannot copy the sources")
    manifest.write_bytes(b"\0".join(sorted(names)))


def make_command(root, *targets):
    kernel = f"/lib/modules/{roots.kernel_version(root)}/build"
    # A warning is a failure here, for module and programs; not where users build.
    strict = ["KCFLAGS=-Werror", "USERCFLAGS=-Werror"]
    return ["make", f"-j{os.cpu_count()}", f"KDIR={kernel}", *strict, *targets]


def build(suite):
    """Build module and tools into the stage directory; an exit status."""
    root = roots.suite_root(suite)
    directory = build_directory(suite)
    with stage_lock(suite):
        sources = directory / "src"
        copy_sources(sources)
        if not (sources / "Makefile").exists():
            raise LabError(f"no Makefile in {CLONE}")
        fresh = directory / "stage.new"
        if fresh.exists():
            remove(fresh)
        fresh.mkdir()
        binds = [(sources, SOURCES), (fresh, STAGE)]
        for targets in ([], ["guest", f"DESTDIR={STAGE}"]):
            command = make_command(root, *targets)
            status = roots.execute(root, command, binds, SOURCES)
            if status:
                return status
        stage = directory / "stage"
        if stage.exists():
            remove(stage)
        fresh.rename(stage)
    return 0


def execute(suite, command, with_extras=False):
    """Run COMMAND in the suite's root, where the sources are; its status."""
    root = roots.suite_root(suite)
    with stage_lock(suite):
        sources = build_directory(suite) / "src"
        copy_sources(sources)
        stage = stage_directory(suite)
        stage.mkdir(exist_ok=True)
    binds = [(sources, SOURCES), (stage, STAGE)]
    if with_extras:
        binds.append((roots.extras(suite), roots.EXTRAS_PLACE))
    return roots.execute(root, command, binds, SOURCES)
