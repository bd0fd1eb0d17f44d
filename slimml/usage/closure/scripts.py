"""Interpreters of the scripts that ran: the kernel opens them, and not every recorder sees that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimml.inventory.form import EMPTY
from slimml.oci.tar.events import Kind
from slimml.usage.closure.application import interpreter_of, keep_interpreter
from slimml.usage.closure.recorded import recorded_rows
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.closure.texts import Texts
    from slimml.usage.recording import Recording

_EXECUTABLE = 0o111
FIRST_LINE = 256


def script_rows(keeping: Keeping, recordings: Sequence[Recording]) -> list[int]:
    """Used files that may be scripts: executable, and no machine code."""
    mode, forms = keeping.inventory.column("mode"), keeping.forms
    return [
        row
        for row in recorded_rows(keeping, recordings, Operation.EXEC | Operation.OPEN)
        if keeping.kinds[row] == Kind.FILE
        and mode[row] & _EXECUTABLE
        and forms[row] != EMPTY
        and not forms[row].startswith("elf")
    ]


def keep_interpreters(keeping: Keeping, scripts: Sequence[int], texts: Texts) -> None:
    """Keep what these scripts name after `#!` in their first line (execve(2))."""
    for row, content in texts.read(scripts, FIRST_LINE).items():
        keep_interpreter(keeping, keeping.paths[row], interpreter_of(content))
