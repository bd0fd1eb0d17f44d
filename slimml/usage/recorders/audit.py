"""Recording by Python itself (PEP 578, audit hooks): the last resort, for where the host allows nothing.

A module is lent to the image that Python runs as it starts; it writes what it sees into a directory that is mounted.
What native code opens it cannot see, so such a recording is incomplete by its nature.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.engine.container import Mount
from slimml.engine.daemon.engine import DaemonEngine
from slimml.engine.keeper.ground import place_of
from slimml.engine.leftovers import own_name
from slimml.probes.variables import image_variables
from slimml.usage.recorders.gathered import Gathered
from slimml.usage.recorders.path_calls import OUTSIDE
from slimml.usage.recorders.reader import uses_told
from slimml.usage.recording import PYTHON_ONLY, Seen, Use

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Prepared, RunSpec

LENT = Path(__file__).parent / "lent"
"""the directory of its sitecustomize.py"""
LENT_AT, TOLD_AT = "/slimml-lent", "/slimml-told"
"""where that, and what it writes, appear in a container"""
_MOST_BYTES = 256 << 20
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FIELDS = 3
_MOST_OPERATIONS = 127


class AuditRecorder:
    """See `usage.recorder.Recorder`."""

    seen = Seen(
        "audit",
        (
            "what native code opens by itself (models that a library reads, data of libraries)",
            "programs other than Python, and Pythons that ignore PYTHONPATH (-I, -E)",
            "what is only asked for (stat, access), links, what the dynamic loader opened and closed",
            "system calls",
        ),
    )

    def usable(self, engine: Engine) -> str | None:
        """None when it works with this engine on this host, else why not, in words."""
        if isinstance(engine, DaemonEngine) and engine.address.socket_path is None:
            return f"audit hooks write into a directory of this machine, and {engine.name} runs on another"
        if engine.name == "host" and engine.facts().runtime != "runc":
            return "audit hooks are for images, and a directory of this machine takes no mounts"
        return None

    @contextmanager
    def watch(self, engine: Engine, prepared: Prepared, spec: RunSpec) -> Iterator[tuple[Container, AuditWatch]]:
        """Create a container and watch it; raises what the engine raises."""
        # Under a name that later runs sweep if this one is killed.
        place = place_of(None) / own_name()
        place.mkdir(mode=0o700)
        try:
            told = place / "told"
            told.mkdir()
            told.chmod(0o1777)  # whoever the program runs as
            watch = AuditWatch(told)
            with engine.create(prepared, lend(spec, image_variables(prepared.image), told)) as container:
                try:
                    yield container, watch
                finally:
                    watch.end()
        finally:
            shutil.rmtree(place, ignore_errors=True)


def lend(spec: RunSpec, variables: dict[str, str], told: Path) -> RunSpec:
    """The same run with the module on Python's path; `variables` are the image's own."""
    own = {**variables, **spec.environment}.get("PYTHONPATH")
    more = {"PYTHONPATH": ":".join(filter(None, (LENT_AT, own))), "SLIMML_RECORD": TOLD_AT}
    mounts = (Mount(LENT, LENT_AT), Mount(told, TOLD_AT, writable=True))
    return replace(spec, environment={**spec.environment, **more}, mounts=(*spec.mounts, *mounts))


class AuditWatch:
    """See `usage.recorder.Watch`; `place` is the directory that programs write to."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._begun = time.monotonic()
        self._ended: Gathered | None = None

    def end(self) -> None:
        """Take what is there."""
        self._ended = self._gathered()

    def _gathered(self) -> Gathered:
        if self._ended is not None:
            return self._ended
        found, left = Gathered(), _MOST_BYTES
        for name in sorted(os.listdir(self._place)):
            data = _content(self._place / name, left)
            if data is None:
                found.lose("a file that Python programs should have written is none of theirs, or too large")
                continue
            left -= len(data)
            _read(data, found)
        if not found.told()["uses"]:
            found.lose("no Python program told of itself")
        return found

    def uses(self) -> tuple[Use, ...]:
        """Everything that was used so far, by the names that programs gave."""
        return uses_told(self._gathered().told()["uses"], self._begun)

    def lost(self) -> tuple[str, ...]:
        """What may be missing: always something."""
        return (PYTHON_ONLY, *self._gathered().told()["lost"])

    def syscalls(self) -> frozenset[str]:
        """None: Python does not know."""
        return frozenset()

    def users(self) -> frozenset[int]:
        """User IDs that Python programs ran with."""
        return frozenset(self._gathered().users)


def _content(path: Path, most: int) -> bytes | None:
    """A file that a program of the image wrote: it may be anything."""
    try:
        with open(os.open(path, _FILE), "rb") as file:
            state = os.fstat(file.fileno())
            return file.read(most) if stat.S_ISREG(state.st_mode) and state.st_size <= most else None
    except OSError:
        return None


def _read(data: bytes, found: Gathered) -> None:
    process = ""
    for line in data.splitlines():
        fields = line.split(b" ")
        try:
            moment, operation = int(fields[0]), int(fields[1])
            text = bytes.fromhex(fields[2].decode("ascii")) if len(fields) == _FIELDS else b""
        except (ValueError, IndexError):
            found.lose("a line that a Python program wrote cannot be read")
            continue
        if operation == 0:
            name, _, user = text.rpartition(b" ")
            process = name.decode("utf-8", "replace")
            if user.isdigit():
                found.users.add(int(user))
            continue
        path = os.fsdecode(text).lstrip("/")
        ours = path.startswith((f"{LENT_AT[1:]}/", f"{TOLD_AT[1:]}/", *OUTSIDE))
        if path and not ours and 0 < operation <= _MOST_OPERATIONS and "\0" not in path:
            found.add(path, operation, process, moment / 1e9)
