"""From shares of paths to layers as lists of entries: whatever an engine needs, each where it changes least.

A layer tells of all directories that hold its files, for some engines make those anew that it does not tell of. Where
several layers have a directory, or one below has it, the time of it is told by the last new layer alone, which is the
smallest; the others say 0, so that a directory that changes does not change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from slimml.errors import Unsupported
from slimml.oci.tar.events import Entry, Kind
from slimml.slim.layout.classes import Class
from slimml.slim.layout.cut import Share
from slimml.slim.layout.difference import Difference
from slimml.slim.layout.root import Root, directories_of
from slimml.slim.names import ancestors

_DIRECTORIES = "directories"


class LayerEntry(NamedTuple):
    """An entry to write. A file's content (`entry.size` bytes) is at `place` of the spool, -1 where it has none."""

    entry: Entry
    place: int


@dataclass(frozen=True)
class Composed:
    """A layer to write, its entries in order; `paths` are those that have their content in it."""

    title: str
    entries: tuple[LayerEntry, ...]
    paths: tuple[str, ...]


def compose(below: Root, wanted: Root, found: Difference, shares: Sequence[Share]) -> list[Composed]:
    """The layers that make `wanted` of `below`, from the bottom; `shares` divide `found.groups`.

    Raises Unsupported for what cannot be moved.
    """
    groups = [[piece.paths for piece in share.pieces] for share in shares]
    titles = [share.title for share in shares]
    held = [directories_of(path for own in group for path in own) for group in groups]
    holders: dict[str, int] = {}
    for directories in held:
        for directory in directories:
            holders[directory] = holders.get(directory, 0) + 1
    alone = {directory for directory, count in holders.items() if count == 1 and directory not in below}
    homes = [directories & alone for directories in held]
    top = directories_of(found.gone) | (set(holders) - alone)
    for directory in sorted(found.directories - holders.keys()):
        position = _home(directory, homes, below)
        if position is None:
            top |= {directory, *ancestors(directory)}
        else:
            homes[position].add(directory)
            held[position].add(directory)
    if "" in wanted and (groups or found.gone or "" in found.directories):
        top.add("")
    if (top - {""} or found.gone or "" in found.directories) and not _may_change(shares):
        groups.append([])
        titles.append(_DIRECTORIES)
        held.append(set())
        homes.append(set())
    composed = []
    for position, own in enumerate(groups):
        last = position == len(groups) - 1
        told = top | held[position] if last else held[position]
        true = told if last else homes[position]
        entries = [*_directories(wanted, told, true), *_files(wanted, own)]
        if last:
            entries += [_whiteout(path) for path in found.gone]
        entries.sort(key=lambda it: (it.entry.path.encode("utf-8", "surrogateescape"), it.entry.kind))
        paths = tuple(sorted(path for names in own for path in names))
        composed.append(Composed(titles[position], tuple(entries), paths))
    return composed


def _may_change(shares: Sequence[Share]) -> bool:
    """Whether the last layer is one that may tell of directories: the application's, or the only one."""
    return bool(shares) and (len(shares) == 1 or shares[-1].pieces[-1].kind is Class.APPLICATION)


def _home(directory: str, homes: Sequence[set[str]], below: Root) -> int | None:
    """The one layer that has the nearest directory above which some layer has; None where there is no such one."""
    for parent in ancestors(directory):
        if parent in below:
            return None
        for position, directories in enumerate(homes):
            if parent in directories:
                return position
    return None


def _directories(wanted: Root, told: set[str], true: set[str]) -> list[LayerEntry]:
    found = []
    for path in told:
        entry = wanted[path].entry(path)
        if path not in true:
            records = {name: value for name, value in (entry.pax or {}).items() if name != "mtime"}
            entry = entry._replace(mtime=0, pax=records)
        found.append(LayerEntry(entry, -1))
    return found


def _files(wanted: Root, groups: Sequence[tuple[str, ...]]) -> list[LayerEntry]:
    found = []
    for first, *others in groups:
        node = wanted[first]
        if node.fixed:
            raise Unsupported(f"/{first[:200]} is {node.fixed}, which slimml cannot move to another layer")
        entry = node.entry(first)
        found.append(LayerEntry(entry, node.place if node.kind is Kind.FILE else -1))
        link = entry._replace(kind=Kind.HARDLINK, size=0, stored=0, link=first, device=(0, 0))
        found += [LayerEntry(link._replace(path=path), -1) for path in others]
    return found


def _whiteout(path: str) -> LayerEntry:
    return LayerEntry(Entry(path, Kind.WHITEOUT, 0, 0o644, 0, 0, 0, "", 0, 0, 0), -1)
