"""Taking old months out of a store: into another store, or away when somebody says so in so many words."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slimml.errors import AccessDenied, Refused, UsageError
from slimml.history.store import files, lines_of, locked, sync_directory, write_all

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class OldMonth:
    """A file of the store that is old enough to go; `lines` counts results and damaged lines, `bytes` is its size."""

    path: Path
    lines: int
    bytes: int


def old_months(directory: Path, before: str, host: str | None = None) -> list[OldMonth]:
    """The files of months before `before` (YYYY-MM), of one host class if wanted.

    Raises UsageError for a month that is none, and as `store.files` does.
    """
    if not _MONTH.fullmatch(before):
        raise UsageError(f"--before {before}: a month is written as 2026-11")
    chosen = [path for path in files(directory) if path.stem < before and host in (None, path.parent.name)]
    return [OldMonth(path, lines_of(path), path.stat().st_size) for path in chosen]


def move_months(months: Sequence[OldMonth], archive: Path) -> None:
    """Move files to another store, each with all its lines; what is there already is added to.

    A file goes only when its lines are on the other store's disk; after an interruption it is in both, which counts
    once. Raises AccessDenied, and Refused where the archive is the store itself.
    """
    for month in months:
        there = archive / month.path.parent.name / month.path.name
        try:
            there.parent.mkdir(parents=True, exist_ok=True)
            if there.exists() and there.samefile(month.path):
                raise Refused(f"{archive} is the store itself; name another directory")
            with locked(month.path, make=False) as old, locked(there, make=True) as new:
                write_all(new, _whole_lines(old))
                sync_directory(there.parent)
                os.unlink(month.path)
        except OSError as error:
            raise AccessDenied(f"{month.path} cannot be moved to {archive}: {error.strerror}") from None


def forget_months(months: Sequence[OldMonth]) -> None:
    """Remove files for good. Raises AccessDenied."""
    for month in months:
        try:
            with locked(month.path, make=False):
                os.unlink(month.path)
        except OSError as error:
            raise AccessDenied(f"{month.path} cannot be removed: {error.strerror}") from None


def _whole_lines(handle: int) -> bytes:
    """All of a file, with an end to its last line."""
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        data = file.read()
    return data if data.endswith(b"\n") or not data else data + b"\n"
