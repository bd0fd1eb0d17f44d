"""Several directories of this machine under one engine, so that they can be compared as images on one engine are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from slimml.errors import UsageError
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.engine.container import Container, EngineFacts, Prepared, RunSpec
    from slimml.engine.host import HostEngine
    from slimml.oci.image import Image


class SideBySide:
    """See `engine.container.Engine`; only the images of its engines can be run, all of one kind: roots, or virtual
    environments. The same directory may be there twice.
    """

    name = "host"

    def __init__(self, engines: Sequence[HostEngine]) -> None:
        self._engines = tuple(engines)

    @property
    def images(self) -> tuple[Image, ...]:
        """What stands for the images, in the order of the engines."""
        return tuple(engine.image for engine in self._engines)

    def facts(self) -> EngineFacts:
        """What it is."""
        return self._engines[0].facts()

    def prepare(self, image: Image, progress: Progress = SILENT) -> AbstractContextManager[Prepared]:
        """The directory that `image` stands for, as it is; raises UsageError for an image of something else."""
        return self._of(image).prepare(image, progress)

    def create(self, prepared: Prepared, spec: RunSpec) -> AbstractContextManager[Container]:
        """A container, or what is one for a virtual environment."""
        return self._of(prepared.image).create(prepared, spec)

    def sweep(self) -> tuple[str, ...]:
        """Remove what runs that were killed left behind; the names of what was removed."""
        return tuple(name for engine in self._engines for name in engine.sweep())

    def _of(self, image: Image) -> HostEngine:
        for engine in self._engines:
            if engine.image is image:
                return engine
        raise UsageError(f"{image.reference} is none of the directories of this machine that were named")
