# SPDX-License-Identifier: GPL-2.0
"""The emulated machine: its configuration, its run, and how it ended.

Of Bochs 3.0 with several CPUs (its main loop, after exception()): until the next
instruction it has not committed the RIP of a handler that an exception has just
led to. An NMI that causes a VM exit there leaves the RIP of the instruction that
faulted in the VMCS, with the handler's CS and RSP, and the guest goes on at that:
a page fault of a supervisor's fetch at a user address, on the entry stack, about
once in an hour of attaching under load. No rule of VMX broke, then. With one CPU
the RIP is committed.
"""

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
import socket
import subprocess
import sys
import tarfile
import tempfile
import termios
import time
import tty

import build
import image
import roots
from cache import cache_dir, digest, lock, remove
from host import LabError, die_with_parent, say

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

# The run's directory, as the emulator's root sees it.
RUN = "/mnt"
RUN_PREFIX = "carapace-lab-"

CMDLINE = [
    "console=ttyS0,115200",
    "panic=0",
    "tsc=reliable",
    "no_timer_check",
    "random.trust_cpu=on",
    "audit=0",
]

# Some CPU models tell a TSC frequency of the real thing. The emulator's runs
# at --ips, as its other clocks do.
TSC = "tsc_early_khz={}"

CONFIG = """\
config_interface: textconfig
display_library: term
memory: guest={memory}, host={memory}, block_size=8192
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
com1: enabled=1, mode=file, dev={run}/console
com2: enabled=1, {output}
speaker: enabled=0
clock: sync=none, time0=utc
log: {run}/log
panic: action=fatal
error: action=report
info: action={info}
debug: action=ignore
"""

# Unknown MSRs raise #GP, as on a real CPU, but for those that Linux takes for
# granted: number, type, and pairs of words: value at reset, reserved, ignored.
STRICT_MSRS = """\
cpu: ignore_bad_msrs=0, msrs="{run}/msrs"
"""
MSRS = (
    0x8B, 0xE7, 0xE8, 0x17A, 0x1A0, 0x1D9, 0x345, 0x3F1,
    *range(0xC1, 0xC9), *range(0x186, 0x18E),       # performance counters
    *range(0x309, 0x30D), *range(0x38D, 0x391),
    *range(0x400, 0x480),                           # machine check banks
)
MSR = "{:#010x} 0 00000000 00000000 00000000 00000000 00000000 00000000\n"

PANIC = re.compile(rb"Kernel panic - not syncing: ([^\r\n]*)")
TROUBLE = re.compile(
    rb"(?:BUG: |Oops: |WARNING: |general protection fault|"
    rb"unable to handle|INFO: task |rcu: INFO: )[^\r\n]*"
)
RESET = b"lab: the machine was reset"
MISPLACED = b"lab: the kernel is not where it should be"
TRIPLE_FAULT = re.compile(r"3rd \(\d+\) exception with no resolution")

# Where the BIOS stumbles when a CPU with VMX is reset.
BIOS_AGAIN = "WRMSR: IA32_FEATURE_CONTROL_MSR VMX lock bit is set"

BOOT_TIMEOUT = 300

# After a panic, for the rest of its report.
PANIC_LINGER = 1.0


# How many booted machines may wait, each with its memory.
MAX_TEMPLATES = 6

# Ctrl-] leaves `lab shell`.
LEAVE = b"\x1d"


class Settings:
    """What distinguishes one machine from another."""

    suite = roots.DEFAULT_SUITE
    model = "arrow_lake"
    cpus = 2
    memory = 512
    append = ""
    ips = 50000000
    quantum = 16
    strict_msrs = False
    extra = ()
    log_info = False
    debugger = False

    def __str__(self):
        extra = f" ({self.append})" if self.append else ""
        return f"{self.suite} on {self.model}, {self.cpus} CPUs, {self.memory} MB{extra}"


class Result:
    """How a machine ended: an exit status and a line for stderr."""

    def __init__(self, status, reason=None):
        self.status = status
        self.reason = reason


def job_script(command, get, mark):
    """
    The script that does the job in the guest. A kernel that the job starts in
    the place of the first one goes on with it: with what its command line's
    lab_next= says, words with commas between them.
    """
    lines = [
        "#!/bin/bash",
        # The machine may have been booted a while ago.
        f"date -s @{int(time.time())} >/dev/null",
        f"echo {mark} >/dev/urandom",
        f"set -- {shlex.join(command)}",
        '[ -z "$lab_next" ] || IFS=, read -ra next <<<"$lab_next"',
        'setsid "${next[@]-$@}" </dev/null >&9 2>&1',
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


def sweep(base):
    """Remove the directories of runs that could not do it themselves."""
    for path in pathlib.Path(base).glob(RUN_PREFIX + "*"):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY)
            try:
                # Young ones may not be locked yet.
                if time.time() - path.stat().st_mtime > 60:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(fd)


