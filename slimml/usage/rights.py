"""Which rights a program used: setuid files, root, and where it wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.root import merged_root
from slimml.inventory.table import State
from slimml.oci import documents
from slimml.oci.tar.events import Kind
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.usage.recording import Recording

_SETUID, _SETGID, _BY_GROUP, _STICKY = 0o4000, 0o2000, 0o010, 0o1000
_OF_EVERYBODY = ("tmp", "var/tmp", "dev", "proc", "run", "var/run", "sys")
_HOME = re.compile(r"(?:root|home/[^/]+)(?:/|$)")


@dataclass(frozen=True)
class Rights:
    """Paths are relative to the root. `users` are the user IDs that processes ran with, empty where not known.

    `unused_setuid` are setuid and setgid programs that were never executed, `used_setuid` those that were.
    `written` are directories in which something was written, `outside` those of them that are not the program's own:
    neither its working directory, a volume, a home or a place for temporary files, nor owned by the user it ran as.
    """

    users: tuple[int, ...]
    unused_setuid: tuple[str, ...]
    used_setuid: tuple[str, ...]
    written: tuple[str, ...]
    outside: tuple[str, ...]

    @property
    def as_root(self) -> bool | None:
        """Whether a process ran as root; None where nobody knows."""
        return 0 in self.users if self.users else None


def rights_used(inventory: Inventory, recording: Recording) -> Rights:
    """What a complete recording tells of rights."""
    executed = _executed(inventory, recording)
    privileged = tuple(_setuid(inventory))
    written = sorted({_directory(inventory, use.path) for use in recording.uses if use.operations & Operation.WRITE})
    own = _own_places(inventory)
    outside = tuple(place for place in written if not _is_own(inventory, place, own, recording.users))
    return Rights(
        users=recording.users,
        unused_setuid=tuple(path for path in privileged if path not in executed),
        used_setuid=tuple(path for path in privileged if path in executed),
        written=tuple(written),
        outside=outside,
    )


def _setuid(inventory: Inventory) -> Iterator[str]:
    mode = inventory.column("mode")
    privileged = ((mode & _SETUID) != 0) | ((mode & (_SETGID | _BY_GROUP)) == (_SETGID | _BY_GROUP))
    privileged &= np.isin(inventory.column("kind"), (Kind.FILE, Kind.HARDLINK)) & (inventory.state == State.LIVE)
    return iter(sorted(inventory.paths[row] for row in np.flatnonzero(privileged).tolist()))


def _executed(inventory: Inventory, recording: Recording) -> set[str]:
    root = merged_root(inventory)
    return {root.resolve(use.path) for use in recording.uses if use.operations & Operation.EXEC}


def _directory(inventory: Inventory, path: str) -> str:
    """The directory of the image in which a path lies that the image may not have."""
    kind = inventory.column("kind")
    place = path.rpartition("/")[0]
    while place:
        row = inventory.live.get(place)
        if row is not None and kind[row] == Kind.DIRECTORY:
            break
        place = place.rpartition("/")[0]
    # A place for temporary files may be made by the runtime and not be in the image.
    return place or path.partition("/")[0]


def _own_places(inventory: Inventory) -> tuple[str, ...]:
    runtime = inventory.image.config.runtime
    working = str(runtime.get("WorkingDir") or "").strip("/")
    volumes = documents.mapping(runtime, "Volumes", "the image config") if runtime.get("Volumes") else {}
    named = (working, *(str(volume).strip("/") for volume in volumes))
    return (*_OF_EVERYBODY, *(place for place in named if place))


def _is_own(inventory: Inventory, place: str, own: tuple[str, ...], users: tuple[int, ...]) -> bool:
    if _HOME.match(place) or any(place == it or place.startswith(f"{it}/") for it in own):
        return True
    row = inventory.live.get(place)
    if row is None:
        return False
    uid, mode = int(inventory.column("uid")[row]), int(inventory.column("mode")[row])
    return bool(mode & _STICKY) or (uid != 0 and uid in users)
