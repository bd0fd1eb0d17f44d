"""What an attempt to make a native file smaller came to, and how an edit of such a file is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Shrunk:
    """The target was written, checked, and is smaller; `gone` says what went, bytes by kind (they add up).

    Kinds: "symbols", "debug", "comment", "freed" (pages whose content an edit made unnecessary), and "padding" (gaps,
    and what patchelf left unused; the tables' own growth taken off). `remarks` say what could have gone, and why it did
    not.
    """

    before: int
    after: int
    gone: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """No target was written; `reason` ends the sentence "left as it is: …"."""

    reason: str


Outcome = Shrunk | Left


class Range(NamedTuple):
    """Bytes [start, end) of the source file."""

    start: int
    end: int


class Move(NamedTuple):
    """`size` bytes of the source file at offset `start` shall stand where its offset `to` is now (`to` <= `start`)."""

    start: int
    to: int
    size: int


@dataclass(frozen=True)
class Edit:
    """How the content of a file changes before it is laid out anew; all offsets are those of the source file.

    `freed` are the ends of allocated sections that are no longer needed (each reaches the end of its section; the
    section is shortened by it). Whole pages of them leave the file, the rest is zeros. `moves` are made first, from the
    source's own bytes, then `patches` (offset: bytes, of the same length as what they replace). Neither touches the
    freed bytes.
    """

    freed: tuple[Range, ...] = ()
    moves: tuple[Move, ...] = ()
    patches: Mapping[int, bytes] = field(default_factory=dict)


UNEDITED = Edit()
