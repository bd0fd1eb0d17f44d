"""The merged root as package databases see it: live paths, symlinks within the root, contents captured on the way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_FOLLOWED = 40
"""symlinks on one way, as Linux counts (path_resolution(7))"""
_LINES = 3_000_000
"""of all captured contents; every line may become a path in memory, and lines of two bytes compress well"""


@dataclass(frozen=True)
class Root:
    """The merged root. `paths` and `kinds` have one element per row of the image, live or not.

    `live` gives the row of a live path, `links` the target text of a live symlink, `captured` the content of a live
    file that was kept while reading.
    """

    paths: Sequence[str]
    kinds: NDArray[np.uint8]
    live: Mapping[str, int]
    links: Mapping[str, str]
    captured: Mapping[str, bytes]
    _resolved: dict[str, str] = field(default_factory=lambda: {"": ""}, repr=False)

    @cached_property
    def ordered(self) -> list[str]:
        """Every path that some row has, once, sorted."""
        # A tar's own order is close to sorted; a set would lose it, and the speed of sorting what is sorted.
        return sorted(dict.fromkeys(self.paths))

    def beneath(self, directory: str) -> list[str]:
        """Paths of rows, live or not, inside `directory` ("" is the root), however deep."""
        if not directory:
            return [path for path in self.ordered if path]
        # "0" is the character after "/".
        return self.ordered[bisect_left(self.ordered, f"{directory}/") : bisect_left(self.ordered, f"{directory}0")]

    def kind(self, path: str) -> Kind | None:
        """What is live at `path`; None where nothing is."""
        row = self.live.get(path)
        return None if row is None else Kind(int(self.kinds[row]))

    def resolve(self, path: str) -> str:
        """Where `path` leads, following symlinks within the root; after 40 of them, the path as it is.

        `path` has no `.` and `..`; it need not exist.
        """
        known = self._resolved
        pending = []
        while path not in known:
            pending.append(path)
            path = path.rpartition("/")[0]
        resolved = known[path]
        for inner in reversed(pending):
            name = inner[inner.rfind("/") + 1 :]
            resolved = f"{resolved}/{name}" if resolved else name
            if resolved in self.links:
                resolved = self._follow(resolved)
            known[inner] = resolved
        return resolved

    def place(self, path: str) -> str:
        """The path at which an entry called `path` lies: its directory resolved, a symlink at its end not followed."""
        parent, _, name = path.rpartition("/")
        directory = self._resolved.get(parent)
        if directory is None:
            directory = self.resolve(parent)
        return path if directory == parent else f"{directory}/{name}" if directory else name

    def places(self, paths: Iterable[str]) -> list[str]:
        """`place` of each."""
        place = self.place
        return [place(path) for path in paths]

    def walk(self, path: str) -> tuple[str, list[str], bool]:
        """Where `path` leads, the symlinks on the way in their order, and whether it was walked to its end.

        `path` may have slashes at its ends, `.` and `..`; it need not exist. After 40 links the way ends where it is.
        """
        todo, done, crossed = path.split("/")[::-1], list[str](), list[str]()
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del done[-1:]
                continue
            done.append(part)
            here = "/".join(done)
            target = self.links.get(here)
            if target is None:
                continue
            if len(crossed) == _FOLLOWED:
                return here, crossed, False
            crossed.append(here)
            done = [] if target.startswith("/") else done[:-1]
            todo.extend(target.split("/")[::-1])
        return "/".join(done), crossed, True

    def _follow(self, link: str) -> str:
        end, _, whole = self.walk(link)
        return end if whole else link


def merged_root(inventory: Inventory) -> Root:
    """The merged root of an inventory, whose owners need not be known yet.

    Contents past three million lines in all are left out, as if they had not been kept while reading.
    """
    kinds = inventory.column("kind")
    paths, live, state = inventory.paths, inventory.live, inventory.state
    links: dict[str, str] = {}
    captured: dict[str, bytes] = {}
    left = _LINES
    starts = inventory.starts.tolist()
    texts = inventory.links
    for layer, start, end in zip(inventory.layers, starts, starts[1:], strict=False):
        own = kinds[start:end]
        linking = ((own == Kind.SYMLINK) | (own == Kind.HARDLINK)) & (state[start:end] == State.LIVE)
        contents = {path: content for path, content in layer.captured.items() if start <= live.get(path, -1) < end}
        for row in np.flatnonzero(linking).tolist():
            text = texts[start + row]
            if own[row] == Kind.SYMLINK:
                links[paths[start + row]] = text
            elif text in layer.captured:
                contents[paths[start + row]] = layer.captured[text]
        for path, content in contents.items():
            left -= content.count(b"\n")
            if left >= 0:
                captured[path] = content
    return Root(paths, kinds, live, links, captured)
