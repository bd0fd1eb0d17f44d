"""Interpreters of the scripts that ran: the kernel opens them, and not every recorder sees that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimml.inventory.form import EMPTY
from slimml.oci.tar.events import Kind
from slimml.usage.closure.application import interpreter_of, keep_interpreter
from slimml.usage.closure.recorded import recorded_rows
from slimml.usage.closure.texts import read_texts
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.recording import Recording

_EXECUTABLE = 0o111
_FIRST_LINE = 256


def keep_interpreters(keeping: Keeping, recordings: Sequence[Recording], read: Read) -> None:
    """Keep what the used executable scripts name after `#!` in their first line (execve(2))."""
    mode, forms = keeping.inventory.column("mode"), keeping.forms
    rows = [
        row
        for row in recorded_rows(keeping, recordings, Operation.EXEC | Operation.OPEN)
        if keeping.kinds[row] == Kind.FILE
        and mode[row] & _EXECUTABLE
        and forms[row] != EMPTY
        and not forms[row].startswith("elf")
    ]
    for row, content in read_texts(keeping, read, rows, _FIRST_LINE).items():
        keep_interpreter(keeping, keeping.paths[row], interpreter_of(content))
