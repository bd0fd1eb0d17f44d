"""One line of the tree: which columns have room, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from slimml.explore.colours import QUIET, SIGN, STRONG
from slimml.explore.words import IMPLIED, kind_of, link_of, mode_of
from slimml.oci.tar.events import Kind
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.explore.line_list import Piece
    from slimml.explore.scope import Sign
    from slimml.explore.subject import Subject

_MODE_FROM, _USER_FROM, _KIND_FROM, _OWNER_FROM = 44, 64, 96, 120
"""widths, in cells, from which there is room for a column"""
_MODE, _USER, _KIND, _OWNER = 11, 11, 16, 22
"""how wide each is"""


@dataclass(frozen=True)
class Columns:
    """Which columns beside bytes and names have room."""

    mode: bool
    user: bool
    kind: bool
    owner: bool

    @property
    def titles(self) -> str:
        """The line above the tree."""
        words = f"   {'size':>8} "
        words += "mode".ljust(_MODE) if self.mode else ""
        words += "user:group".ljust(_USER) if self.user else ""
        words += "kind".ljust(_KIND) if self.kind else ""
        return words + ("owner".ljust(_OWNER) if self.owner else "") + "name"


def columns_at(width: int) -> Columns:
    """The columns of a tree `width` cells wide."""
    return Columns(width >= _MODE_FROM, width >= _USER_FROM, width >= _KIND_FROM, width >= _OWNER_FROM)


def indent_at(width: int) -> int:
    """How many cells each directory around an entry moves it to the right."""
    return 2 if width >= _USER_FROM else 1


def attribute_pieces(subject: Subject, row: int, columns: Columns) -> Iterable[Piece]:
    """Mode, user, kind and owner of a row; -1 is a directory that no entry tells of."""
    table = subject.columns
    kind = Kind(int(table["kind"][row])) if row >= 0 else Kind.DIRECTORY
    if columns.mode:
        yield fitted(mode_of(kind, int(table["mode"][row])) if row >= 0 else IMPLIED, _MODE), QUIET
    if columns.user:
        yield fitted(f"{table['uid'][row]}:{table['gid'][row]}" if row >= 0 else "?", _USER), QUIET
    if columns.kind:
        yield fitted(kind_of(subject.inventory, row, kind) if row >= 0 else "directory", _KIND), QUIET
    if columns.owner:
        owned = row >= 0 and kind is not Kind.DIRECTORY
        yield fitted(subject.owner_label(row) if owned else "", _OWNER), QUIET


def directory_pieces(subject: Subject, directory: int, sign: Sign, *, opened: bool) -> Iterable[Piece]:
    """An arrow and the name of a directory."""
    yield ("▾ " if opened else "▸ "), QUIET
    yield visible(subject.places.name_of_directory(directory)) + "/", SIGN[sign] + STRONG


def row_pieces(subject: Subject, row: int, sign: Sign) -> Iterable[Piece]:
    """The name of an entry, and where it leads if it is a link."""
    directory = subject.columns["kind"][row] == Kind.DIRECTORY
    yield "  " + visible(subject.places.name_of_row(row)) + ("/" if directory else ""), SIGN[sign]
    target = link_of(subject.inventory, row)
    if target:
        yield f" → {target}", QUIET


def fitted(text: str, width: int) -> str:
    """`text` in a column of `width` cells, the last of them free."""
    if cell_len(text) >= width:
        text = set_cell_size(text, width - 2) + "…"
    return set_cell_size(text, width)
