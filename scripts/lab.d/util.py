# SPDX-License-Identifier: GPL-2.0
"""What the parts of the lab share: errors, progress, the cache, locks."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
CLONE = HERE.parent.parent


class LabError(Exception):
    """Something that is wrong with the lab, not with what it runs."""


def cache_dir():
    path = os.environ.get("CARAPACE_CACHE")
    if not path:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        path = os.path.join(base, "carapace")
    path = pathlib.Path(path).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def digest(*parts):
    """A short name for everything that went into something."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, pathlib.Path):
            part = part.read_bytes()
        elif not isinstance(part, bytes):
            part = repr(part).encode()
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:12]


@contextlib.contextmanager
def lock(name, shared=False):
    """Hold a lock of the cache; other labs wait, with a word."""
    path = cache_dir() / "locks"
    path.mkdir(exist_ok=True)
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with open(path / name, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another lab ({name})")
            fcntl.flock(file, how)
        yield


def build_once(path, what, make):
    """Make the file or directory PATH once. make(temporary path) does it."""
    if path.exists():
        return path
    with lock(f"{path.parent.name}-{path.name}"):
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        # Left behind by a build that was interrupted; we hold the lock.
        temporary = path.with_name(path.name + ".partial")
        remove(temporary)
        say(what)
        start = time.monotonic()
        make(temporary)
        temporary.rename(path)
        say(f"{what}: done in {time.monotonic() - start:.0f} s")
    return path


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """For a child between fork and exec: don't outlive the lab."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(command, **kwargs):
    """Run a command whose output matters only when it fails."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    result = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent,
        check=False,
        **kwargs,
    )
    if result.returncode:
        sys.stderr.buffer.write(result.stdout[-8192:])
        raise LabError(f"failed ({result.returncode}): {' '.join(map(str, command))}")
    return result.stdout


def need_host_packages(**tools):
    """Install the packages of missing tools (tool=package) on this machine."""
    missing = [package for tool, package in tools.items() if not shutil.which(tool)]
    if not missing:
        return
    say("installing on this machine: " + " ".join(missing))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run(["apt-get", "update", "-qq"], env=environment)
    run(
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing],
        env=environment,
    )
