"""Plug-ins of kept files, by the known systems of them (slimml.bloat.plugin_systems)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from slimml.bloat.plugin_systems import SYSTEMS
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping


def keep_plugins(keeping: Keeping, row: int) -> None:
    """Keep the plug-ins of the kept `row`, if it is a system's host. Mesa's and VDPAU's drivers are in no list."""
    if keeping.depth is Depth.STRICT or keeping.is_directory[row]:
        return
    path = keeping.paths[row]
    name = path[path.rfind("/") + 1 :]
    if ".so" not in name and name != "Image.py":
        return
    for system in SYSTEMS:
        if system.host.fullmatch(path):
            for pattern in system.plugins:
                for found in _matching(keeping, path.rpartition("/")[0], pattern):
                    if found != row:
                        keeping.keep(found, f"a plug-in of {system.name}, which /{path} loads")


def _matching(keeping: Keeping, directory: str, pattern: str) -> list[int]:
    while pattern.startswith("../"):
        directory, pattern = directory.rpartition("/")[0], pattern[3:]
    place = keeping.root.resolve(directory)
    if pattern.endswith("/**"):
        return [
            row
            for found in _directories(keeping, place, pattern[:-3])
            for inner in keeping.root.beneath(found)
            if (row := keeping.live.get(inner)) is not None and not keeping.is_directory[row]
        ]
    outer, _, name = pattern.rpartition("/")
    return [
        row
        for found in (_directories(keeping, place, outer) if outer else [place])
        for row in keeping.below.get(found, ())
        if not keeping.is_directory[row] and fnmatchcase(keeping.paths[row].rpartition("/")[2], name)
    ]


def _directories(keeping: Keeping, place: str, pattern: str) -> list[str]:
    found = [place]
    for part in pattern.split("/"):
        found = [
            inner
            for directory in found
            for inner in keeping.directories.get(directory, ())
            if fnmatchcase(inner.rpartition("/")[2], part)
        ]
    return found
