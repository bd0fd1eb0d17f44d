"""Who pulls: Docker or Podman, and where there is no daemon slimml itself, which fetches and unpacks as they do."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from slimml.errors import NotFound
from slimml.oci.reference import Name, Reference, Transport
from slimml.oci.transfer import Access, open_image

if TYPE_CHECKING:
    from slimml.engine.container import Engine, EngineFacts
    from slimml.oci.digest import Digest


class Puller(Protocol):
    """What pulls images. `local` says that it reaches a registry that listens on this machine's loopback."""

    local: bool

    def facts(self) -> EngineFacts:
        """What it is."""

    def pull(self, name: Name) -> None:
        """Fetch the image and unpack its layers, by plain HTTP where the registry is on this machine.

        Returns when a container could be created. Raises SlimmlError with the engine's words.
        """

    def diff_ids(self, name: Name) -> tuple[Digest, ...]:
        """The layers of an image that was pulled; raises NotFound."""

    def remove(self, name: Name) -> None:
        """Remove what `pull` brought; nothing happens where it brought nothing."""

    def sweep(self) -> tuple[str, ...]:
        """Remove the images that killed runs pulled; their names."""


def puller_of(engine: Engine, directory: Path, access: Access) -> Puller:
    """The engine's own way to pull, or slimml's into `directory` where the engine has none."""
    from slimml.engine.daemon.engine import DaemonEngine
    from slimml.engine.daemon.pull import DaemonPuller

    if isinstance(engine, DaemonEngine):
        return DaemonPuller(engine, insecure=access.insecure)
    return OwnPuller(engine, directory, access)


class OwnPuller:
    """Fetches layers one after the other and unpacks each while it arrives, its digest verified, below `directory`."""

    def __init__(self, engine: Engine, directory: Path, access: Access) -> None:
        self._engine = engine
        self._directory = directory
        self._access = access
        self._pulled: dict[Name, tuple[Path, tuple[Digest, ...]]] = {}
        self.local = True

    def facts(self) -> EngineFacts:
        """Those of the engine that would run what was unpacked."""
        return self._engine.facts()

    def pull(self, name: Name) -> None:
        """Fetch and unpack; raises what opening and unpacking an image raise."""
        from slimml.engine.bare.unpack import unpack_image

        self._directory.mkdir(parents=True, exist_ok=True)
        root = Path(tempfile.mkdtemp(prefix="pulled-", dir=self._directory))
        self._pulled[name] = root, ()
        image = open_image(Reference(Transport.REGISTRY, name=name), self._access)
        unpack_image(image, root, self._access.limits)
        # A layer's diff ID follows from its blob, whose digest was verified.
        self._pulled[name] = root, image.config.diff_ids

    def diff_ids(self, name: Name) -> tuple[Digest, ...]:
        """The layers that were unpacked; raises NotFound."""
        if name not in self._pulled:
            raise NotFound(f"{name} was not pulled")
        return self._pulled[name][1]

    def remove(self, name: Name) -> None:
        """Remove the unpacked files."""
        root, _ = self._pulled.pop(name, (None, ()))
        if root is not None:
            shutil.rmtree(root)

    def sweep(self) -> tuple[str, ...]:
        """Nothing: who made `directory` sweeps such directories."""
        return ()
