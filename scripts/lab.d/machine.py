# SPDX-License-Identifier: GPL-2.0
"""The emulated machine: its configuration, its run, and how it ended."""

import codecs
import contextlib
import fcntl
import io
import os
import pathlib
import pty
import re
import secrets
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import termios
import time

import build
import image
import roots
from util import LabError, die_with_parent, say

MiB = 1 << 20

EXIT_TIMEOUT = 124
EXIT_LAB = 125
EXIT_PANIC = 250
EXIT_TRIPLE_FAULT = 251
EXIT_DIED = 252
EXIT_POWER = 253

# The second disk: the job from the start, what comes back from the middle.
DISK_BACK = 1024 * MiB
DISK_SIZE = 4096 * 16 * 63 * 512

# The emulator's own files in the cache and of the run, as its root sees them.
CACHE = "/media"
RUN = "/mnt"

CMDLINE = [
    "console=ttyS0,115200",
    "panic=0",
    "tsc=reliable",
    "no_timer_check",
    "random.trust_cpu=on",
    "audit=0",
]

CONFIG = """\
config_interface: textconfig
display_library: term
memory: guest={memory}, host={host}, block_size=8192
cpu: model={model}, count={cpus}, ips={ips}, quantum={quantum}
cpu: reset_on_triple_fault=0, ignore_bad_msrs=1
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file={run}/boot.rom
optramimage1: file={run}/memory, address=0x0
optramimage2: file={run}/zero, address={top:#x}
optramimage3: file={run}/parameters, address={parameters:#x}
vga: extension=none, update_freq=1
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, mode=volatile, path={run}/disk, journal={run}/disk.redo
ata0-slave: type=disk, mode=flat, path={run}/job, cylinders=4096, heads=16, spt=63
ata1: enabled=0
boot: disk
com1: enabled=1, mode={console_mode}, dev={console}
com2: enabled=1, mode=file, dev={run}/output
clock: sync=none, time0=utc
log: {run}/log
panic: action=fatal
error: action={error}
info: action={info}
debug: action=ignore
"""

PANIC = re.compile(rb"Kernel panic - not syncing: ([^\r\n]*)")
TROUBLE = re.compile(
    rb"(?:BUG: |Oops: |WARNING: |general protection fault|"
    rb"unable to handle|INFO: task |rcu: INFO: )[^\r\n]*"
)
RESET = b"lab: the machine was reset"
MISPLACED = b"lab: the kernel is not where it should be"
TRIPLE_FAULT = re.compile(r"3rd \(\d+\) exception with no resolution")

# After a panic, for the rest of its report.
PANIC_LINGER = 1.0


class Settings:
    """What distinguishes one machine from another."""

    suite = roots.DEFAULT_SUITE
    model = "arrow_lake"
    cpus = 2
    memory = 512
    append = ""
    ips = 50000000
    quantum = 16
    extra = ()
    log_errors = False
    debugger = False
    verbose = False


class Result:
    """How a machine ended: an exit status and a line for stderr."""

    def __init__(self, status, reason=None):
        self.status = status
        self.reason = reason


def job_script(command, get, mark):
    """The script that does the job in the guest."""
    lines = [
        "#!/bin/bash",
        "stty -F /dev/ttyS1 raw -echo 115200",
        "exec 9>/dev/ttyS1",
        f"setsid {shlex.join(command)} </dev/null >&9 2>&1",
        "status=$?",
    ]
    if get:
        lines += [
            f"tar -cf - --ignore-failed-read -C / -- {shlex.join(get)} |",
            f"dd of=/dev/lab-job bs=1M seek={DISK_BACK // MiB} conv=fsync 2>/dev/null",
        ]
    lines += [
        f"printf '\\036%s %s\\036' {mark} \"$status\" >&9",
        "exec 9>&-",
        "while :; do sleep 3600; done",
    ]
    return "\n".join(lines) + "\n"


def add_file(archive, name, data, mode=0o755):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = mode
    archive.addfile(info, io.BytesIO(data))


def owned_by_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


