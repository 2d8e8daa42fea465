# SPDX-License-Identifier: GPL-2.0
"""
What the machine boots: the stock kernel out of its bzImage, an initramfs, and
the suite's root as a read-only file system on a disk.

Decompressing the kernel would take the emulator longer than booting it, so
this is done here, once, and the emulator loads the result into memory
(optramimage), in place of the disk, the boot loader and the decompressor. The
kernel's code is the packaged one, at its linked address.
"""

import ctypes
import lzma
import pathlib
import struct
import subprocess
import zlib

from roots import chroot, chroot_command, kernel_version
from cache import HERE, build_once, cache_dir, digest
from host import LabError, MiB, run


# The emulator hands out its memory in blocks of this size, in the order of
# their first access, and loads an image without a look at their borders. An
# image of several blocks therefore holds them in the order in which boot.S
# touches them. The first two are touched by us (the parameters) and by the
# BIOS (the ACPI tables, at the end of memory).
BLOCK = 8 * MiB

PARAMS = 0x200000
CMDLINE = 0x201000
CONTROL = 0x202000
PML5 = 0x203000
CMDLINE_MAX = 2047
MAGIC_LENGTH = 4

# For the initramfs, in addition to what they depend on. That erofs wants crc32c is
# said by a soft dependency only.
MODULES = ["ata_piix", "sd_mod", "crc32c_generic", "erofs", "overlay"]

# Not needed in the guest. The kernel is, for one that starts another.
EXCLUDE = [
    r"boot/[^v].*",
    r"debootstrap/.*",
    r"opt/kselftest/(include|scripts)/.*",
    r"opt/kselftest\.(work|partial)/.*",
    r"proc/.*",
    r"sys/.*",
    r"dev/.*",
    r"tmp/.*",
    r"usr/include/.*",
    r"usr/lib/gcc/.*",
    r"usr/lib/x86_64-linux-gnu/(bochs|gprofng)/.*",
    r"usr/lib/x86_64-linux-gnu/[^/]*\.a",
    r"usr/libexec/gcc/.*",
    r"usr/share/(doc|man|locale|info|bochs|vgabios|gcc)/.*",
    r"usr/src/.*",
    r"var/cache/.*",
    r"var/lib/(apt|dpkg)/.*",
]


def decompress_lz4(data):
    """LZ4's legacy format: chunks of 8 MiB, each with its compressed size."""
    # apt needs this library, so it is there.
    library = ctypes.CDLL("liblz4.so.1")
    chunk = ctypes.create_string_buffer(8 * MiB)
    result = b""
    while len(data) >= 4:
        (size,) = struct.unpack_from("<I", data)
        done = library.LZ4_decompress_safe(data[4 : 4 + size], chunk, size, len(chunk))
        if done < 0:
            raise LabError("cannot decompress the kernel (lz4)")
        result += chunk.raw[:done]
        data = data[4 + size :]
    return result


