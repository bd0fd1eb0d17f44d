"""What a file cannot be without: the content of a hard link, the target of a symlink, bytecode's source, and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import System
from slimml.inventory.owners.derived import source_of
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping


_PROGRAM = re.compile(r"(?:.*/)?s?bin/[^/]+")


def keep_attached(keeping: Keeping, row: int) -> None:
    """Keep what the kept `row` needs to be what it is."""
    path, kind = keeping.paths[row], keeping.kinds[row]
    if kind == Kind.SYMLINK:
        keeping.keep_path(path, f"/{path} leads to it")
    elif kind == Kind.HARDLINK:
        holder = keeping.live.get(keeping.inventory.links[row])
        if holder is not None:
            keeping.keep(holder, f"it is the same file as /{path}")
    if path.endswith(".pyc"):
        source = keeping.live.get(source_of(path))
        if source is not None:
            # Python takes bytecode in __pycache__ only where the source is there to be asked for.
            keeping.keep(source, f"the source of /{path}")
    elif path.endswith(".py") and keeping.depth is not Depth.STRICT:
        _keep_bytecode(keeping, path)


def _keep_bytecode(keeping: Keeping, source: str) -> None:
    directory, slash, name = source.rpartition("/")
    cache = f"{directory}{slash}__pycache__"
    start = f"{cache}/{name.removesuffix('py')}"
    for row in keeping.below.get(cache, ()):
        path = keeping.paths[row]
        if path.startswith(start) and ".opt-" not in path and source_of(path) == source:
            keeping.keep(row, f"the bytecode of /{source}")


def keep_links(keeping: Keeping) -> None:
    """Keep symlinks that lead to something kept, for they cost nothing, and not every recorder sees who crosses them.

    Kept are those of nobody and of packages that stay, and whoever's they are those among programs, which a command or
    a script may name (`python3` leads to `python3.11`, of another package); but not those of -dev packages. Of nobody's
    also those that lead out of the image: `/etc/mtab` leads to `/proc`.
    """
    inventory = keeping.inventory
    links = np.flatnonzero((keeping.kinds == Kind.SYMLINK) & (inventory.state == State.LIVE) & (keeping.why == 0))
    for row in links.tolist():
        path, owner = keeping.paths[row], int(inventory.owner[row])
        target = keeping.root.resolve(path)
        nobody = inventory.owners[owner].system in (System.APPLICATION, System.UNKNOWN)
        program = _PROGRAM.fullmatch(path) and _PROGRAM.fullmatch(target)
        if keeping.kept(target) and (nobody or program or owner in keeping.owners):
            keeping.keep(row, f"it leads to /{target}, which is kept")
        elif nobody and target not in keeping.live and keeping.depth is not Depth.STRICT:
            keeping.keep(row, f"it leads to /{target}, which is not of the image")
