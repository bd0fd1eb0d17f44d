"""Lends an image what notes where its start goes: a module that Python runs as it begins, and a place for its notes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from slimml.bench.injecting import runs_here
from slimml.engine.container import Mount
from slimml.oci.work_place import work_place
from slimml.probes.probe import HttpProbe
from slimml.probes.variables import image_variables

if TYPE_CHECKING:
    from slimml.bench.first_answer import Question
    from slimml.engine.container import Engine, Prepared
    from slimml.probes.probe import Suite

INJECTED = Path(__file__).parent / "injected"
"""the directory of its sitecustomize.py"""
LENT_AT = "/slimml-profile"
"""where that appears in a container"""
_NOTES_AT = "/slimml-notes"
_ANYBODY = 0o1777
"""the program may run as whoever its image says"""


@dataclass(frozen=True)
class Lent:
    """A suite and its question as they are asked of a watched container, whose notes appear in `notes`."""

    suite: Suite
    question: Question
    notes: Path

    def read(self) -> list[bytes]:
        """What each process noted so far, the oldest first."""
        files = sorted(self.notes.iterdir(), key=lambda file: int(file.stem.partition("-")[2] or 0))
        return [file.read_bytes() for file in files if file.suffix == ".notes"]


@contextmanager
def lend(engine: Engine, prepared: Prepared, suite: Suite, question: Question, wanted: str = "") -> Iterator[Lent]:
    """The suite with the module on Python's path, told what is `wanted` besides the spans of time (`use`).

    A virtual environment of this machine is no container, nothing is mounted there: everything is used where it lies.
    """
    here = runs_here(engine)
    inherited = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")} if here else image_variables(prepared.image)
    own = {**inherited, **suite.environment}
    if not isinstance(question, HttpProbe):
        own |= question.environment
    place = work_place()
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="slimml-profile-", dir=place, ignore_cleanup_errors=True) as directory:
        notes = Path(directory)
        notes.chmod(_ANYBODY)
        path = [str(INJECTED) if here else LENT_AT, *filter(None, [own.get("PYTHONPATH")])]
        more = {
            "PYTHONPATH": ":".join(path),
            "SLIMML_PROFILE": wanted,
            "SLIMML_PROFILE_OUT": str(notes) if here else _NOTES_AT,
        }
        mounts = () if here else (Mount(INJECTED, LENT_AT), Mount(notes, _NOTES_AT, writable=True))
        asked = replace(suite, environment={**suite.environment, **more}, mounts=(*suite.mounts, *mounts))
        if not isinstance(question, HttpProbe):
            question = replace(question, environment={**question.environment, **more})
        yield Lent(asked, question, notes)