class Machine:
    """
    One run of the emulator in a directory of its own. It is either started
    for it, or a copy of a machine that has been booted before.
    """

    def __init__(self, settings):
        if settings.memory % 8 or not 256 <= settings.memory <= 2048:
            raise LabError("--mem: a multiple of 8 from 256 to 2048, please")
        self.settings = settings
        self.tools = roots.emulator_root()
        self.root = roots.suite_root(settings.suite)
        self.boot = image.boot_image(self.root)
        self.rom = image.boot_rom(self.tools)
        self.disk = image.disk_image(self.tools, self.root)
        self.directory = None
        self.process = None
        self.connection = None
        self.channels = {}
        self.console = bytearray()
        self.stop_at = None
        # Whether there is something to wait for after a panic
        self.past_panic = False

    def __enter__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
        sweep(base)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=base))
        self.held = os.open(self.directory, os.O_RDONLY)
        fcntl.flock(self.held, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.kill()
        self.close_channels()
        shutil.rmtree(self.directory, ignore_errors=True)
        os.close(self.held)

    def close_channels(self):
        for fd in self.channels:
            os.close(fd)
        self.channels = {}

    def kill(self):
        if self.connection:
            # The copy ends with its connection.
            self.connection.close()
            self.connection = None
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def files(self, output=f"mode=file, dev={RUN}/output"):
        """The files that the emulator starts with, by name."""
        settings = self.settings
        words = CMDLINE + [TSC.format(settings.ips // 1000)] + settings.append.split()
        text = CONFIG.format(
            memory=settings.memory,
            model=settings.model,
            cpus=settings.cpus,
            ips=settings.ips,
            quantum=settings.quantum,
            run=RUN,
            # Where the BIOS keeps the ACPI tables.
            top=settings.memory * MiB - 65536,
            parameters=image.PARAMS,
            output=output,
            info="report" if settings.log_info else "ignore",
        )
        if settings.strict_msrs:
            text += STRICT_MSRS.format(run=RUN)
        text += "".join(f"{line}\n" for line in settings.extra)
        files = {
            "config": text.encode(),
            "parameters": image.parameters(
                self.boot, " ".join(words), "no5lvl" not in words
            ),
            "zero": b"\0",
            "boot.rom": self.rom.read_bytes(),
        }
        if settings.strict_msrs:
            files["msrs"] = "".join(map(MSR.format, MSRS)).encode()
        return files

    def configure(self, **output):
        for name, data in self.files(**output).items():
            (self.directory / name).write_bytes(data)
        (self.directory / "memory").symlink_to(f"{RUN}/boot/memory")
        (self.directory / "disk").symlink_to(f"{RUN}/disks/disk")

    def make_channel(self, name):
        """A FIFO with room, that the emulator writes to."""
        os.mkfifo(self.directory / name)
        # For reading and writing: the emulator never finds it closed, and
        # neither do we.
        fd = os.open(self.directory / name, os.O_RDWR | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, MiB)
        self.channels[fd] = name

    def make_channels(self):
        self.make_channel("console")
        self.make_channel("output")

    def make_terminal(self):
        """A terminal instead of the output's FIFO: its name."""
        fd, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(fd, False)
        self.channels[fd] = "output"
        self.terminal = (fd, slave)
        return os.ttyname(slave)

    def start(self):
        preload = image.preload(self.tools)
        binds = [
            (self.directory, RUN),
            (self.boot, f"{RUN}/boot"),
            (self.disk.parent, f"{RUN}/disks"),
            (preload.parent, f"{RUN}/preload"),
        ]
        command = ["env", f"LD_PRELOAD={RUN}/preload/{preload.name}"]
        command += ["bochs-bin", "-q", "-f", f"{RUN}/config"]
        if self.settings.debugger:
            command.append("-debugger")
        command = roots.chroot_command(self.tools, command, binds, RUN)
        environment = dict(os.environ, TERM="linux")
        if self.settings.debugger:
            self.process = subprocess.Popen(
                command, env=environment, preexec_fn=die_with_parent
            )
            return
        # The emulator's screen wants a terminal; nobody looks at it. When a CPU
        # halts, the emulator sleeps for up to a millisecond, unless there is
        # input: /dev/null can always be read.
        slave = self.open_screen()
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

    def open_screen(self):
        screen, slave = pty.openpty()
        os.set_blocking(screen, False)
        self.channels[screen] = "screen"
        return slave

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
        if not self.past_panic and PANIC.search(self.console, start):
            self.stop_at = time.monotonic() + PANIC_LINGER
        elif RESET in self.console[start:] or MISPLACED in self.console[start:]:
            self.stop_at = time.monotonic()

    def watch(self, mark, timeout, sink, log=None, keys=None):
        """
        Wait until the machine says MARK, or is at its end: a Result. What comes
        before the mark goes to SINK. KEYS is a file whose input goes to the
        machine.
        """
        poll = select.poll()
        for fd in self.channels:
            poll.register(fd, select.POLLIN)
        if keys is not None:
            poll.register(keys, select.POLLIN)
        if self.connection:
            poll.register(self.connection, select.POLLIN)
        end = re.compile(b"\036" + mark.encode() + b" (\\d+)\036")
        pending = b""
        status = None
        dead = False
        deadline = time.monotonic() + timeout
        while status is None:
            got = False
            dead = dead or (self.process and self.process.poll() is not None)
            for fd, _ in poll.poll(0 if dead else 100):
                name = self.channels.get(fd)
                if fd == keys:
                    data = os.read(keys, 4096)
                    if LEAVE in data or not data:
                        self.kill()
                        return Result(EXIT_LAB, "left")
                    os.write(self.terminal[0], data)
                    continue
                if name is None:
                    # The copy does not talk to us: it is gone.
                    dead = True
                    poll.unregister(fd)
                    continue
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    poll.unregister(fd)
                    continue
                got = got or name != "screen"
                if name == "console":
                    self.take_console(data, log)
                elif name == "output":
                    pending += data
                    match = end.search(pending)
                    if match:
                        sink(pending[: match.start()])
                        pending = b""
                        status = int(match[1])
                        break
                    # Hold back what may be the start of the mark.
                    place = pending.find(b"\036", max(0, len(pending) - len(mark) - 8))
                    keep = len(pending) if place < 0 else place
                    if keep:
                        sink(pending[:keep])
                        pending = pending[keep:]
            now = time.monotonic()
            if (dead and not got) or now >= deadline:
                break
            if self.stop_at and now >= self.stop_at:
                break
        if pending:
            sink(pending)
        if status is not None:
            return Result(status)
        self.kill()
        return self.why(not dead, timeout)

    def why(self, timed_out, timeout):
        console = bytes(self.console)
        match = PANIC.search(console)
        if match and (timed_out or not self.past_panic):
            return Result(EXIT_PANIC, f"kernel panic: {match[1].decode(errors='replace')}")
        if MISPLACED in console:
            return Result(EXIT_LAB, "the kernel was not loaded where it should be")
        if RESET in console:
            return Result(EXIT_POWER, "the guest restarted the machine")
        text = self.emulator_log()
        match = TRIPLE_FAULT.search(text)
        if match and BIOS_AGAIN in text[: match.start()][-2000:]:
            return Result(EXIT_POWER, "the guest restarted the machine")
        if match:
            return Result(EXIT_TRIPLE_FAULT, f"triple fault: {match[0]}")
        if "ACPI control: soft power off" in text:
            return Result(EXIT_POWER, "the guest switched the machine off")
        if timed_out:
            return Result(EXIT_TIMEOUT, f"no end after {timeout:g} s")
        last = [line for line in text.splitlines() if "PANIC" in line]
        return Result(EXIT_DIED, f"the emulator died: {last[-1] if last else 'no word why'}")

    def trouble(self):
        """The first and the number of the console's complaints."""
        found = TROUBLE.findall(bytes(self.console))
        return (found[0].decode(errors="replace"), len(found)) if found else None

    def tail(self):
        text = bytes(self.console[-4000:]).decode(errors="replace")
        return text.replace("\r\n", "\n") + "\n"


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


def discard(_):
    """Where to put the output of a boot."""


def show(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


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
        with build.stage_lock(settings.suite, shared=True):
            stage = build.stage_directory(settings.suite)
            make_job_disk(machine.directory / "job", script, stage, put)
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
        with build.stage_lock(settings.suite, shared=True):
            stage = build.stage_directory(settings.suite)
            make_job_disk(machine.directory / "job", script, stage, put)
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
        with build.stage_lock(settings.suite, shared=True):
            stage = build.stage_directory(settings.suite)
            make_job_disk(machine.directory / "job", script, stage, put)
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
