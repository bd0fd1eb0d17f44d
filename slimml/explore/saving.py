"""The marks as a command: what `slimml optimize` is to be told so that what is marked goes, and nothing else."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bloat.rules import STRIP
from slimml.errors import AccessDenied, Refused
from slimml.report.untrusted import visible
from slimml.slim.marked_file import dump

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.slim.marked import Marks

DEFAULT_NAME = "marks.json"


def command(inventory: Inventory, marks: Marks, file: str = DEFAULT_NAME) -> str:
    """The command line. Paths and packages, and paths to keep, are in `file`, where `save` wrote them."""
    words = ["slimml", "optimize", visible(str(inventory.image.reference))]
    if needs_file(marks):
        return shlex.join([*words, "--marked", file])
    # The finding is made true by another rule, which works on the files that stay.
    rules = marks.rules | ({STRIP} if "unstripped" in marks.rules else set())
    return shlex.join([*words, "--level", "all", *(word for rule in sorted(rules) for word in ("--only", rule))])


def needs_file(marks: Marks) -> bool:
    """Whether the command needs a file beside it: rules alone are named on the command line."""
    return bool(marks.paths or marks.packages or marks.keep)


def save(inventory: Inventory, marks: Marks, path: Path) -> None:
    """Write the marks to a new file. Raises Refused where one is already, AccessDenied where none can be written."""
    try:
        with path.open("xb") as file:
            file.write(dump(inventory, marks))
    except FileExistsError:
        raise Refused(f"{path} exists; name another file") from None
    except OSError as error:
        raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None
