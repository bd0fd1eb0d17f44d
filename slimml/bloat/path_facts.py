"""Where each row lies, worked out once per inventory: directories in preorder, names and suffixes as numbers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

    Mask = NDArray[np.bool_]

SITE_NAMES = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class PathFacts:
    """The places of an inventory's rows. Masks have one element per row.

    `directories` are all directories that hold a row, and their ancestors, in preorder: the subtree of directory i is
    `i:ends[i]`. `directory`, `name` and `form` are, of each row, positions in `directories`, `names` and `forms`.
    """

    directories: list[str]
    ends: NDArray[np.int64]
    names: list[str]
    directory: NDArray[np.int64]
    name: NDArray[np.int64]
    kind: NDArray[np.uint8]
    size: NDArray[np.int64]
    live: Mask
    form: NDArray[np.int64]
    forms: list[str]
    _positions: dict[str, int]
    _named: dict[str, list[int]]
    _memo: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> Mask:
        """Live files, symlinks and hard links: what a DROP of single files may list."""
        return np.asarray(self.live & np.isin(self.kind, (Kind.FILE, Kind.SYMLINK, Kind.HARDLINK)), dtype=bool)

    @cached_property
    def files(self) -> Mask:
        """Live regular files."""
        return np.asarray(self.live & (self.kind == Kind.FILE), dtype=bool)

    @cached_property
    def name_numbers(self) -> dict[str, int]:
        """The position in `names` of each name."""
        return {name: number for number, name in enumerate(self.names)}

    @cached_property
    def suffixes(self) -> dict[str, list[int]]:
        """Names (positions) by their lower-case last suffix, without the dot; "" for none."""
        found: dict[str, list[int]] = {}
        for number, name in enumerate(self.names):
            dot = name.rfind(".")
            found.setdefault(name[dot + 1 :].lower() if dot > 0 else "", []).append(number)
        return found

    def subtree(self, roots: Iterable[int]) -> Mask:
        """One element per directory: is it one of `roots` (positions) or beneath one?"""
        inside = np.zeros(len(self.directories), dtype=bool)
        for root in roots:
            inside[root : self.ends[root]] = True
        return inside

    def directories_named(self, *names: str) -> list[int]:
        """Positions of the directories whose last component is one of `names`."""
        return [position for name in names for position in self._named.get(name, ())]

    def directories_where(self, matches: Callable[[str], object]) -> list[int]:
        """Positions of the directories whose last component `matches`, asked once per distinct one."""
        return [position for name, positions in self._named.items() if matches(name) for position in positions]

    def position(self, directory: str) -> int | None:
        """The position of a directory, None if it holds nothing."""
        return self._positions.get(directory)

    def beneath(self, *directories: str) -> Mask:
        """Rows beneath the directories of these paths (not the directories themselves)."""
        found = (self._positions.get(directory) for directory in directories)
        return self.beneath_positions(position for position in found if position is not None)

    def beneath_positions(self, roots: Iterable[int]) -> Mask:
        """Rows beneath the directories at these positions."""
        roots = list(roots)
        if not roots:
            return np.zeros(len(self.directory), dtype=bool)
        return np.asarray(self.subtree(roots)[self.directory], dtype=bool)

    def beneath_endings(self, *endings: str) -> Mask:
        """Rows beneath any directory whose path is, or ends in, one of `endings` (whole components)."""
        roots = [
            position
            for ending in endings
            for position in self._named.get(ending.rpartition("/")[2], ())
            if ends_in(self.directories[position], ending)
        ]
        return self.beneath_positions(roots)

    def beneath_named(self, *names: str) -> Mask:
        """Rows beneath any directory called one of `names`."""
        return self.beneath_positions(self.directories_named(*names))

    def named(self, *names: str) -> Mask:
        """Rows whose last component is one of `names`."""
        return self.of_names(self.name_numbers[name] for name in names if name in self.name_numbers)

    def suffixed(self, *suffixes: str) -> Mask:
        """Rows whose last suffix (lower case, without the dot) is one of `suffixes`."""
        return self.of_names(number for suffix in suffixes for number in self.suffixes.get(suffix, ()))

    def names_where(self, matches: Callable[[str], object], among: Mask | None = None) -> Mask:
        """Rows whose name `matches`, asked once per distinct name; only of the rows `among`, if given."""
        if among is None:
            return self.of_names(number for number, name in enumerate(self.names) if matches(name))
        asked = np.flatnonzero(np.bincount(self.name[among], minlength=len(self.names))).tolist()
        return self.of_names(number for number in asked if matches(self.names[number])) & among

    def of_names(self, numbers: Iterable[int]) -> Mask:
        """Rows with one of these names, by position in `names`."""
        chosen = np.zeros(len(self.names) + 1, dtype=bool)
        chosen[list(numbers)] = True
        return np.asarray(chosen[self.name], dtype=bool)

    def of_form(self, *forms: str) -> Mask:
        """Rows of one of these forms (slimml.inventory.form)."""
        chosen = np.array([form in forms for form in self.forms] or [False], dtype=bool)
        return np.asarray(chosen[self.form], dtype=bool)

    @cached_property
    def sites(self) -> list[int]:
        """Directories of Python distributions (site-packages, dist-packages), none inside another."""
        found: list[int] = []
        for position in sorted(self.directories_named(*SITE_NAMES)):
            if not found or position >= self.ends[found[-1]]:
                found.append(position)
        return found

    @cached_property
    def in_site(self) -> Mask:
        """Rows beneath a directory of Python distributions."""
        return self.beneath_positions(self.sites)

    @cached_property
    def own_position(self) -> NDArray[np.int64]:
        """Of each live directory row its position in `directories`; -1 for other rows, and where it holds nothing."""
        found = np.full(len(self.live), -1, dtype=np.int64)
        for row in np.flatnonzero(self.live & (self.kind == Kind.DIRECTORY)).tolist():
            place, name = self.directories[self.directory[row]], self.names[self.name[row]]
            found[row] = self._positions.get(f"{place}/{name}" if place else name, -1)
        return found

    def holding(self, rows: Mask) -> Mask:
        """Live directories with at least one of `rows` beneath them."""
        held = np.bincount(self.directory[rows], minlength=len(self.directories))
        before = np.concatenate([[0], np.cumsum(held)])
        positions = self.own_position
        inside = before[self.ends[positions]] > before[positions]
        return np.asarray(inside & (positions >= 0), dtype=bool)

    def emptied(self, rows: Mask) -> Mask:
        """Live directories beneath which something lies, and nothing live but `rows` and such directories."""
        rest = self.live & ~rows & (self.kind != Kind.DIRECTORY)
        return self.holding(rows) & ~self.holding(rest)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at the first call with this key: for what several detectors need."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]


def ends_in(path: str, ending: str) -> bool:
    """Are the last components of `path` those of `ending`?"""
    return path == ending or path.endswith(f"/{ending}")


_CACHE: dict[int, PathFacts] = {}


def path_facts(inventory: Inventory) -> PathFacts:
    """The facts of this inventory; made at the first call, gone with the inventory."""
    key = id(inventory)
    facts = _CACHE.get(key)
    if facts is None:
        facts = _CACHE[key] = _work_out(inventory)
        weakref.finalize(inventory, _CACHE.pop, key, None)
    return facts


def _work_out(inventory: Inventory) -> PathFacts:
    seen: dict[str, int] = {}
    names: dict[str, int] = {}
    in_directory: list[int] = []
    with_name: list[int] = []
    for path in inventory.paths:
        directory, _, name = path.rpartition("/")
        in_directory.append(seen.setdefault(directory, len(seen)))
        with_name.append(names.setdefault(name, len(names)))
    directories, ends = _preorder(seen)
    positions = {directory: position for position, directory in enumerate(directories)}
    moved = np.fromiter((positions[directory] for directory in seen), dtype=np.int64, count=len(seen))
    named: dict[str, list[int]] = {}
    for position, directory in enumerate(directories):
        named.setdefault(directory.rpartition("/")[2], []).append(position)
    form, forms = _forms(inventory)
    return PathFacts(
        directories=directories,
        ends=ends,
        names=list(names),
        directory=moved[np.asarray(in_directory, dtype=np.int64)] if in_directory else np.zeros(0, dtype=np.int64),
        name=np.asarray(with_name, dtype=np.int64),
        kind=inventory.column("kind"),
        size=inventory.column("size"),
        live=inventory.state == State.LIVE,
        form=form,
        forms=forms,
        _positions=positions,
        _named=named,
    )


def _forms(inventory: Inventory) -> tuple[NDArray[np.int64], list[str]]:
    column = inventory.table["form"].unify_dictionaries()
    if not column.num_chunks:
        return np.zeros(0, dtype=np.int64), []
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(codes).astype(np.int64), column.chunk(0).dictionary.to_pylist()


def _preorder(seen: Iterable[str]) -> tuple[list[str], NDArray[np.int64]]:
    everything = {""}
    for directory in seen:
        while directory not in everything:
            everything.add(directory)
            directory = directory.rpartition("/")[0]
    # NUL sorts before every character that a name can hold, so a directory is followed by all that is beneath it.
    directories = sorted(everything, key=lambda directory: directory.replace("/", "\0"))
    ends = np.full(len(directories), len(directories), dtype=np.int64)
    open_ones: list[tuple[int, int]] = []
    for position, directory in enumerate(directories):
        depth = directory.count("/") + 1 if directory else 0
        while open_ones and open_ones[-1][1] >= depth:
            ends[open_ones.pop()[0]] = position
        open_ones.append((position, depth))
    return directories, ends
