"""What has to be laid over one root to make another of it: paths to write, directories to set right, paths to hide."""

from __future__ import annotations

from dataclasses import dataclass

from slimml.oci.tar.events import Kind
from slimml.slim.layout.root import Root, names_of


@dataclass(frozen=True)
class Difference:
    """`groups` are paths with their content, the names of one file together, sorted. `directories` differ, or are not
    there at all; `gone` are there and should not be, each the topmost.
    """

    groups: tuple[tuple[str, ...], ...]
    directories: frozenset[str]
    gone: tuple[str, ...]


def difference(below: Root, wanted: Root) -> Difference:
    """From `below` to `wanted`; a file with hard links counts as the same only where all its names are there already.

    Of a file below that several are the same as, the first keeps it.
    """
    names = names_of(wanted)
    groups: list[tuple[str, ...]] = []
    directories: list[str] = []
    told: set[int] = set()
    taken: dict[int, int] = {}
    for path in sorted(wanted):
        node, there = wanted[path], below.get(path)
        if node.kind is Kind.DIRECTORY:
            if there is None or there.key != node.key:
                directories.append(path)
        elif id(node) not in told:
            told.add(id(node))
            own = names.get(id(node), [path])
            same = there is not None and there.key == node.key and all(below.get(name) is there for name in own)
            if not same or taken.setdefault(id(there), id(node)) != id(node):
                groups.append(tuple(own))
    return Difference(tuple(groups), frozenset(directories), _gone(below, wanted))


def _gone(below: Root, wanted: Root) -> tuple[str, ...]:
    found = []
    for path in sorted(below.keys() - wanted.keys()):
        parent = wanted.get(path.rpartition("/")[0])
        if path and ("/" not in path or (parent is not None and parent.kind is Kind.DIRECTORY)):
            found.append(path)
    return tuple(found)
