"""Directories: those above what is kept, those that programs write into, and those that were made to be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import System
from slimml.inventory.table import State
from slimml.oci import documents
from slimml.oci.tar.events import Kind
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping

_STICKY, _FOR_ALL = 0o1000, 0o002
_MOUNTS = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "root", "home", "mnt", "opt", "srv", "media", "var/run")
"""Where engines and people mount something (FHS 3.0, 3)"""


def keep_written(keeping: Keeping) -> None:
    """Keep directories that are sticky, for everybody to write, or not root's, and those that the config names."""
    inventory = keeping.inventory
    live = (inventory.state == State.LIVE) & (keeping.kinds == Kind.DIRECTORY)
    mode, uid, gid = inventory.column("mode"), inventory.column("uid"), inventory.column("gid")
    for row in np.flatnonzero(live & ((mode & (_STICKY | _FOR_ALL)) != 0)).tolist():
        keeping.keep(row, "a directory that everybody may write into")
    for row in np.flatnonzero(live & ((uid != 0) | (gid != 0))).tolist():
        keeping.keep(row, "a directory that a program without root's rights may write into")
    runtime, what = inventory.image.config.runtime, "the image config"
    volumes = documents.mapping(runtime, "Volumes", what)
    directory = documents.text(runtime, "WorkingDir", what, default="")
    for path in (*_MOUNTS, directory, *volumes):
        if path.strip("/"):
            keeping.keep_path(path, "a directory that containers start in or mount something on")


def keep_empty(keeping: Keeping) -> None:
    """Keep directories that hold nothing in the image and are the application's or a kept package's.

    Not one that would only become empty: an empty directory among modules is a namespace package, and `import` of it
    succeeds.
    """
    if keeping.depth is Depth.STRICT:
        return
    owners, owner = keeping.inventory.owners, keeping.inventory.owner
    for path, row in keeping.live.items():
        if keeping.is_directory[row] and path not in keeping.below:
            position = int(owner[row])
            if owners[position].system in (System.APPLICATION, System.UNKNOWN) or position in keeping.owners:
                keeping.keep(row, "an empty directory, perhaps to be written into")


def keep_parents(keeping: Keeping) -> None:
    """Keep every directory that something kept is in, with the modes and owners that it has."""
    seen: set[str] = set()
    for row in np.flatnonzero(keeping.why).tolist():
        path = keeping.paths[row].rpartition("/")[0]
        while path not in seen:
            seen.add(path)
            above = keeping.live.get(path)
            if above is not None:
                keeping.keep_directory(above, "something in it is kept")
            path = path.rpartition("/")[0]
