"""How entries are written: modes as ls writes them, kinds, where links lead; all harmless to a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.oci.tar.events import Kind
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

_LETTER = {
    Kind.FILE: "-",
    Kind.DIRECTORY: "d",
    Kind.SYMLINK: "l",
    Kind.HARDLINK: "h",
    Kind.CHARACTER: "c",
    Kind.BLOCK: "b",
    Kind.FIFO: "p",
}
_KIND = {
    Kind.DIRECTORY: "directory",
    Kind.SYMLINK: "symbolic link",
    Kind.HARDLINK: "hard link",
    Kind.CHARACTER: "character device",
    Kind.BLOCK: "block device",
    Kind.FIFO: "named pipe",
    Kind.OTHER: "other entry",
}
_SPECIAL = ((0o4000, 2, "s", "S"), (0o2000, 5, "s", "S"), (0o1000, 8, "t", "T"))
IMPLIED = "d?????????"
"""the mode of a directory that no entry tells of"""


def mode_of(kind: Kind, mode: int) -> str:
    """The mode as `ls -l` writes it, with `h` for a hard link (ls(1), POSIX)."""
    bits = ["rwxrwxrwx"[position] if mode & (0o400 >> position) else "-" for position in range(9)]
    for bit, position, with_execute, without in _SPECIAL:
        if mode & bit:
            bits[position] = with_execute if bits[position] == "x" else without
    return _LETTER.get(kind, "?") + "".join(bits)


def kind_of(inventory: Inventory, row: int, kind: Kind) -> str:
    """What an entry of this kind is, in a word or two; of a file its form."""
    if kind is not Kind.FILE:
        return _KIND.get(kind, "entry")
    form: str = inventory.table["form"][row].as_py()
    return form if form not in ("", "other") else "file"


def link_of(inventory: Inventory, row: int) -> str:
    """Where a link leads, as it is written; "" for what is none."""
    target = inventory.table["link"][row].as_py()
    return visible(target.decode("utf-8", "surrogateescape")) if target else ""
