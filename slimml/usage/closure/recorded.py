"""What recordings saw: used paths with the links to them, directories listed, metadata that was asked for by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from slimml.inventory.owner import System
from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.recording import Recording, Use

_VERBS = (
    (Operation.EXEC, "executed"),
    (Operation.OPEN, "opened"),
    (Operation.LIST, "listed"),
    (Operation.WRITE, "wrote"),
    (Operation.READLINK, "read the link"),
    (Operation.STAT, "asked for"),
)
_IMPORTED_FROM = re.compile(r"(?:.*/)?(?:(?:site|dist)-packages|python3(?:\.\d+t?)?)(?:/.*)?")
_CROWDED = re.compile(r"|(?:.*/)?(?:s?bin|lib(?:32|64|x32)?(?:/[^/]*-linux-[^/]*)?|share|etc)|usr|usr/local|var|opt")
"""Directories of everybody, which are listed to find one name; what is found is opened"""


def keep_recorded(keeping: Keeping, recordings: Sequence[Recording]) -> None:
    """Keep every path that was used and is in the image; what the run itself made is not.

    Records of packages (dist-info, databases) follow their packages: reading them uses nothing else.
    """
    for recording in recordings:
        for use in sorted(recording.uses, key=lambda use: use.path):
            _keep(keeping, use)
        if keeping.depth is not Depth.STRICT:
            for owner in _asked_by_name(keeping, recording):
                keeping.keep_owner(owner, "its metadata was asked for by name")


def recorded_rows(keeping: Keeping, recordings: Sequence[Recording], operations: Operation) -> Iterable[int]:
    """Rows of regular paths that were used in one of these ways, ascending."""
    found: set[int] = set()
    for recording in recordings:
        for use in recording.uses:
            if use.operations & operations:
                found.update(keeping.way(use.path)[-1:])
    return sorted(row for row in found if not keeping.is_directory[row])


def _keep(keeping: Keeping, use: Use) -> None:
    who = use.process or "the program"
    reason = f"{who} {_verb(use.operations)} it"
    for path in dict.fromkeys((use.requested or use.path, use.path)):
        way = keeping.way(path)
        for row in way:
            waits = row in keeping.silent or keeping.may_be_hollow(row)
            (keeping.defer if waits else keeping.keep)(row, reason)
        if way and keeping.is_directory[way[-1]]:
            _keep_entries(keeping, use, keeping.paths[way[-1]], who)


def _verb(operations: Operation) -> str:
    return next((verb for operation, verb in _VERBS if operations & operation), "used")


def _keep_entries(keeping: Keeping, use: Use, directory: str, who: str) -> None:
    """What a program found in a directory that it listed, unless it only looked for modules or programs there."""
    if keeping.depth is not Depth.DISTRIBUTION or not use.operations & Operation.LIST:
        return
    if _IMPORTED_FROM.fullmatch(directory) or _CROWDED.fullmatch(directory):
        return
    for row in keeping.below.get(directory, ()):
        if row not in keeping.silent:
            keeping.keep(row, f"{who} listed /{directory}")


def _asked_by_name(keeping: Keeping, recording: Recording) -> list[int]:
    """Distributions whose metadata was opened, unless those of most were: then they were counted, not asked for."""
    owners, owner = keeping.inventory.owners, keeping.inventory.owner
    opened = set()
    for use in recording.uses:
        if use.operations & Operation.OPEN and use.path.endswith(("/METADATA", "/PKG-INFO")):
            row = keeping.live.get(use.path)
            if row is not None and owners[int(owner[row])].system is System.PYTHON:
                opened.add(int(owner[row]))
    installed = sum(one.system is System.PYTHON for one in owners)
    return sorted(opened) if 2 * len(opened) <= installed else []
