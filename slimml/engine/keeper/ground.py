"""A directory of this run's own with a keeper in it, and the removal of those whose run is dead."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from slimml.engine.keeper.ask import Keeper
from slimml.engine.keeper.identity import SubIds, granted_ids
from slimml.engine.leftovers import abandoned, own_name
from slimml.errors import SlimmlError, Unavailable
from slimml.oci.beneath import told
from slimml.oci.work_place import work_place

_PREFIX = "slimml-"
ROOT_IN_NAMESPACE = "root"


def place_of(place: Path | None) -> Path:
    """`place`, or where slimml works without one; made when missing, absolute. Raises AccessDenied, SlimmlError."""
    found = place or work_place()
    try:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise told(error, str(found)) from None
    return found.resolve()


def namespace_user() -> str | SubIds | None:
    """The user namespace that containers need: none for root, else with the granted users, else with root alone."""
    return None if os.geteuid() == 0 else granted_ids() or ROOT_IN_NAMESPACE


@contextmanager
def keeper_on_ground(
    place: Path, *, user: str | SubIds | None, mounts: bool, network: bool = False, hide: Sequence[str] = ()
) -> Iterator[Keeper]:
    """A keeper in a new directory in `place` that only this user can enter; both end with the context, or with us."""
    ground = place / own_name()
    try:
        ground.mkdir(mode=0o700)
    except OSError as error:
        raise told(error, str(ground)) from None
    keeper = None
    try:
        keeper = Keeper(ground, user=user, mounts=mounts, network=network, hide=hide)
        yield keeper
    finally:
        if keeper is not None:
            keeper.close()
        shutil.rmtree(ground, ignore_errors=True)


def sweep_grounds(place: Path) -> tuple[str, ...]:
    """Remove from `place` what dead runs left, with the processes that still use it; the names removed."""
    removed = []
    for name in abandoned(entry for entry in os.listdir(place) if entry.startswith(_PREFIX)):
        ground = place / name
        with suppress(OSError):
            if ground.lstat().st_uid != os.geteuid():
                continue
            kill_users(name)
            # As whoever made the files: a namespace that knows the same users.
            with suppress(Unavailable, SlimmlError):
                user = namespace_user()
                Keeper(ground, user=user, mounts=user is not None).close()
            shutil.rmtree(ground, ignore_errors=True)
            removed.append(name)
    return tuple(removed)


def kill_users(name: str) -> None:
    """Kill the processes that have a mount out of the ground `name`, or carry it in their environment."""
    marker = name.encode()
    for number in filter(str.isdigit, os.listdir("/proc")):
        pid = int(number)
        with suppress(OSError):
            # What is found here and killed below is one process, whatever becomes of its number.
            descriptor = os.pidfd_open(pid)
            try:
                if pid != os.getpid() and _names(pid, marker):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)


def _names(pid: int, marker: bytes) -> bool:
    for file in ("mountinfo", "environ"):
        with suppress(OSError):
            # Followed by a slash or an end: the name of ground 1 begins that of ground 12.
            data = Path(f"/proc/{pid}/{file}").read_bytes()
            if any(
                data[at + len(marker) : at + len(marker) + 1] in (b"/", b"\0", b" ", b"") for at in _found(data, marker)
            ):
                return True
    return False


def _found(data: bytes, marker: bytes) -> Iterator[int]:
    at = data.find(marker)
    while at >= 0:
        yield at
        at = data.find(marker, at + 1)
