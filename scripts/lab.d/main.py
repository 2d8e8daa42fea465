# SPDX-License-Identifier: GPL-2.0
"""The lab's command line."""

import argparse
import signal
import sys

import build
import image
import machine
import roots
import runs
import template
from host import LabError, say

EPILOG = f"""\
exit status of `run`: that of COMMAND, or
  {machine.EXIT_TIMEOUT}  no end within --timeout seconds
  {machine.EXIT_LAB}  the lab itself failed
  {machine.EXIT_PANIC}  kernel panic
  {machine.EXIT_TRIPLE_FAULT}  triple fault
  {machine.EXIT_DIED}  the emulator died
  {machine.EXIT_POWER}  the guest switched the machine off, or restarted it
"""


def pair(text):
    source, colon, target = text.rpartition(":")
    if not colon or not source or not target:
        raise argparse.ArgumentTypeError(f"not SRC:DST: {text}")
    return source, target


def add_machine(parser):
    parser.add_argument("--suite", default=roots.DEFAULT_SUITE)
    parser.add_argument("--cpu", default="arrow_lake", metavar="MODEL")
    parser.add_argument("--smp", type=int, default=2, metavar="N")
    parser.add_argument("--mem", type=int, default=512, metavar="MB")
    parser.add_argument("--append", default="", metavar="ARGS", help="for the kernel")
    parser.add_argument("--ips", type=int, default=machine.Settings.ips)
    parser.add_argument(
        "--quantum",
        type=int,
        default=machine.Settings.quantum,
        choices=range(1, 33),
        metavar="1..32",
        help="instructions that one CPU after the other executes",
    )
    parser.add_argument("--strict-msrs", action="store_true", help="unknown MSRs: #GP")
    parser.add_argument("--bochs", action="append", default=[], metavar="LINE")
    parser.add_argument("--bochs-log", metavar="FILE", help="keep the emulator's log")
    parser.add_argument("--bochs-info", action="store_true", help="more in that log")


def settings_of(options):
    settings = machine.Settings()
    settings.suite = options.suite
    settings.model = options.cpu
    settings.cpus = options.smp
    settings.memory = options.mem
    settings.append = options.append
    settings.ips = options.ips
    settings.quantum = options.quantum
    settings.strict_msrs = options.strict_msrs
    settings.extra = options.bochs
    settings.log_info = options.bochs_info
    return settings


def command_setup(options):
    tools = roots.emulator_root()
    root = roots.suite_root(options.suite)
    image.boot_image(root)
    image.boot_rom(tools)
    image.disk_image(tools, root)
    return 0


def command_build(options):
    return build.build(options.suite)


def command_chroot(options):
    return build.execute(options.suite, options.command, options.extras)


def command_run(options):
    settings = settings_of(options)
    if options.debug:
        return runs.debug(settings, options.command, options.put)
    return runs.run(
        settings,
        options.command,
        put=options.put,
        get=options.get,
        timeout=options.timeout,
        log=options.log,
        keep=options.bochs_log,
        fresh=options.fresh,
        past_panic=options.past_panic,
    )


def command_shell(options):
    return runs.shell(settings_of(options), options.put, options.log)


def command_stop(_):
    template.end_templates()
    return 0


def main():
    parser = argparse.ArgumentParser(
        prog="lab", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    setup = commands.add_parser("setup", help="make what the other commands need")
    setup.add_argument("--suite", default=roots.DEFAULT_SUITE)
    setup.set_defaults(handler=command_setup)

    make = commands.add_parser("build", help="build the module and the tools")
    make.add_argument("--suite", default=roots.DEFAULT_SUITE)
    make.set_defaults(handler=command_build)

    inside = commands.add_parser("chroot", help="run a command where things are built")
    inside.add_argument("--suite", default=roots.DEFAULT_SUITE)
    inside.add_argument(
        "--extras",
        action="store_true",
        help=f"with more packages in {roots.EXTRAS_PLACE}, which is made if need be",
    )
    inside.add_argument("command", nargs="+")
    inside.set_defaults(handler=command_chroot)

    run = commands.add_parser("run", help="run a command in a machine")
    add_machine(run)
    run.add_argument(
        "--timeout",
        type=float,
        default=300,
        metavar="SEC",
        help="for the command, not the boot (default: 300)",
    )
    run.add_argument("--put", type=pair, action="append", default=[], metavar="SRC:DST")
    run.add_argument("--get", type=pair, action="append", default=[], metavar="SRC:DST")
    run.add_argument("--log", metavar="FILE", help="keep the whole console")
    run.add_argument("--fresh", action="store_true", help="boot for this run alone")
    run.add_argument(
        "--past-panic",
        action="store_true",
        help="a panic is not the end: wait for what the kernel does then",
    )
    run.add_argument("--debug", action="store_true", help="start Bochs's debugger")
    run.add_argument("command", nargs="+")
    run.set_defaults(handler=command_run)

    shell = commands.add_parser("shell", help="a shell in a machine")
    add_machine(shell)
    shell.add_argument("--put", type=pair, action="append", default=[], metavar="SRC:DST")
    shell.add_argument("--log", metavar="FILE", help="keep the whole console")
    shell.set_defaults(handler=command_shell)

    stop = commands.add_parser("stop", help="end the machines that wait for runs")
    stop.set_defaults(handler=command_stop)

    options = parser.parse_args()
    # So that what is to be cleaned up is.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    try:
        return options.handler(options)
    except LabError as error:
        say(str(error))
        return machine.EXIT_LAB
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
