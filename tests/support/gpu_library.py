"""Shared objects with CUDA fat binaries of made-up modules, as a compiler lays them out: assembled and linked here."""

import struct
import subprocess

CUBIN, PTX, LTO = 2, 1, 8
EXACT, FAMILY = 0x100000, 0x200000
_SOURCE = """
.text
.globl answer
answer: mov $42, %eax
        ret
{sections}
.section .nvFatBinSegment,"aw"
.align 8
.globl wrappers
wrappers:
{wrappers}
.data
.align 8
{data}
.section .note.GNU-stack,"",@progbits
"""


def element(kind, architecture, size=4096, flags=0, header=64):
    """A module of `size` bytes that say what it is for."""
    payload = (f"{kind} for {architecture} {flags:#x};".encode() * (size // 8 + 1))[: (size + 7) // 8 * 8]
    fields = (kind, 0x0101, header, len(payload), 0, 0, 0, 8, architecture, 0, 0, flags | 0x11, 0, len(payload))
    return struct.pack("<HHIQIIHHIIIQQQ", *fields).ljust(header, b"\0") + payload


def cubins(*architectures, size=4096):
    """One element of machine code for each architecture."""
    return [element(CUBIN, one, size) for one in architectures]


def container(*elements):
    """The bytes of a container of elements."""
    inner = b"".join(elements)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(inner)) + inner


def library(target, containers, *, section=".nv_fatbin", wrapped=None, data="", between=b"", options=()):
    """Link `containers` (bytes) in `section` into the shared object `target`.

    Each is registered by a wrapper, or those with the numbers in `wrapped`; `data` is assembler for .data, in which
    `c0` is the first container; `between` follows every container.
    """
    lines = []
    for number, content in enumerate(containers):
        place = target.with_suffix(f".{number}.bin")
        place.write_bytes(content + between)
        lines.append(f'c{number}: .incbin "{place}"')
    wrapped = range(len(containers)) if wrapped is None else wrapped
    wrappers = [f".long 0x466243B1, 1\n.quad c{number}, 0" for number in wrapped]
    sections = f'.section {section},"a"\n.align 8\n' + "\n".join(lines)
    source = target.with_suffix(".S")
    source.write_text(_SOURCE.format(sections=sections, wrappers="\n".join(wrappers), data=data))
    command = ["gcc", "-shared", "-nostdlib", "-Wl,--build-id", *options, "-o", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return target
