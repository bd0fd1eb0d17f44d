"""The merged root as directories by bytes: where in the file system an image is heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import counted, share, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.inventory.table import Inventory

SMALLEST_SHARE = 0.01
"""directories below this share of the whole are summed up in one line"""


@dataclass(frozen=True)
class Directory:
    """A directory of the merged root with all that is below it; `children` by bytes, largest first.

    `rest` counts the children that were too small or too deep to be listed, `rest_bytes` what is in them together
    with files that lie in the directory itself.
    """

    name: str
    files: int
    disk_bytes: int
    compressed_bytes: int
    children: tuple[Directory, ...]
    rest: int
    rest_bytes: int


def tree_of(inventory: Inventory, depth: int) -> Directory:
    """Live directories down to `depth`; the root is named `/`."""
    totals: dict[str, list[int]] = {"": [0, 0, 0]}
    below: dict[str, set[str]] = {}
    sizes, compressed = inventory.column("size").tolist(), inventory.column("compressed").tolist()
    for path, row in inventory.live.items():
        if not sizes[row]:
            continue
        parents = path.split("/")[:-1]
        parent = ""
        _add(totals[""], sizes[row], compressed[row])
        for level, part in enumerate(parents[:depth]):
            directory = f"{parent}/{part}" if level else part
            below.setdefault(parent, set()).add(directory)
            _add(totals.setdefault(directory, [0, 0, 0]), sizes[row], compressed[row])
            parent = directory
    return _directory("", totals, below, SMALLEST_SHARE * totals[""][1])


def _add(total: list[int], size_bytes: int, compressed: int) -> None:
    total[0] += 1
    total[1] += size_bytes
    total[2] += compressed


def _directory(path: str, totals: dict[str, list[int]], below: dict[str, set[str]], smallest: float) -> Directory:
    inside = below.get(path, set())
    shown = sorted((d for d in inside if totals[d][1] >= smallest), key=lambda d: (-totals[d][1], d))
    files, disk, compressed = totals[path]
    return Directory(
        name=path.rpartition("/")[2] or "/",
        files=files,
        disk_bytes=disk,
        compressed_bytes=compressed,
        children=tuple(_directory(child, totals, below, smallest) for child in shown),
        rest=len(inside) - len(shown),
        rest_bytes=disk - sum(totals[child][1] for child in shown),
    )


def render_tree(root: Directory, console: Console) -> None:
    """Print the tree, a line per directory: bytes, share of the whole, name."""
    _lines(root, root.disk_bytes, "", "", console)


def _lines(directory: Directory, whole: int, branch: str, stem: str, console: Console) -> None:
    numbers = f"{size(directory.disk_bytes):>9}  {share(directory.disk_bytes, whole):>7}  "
    console.print(f"{numbers}{branch}{visible(directory.name)}", soft_wrap=True)
    small = directory.rest_bytes if directory.children else 0
    for position, child in enumerate(directory.children, 1):
        last = position == len(directory.children) and not small
        _lines(child, whole, f"{stem}{'└── ' if last else '├── '}", f"{stem}{'    ' if last else '│   '}", console)
    if small:
        what = counted(directory.rest, "smaller directory", "smaller directories") if directory.rest else ""
        words = f"files{' and ' if what else ''}{what}"
        console.print(f"{size(small):>9}  {share(small, whole):>7}  {stem}└── … {words}", style="dim", soft_wrap=True)
