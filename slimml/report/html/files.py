"""Every entry of an image as columns for the page: where it lies, whose it is, how heavy, what could become of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.bloat.finding import Findings
    from slimml.inventory.table import Inventory


@dataclass(frozen=True)
class Files:
    """Columns with an element for each row of the inventory, in its order, and what they refer to.

    Directories are numbered from 0, the root: `folder_parent` and `folder_name` tell them, `folder` and `name` a row's
    path, all names by their position in `words["names"]`. `finding` is 0 or one more than a position in the report's
    findings, `by` 0 or one more than the layer that hid the row.
    """

    numbers: Mapping[str, NDArray[Any]]
    words: Mapping[str, Sequence[str]]
    head: Mapping[str, Any]


def files_of(inventory: Inventory, findings: Findings) -> Files:
    """The columns of all rows. `findings` are those that the report was made of, in any order."""
    names = _Names()
    folder, name = names.rows(inventory.paths)
    form, forms = _forms(inventory)
    # As build_analysis orders the findings of its report.
    ordered = sorted(findings, key=lambda one: (-one.disk_bytes, one.rule, one.title))
    finding = np.zeros(inventory.table.num_rows, np.int64)
    sizes = inventory.column("size")
    for position, one in enumerate(ordered, 1):
        finding[one.rows] = position
    return Files(
        numbers={
            "folder_parent": np.array(names.parents, np.int64),
            "folder_name": np.array(names.folder_names, np.int64),
            "folder": folder,
            "name": name,
            "size": sizes,
            "compressed": np.maximum(inventory.column("compressed"), 0),
            "kind": inventory.column("kind"),
            "form": form,
            "owner": inventory.owner,
            "state": inventory.state,
            "by": inventory.by.astype(np.int64) + 1,
            "finding": finding,
        },
        words={
            "names": names.words,
            "owner_systems": [owner.system.value for owner in inventory.owners],
            "owner_names": [visible(owner.name) for owner in inventory.owners],
            "owner_versions": [visible(owner.version) for owner in inventory.owners],
        },
        head={
            "starts": inventory.starts.tolist(),
            "forms": forms,
            # Of some files a part could go (symbols): that share of each is counted.
            "shares": [_share(one.disk_bytes, int(sizes[one.rows].sum())) for one in ordered],
        },
    )


def _share(part: int, whole: int) -> float:
    return min(1.0, part / whole) if whole else 1.0


def _forms(inventory: Inventory) -> tuple[NDArray[np.int64], list[str]]:
    """The form of each row as a position in a list of forms; each layer's column has a dictionary of its own."""
    known: dict[str, int] = {}
    parts = [np.empty(0, np.int64)]
    for chunk in inventory.table["form"].chunks:
        positions = np.array([known.setdefault(word, len(known)) for word in chunk.dictionary.to_pylist()], np.int64)
        parts.append(positions[chunk.indices.to_numpy(zero_copy_only=False)] if len(chunk) else parts[0])
    return np.concatenate(parts), list(known)


class _Names:
    """Paths taken apart into directories and names, each written once."""

    def __init__(self) -> None:
        self.words: list[str] = [""]
        self.parents: list[int] = [0]
        self.folder_names: list[int] = [0]
        self._known = {"": 0}
        self._folders = {"": 0}

    def rows(self, paths: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The directory and the name of each path."""
        folders, names = np.empty(len(paths), np.int64), np.empty(len(paths), np.int64)
        for row, path in enumerate(paths):
            parent, _, name = path.rpartition("/")
            folders[row] = self._folder(parent)
            names[row] = self._name(name)
        return folders, names

    def _folder(self, path: str) -> int:
        found = self._folders.get(path)
        if found is not None:
            return found
        missing = []
        while path not in self._folders:  # no recursion: a hostile path is thousands of directories deep
            missing.append(path)
            path = path.rpartition("/")[0]
        for path in reversed(missing):
            parent, _, name = path.rpartition("/")
            self.parents.append(self._folders[parent])
            self.folder_names.append(self._name(name))
            self._folders[path] = len(self.parents) - 1
        return self._folders[missing[0]]

    def _name(self, name: str) -> int:
        number = self._known.get(name)
        if number is None:
            number = self._known[name] = len(self.words)
            self.words.append(visible(name))
        return number
