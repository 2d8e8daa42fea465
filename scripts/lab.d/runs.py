# SPDX-License-Identifier: GPL-2.0
"""A command, a shell, or the emulator's debugger in a machine."""

import contextlib
import os
import secrets
import shlex
import shutil
import sys
import termios
import tty

import build
from host import say
from job import job_script, make_job_disk, take_back
from machine import EXIT_DIED, EXIT_LAB, EXIT_PANIC, EXIT_TRIPLE_FAULT, Machine
from template import BOOT_TIMEOUT, Template, take_copy


def discard(_):
    """Where to put the output of a boot."""


def show(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def give_job(machine, script, put):
    """SCRIPT on MACHINE's second disk, with what was built and what is to be PUT."""
    suite = machine.settings.suite
    with build.stage_lock(suite, shared=True):
        stage = build.stage_directory(suite)
        make_job_disk(machine.directory / "job", script, stage, put)


def shell(settings, put=(), log=None):
    """A shell in a machine of its own, at our terminal."""
    mark = "lab-" + secrets.token_hex(8)
    columns, lines = os.get_terminal_size() if sys.stdin.isatty() else (80, 24)
    script = "\n".join([
        "#!/bin/bash",
        f"stty -F /dev/ttyS1 sane rows {lines} columns {columns}",
        f"export TERM={shlex.quote(os.environ.get('TERM', 'linux'))}",
        "setsid -c bash -il </dev/ttyS1 >&9 2>&1",
        # The end of its session has hung up what was open.
        f"printf '\\036%s %s\\036' {mark} $? >/dev/ttyS1",
        "while :; do sleep 3600; done\n",
    ])
    with Machine(settings) as machine:
        give_job(machine, script, put)
        machine.make_channel("console")
        name = machine.make_terminal()
        machine.configure(output=f"mode=term, dev={name}")
        machine.start()
        say("booting; Ctrl-] leaves")
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(log, "wb")) if log else None
            result = machine.watch("ready", BOOT_TIMEOUT, discard, file)
            if not result.reason:
                if sys.stdin.isatty():
                    before = termios.tcgetattr(0)
                    stack.callback(termios.tcsetattr, 0, termios.TCSADRAIN, before)
                    tty.setraw(0)
                result = machine.watch(mark, 1e9, show, file, 0)
    if result.reason:
        say(result.reason)
    return result.status


def debug(settings, command, put=()):
    """The emulator's debugger at our terminal, with COMMAND in the machine."""
    settings.debugger = True
    with Machine(settings) as machine:
        script = job_script(command, [], "lab")
        give_job(machine, script, put)
        machine.configure()
        for name in ("console", "output"):
            (machine.directory / name).touch()
        say(f"console and output: {machine.directory}/console, output")
        machine.start()
        while True:
            try:
                return machine.process.wait()
            except KeyboardInterrupt:
                # For the debugger, which stops the machine.
                continue


def run(
    settings,
    command,
    put=(),
    get=(),
    timeout=300,
    log=None,
    keep=None,
    fresh=False,
    past_panic=False,
):
    """Run COMMAND in a machine; the exit status."""
    mark = "lab-" + secrets.token_hex(8)
    template = None if fresh else Template(settings)
    with Machine(settings) as machine:
        machine.past_panic = past_panic
        script = job_script(command, [source for source, _ in get], mark)
        give_job(machine, script, put)
        machine.make_channels()
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(log, "wb")) if log else None
            if template:
                result = take_copy(machine, template)
                if result.reason:
                    say(f"no boot: {result.reason}")
                    return result.status
                if file:
                    file.write((template.directory / "boot-console").read_bytes())
            else:
                machine.configure()
                machine.start()
                result = machine.watch("ready", BOOT_TIMEOUT, discard, file)
            if not result.reason:
                result = machine.watch(mark, timeout, show, file)
        machine.kill()
        if keep:
            shutil.copy(machine.directory / "log", keep)
        trouble = machine.trouble()
        if trouble:
            say(f"{trouble[1]} complaint(s) on the console, the first: {trouble[0]}")
        if result.reason:
            say(result.reason)
            if not log and result.status in (EXIT_PANIC, EXIT_DIED, EXIT_TRIPLE_FAULT):
                sys.stderr.write(machine.tail())
            return result.status
        missing = take_back(machine.directory / "job", get) if get else []
        if missing:
            say("not in the guest: " + " ".join(missing))
            return result.status or EXIT_LAB
        return result.status