def make_job_disk(path, script, stage, put):
    with open(path, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
            if stage.is_dir():
                for entry in sorted(stage.iterdir()):
                    archive.add(entry, entry.name, filter=owned_by_root)
            for source, target in put:
                archive.add(source, target.lstrip("/"), filter=owned_by_root)
            add_file(archive, "run/lab/job", script.encode())
        if file.tell() > DISK_BACK:
            raise LabError("too much to put into the guest")
        file.truncate(DISK_SIZE)


def take_back(path, get):
    """Copy what the guest left on the disk to where it was wanted."""
    missing = []
    with open(path, "rb") as file:
        file.seek(DISK_BACK)
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(
                ["tar", "-xf", "-", "-C", scratch, "--no-same-owner"],
                stdin=file,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            for source, target in get:
                found = pathlib.Path(scratch) / source.lstrip("/")
                target = pathlib.Path(target)
                if not found.exists():
                    missing.append(source)
                elif found.is_dir():
                    shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True)
                else:
                    if target.is_dir():
                        target = target / found.name
                    shutil.copy(found, target)
    return missing


class Machine:
    """One run of the emulator in a directory of its own."""

    def __init__(self, settings):
        self.settings = settings
        self.tools = roots.emulator_root()
        self.root = roots.suite_root(settings.suite)
        self.boot = image.boot_image(self.root)
        self.rom = image.boot_rom(self.tools)
        self.disk = image.disk_image(self.tools, self.root)
        self.directory = None
        self.process = None
        self.screen = None
        self.console = bytearray()
        self.stop_at = None

    def __enter__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="carapace-lab-", dir=base))
        return self

    def __exit__(self, *_):
        self.kill()
        if self.screen is not None:
            os.close(self.screen)
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def configure(self, console_mode="file", console=f"{RUN}/console"):
        settings = self.settings
        directory = self.directory
        words = list(CMDLINE)
        if not settings.verbose:
            words.append("quiet")
        words += settings.append.split()
        (directory / "parameters").write_bytes(
            image.parameters(self.boot, " ".join(words), "no5lvl" not in words)
        )
        (directory / "zero").write_bytes(b"\0")
        shutil.copy(self.rom, directory / "boot.rom")
        (directory / "memory").symlink_to(f"{RUN}/boot/memory")
        (directory / "disk").symlink_to(f"{RUN}/disks/disk")
        # The BIOS keeps the ACPI tables at the end of the memory below 4 GiB.
        low = min(settings.memory, 3072) * MiB
        text = CONFIG.format(
            memory=settings.memory,
            host=min(settings.memory, 2048),
            model=settings.model,
            cpus=settings.cpus,
            ips=settings.ips,
            quantum=settings.quantum,
            run=RUN,
            top=low - 65536,
            parameters=image.PARAMS,
            console_mode=console_mode,
            console=console,
            error="report" if settings.log_errors else "ignore",
            info="report" if settings.log_errors else "ignore",
        )
        text += "".join(f"{line}\n" for line in settings.extra)
        (directory / "config").write_text(text, encoding="utf-8")
        for name in ("console", "output"):
            os.mkfifo(directory / name)

    def start(self, terminal=False):
        binds = [
            (self.directory, RUN),
            (self.boot, f"{RUN}/boot"),
            (self.disk.parent, f"{RUN}/disks"),
        ]
        command = ["bochs-bin", "-q", "-f", f"{RUN}/config"]
        if self.settings.debugger:
            command.append("-debugger")
        command = roots.chroot_command(self.tools, command, binds, RUN)
        environment = dict(os.environ, TERM="linux")
        if terminal:
            self.process = subprocess.Popen(command, env=environment)
            return
        # The emulator's screen wants a terminal; nobody looks at it. When a CPU
        # halts, the emulator sleeps for up to a millisecond, unless there is
        # input: /dev/null can always be read.
        self.screen, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        os.close(slave)
        os.set_blocking(self.screen, False)

    def open_fifo(self, name):
        # For reading and writing: the emulator never finds it closed, and
        # neither do we.
        fd = os.open(self.directory / name, os.O_RDWR | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, MiB)
        return fd

    def emulator_log(self):
        try:
            return (self.directory / "log").read_text(errors="replace")
        except OSError:
            return ""

    def take_console(self, data, log):
        if log:
            log.write(data)
            log.flush()
        start = max(0, len(self.console) - 256)
        self.console += data
        if self.stop_at:
            return
        if PANIC.search(self.console, start):
            self.stop_at = time.monotonic() + PANIC_LINGER
        elif RESET in self.console[start:] or MISPLACED in self.console[start:]:
            self.stop_at = time.monotonic()

    def watch(self, mark, timeout, sink, log):
        """Run until the job is done or the machine is; a Result."""
        fds = {self.open_fifo("console"): "console", self.open_fifo("output"): "output"}
        self.start()
        fds[self.screen] = "screen"
        end = re.compile(b"\036" + mark.encode() + b" (\\d+)\036")
        limit = len(mark) + 8
        pending = b""
        status = None
        deadline = time.monotonic() + timeout
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        while status is None:
            now = time.monotonic()
            dead = self.process.poll() is not None
            got = False
            for fd, _ in poll.poll(0 if dead else 100):
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    poll.unregister(fd)
                    continue
                got = got or fds[fd] != "screen"
                if fds[fd] == "console":
                    self.take_console(data, log)
                elif fds[fd] == "output":
                    pending += data
                    match = end.search(pending)
                    if match:
                        sink(pending[: match.start()])
                        pending = b""
                        status = int(match[1])
                        break
                    # Hold back what may be the start of the mark.
                    place = pending.find(b"\036", max(0, len(pending) - limit))
                    keep = len(pending) if place < 0 else place
                    if keep:
                        sink(pending[:keep])
                        pending = pending[keep:]
            if dead and not got:
                break
            if self.stop_at and now >= self.stop_at:
                break
            if now >= deadline:
                break
        if pending:
            sink(pending)
        timed_out = self.process.poll() is None
        self.kill()
        for fd, name in fds.items():
            if name != "screen":
                os.close(fd)
        if status is not None:
            return Result(status)
        return self.why(timed_out, timeout)

    def why(self, timed_out, timeout):
        console = bytes(self.console)
        match = PANIC.search(console)
        if match:
            return Result(EXIT_PANIC, f"kernel panic: {match[1].decode(errors='replace')}")
        if MISPLACED in console:
            return Result(EXIT_LAB, "the kernel was not loaded where it should be")
        if RESET in console:
            return Result(EXIT_POWER, "the guest restarted the machine")
        text = self.emulator_log()
        match = TRIPLE_FAULT.search(text)
        if match:
            return Result(EXIT_TRIPLE_FAULT, f"triple fault: {match[0]}")
        if "ACPI control: soft power off" in text or "powered off" in text:
            return Result(EXIT_POWER, "the guest switched the machine off")
        if timed_out:
            return Result(EXIT_TIMEOUT, f"no end after {timeout:g} s")
        last = [line for line in text.splitlines() if "PANIC" in line or ">>PANIC<<" in line]
        why = last[-1] if last else f"status {self.process.returncode}"
        return Result(EXIT_DIED, f"the emulator died: {why}")

    def trouble(self):
        """The first and the number of the console's complaints."""
        found = TROUBLE.findall(bytes(self.console))
        return (found[0].decode(errors="replace"), len(found)) if found else None


