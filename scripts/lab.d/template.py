# SPDX-License-Identifier: GPL-2.0
"""Booted machines that wait in the background, to be copied for each run."""

import contextlib
import os
import socket
import sys
import time

import image
from cache import cache_dir, digest, lock, remove
from host import say
from job import DISK_SIZE
from machine import EXIT_DIED, EXIT_LAB, Machine, Result

# How many booted machines may wait, each with its memory.
MAX_TEMPLATES = 6

BOOT_TIMEOUT = 300


def connect(directory):
    """A connection to the machine that waits in DIRECTORY, or None."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The path may be too long for a socket's address.
    handle = os.open(directory, os.O_PATH)
    try:
        connection.connect(f"/proc/self/fd/{handle}/socket")
    except OSError:
        connection.close()
        return None
    finally:
        os.close(handle)
    return connection


def end_machine(directory):
    connection = connect(directory)
    if connection:
        with connection:
            connection.sendall(b"q")
            connection.recv(1)


def end_templates(keep=0):
    """End the machines that wait, but for the KEEP that were used last."""
    found = []
    for directory in (cache_dir() / "machines").glob("*"):
        with contextlib.suppress(OSError):
            found.append(((directory / "arm").stat().st_mtime, directory))
    for _, directory in sorted(found, reverse=True)[keep:]:
        end_machine(directory)


class Template(Machine):
    """
    A booted machine that waits in the background, and is copied for each run.
    It lives in the cache, and ends when it has had nothing to do for a while.
    """

    def __init__(self, settings):
        super().__init__(settings)
        name = digest(
            self.tools.name,
            str(self.boot),
            str(self.disk),
            str(image.preload(self.tools)),
            *sorted(self.files().items()),
        )
        self.directory = cache_dir() / "machines" / name

    def connect(self):
        """A connection to the waiting machine, or None."""
        connection = connect(self.directory)
        if connection:
            (self.directory / "arm").touch()
        return connection

    def end(self):
        with lock(f"machine-{self.directory.name}"):
            end_machine(self.directory)

    def boot_it(self, timeout):
        remove(self.directory)
        self.directory.mkdir(parents=True)
        self.configure()
        self.make_channels()
        with open(self.directory / "job", "wb") as file:
            file.truncate(DISK_SIZE)
        self.start()
        result = self.watch("ready", timeout, lambda data: None)
        if result.reason:
            return result
        (self.directory / "boot-console").write_bytes(self.console)
        (self.directory / "arm").touch()
        while not (self.directory / "socket").exists():
            if self.process.poll() is not None:
                return Result(EXIT_DIED, "the emulator died while booting")
            time.sleep(0.01)
        return Result(0)

    def get(self, timeout):
        """A connection to the machine, booted first if need be, or a Result."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with lock(f"machine-{self.directory.name}"):
            connection = self.connect()
            if connection:
                return connection
            end_templates(keep=MAX_TEMPLATES - 1)
            say(f"booting {self.settings}")
            start = time.monotonic()
            try:
                result = self.boot_it(timeout)
            except BaseException:
                self.kill()
                raise
            finally:
                self.close_channels()
            if result.reason:
                sys.stderr.write(self.tail())
                return result
            say(f"booted in {time.monotonic() - start:.0f} s")
            connection = self.connect()
        return connection or Result(EXIT_DIED, "the booted machine is gone")


def send_files(machine, connection):
    """Give the files of MACHINE's run to the copy that shall be it: done?"""
    machine.connection = connection
    # Not through descriptors of ours, which don't block: the emulator waits.
    names = ("console", "output")
    fds = [os.open(machine.directory / name, os.O_WRONLY) for name in names]
    fds.append(os.open(machine.directory / "job", os.O_RDWR))
    fds.append(os.open(machine.directory / "log", os.O_WRONLY | os.O_CREAT, 0o644))
    slave = machine.open_screen()
    fds.append(slave)
    socket.send_fds(connection, [b"r"], fds)
    for fd in fds:
        os.close(fd)
    return connection.recv(1) == b"r"


def take_copy(machine, template):
    """Let MACHINE be a copy of the booted one, which may have to be; a Result."""
    for _ in range(2):
        connection = template.get(BOOT_TIMEOUT)
        if isinstance(connection, Result):
            return connection
        # What it was made of may be gone from the cache; or another lab has
        # ended it, for one of its own.
        with contextlib.suppress(ConnectionError):
            if send_files(machine, connection):
                return Result(0)
        connection.close()
        machine.connection = None
        template.end()
    return Result(EXIT_LAB, "the booted machine could not be copied")
