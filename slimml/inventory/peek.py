"""Files whose content did not pass by: what their names do not tell is read from where they lie, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, NamedTuple

import xxhash

from slimml.inventory import form as forms
from slimml.inventory.elf import bounded, measure, section_table
from slimml.inventory.form import CODES, HEAD_BYTES, form_by_name, form_of
from slimml.oci.tar.events import Entry

LINKABLE_BYTES = 4096
"""files smaller than this are not worth a hard link, so their duplicates need no confirmation"""

_LARGE_BYTES = 1 << 20
_EXECUTABLE = 0o111
_CHUNK = 1 << 20

Opener = Callable[[], IO[bytes]]


class Peek(NamedTuple):
    """Form code, unmapped bytes and GPU code bytes of a file."""

    code: int
    debug: int
    gpu: int


def peek(entry: Entry, opener: Opener) -> Peek:
    """What a file is, opening it only where its name leaves a doubt that matters."""
    if not entry.size:
        return Peek(CODES[forms.EMPTY], 0, 0)
    named = form_by_name(entry.path)
    doubtful = named is forms.OTHER and (
        entry.size >= _LARGE_BYTES or (entry.mode & _EXECUTABLE and entry.size >= LINKABLE_BYTES)
    )
    if not doubtful and named is not forms.ELF_SHARED:
        return Peek(CODES[named], 0, 0)
    with opener() as file:
        head = file.read(HEAD_BYTES)
        debug, gpu = _sections(file, head, entry.size)
    return Peek(CODES[form_of(entry.path, head)], debug, gpu)


def _sections(file: IO[bytes], head: bytes, size: int) -> tuple[int, int]:
    table = section_table(head)
    if table is None or table.end > size:
        return 0, 0
    file.seek(table.first)
    return bounded(measure(table, file.read(table.end - table.first), table.first), size)


def digest_of(opener: Opener) -> bytes:
    """The xxh3-128 of a file's content."""
    found = xxhash.xxh3_128()
    with opener() as file:
        while piece := file.read(_CHUNK):
            found.update(piece)
    return found.digest()


def confirm_duplicates(unread: Iterable[tuple[int, int, int, Opener]]) -> dict[int, bytes]:
    """Digests by row, for those of (row, size, crc64, opener) that share size and checksum with another."""
    groups: dict[tuple[int, int], list[tuple[int, Opener]]] = {}
    for row, size, crc64, opener in unread:
        groups.setdefault((size, crc64), []).append((row, opener))
    alike = (members for members in groups.values() if len(members) > 1)
    return {row: digest_of(opener) for members in alike for row, opener in members}
