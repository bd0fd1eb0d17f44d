"""CUDA fat binaries as they lie in a file: containers of elements, each one kernel module for one architecture.

NVIDIA publishes no specification of the format; this is what CUDA 12.4 to 13 write. A container is a header of 16 bytes
and elements that follow one another without gaps; an element is a header that tells its own size, and its payload.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmap import mmap

_MAGIC = struct.pack("<I", 0xBA55ED50)
_CONTAINER = struct.Struct("<IHHQ")
_ELEMENT = struct.Struct("<HHIQIIHHIIIQQQ")
_VERSION = 1
_MOST_HEADER = 4096
"""bytes of an element's header; 64 to 128 are seen"""
_MOST_ELEMENTS = 1_000_000
"""elements of one file; the largest library has some ten thousand"""
_ALIGNED = 8
_PTX, _CUBIN, _LTO = 1, 2, 8
_FLAG_EXACT, _FLAG_FAMILY = 0x100000, 0x200000
_KINDS = {_PTX: "ptx", _CUBIN: "cubin", _LTO: "lto"}


@dataclass(frozen=True, slots=True)
class Element:
    """One module; `offset` in the file, `header` and `payload` in bytes, `architecture` as in sm_90: 90."""

    offset: int
    header: int
    payload: int
    kind_number: int
    architecture: int
    flags: int

    @property
    def bytes(self) -> int:
        """Header and payload."""
        return self.header + self.payload

    @property
    def kind(self) -> str:
        """cubin, ptx, lto, or its number where nobody has said what it is."""
        return _KINDS.get(self.kind_number, f"kind {self.kind_number}")

    @property
    def is_cubin(self) -> bool:
        """Machine code."""
        return self.kind_number == _CUBIN

    @property
    def is_ptx(self) -> bool:
        """Assembly that the driver compiles for the GPU it finds."""
        return self.kind_number == _PTX

    @property
    def exact(self) -> bool:
        """Runs on this very architecture only: sm_90a."""
        return bool(self.flags & _FLAG_EXACT)

    @property
    def family(self) -> bool:
        """Runs on this architecture's family only: sm_100f."""
        return bool(self.flags & _FLAG_FAMILY) and not self.exact

    @property
    def target(self) -> str:
        """sm_90a for machine code, compute_90 for what is still to be compiled."""
        suffix = "a" if self.exact else "f" if self.family else ""
        return f"{'sm' if self.is_cubin else 'compute'}_{self.architecture}{suffix}"


@dataclass(frozen=True, slots=True)
class Container:
    """Elements that a program registers together; `offset` in the file. `size` is all of its bytes."""

    offset: int
    size: int
    elements: tuple[Element, ...]

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Found:
    """What a range of a file holds: containers in the order of their offsets, and where a container's header is not
    followed by one (`damaged`, offsets; code and data contain the magic by chance, too).
    """

    containers: tuple[Container, ...]
    damaged: tuple[int, ...] = ()


HEADER_BYTES = _CONTAINER.size


def container_header(payload: int) -> bytes:
    """The header of a container of so many bytes of elements."""
    return _CONTAINER.pack(int.from_bytes(_MAGIC, "little"), _VERSION, _CONTAINER.size, payload)


def find_containers(data: mmap | bytes, start: int, end: int) -> Found:
    """The containers between two offsets that lie on multiples of eight from `start`, as all compilers put them."""
    containers: list[Container] = []
    damaged: list[int] = []
    at, elements = start, 0
    while (at := data.find(_MAGIC, at, end)) >= 0:
        found = None if (at - start) % _ALIGNED else read_container(data, at, end)
        if found is None:
            damaged.append(at)
            at += len(_MAGIC)
            continue
        containers.append(found)
        at = found.end
        elements += len(found.elements)
        if elements > _MOST_ELEMENTS:
            damaged.append(at)
            break
    return Found(tuple(containers), tuple(damaged))


def read_container(data: mmap | bytes, offset: int, end: int) -> Container | None:
    """The container at an offset, or None where its header, or that of an element, does not hold within `end`."""
    if offset + _CONTAINER.size > end:
        return None
    magic, version, header, payload = _CONTAINER.unpack_from(data, offset)
    stop = offset + header + payload
    if magic != int.from_bytes(_MAGIC, "little") or version != _VERSION or header != _CONTAINER.size or stop > end:
        return None
    elements: list[Element] = []
    at = offset + header
    while at < stop:
        element = _read_element(data, at, stop)
        if element is None or len(elements) > _MOST_ELEMENTS:
            return None
        elements.append(element)
        at += element.bytes
    return Container(offset, stop - offset, tuple(elements)) if elements else None


def _read_element(data: mmap | bytes, offset: int, end: int) -> Element | None:
    if offset + _ELEMENT.size > end:
        return None
    kind, _, header, payload, packed, _, _, _, architecture, _, _, flags, _, _ = _ELEMENT.unpack_from(data, offset)
    if not _ELEMENT.size <= header <= _MOST_HEADER or header % _ALIGNED or payload % _ALIGNED or packed > payload:
        return None
    if offset + header + payload > end:
        return None
    return Element(offset, header, payload, kind, architecture, flags)
