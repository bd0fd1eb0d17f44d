"""ELF files with a dynamic section, as small as they can be."""

import struct


def elf(*needed: str, runpath: str = "", interpreter: str = "", names: tuple[str, ...] = ()) -> bytes:
    """A shared object for 64 bits that needs these libraries, and in whose bytes `names` stand."""
    strings, at = b"\0", {}
    for text in (*needed, runpath):
        at[text] = len(strings)
        strings += text.encode() + b"\0"
    entries = [(1, at[name]) for name in needed] + ([(29, at[runpath])] if runpath else [])
    headers = 2 + bool(interpreter)
    start = 64 + 56 * headers
    loader = interpreter.encode() + b"\0" if interpreter else b""
    table = start + len(strings) + len(loader)
    entries += [(5, start), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    rest = b"".join(b"\0" + name.encode() + b"\0" for name in names)
    size = table + len(dynamic) + len(rest)
    programs = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    programs += struct.pack("<IIQQQQQQ", 2, 6, table, table, table, len(dynamic), len(dynamic), 8)
    if interpreter:
        place = start + len(strings)
        programs += struct.pack("<IIQQQQQQ", 3, 4, place, place, place, len(loader), len(loader), 1)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, headers, 64, 0, 0)
    return header + programs + strings + loader + dynamic + rest