def decompress(root, data):
    """The payload of a bzImage: the kernel's ELF file and more behind it."""
    if data[:4] == b"\x28\xb5\x2f\xfd":
        command = chroot_command(root, ["zstd", "-dcq"])
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=False)
        if not done.stdout:
            raise LabError("cannot decompress the kernel (zstd)")
        return done.stdout
    if data[:6] == b"\xfd7zXZ\x00":
        return lzma.LZMADecompressor().decompress(data)
    if data[:4] == b"\x02\x21\x4c\x18":
        return decompress_lz4(data[4:])
    if data[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(data)
    raise LabError(f"unknown compression of the kernel: {data[:6].hex()}")


class Kernel:
    """The kernel as it is loaded: segments by physical address."""

    def __init__(self, root, version):
        image = (root / "boot" / f"vmlinuz-{version}").read_bytes()
        if image[0x202:0x206] != b"HdrS":
            raise LabError("the kernel is no bzImage")
        # The setup header, to be handed back to the kernel as it is.
        self.header = image[0x1F1 : 0x202 + image[0x201]]
        sectors = image[0x1F1] or 4
        offset, length = struct.unpack_from("<II", image, 0x248)
        offset += (sectors + 1) * 512
        # The last word is the size; decompressors ignore it.
        elf = decompress(root, image[offset : offset + length - 4])
        if elf[:4] != b"\x7fELF":
            raise LabError("the kernel holds no ELF file")
        (self.entry, headers) = struct.unpack_from("<QQ", elf, 0x18)
        size, count = struct.unpack_from("<HH", elf, 0x36)
        self.segments = []
        self.end = 0
        for index in range(count):
            kind, _, position, _, physical, in_file, in_memory, _ = struct.unpack_from(
                "<IIQQQQQQ", elf, headers + index * size
            )
            if kind != 1:
                continue
            self.segments.append((physical, elf[position : position + in_file]))
            self.end = max(self.end, physical + in_memory)


def cpio_entry(inode, name, mode, data=b"", device=(0, 0)):
    name = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
    entry = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    entry += b"\0" * (-len(entry) % 4)
    return entry + data + b"\0" * (-len(data) % 4)


def module_order(root, version):
    """The files of MODULES and what they need, in the order of loading."""
    directory = root / "lib/modules" / version
    depends = {}
    paths = {}
    for line in (directory / "modules.dep").read_text(encoding="ascii").splitlines():
        path, needed = line.split(":")
        name = pathlib.Path(path).name.split(".")[0].replace("-", "_")
        paths[name] = path
        depends[path] = needed.split()
    order = []
    for name in MODULES:
        if name not in paths:
            # Built in.
            continue
        path = paths[name]
        for entry in [*reversed(depends[path]), path]:
            if entry not in order:
                order.append(entry)
    return [directory / path for path in order]


def initramfs(root, version):
    archive = b""
    inode = 1
    for name in ("bin", "dev", "proc", "sys", "root", "lower", "upper", "modules"):
        archive += cpio_entry(inode, name, 0o40755)
        inode += 1
    files = {
        "bin/busybox": (root / "bin/busybox").read_bytes(),
        "init": (HERE / "initramfs-init").read_bytes(),
        "guest-init": (HERE / "guest-init").read_bytes(),
    }
    for index, path in enumerate(module_order(root, version)):
        data = path.read_bytes()
        name = path.name.split(".")[0]
        if path.suffix == ".xz":
            data = lzma.decompress(data)
        files[f"modules/{index:02}-{name}.ko"] = data
    for name, data in files.items():
        archive += cpio_entry(inode, name, 0o100755, data)
        inode += 1
    archive += cpio_entry(inode, "bin/sh", 0o120777, b"busybox")
    archive += cpio_entry(inode + 1, "dev/console", 0o20600, b"", (5, 1))
    archive += cpio_entry(inode + 2, "dev/null", 0o20666, b"", (1, 3))
    archive += cpio_entry(0, "TRAILER!!!", 0)
    return archive + b"\0" * (-len(archive) % 512)


def make_boot_image(root, version, path):
    kernel = Kernel(root, version)
    ramdisk = initramfs(root, version)
    ramdisk_address = -(-kernel.end // BLOCK) * BLOCK
    pieces = kernel.segments + [(ramdisk_address, ramdisk)]
    blocks = []
    for address, data in pieces:
        for block in range(address // BLOCK, (address + len(data) - 1) // BLOCK + 1):
            if block not in blocks:
                blocks.append(block)
    blocks.sort()
    if blocks[0] == 0:
        raise LabError("the kernel is linked to run in the first memory block")
    path.mkdir()
    with open(path / "memory", "wb") as file:
        for address, data in pieces:
            while data:
                slot = 2 + blocks.index(address // BLOCK)
                room = BLOCK - address % BLOCK
                file.seek(slot * BLOCK + address % BLOCK)
                file.write(data[:room])
                address += len(data[:room])
                data = data[room:]
        file.truncate((2 + len(blocks)) * BLOCK)
    touch = [block * BLOCK for block in blocks]
    # The start of the initramfs's last block tells whether all went well.
    check = touch[-1] if touch[-1] >= ramdisk_address else ramdisk_address
    magic = ramdisk[check - ramdisk_address :][:MAGIC_LENGTH]
    control = struct.pack("<QQ", kernel.entry, check) + magic.ljust(8, b"\0")
    control += struct.pack("<Q", 1)
    control += struct.pack(f"<{len(touch) + 1}I", *touch, 0)
    (path / "control").write_bytes(control)
    (path / "header").write_bytes(kernel.header)
    (path / "ramdisk").write_bytes(struct.pack("<II", ramdisk_address, len(ramdisk)))


def boot_image(root):
    version = kernel_version(root)
    name = digest(
        root.name,
        version,
        HERE / "image.py",
        HERE / "initramfs-init",
        HERE / "guest-init",
        *map(pathlib.Path, module_order(root, version)),
    )
    return build_once(
        cache_dir() / "boot" / name,
        f"{version}: kernel and initramfs",
        lambda path: make_boot_image(root, version, path),
    )


def page_tables():
    """An identity map of the first 4 GiB, for 5 and 4 levels."""
    pml4, pdpt, directories = PML5 + 0x1000, PML5 + 0x2000, PML5 + 0x3000
    tables = struct.pack("<Q", pml4 | 3).ljust(4096, b"\0")
    tables += struct.pack("<Q", pdpt | 3).ljust(4096, b"\0")
    entries = [directories + index * 4096 | 3 for index in range(4)]
    tables += struct.pack("<4Q", *entries).ljust(4096, b"\0")
    return tables + struct.pack("<2048Q", *(i * 2 * MiB | 0x83 for i in range(2048)))


def parameters(image, cmdline, la57):
    """The memory from PARAMS on: boot_params, command line, page tables."""
    encoded = cmdline.encode()
    if len(encoded) > CMDLINE_MAX:
        raise LabError("the kernel command line is too long")
    page = bytearray(4096)
    header = (image / "header").read_bytes()
    page[0x1F1 : 0x1F1 + len(header)] = header
    page[0x210] = 0xFF  # type_of_loader: none that has a number
    page[0x211] |= 0x02  # loadflags: KASLR_FLAG, so that memory is randomised
    address, size = struct.unpack("<II", (image / "ramdisk").read_bytes())
    struct.pack_into("<II", page, 0x218, address, size)
    struct.pack_into("<I", page, 0x228, CMDLINE)
    control = bytearray((image / "control").read_bytes())
    struct.pack_into("<Q", control, 24, int(la57))
    return (
        bytes(page)
        + encoded.ljust(4096, b"\0")
        + bytes(control).ljust(4096, b"\0")
        + page_tables()
    )


def make_boot_rom(root, path):
    path.mkdir()
    source = (HERE / "boot.S").read_bytes()
    (path / "boot.S").write_bytes(source)
    binds = [(path, "/mnt")]
    chroot(root, ["gcc", "-c", "boot.S"], binds, "/mnt")
    link = "ld -Ttext=0 --oformat=binary -e _start -o boot.rom boot.o"
    chroot(root, link.split(), binds, "/mnt")
    rom = bytearray((path / "boot.rom").read_bytes())
    if len(rom) != rom[2] * 512:
        raise LabError("boot.S has the wrong size")
    rom[-1] = -sum(rom) & 0xFF
    (path / "boot.rom").write_bytes(rom)


def boot_rom(root):
    path = build_once(
        cache_dir() / "boot" / f"rom-{digest(HERE / 'boot.S')}",
        "boot ROM",
        lambda path: make_boot_rom(root, path),
    )
    return path / "boot.rom"


PRELOADED = ("forkserver.c", "commit_rip.c")


def make_preload(root, path):
    path.mkdir()
    for name in PRELOADED:
        (path / name).write_bytes((HERE / name).read_bytes())
    compile_it = ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", "preload.so"]
    chroot(root, [*compile_it, *PRELOADED], [(path, "/mnt")], "/mnt")


def preload(root):
    """What the emulator is run with."""
    name = f"preload-{digest(*(HERE / source for source in PRELOADED))}"
    path = build_once(
        cache_dir() / "boot" / name,
        "what is loaded into the emulator",
        lambda path: make_preload(root, path),
    )
    return path / "preload.so"


def make_disk(tools, root, path):
    command = ["mkfs.erofs", "--quiet", "-T0", "-Enoinline_data"]
    command += [f"--exclude-regex=^{pattern}$" for pattern in EXCLUDE]
    command += ["/mnt/disk", "/media"]
    path.mkdir()
    run(chroot_command(tools, command, [(path, "/mnt"), (root, "/media")]))
    # The emulator wants whole cylinders.
    cylinder = 16 * 63 * 512
    with open(path / "disk", "r+b") as file:
        size = file.seek(0, 2)
        file.truncate(-(-size // cylinder) * cylinder)


def disk_image(tools, root):
    name = f"{root.name}-{digest(EXCLUDE)}"
    path = build_once(
        cache_dir() / "disks" / name,
        "guest disk",
        lambda path: make_disk(tools, root, path),
    )
    return path / "disk"
