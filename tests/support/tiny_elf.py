"""A shared library made byte by byte: it loads, exports two numbers, and has everything that a strip is about."""

import platform
import struct
import subprocess
import sys
from itertools import count

MACHINE = {"x86_64": 62, "aarch64": 183}
PAGE = {62: 0x1000, 183: 0x10000}
HOST = MACHINE.get(platform.machine(), 62)
ANSWER, FIRST = 4711, 815
STRIPPED = (".comment", ".debug_info", ".symtab", ".strtab")


def tiny_library(
    *,
    machine=HOST,
    big=0,
    tail=False,
    gap=0,
    filled=b"",
    order=(".comment", ".debug_info", ".symtab", ".strtab"),
    early=False,
    kind=3,
    more=(),
    flags_1=0,
):
    """The bytes of a library.

    `big`: bytes of a section `.big`, which begins with the exported number `first`; `tail`: a section follows it in the
    same segment; `gap`: zeros before the second segment; `filled`: a segment
    without sections; `order`: the sections that no loader needs; `early`: these
    stand before the allocated `.data`, in the file and in the table, as after patchelf; `more`: pairs of dynamic tags
    and values.
    """
    page = PAGE[machine]
    names = b"\0first\0answer\0"
    note = struct.pack("<III4s20s", 4, 20, 3, b"GNU\0", bytes(range(20)))
    parts, place = {}, 64 + (6 if filled else 5) * 56

    def put(name, size, align=8):
        nonlocal place
        place = -(-place // align) * align
        parts[name] = place
        place += size

    put(".note.gnu.build-id", len(note), 4)
    put(".gnu.hash", 16 + 8 + 4 + 2 * 4)
    put(".dynsym", 3 * 24)
    put(".dynstr", len(names), 1)
    if big:
        put(".big", big, 64)
    if tail:
        put(".tail", 64)
    first_end = place
    others = {
        ".comment": (1, b"GCC: (tiny) 1.0\0" * 8, 0),
        ".debug_info": (1, bytes(range(256)) * 24, 0),
        ".symtab": (2, bytes(24) + struct.pack("<IBBHQQ", 1, 0, 0, 0, 0, 0) * 80, 24),
        ".strtab": (3, b"\0a local name\0", 0),
    }
    dynamic_tags = [
        (0x6FFFFEF5, parts[".gnu.hash"]),
        (6, parts[".dynsym"]),
        (11, 24),
        (5, parts[".dynstr"]),
        (10, len(names)),
    ]
    dynamic_tags += [*more, *([(0x6FFFFFFB, flags_1)] if flags_1 else []), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in dynamic_tags)

    data = bytearray(place)
    sections = [(name, *described) for name, described in _tables(parts, note, big).items()]
    offsets = {}

    def append(name, content, align=1):
        data.extend(bytes(-len(data) % align))
        offsets[name] = len(data)
        data.extend(content)

    def append_others():
        for name in order:
            append(name, others[name][1], 8)
            sections.append((name, others[name][0], 0, 0, offsets[name], len(others[name][1]), others[name][2], 8))

    if early:
        append_others()
    data.extend(bytes(gap))
    start = -(-len(data) // page) * page if early or gap else len(data)
    address = -(-first_end // page) * page + page + start % page
    data.extend(bytes(start - len(data)))
    second = len(data)
    append(".dynamic", dynamic)
    append(".data", struct.pack("<i", ANSWER) + bytes(60))
    second_end = len(data)
    answer = address + offsets[".data"] - second
    sections += [
        (".dynamic", 6, 3, address, second, len(dynamic), 16, 8),
        (".data", 1, 3, answer, offsets[".data"], 64, 0, 8),
        (".bss", 8, 3, address + second_end - second, second_end, 256, 0, 8),
    ]
    append("filled", filled, page if filled else 1)
    if not early:
        append_others()
    _fill(data, parts, note, names, big, answer, 1 + [one[0] for one in sections].index(".data"))
    segments = [
        (1, 4, 0, 0, first_end, first_end, page),
        (1, 6, second, address, second_end - second, second_end - second + 256, page),
        *(
            [(1, 6, offsets["filled"], address - address % page + 4 * page, len(filled), len(filled), page)]
            if filled
            else []
        ),
        (2, 6, second, address, len(dynamic), len(dynamic), 8),
        (4, 4, parts[".note.gnu.build-id"], parts[".note.gnu.build-id"], len(note), len(note), 4),
        (0x6474E551, 6, 0, 0, 0, 0, 16),
    ]
    return _finished(data, machine, kind, segments, sections)


def _tables(parts, note, big):
    """The allocated sections of the first segment: type, flags, address, offset, size, entry size, alignment."""
    sizes = {
        ".note.gnu.build-id": (7, len(note), 0, 4),
        ".gnu.hash": (0x6FFFFFF6, 36, 0, 8),
        ".dynsym": (11, 72, 24, 8),
    }
    sizes |= {".dynstr": (3, 14, 0, 1), ".big": (1, big, 0, 64), ".tail": (1, 64, 0, 8)}
    return {
        name: (sizes[name][0], 2, at, at, sizes[name][1], sizes[name][2], sizes[name][3]) for name, at in parts.items()
    }


def _fill(data, parts, note, names, big, answer, data_number):
    hashes = [_gnu_hash(b"first"), _gnu_hash(b"answer")]
    table = struct.pack("<IIIIQIII", 1, 1, 1, 0, 2**64 - 1, 1, hashes[0] & ~1, hashes[1] | 1)
    first = parts.get(".big", parts[".note.gnu.build-id"])
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 0x11, 0, 5 if big else 1, first, 4)
    symbols += struct.pack("<IBBHQQ", 7, 0x11, 0, data_number, answer, 4)
    for name, content in (".note.gnu.build-id", note), (".gnu.hash", table), (".dynsym", symbols), (".dynstr", names):
        data[parts[name] : parts[name] + len(content)] = content
    if big:
        pattern = struct.pack("<i", FIRST) + b"".join(struct.pack("<I", n) for n in range(big // 4 - 1))
        data[parts[".big"] : parts[".big"] + big] = pattern.ljust(big, b"\7")
    if ".tail" in parts:
        data[parts[".tail"] : parts[".tail"] + 64] = b"tail" * 16


def _finished(data, machine, kind, segments, sections):
    table = [bytes(64)]
    numbers = {one[0]: number for number, one in zip(count(1), sections, strict=False)}
    links = {".gnu.hash": ".dynsym", ".dynsym": ".dynstr", ".dynamic": ".dynstr", ".symtab": ".strtab"}
    text = bytearray(b"\0")
    for name, *_ in [*sections, (".shstrtab",)]:
        text += name.encode() + b"\0"
    shstrtab = len(data)
    data.extend(text)
    for name, type_, flags, address, offset, size, entry, align in [
        *sections, (".shstrtab", 3, 0, 0, shstrtab, len(text), 0, 1)
    ]:  # fmt: skip
        at = text.index(b"\0" + name.encode() + b"\0") + 1
        link = numbers.get(links.get(name, ""), 0)
        info = {".dynsym": 1, ".symtab": 81}.get(name, 0)
        table.append(struct.pack("<IIQQQQIIQQ", at, type_, flags, address, offset, size, link, info, align, entry))
    data.extend(bytes(-len(data) % 8))
    shoff = len(data)
    data.extend(b"".join(table))
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = (ident, kind, machine, 1, 0, 64, shoff, 0, 64, 56, len(segments), 64, len(table), len(table) - 1)
    data[:64] = struct.pack("<16sHHIQQQIHHHHHH", *header)
    for index, (type_, flags, offset, address, size, memory, align) in enumerate(segments):
        entry = struct.pack("<IIQQQQQQ", type_, flags, offset, address, address, size, memory, align)
        data[64 + 56 * index : 120 + 56 * index] = entry
    return bytes(data)


def _gnu_hash(name):
    value = 5381
    for letter in name:
        value = (value * 33 + letter) & 0xFFFFFFFF
    return value


_OPENER = """
import ctypes, os, signal, sys
for path in sys.argv[1:]:
    child = os.fork()
    if not child:
        signal.alarm(10)
        try:
            library = ctypes.CDLL(path, mode=os.RTLD_NOW)
            found = [ctypes.c_int.in_dll(library, name).value for name in ("first", "answer")]
            os.write(1, (path + "\\0" + str(found)[1:-1] + "\\n").encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""


def numbers_of_all(paths):
    """{path: (`first`, `answer`)} as the loader finds them, each in a fresh process; None if it does not load."""
    command = [sys.executable, "-S", "-E", "-c", _OPENER, *map(str, paths)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    told = dict(line.split("\0") for line in ended.stdout.splitlines())
    return {path: tuple(map(int, told[str(path)].split(","))) if str(path) in told else None for path in paths}


def numbers_of(path):
    """(`first`, `answer`) as the loader finds them in a fresh process; None where it does not load the library."""
    return numbers_of_all([path])[path]


def memory_of(data):
    """(address, rights, content, bytes in memory, offset) of each PT_LOAD; headers are read naively."""
    (phoff,) = struct.unpack_from("<Q", data, 32)
    (number,) = struct.unpack_from("<H", data, 56)
    found = []
    for index in range(number):
        kind, flags, offset, address, _, size, memory, _ = struct.unpack_from("<IIQQQQQQ", data, phoff + 56 * index)
        if kind == 1:
            found.append((address, flags, data[offset : offset + size], memory, offset))
    return found
