# SPDX-License-Identifier: GPL-2.0
"""The cache: where it is, how things in it are named, made once and locked."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import time

from host import say

HERE = pathlib.Path(__file__).resolve().parent
CLONE = HERE.parent.parent


def cache_dir():
    path = os.environ.get("CARAPACE_CACHE")
    if not path:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        path = os.path.join(base, "carapace")
    path = pathlib.Path(path).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


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
