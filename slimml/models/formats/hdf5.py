"""HDF5 as h5py writes it by default: groups of symbol tables, version 1 object headers (HDF5 File Format, version 3).

Groups, the names of attributes, and where datasets lie; of their values nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from slimml.models.content import MOST_NAME_BYTES, MOST_TENSORS, Content, Unreadable, elements_of, text

MAGIC: Final = b"\x89HDF\r\n\x1a\n"

_UNDEFINED: Final = 0xFFFF_FFFF_FFFF_FFFF
_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOLS = 1, 3, 8, 11, 12, 16, 17
_MOST_MESSAGES: Final = 4096
_DEEPEST: Final = 32
_DEEPEST_TREE: Final = 8
_INTEGER, _FLOAT, _ENUM = 0, 1, 8


@dataclass(frozen=True)
class Dataset:
    """An array in the file; `offset` is None where it is in pieces or compressed."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    offset: int | None


@dataclass
class Hdf5:
    """What a file holds: its datasets, and the names of the attributes of its outermost group and of those in it."""

    datasets: list[Dataset] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


def read_hdf5(content: Content) -> Hdf5:
    """What is in the file; raises Unreadable, also for the newer forms of HDF5."""
    if content.head(8) != MAGIC:
        raise Unreadable("not HDF5")
    version, offsets, lengths = content.at(8, 1)[0], content.at(13, 1)[0], content.at(14, 1)[0]
    if version > 1 or offsets != 8 or lengths != 8:
        raise Unreadable(f"HDF5 with a superblock of version {version}, where 0 and 1 are known")
    entry = 56 if version == 0 else 60
    if content.integer(entry - 16, 8) > content.size:
        raise Unreadable(f"it ends early: {content.integer(entry - 16, 8):,} bytes are what it says")
    found = Hdf5()
    seen: set[int] = set()
    waiting = [("", content.integer(entry + 8, 8), 0)]
    while waiting:
        path, header, depth = waiting.pop()
        if header in seen:
            continue
        seen.add(header)
        if depth > _DEEPEST or len(seen) > MOST_TENSORS:
            raise Unreadable("more groups, or deeper ones, than any model has")
        waiting.extend(reversed(_object(content, path, header, depth, found)))
    return found


def _object(content: Content, path: str, header: int, depth: int, found: Hdf5) -> list[tuple[str, int, int]]:
    """Note the object at `header`; its members when it is a group."""
    inner: list[tuple[str, int, int]] = []
    parts: dict[int, bytes] = {}
    for kind, data in _messages(content, header):
        if kind == _SYMBOLS:
            found.groups.add(path)
            tree, heap = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:16], "little")
            names = _heap(content, heap)
            for name, address in _members(content, tree, names, 0):
                inner.append((f"{path}/{name}" if path else name, address, depth + 1))
        elif kind == _ATTRIBUTE and depth < 2:
            size = int.from_bytes(data[2:4], "little")
            at = 9 if data[:1] == b"\x03" else 8
            found.attributes.add(text(data[at : at + size]).rstrip("\0"))
        elif kind in (_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS):
            parts[kind] = data
    if _LAYOUT in parts and _DATASPACE in parts and _DATATYPE in parts:
        found.datasets.append(_dataset(content, path, parts))
    return inner


def _dataset(content: Content, path: str, parts: dict[int, bytes]) -> Dataset:
    space, kind, layout = parts[_DATASPACE], parts[_DATATYPE], parts[_LAYOUT]
    start = 8 if space[:1] == b"\x01" else 4
    shape = tuple(int.from_bytes(space[at : at + 8], "little") for at in range(start, start + 8 * space[1], 8))
    width = int.from_bytes(kind[4:8], "little")
    size = elements_of(shape) * width
    place = None
    if layout[:2] == b"\x03\x01":
        place = int.from_bytes(layout[2:10], "little")
        stored = int.from_bytes(layout[10:18], "little")
        if place == _UNDEFINED:
            place = None
        elif stored != size or place + stored > content.size:
            raise Unreadable(f"dataset {path[:100]!r} has {stored:,} bytes, its shape takes {size:,}")
    elif size > content.size and _FILTERS not in parts:
        raise Unreadable(f"dataset {path[:100]!r} takes {size:,} bytes, more than the file")
    return Dataset(path[:MOST_NAME_BYTES], _dtype(kind, width), shape, size, place)


def _dtype(kind: bytes, width: int) -> str:
    match kind[0] & 15:
        case 0:
            return f"{'I' if kind[1] & 8 else 'U'}{width * 8}"
        case 1:
            return f"F{width * 8}"
        case 8:
            return "BOOL"
        case 3 | 9:
            return "STRING"
        case _:
            return "OTHER"


def _messages(content: Content, header: int) -> Iterator[tuple[int, bytes]]:
    """Kinds and data of an object header's messages, through its continuations."""
    if content.integer(header, 1) != 1:
        raise Unreadable("an object header of a newer HDF5 (libver='latest'), which is not known")
    count, size = content.integer(header + 2, 2), content.integer(header + 8, 4)
    stretches = [(header + 16, size)]
    while stretches and count > 0:
        at, left = stretches.pop(0)
        while left >= 8 and count > 0:
            kind, length = content.integer(at, 2), content.integer(at + 2, 2)
            data = content.at(at + 8, length)
            if kind == _CONTINUATION and length >= 16:
                stretches.append((int.from_bytes(data[:8], "little"), int.from_bytes(data[8:16], "little")))
            elif length:
                yield kind, data.ljust(18, b"\0")
            at, left, count = at + 8 + length, left - 8 - length, count - 1
        if len(stretches) > _MOST_MESSAGES:
            raise Unreadable("an object header that goes on for ever")


def _heap(content: Content, heap: int) -> int:
    if content.at(heap, 4) != b"HEAP":
        raise Unreadable("a group without its names")
    return content.integer(heap + 24, 8)


def _members(content: Content, tree: int, names: int, depth: int) -> Iterator[tuple[str, int]]:
    """Names and object headers of a group's members, through its B-tree."""
    if content.at(tree, 4) != b"TREE" or depth > _DEEPEST_TREE:
        raise Unreadable("a group without its tree of members")
    level, count = content.integer(tree + 5, 1), content.integer(tree + 6, 2)
    for number in range(count):
        child = content.integer(tree + 32 + 16 * number, 8)
        if level:
            yield from _members(content, child, names, depth + 1)
            continue
        if content.at(child, 4) != b"SNOD":
            raise Unreadable("a group without its members")
        for entry in range(content.integer(child + 6, 2)):
            at = child + 8 + 40 * entry
            yield _name(content, names + content.integer(at, 8)), content.integer(at + 8, 8)


def _name(content: Content, at: int) -> str:
    for most in (64, MOST_NAME_BYTES):
        data = content.at(at, max(0, min(most, content.size - at)))
        end = data.find(b"\0")
        if end >= 0:
            return text(data[:end])
    raise Unreadable("a name that does not end")