def run(settings, command, put=(), get=(), timeout=300, log=None, keep=None):
    """Boot a machine, run COMMAND in it; the exit status."""
    mark = "lab-" + secrets.token_hex(8)
    with Machine(settings) as machine:
        script = job_script(command, [source for source, _ in get], mark)
        with build.stage_lock(settings.suite, shared=True):
            stage = build.stage_directory(settings.suite)
            make_job_disk(machine.directory / "job", script, stage, put)
        machine.configure()

        def sink(data):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(log, "wb")) if log else None
            result = machine.watch(mark, timeout, sink, file)
        if keep:
            shutil.copy(machine.directory / "log", keep)
        trouble = machine.trouble()
        if trouble:
            say(f"{trouble[1]} complaint(s) on the console, the first: {trouble[0]}")
        if result.reason:
            say(result.reason)
            if not log and result.status in (EXIT_PANIC, EXIT_DIED, EXIT_TRIPLE_FAULT):
                tail = bytes(machine.console[-3000:]).decode(errors="replace")
                sys.stderr.write(tail.replace("\r\n", "\n") + "\n")
            return result.status
        missing = take_back(machine.directory / "job", get) if get else []
        if missing:
            say("not in the guest: " + " ".join(missing))
            return result.status or EXIT_LAB
        return result.status
