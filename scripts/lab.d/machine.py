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

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import tty

import image
import roots
from host import LabError, MiB, die_with_parent

EXIT_TIMEOUT = 124
EXIT_LAB = 125
EXIT_PANIC = 250
EXIT_TRIPLE_FAULT = 251
EXIT_DIED = 252
EXIT_POWER = 253

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
    # The emulator's MWAIT does not see all that another CPU writes: where Linux
    # wakes an idle one by that, it goes on with its next timer interrupt only.
    "idle=halt",
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

# After a panic, for the rest of its report.
PANIC_LINGER = 1.0


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
        # A word of --append takes the place of ours.
        added = settings.append.split()
        names = tuple(word.partition("=")[0] + "=" for word in added)
        words = [word for word in CMDLINE if not word.startswith(names)]
        words += [TSC.format(settings.ips // 1000), *added]
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
