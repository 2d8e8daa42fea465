# SPDX-License-Identifier: GPL-2.0
"""This machine: its commands and packages, and words to whoever looks."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

MiB = 1 << 20


class LabError(Exception):
    """Something that is wrong with the lab, not with what it runs."""


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


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
