# SPDX-License-Identifier: GPL-2.0
"""What a machine is to do, on its second disk, and what comes back that way."""

import io
import pathlib
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import time

from host import LabError, MiB

# The second disk: the job from the start, what comes back from the middle.
DISK_BACK = 1024 * MiB
DISK_SIZE = 4096 * 16 * 63 * 512


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
