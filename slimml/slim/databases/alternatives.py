"""update-alternatives(1) after a removal: candidates that went leave their group, and the links follow.

The files of /var/lib/dpkg/alternatives are lines: status, master link, (slave name, slave link) pairs, an empty line;
then for each candidate its path, its priority, and a line for each slave; an empty line ends the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.oci.tar.events import Kind
from slimml.slim.databases.removal import NewContent, Removal, Update, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit

_ADMIN = "var/lib/dpkg/alternatives/"
_LINKS = "etc/alternatives"
_PRIORITY = re.compile(r"-?[0-9]{1,10}")


@dataclass(frozen=True)
class _Candidate:
    path: str
    priority: int
    slaves: tuple[str, ...]


@dataclass(frozen=True)
class _Group:
    name: str
    link: str
    slaves: tuple[tuple[str, str], ...]
    candidates: tuple[_Candidate, ...]

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Name and link of the master and of each slave."""
        return (self.name, self.link), *self.slaves

    def written(self, status: str) -> bytes:
        """The file of this group."""
        lines = [status, self.link, *(part for slave in self.slaves for part in slave), ""]
        for candidate in self.candidates:
            lines += [candidate.path, str(candidate.priority), *candidate.slaves]
        return encoded("\n".join([*lines, "", ""]))


def update(removal: Removal) -> Update:
    """The groups that lose a candidate. A link that led to it leads to the best of the others, or goes."""
    edits: dict[str, Edit] = {}
    drop: set[str] = set()
    keep: set[str] = set()
    for path, content in removal.captured(_ADMIN):
        group = _parse(path[len(_ADMIN) :], text(content))
        if group is None or not any(removal.gone(candidate.path) for candidate in group.candidates):
            continue
        left = tuple(candidate for candidate in group.candidates if not removal.gone(candidate.path))
        links = set(_links(removal, group))
        if not left:
            drop |= {path, *links}
            continue
        keep |= links
        shrunk = _Group(group.name, group.link, group.slaves, left)
        current = removal.root.links.get(f"{_LINKS}/{group.name}", "")
        if removal.gone(current):
            edits[path] = NewContent(shrunk.written("auto"))
            lost = _relink(removal, shrunk, edits)
            drop |= lost
            keep -= lost
        else:
            edits[path] = NewContent(shrunk.written(text(content).partition("\n")[0]))
    return Update(edits, frozenset(drop), frozenset(keep))


def _parse(name: str, content: str) -> _Group | None:
    lines = content.split("\n")
    if len(lines) < 3 or lines[0] not in ("auto", "manual") or "" not in lines[2:]:
        return None
    end = lines.index("", 2)
    slaves = tuple(zip(lines[2:end:2], lines[3:end:2], strict=False))
    candidates = []
    position = end + 1
    while position + 1 < len(lines) and lines[position]:
        values = lines[position + 2 : position + 2 + len(slaves)]
        if not _PRIORITY.fullmatch(lines[position + 1]) or len(values) < len(slaves):
            return None
        candidates.append(_Candidate(lines[position], int(lines[position + 1]), tuple(values)))
        position += 2 + len(slaves)
    return _Group(name, lines[1], slaves, tuple(candidates))


def _links(removal: Removal, group: _Group) -> Iterator[str]:
    """Live symlinks of the group: those in /etc/alternatives, and those that lead there."""
    for name, link in group.names:
        for path in (f"{_LINKS}/{name}", removal.root.place(link.strip("/"))):
            target = removal.root.links.get(path)
            if target is not None and (path.startswith(_LINKS) or target == f"/{_LINKS}/{name}"):
                yield path


def _relink(removal: Removal, group: _Group, edits: dict[str, Edit]) -> set[str]:
    """Let the links lead to the best candidate; gives those that it has nothing for."""
    best = max(group.candidates, key=lambda candidate: candidate.priority)
    lost: set[str] = set()
    for (name, link), target in zip(group.names, (best.path, *best.slaves), strict=True):
        path = f"{_LINKS}/{name}"
        if removal.root.kind(path) is not Kind.SYMLINK:
            continue
        if target:
            edits[path] = NewContent(encoded(target))
        else:
            public = removal.root.place(link.strip("/"))
            lost |= {path} | ({public} if removal.root.links.get(public) == f"/{path}" else set())
    return lost
