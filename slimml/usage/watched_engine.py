"""An engine whose containers are recorded: whoever asks probes of it makes a recording by that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.errors import SlimmlError
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, EngineFacts, Prepared, RunSpec
    from slimml.oci.image import Image
    from slimml.usage.recorder import Recorder, Watch
    from slimml.usage.recording import Use

_GRACE_SECONDS = 1.0


class WatchedEngine:
    """See `engine.container.Engine`. What was recorded of all containers so far is here, times from `begun` on."""

    def __init__(self, engine: Engine, recorder: Recorder) -> None:
        self.name = engine.name
        self.begun = time.monotonic()
        self.uses: list[Use] = []
        self.lost: list[str] = []
        self.syscalls: set[str] = set()
        self.users: set[int] = set()
        self._engine, self._recorder = engine, recorder

    def facts(self) -> EngineFacts:
        """What it is."""
        return self._engine.facts()

    def prepare(self, image: Image, progress: Progress = SILENT) -> AbstractContextManager[Prepared]:
        """As the engine itself."""
        return self._engine.prepare(image, progress)

    @contextmanager
    def create(self, prepared: Prepared, spec: RunSpec) -> Iterator[Container]:
        """A container, watched; what its program does when it is told to end is recorded too."""
        begun = time.monotonic()
        with self._recorder.watch(self._engine, prepared, spec) as (container, watch):
            try:
                yield container
                with suppress(SlimmlError, OSError):
                    container.stop(_GRACE_SECONDS)
            finally:
                self.take(watch, begun)

    def sweep(self) -> tuple[str, ...]:
        """As the engine itself."""
        return self._engine.sweep()

    def take(self, watch: Watch, begun: float) -> None:
        """Add what a watch that began at `begun` (monotonic) has seen."""
        later = begun - self.begun
        self.uses += [replace(use, first=round(use.first + later, 6)) for use in watch.uses()]
        self.lost += watch.lost()
        self.syscalls |= watch.syscalls()
        self.users |= watch.users()
