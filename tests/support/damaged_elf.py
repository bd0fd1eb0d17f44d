"""ELF files with some of their headers' fields, or of their bytes, replaced."""

import struct

_HEADER = [
    ("H", 16),
    ("H", 18),
    ("Q", 24),
    ("Q", 32),
    ("Q", 40),
    ("H", 52),
    ("H", 54),
    ("H", 56),
    ("H", 58),
    ("H", 60),
    ("H", 62),
]
_SEGMENT = [("I", 0), ("I", 4), ("Q", 8), ("Q", 16), ("Q", 24), ("Q", 32), ("Q", 40), ("Q", 48)]
_SECTION = [("I", 0), ("I", 4), *(("Q", at) for at in (8, 16, 24, 32)), ("I", 40), ("I", 44), ("Q", 48), ("Q", 56)]


def damaged_elf(data, chance):
    """`data`, an ELF file, with one to three things changed: mostly fields of its tables."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        kind = chance.random()
        if kind < 0.75:
            _change_field(found, chance)
        elif kind < 0.85:
            at = chance.randrange(len(found))
            found[at : at + 8] = chance.randbytes(8)
        elif kind < 0.9:
            del found[chance.randrange(len(found)) :]
        elif kind < 0.94:
            found += chance.choice([bytes(100), b"PK\3\4 appended", chance.randbytes(5000), bytes(9000)])
        elif kind < 0.97:
            at = chance.randrange(len(found))
            found[at:at] = chance.choice([b"\0", bytes(8), bytes(4096), b"between"])
        else:
            _swap_entries(found, chance)
        if len(found) < 64:
            break
    return bytes(found)


def _tables(found):
    """(offset, entries) of the program headers and of the sections, as far as they are in the file."""
    if len(found) < 64:
        return (64, 0), (64, 0)
    phoff, shoff = struct.unpack_from("<QQ", found, 32)
    (phnum,), (shnum,) = struct.unpack_from("<H", found, 56), struct.unpack_from("<H", found, 60)
    segments = min(phnum, max(len(found) - phoff, 0) // 56) if phoff < len(found) else 0
    sections = min(shnum, max(len(found) - shoff, 0) // 64) if shoff < len(found) else 0
    return (phoff, segments), (shoff, sections)


def _change_field(found, chance):
    (phoff, segments), (shoff, sections) = _tables(found)
    places = [(form, at) for form, at in _HEADER if at + 8 <= len(found)]
    for start, count, size, fields in (phoff, segments, 56, _SEGMENT), (shoff, sections, 64, _SECTION):
        if count:
            entry = start + size * chance.randrange(count)
            places += [(form, entry + at) for form, at in fields for _ in range(3)]
    dynamic = [entry for entry in range(segments) if struct.unpack_from("<I", found, phoff + 56 * entry)[0] == 2]
    for entry in dynamic:
        (offset,) = struct.unpack_from("<Q", found, phoff + 56 * entry + 8)
        places += [("Q", offset + 8 * n) for n in range(14) for _ in range(2) if offset + 8 * n + 8 <= len(found)]
    if not places:
        return
    form, at = chance.choice(places)
    width = struct.calcsize(form)
    (old,) = struct.unpack_from("<" + form, found, at)
    other_form, other_at = chance.choice(places)
    (other,) = struct.unpack_from("<" + other_form, found, other_at)
    top = 2 ** (8 * width)
    near = [old + step for step in (1, -1, 8, -8, 4096, -4096, old)]
    others = [0, 1, 2, 3, 8, other, len(found), len(found) - 1, top - 1, top // 2, chance.randrange(top)]
    new = chance.choice([*near, *others, old ^ (1 << chance.randrange(8 * width))])
    struct.pack_into("<" + form, found, at, new % top)


def _swap_entries(found, chance):
    (phoff, segments), (shoff, sections) = _tables(found)
    start, count, size = chance.choice([(phoff, segments, 56), (shoff, sections, 64)])
    if count < 2:
        return
    one, other = (start + size * chance.randrange(count) for _ in range(2))
    found[one : one + size], found[other : other + size] = found[other : other + size], found[one : one + size]
